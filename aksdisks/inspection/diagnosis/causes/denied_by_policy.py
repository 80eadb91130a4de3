"""A policy, a lock or a deny assignment forbids it, whatever role the identity has.

What it is
    Azure Policy refuses the disk, or the update of the machine that attaching needs; a lock on the resource group
    allows no write or no delete; or the node resource group is locked down, which denies changes to everybody but AKS.

How it is recognised
    Words: `RequestDisallowedByPolicy` `… was disallowed by policy. Policy identifiers: …` (CSI#2349, k/k#71940),
    `DenyAssignmentAuthorizationFailed` or `blocked by deny assignments` (AKS#4291, ARO-RP#423), `ScopeLocked` `…
    because following scope(s) are locked` (azure-sdk-for-java#2560).

What it is not
    A role that is missing (`not-authorized`).

Next
    Find the assignment or lock that is named, and have it exempt the node resource group.

Links
    https://learn.microsoft.com/azure/aks/node-resource-group-lockdown
    https://learn.microsoft.com/azure/governance/policy/concepts/exemption-structure
"""

from __future__ import annotations

from shlex import quote

from aksdisks.inspection.diagnosis.case import SUBJECTS, Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.refusals import OVER_ACTS, refused
from aksdisks.inspection.diagnosis.rows import node_group


def _rule(case: Case) -> Match | None:
    refusal = refused(case, "denied-by-policy")
    if refusal is None:
        return None
    says, arm = refusal.evidence.says.lower(), refusal.arm
    group = quote(node_group(case) or "NODE_RESOURCE_GROUP")
    if "locked" in says:
        what = "a lock on the resource group forbids it"
        step = Step(f"az lock list --resource-group {group} --output table", "which locks there are")
    elif "deny" in says or "denyassignment" in says:
        what = "a deny assignment forbids it (such as that of a locked-down node resource group)"
        scope = f"$(az group show --name {group} --query id --output tsv)"
        url = "providers/Microsoft.Authorization/denyAssignments?api-version=2022-04-01"
        step = Step(f'az rest --method get --url "{scope}/{url}"', "which deny assignments there are")
    else:
        what = f"policy {arm.policy!r} forbids it" if arm.policy else "a policy forbids it"
        step = Step(
            f"az policy assignment list --resource-group {group} --disable-scope-strict-match --output table",
            "which policies apply there",
        )
    over = f" over {arm.scope}" if arm.scope else ""
    return Match(because=f"Azure does not {refusal.what}: {what}{over}", evidence=(refusal.evidence,), next=(step,))


CAUSE = Cause(
    id="denied-by-policy",
    verdict="problem",
    rule=_rule,
    kinds=SUBJECTS,
    page=__doc__,
    over=(*OVER_ACTS, "not-authorized"),
)

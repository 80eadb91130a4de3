"""The cluster's identity may not do it in Azure.

What it is
    The identity that the disk driver uses lacks a role where the disk or the machine is: the disk stands in another
    resource group, an assignment was removed, or the cluster's identity was changed. Azure names who, what and where.

How it is recognised
    Words: `AuthorizationFailed` or `LinkedAuthorizationFailed` `The client '…' with object id '…' does not have
    authorization to perform action '…' over scope '…'` (Azure; CSI#403), while a disk is made, attached,
    detached, expanded or deleted.

What it is not
    A refusal in spite of the role, by a policy, a lock or a deny assignment (`denied-by-policy`). An identity that is
    not there at all (`identity-missing`), or whose token is refused (`signed-out`).

Next
    See which roles the identity has there, then give it the one that it lacks. Assignments take some minutes.

Links
    https://learn.microsoft.com/azure/aks/use-managed-identity
"""

from __future__ import annotations

from shlex import quote

from aksdisks.inspection.diagnosis.case import SUBJECTS, Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.refusals import OVER_ACTS, refused


def _rule(case: Case) -> Match | None:
    refusal = refused(case, "not-authorized")
    if refusal is None:
        return None
    arm = refusal.arm
    who = arm.object_id or arm.identity
    group = "/".join(arm.scope.split("/")[:5])
    named = f"identity {arm.identity or who}" if who else "the cluster's identity"
    lacks = f"lacks {arm.action}" if arm.action else "lacks the right"
    assignee, scope = quote(who or "OBJECT_ID"), quote(group or "SCOPE")
    says = f"{named} may not {arm.action or refusal.what} over {arm.scope or 'the scope that it names'}"
    return Match(
        because=f"Azure does not {refusal.what}: {named} {lacks} over {arm.scope or 'the scope that it names'}",
        evidence=(
            refusal.evidence,
            Evidence("Azure", arm.scope or "Azure Resource Manager", says, refusal.evidence.at),
        ),
        next=(
            Step(
                f"az role assignment list --assignee {assignee} --scope {scope} --include-inherited --output table",
                "which roles the identity has there",
            ),
            Step(
                f"az role assignment create --assignee-object-id {assignee} --assignee-principal-type ServicePrincipal"
                f" --role Contributor --scope {scope}",
                "gives it the role that AKS's own documentation asks for; the next attempt shows whether it was that",
            ),
        ),
    )


CAUSE = Cause(id="not-authorized", verdict="problem", rule=_rule, kinds=SUBJECTS, page=__doc__, over=OVER_ACTS)

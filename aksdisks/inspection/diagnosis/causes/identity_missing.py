"""The machine does not have the identity that the disk driver asks for.

What it is
    The driver gets its tokens from the machine it runs on, for a managed identity. That identity is not assigned to
    the machine, or no longer exists: it was taken off the scale set, or deleted, or the driver's configuration names
    another one.

How it is recognised
    Words: `Identity not found` of the instance metadata service 169.254.169.254, `the requested identity isn't assigned
    to this resource` (CSI#714, CSI#3118).

What it is not
    An identity that is there and may not do it (`not-authorized`). A service principal with an expired secret
    (`signed-out`).

Next
    Compare the identities on the node pool's scale set with the one that the cluster says it uses.

Links
    https://learn.microsoft.com/azure/aks/use-managed-identity
"""

from __future__ import annotations

import re
from shlex import quote

from aksdisks.inspection.diagnosis.case import SUBJECTS, Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.refusals import OVER_ACTS, refused
from aksdisks.inspection.diagnosis.rows import node_group

_CLIENT = re.compile(r"client_id=([0-9a-fA-F-]{8,})")


def _rule(case: Case) -> Match | None:
    refusal = refused(case, "identity-missing")
    if refusal is None:
        return None
    client = _CLIENT.search(refusal.evidence.says)
    named = f"identity {client[1]}" if client else "the cluster's identity"
    group = quote(node_group(case) or "NODE_RESOURCE_GROUP")
    query = '--query "[].{name: name, identities: identity.userAssignedIdentities}"'
    return Match(
        because=f"nobody may {refusal.what}: {named} is not on the machine that the driver runs on",
        evidence=(refusal.evidence,),
        next=(
            Step(f"az vmss list --resource-group {group} {query}", "which identities the machines have"),
            Step(f"az identity list --resource-group {group} --output table", "whether the identity still exists"),
        ),
    )


CAUSE = Cause(
    id="identity-missing",
    verdict="problem",
    rule=_rule,
    kinds=SUBJECTS,
    page=__doc__,
    over=(*OVER_ACTS, "signed-out", "azure-failing"),
)

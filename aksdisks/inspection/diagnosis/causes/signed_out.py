"""Azure does not accept who the disk driver signs in as.

What it is
    The token is refused or none is given out: the secret of the cluster's service principal has expired, the
    application is gone from the tenant, or the driver goes on with a token that has run out.

How it is recognised
    Words: `ExpiredAuthenticationToken` (AKS#4287), `InvalidAuthenticationToken`, an `AADSTS…` code of Entra ID, such as
    AADSTS7000222 for an expired secret (AKS#371, jenkins-infra/helpdesk#2810), HTTP 401.

What it is not
    An identity that signs in and may not do it (`not-authorized`), or that is not on the machine (`identity-missing`).
    Your own sign-in: if this program may not ask Azure, that stands under what was not seen.

Next
    See when the credentials run out. A new secret for the service principal restarts the nodes one after another; a
    token that is never renewed ends with a restart of the driver's pods.

Links
    https://learn.microsoft.com/azure/aks/update-credentials
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import SUBJECTS, Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.refusals import OVER_ACTS, refused
from aksdisks.inspection.diagnosis.rows import cluster_of


def _rule(case: Case) -> Match | None:
    refusal = refused(case, "signed-out")
    if refusal is None:
        return None
    code = refusal.saying.groups.get("code") or refusal.arm.code or "HTTP 401"
    group, cluster, _ = cluster_of(case)
    return Match(
        because=f"Azure does not {refusal.what}: it does not accept the driver's sign-in ({code})",
        evidence=(refusal.evidence,),
        next=(
            Step(
                f"az aks show --resource-group {group} --name {cluster} --query servicePrincipalProfile.clientId",
                "which service principal the cluster signs in with; `msi` for a managed identity",
            ),
            Step(
                "az ad app credential list --id CLIENT_ID --query [].endDateTime",
                "when its secrets run out, where it is a service principal",
            ),
        ),
    )


CAUSE = Cause(id="signed-out", verdict="problem", rule=_rule, kinds=SUBJECTS, page=__doc__, over=OVER_ACTS)

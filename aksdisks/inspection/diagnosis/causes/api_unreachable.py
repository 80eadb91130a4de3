"""The cluster's API server does not answer.

What it is
    The disk driver or the kubelet cannot ask the API server, or this program cannot: it is overloaded, being upgraded
    or stopped, or a firewall, a name or a certificate stands between. Nothing moves until it answers; what runs, runs
    on.

How it is recognised
    Words: client-go's errors with the API's own address, such as `Get "https://…/api/v1/…": dial tcp …: i/o timeout`,
    `etcdserver: request timed out`, in what driver and kubelet say. For the whole cluster: this program's own requests.

What it is not
    Azure that does not answer (`azure-failing`). A driver whose socket does not answer on its node (`driver-down`).

Next
    `kubectl get --raw /readyz` from here; `az aks show` for the cluster's power state and whether it is being changed.

Links
    https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/connectivity/tcp-timeouts-kubetctl-third-party-tools-connect-api-server
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import SUBJECTS, Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Finding, ObjectRef, Step
from aksdisks.inspection.diagnosis.refusals import OVER_ACTS, refused

_STEPS = (
    Step("kubectl get --raw '/readyz?verbose'", "whether the API server answers from here, and what it lacks"),
    Step(
        'az aks list --query "[].{name: name, power: powerState.code, state: provisioningState}" --output table',
        "whether the cluster runs, and whether it is being changed",
    ),
)


def _rule(case: Case) -> Match | None:
    refusal = refused(case, "api-unreachable")
    if refusal is None:
        return None
    groups = refusal.saying.groups
    host = groups.get("host") or groups.get("server") or ""
    at = f" at {host}" if host else ""
    return Match(
        because=f"nobody can {refusal.what}, because the API server{at} did not answer",
        evidence=(refusal.evidence,),
        next=_STEPS,
        confidence="likely",  # it answers now
    )


def unreachable(server: str, because: str) -> Finding:
    """The finding about a cluster whose API server does not answer this program at all."""
    return Finding(
        cause=CAUSE.id,
        verdict=CAUSE.verdict,
        confidence="certain",
        object=ObjectRef("Cluster", "", server),
        because=f"the API server does not answer: {because}",
        evidence=(Evidence("Kubernetes", f"Cluster {server}", because),),
        next=_STEPS,
        docs=CAUSE.docs,
    )


CAUSE = Cause(id="api-unreachable", verdict="problem", rule=_rule, kinds=SUBJECTS, page=__doc__, over=OVER_ACTS)

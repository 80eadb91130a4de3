"""A Deployment replaces its pod by a rolling update, and the new pod waits for the disk that the old one has.

What it is
    With strategy RollingUpdate a Deployment of one replica starts the new pod before it ends the old one. Both mount
    the same ReadWriteOnce claim. If the scheduler puts the new pod on another node, it waits for the disk, and the old
    pod waits for the new one to be Ready: neither ends by itself.

How it is recognised
    States: the pod waits for a disk that is attached to another node, where a pod of another ReplicaSet of the same
    Deployment uses the claim; the Deployment has one replica and its strategy is RollingUpdate with a maxSurge.
    Words: the same as for `shared-claim`.

What it is not
    Several replicas on one claim (`shared-claim`): no strategy helps there. A holder that is being deleted
    (`detach-pending`): then the update goes on.

Next
    Give the Deployment the strategy Recreate, or maxSurge 0 with maxUnavailable 1, so that the old pod ends first. To
    get out of it once, delete the old pod; its program stops until the new one runs. Linters that ask for RollingUpdate
    do not look at claims.

Links
    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy
    https://github.com/Azure/AKS/issues/477
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import kubectl, maker, refused_rows
from aksdisks.model import Pod, Workload

_RECREATE = """'{"spec": {"strategy": {"type": "Recreate", "rollingUpdate": null}}}'"""


def _rule(case: Case) -> Match | Not | None:
    pod = case.pod
    if pod is None or not pod.owner.startswith("ReplicaSet/") or not case.blocked:
        return None
    deployment = _deployment(case, pod)
    if deployment is None or deployment.strategy == "Recreate":
        return None
    old = next((e for e in case.users if e.owner != pod.owner and _deployment(case, e) == deployment), None)
    if old is None:
        return None
    if deployment.replicas != 1:
        return Not(f"Deployment {deployment.name} has {deployment.replicas} replicas, which all share the claim")
    says = f"{deployment.replicas} replica, strategy RollingUpdate, maxSurge {deployment.max_surge or '25%'}"
    return Match(
        because=f"Deployment {deployment.name} starts {pod.name} before it ends {old.name} on {old.node}",
        evidence=(Evidence("Kubernetes", f"Deployment {deployment.key}", says), *refused_rows(case)),
        next=(
            kubectl(f"rollout status deployment {deployment.name}", pod, "that the update waits for the new pod"),
            kubectl(
                f"patch deployment {deployment.name} --patch {_RECREATE}", pod,
                "the old pod ends before a new one starts, so the disk is free", "restarts",
            ),
        ),
    )  # fmt: skip


def _deployment(case: Case, pod: Pod) -> Workload | None:
    """The Deployment of a pod's ReplicaSet; None where it has none, or could not be read."""
    kind, _, name = pod.owner.partition("/")
    if kind != "ReplicaSet":
        return None
    owner = case.seen.workload(kind, pod.namespace, name)
    # Where the ReplicaSet could not be read, its name tells.
    kind, _, name = owner.owner.partition("/") if owner else ("Deployment", "", maker(pod).partition("/")[2])
    return case.seen.workload(kind, pod.namespace, name) if kind == "Deployment" else None


CAUSE = Cause(
    id="rolling-update-surge",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    over=("shared-claim",),
    needs=("workloads",),
)

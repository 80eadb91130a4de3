"""Several pods share one ReadWriteOnce claim, and its disk is on the node of another.

What it is
    A ReadWriteOnce claim is one disk, and an Azure disk is attached to one machine. All pods that mount the claim must
    therefore be on the node that has the disk. A pod that the scheduler puts elsewhere waits for as long as a pod on
    the first node uses the claim. It is no failure of Azure or of the driver: the manifests ask for it.

How it is recognised
    States: the pod is placed and its disk is not on its node; the volume is attached to another node, where another pod
    mounts the same claim, is not being deleted, and the node is Ready.
    Words: `Multi-Attach error for volume "…" Volume is already used by pod(s) …`, or `… by N pod(s) in different
    namespaces` (kubernetes pkg/controller/volume/attachdetach/reconciler/reconciler.go, 1.9 to 1.36), an event
    FailedAttachVolume that no SuccessfulAttachVolume followed. It is told once for a volume and node, so it may have
    expired; then the states alone show it.

What it is not
    A Deployment that surges (`rolling-update-surge`): there the old pod would go if the new one could start. A holder
    that is being deleted or whose node is NotReady (`holder-lost`). A disk that is on its way from a node where nobody
    uses it any more (`detach-pending`).

Next
    Use one replica with strategy Recreate, or a StatefulSet with a claim template, which gives each pod a disk of its
    own. Files that many pods share belong on Azure Files. `kubectl get pods -o wide` shows who uses the claim where.

Links
    https://learn.microsoft.com/azure/aks/concepts-storage#access-modes
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.rows import kubectl, maker, refused_rows


def _rule(case: Case) -> Match | Not | None:
    if not case.blocked or case.claim is None:
        return None
    if not case.users:
        if case.refusal is None:
            return None
        if not case.holders:
            return Not("no other pod that mounts the claim runs on another node")
        first = case.holders[0]
        if first.deleting:
            return Not(f"{first.name} is being deleted")
        return Not(f"{first.name} is on {first.node}, which is {'gone' if case.seen.gone(first.node) else 'NotReady'}")
    first = case.users[0]
    where = f"{first.node}, where {first.name} {'runs' if first.ready else 'uses it, too'}"
    return Match(
        because=f"all pods share claim {case.claim.name}, so one disk; it is on {where}",
        evidence=tuple(refused_rows(case)),
        next=(
            kubectl("get pods --output wide", case.claim, f"which pods there are, and on which node {first.name} is"),
            _remedy(case),
        ),
    )


def _remedy(case: Case) -> Step:
    """As far as it can be had by a command: another design is a change of the manifests."""
    pod = case.pod
    assert pod is not None
    rest = (
        "pods that each need a disk are a StatefulSet's with a claim template, files that many share are on Azure Files"
    )
    if maker(pod).startswith("deployment/"):
        return kubectl(f"scale {maker(pod)} --replicas=1", pod, f"one pod has the disk; {rest}", "restarts")
    return kubectl(f"delete pod {pod.name}", pod, f"the pod that waits is gone; {rest}")


CAUSE = Cause(id="shared-claim", verdict="problem", rule=_rule, kinds=("Pod",), page=__doc__, needs=("workloads",))

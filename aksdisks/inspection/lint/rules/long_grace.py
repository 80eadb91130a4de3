"""A pod with a disk may take longer to end than a drain waits for it.

What it is
    `terminationGracePeriodSeconds` above 600 on pods that mount an Azure disk: a note, and above 1800 a warning.

Why it hurts
    The disk is detached only when the pod has ended, so a move to another node may take the whole period. The cluster
    autoscaler of AKS ends pods after 600 seconds whatever they ask for. An upgrade of AKS waits 30 minutes for a node,
    and fails after that. While a node does not answer, the pods of a StatefulSet are not replaced before they are
    deleted by force.

Instead
    A period of 600 seconds or less, and work that can be broken off: save progress as it is made, and end soon after
    SIGTERM. Where the work needs longer, raise `max-graceful-termination-sec` of the autoscaler and the node pool's
    drain timeout with it.

Not meant
    Pods without a disk, and Jobs, which end by themselves.

Opposed by
    No check that we know of.

Links
    https://learn.microsoft.com/azure/aks/cluster-autoscaler-overview#cluster-autoscaler-profile-settings
    https://learn.microsoft.com/azure/aks/upgrade-aks-node-pools-rolling
    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.workloads import count
from aksdisks.inspection.lint.world import World

_AUTOSCALER, _UPGRADE = 600, 1800
"""Seconds that AKS waits for a pod to end: the cluster autoscaler, and an upgrade for all pods of a node."""


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    workload = world.workload(manifest)
    seconds = count(workload.pod.get("terminationGracePeriodSeconds")) if workload else None
    if workload is None or seconds is None or seconds <= _AUTOSCALER:
        return
    claims = [claim.name for claim in world.disks(workload)]
    if claims:
        waits = f"an upgrade of AKS waits {_UPGRADE} s for a node, and then fails"
        ends = f"the cluster autoscaler of AKS ends pods after {_AUTOSCALER} s"
        place = (*workload.template_path, "spec", "terminationGracePeriodSeconds")
        yield Hit(
            because=f"its pods may take {seconds} s to end, and keep the disk of claim {' and '.join(claims)} as long; "
            + (waits if seconds > _UPGRADE else ends),
            place=place,
            edits=(Edit(place, _AUTOSCALER),),
            patchable=workload.kind != "Pod",
            level="warning" if seconds > _UPGRADE else "note",
        )


RULE = Rule(
    id="long-grace",
    level="warning",
    judge=_judge,
    kinds=("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Pod"),
    page=__doc__,
)

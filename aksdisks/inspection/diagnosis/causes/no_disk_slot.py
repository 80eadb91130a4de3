"""No node that could take the pod has a place left for another disk.

What it is
    Each size of virtual machine takes so many data disks, from 4 to 64. The driver tells Kubernetes how many, the
    scheduler counts volumes against that, and Azure counts what is really there.

How it is recognised
    States: the disks that Kubernetes counts on the nodes, against the CSINodes' allocatable count.
    Words: FailedScheduling `node(s) exceed max volume count` (kubernetes pkg/scheduler/framework/plugins/
    nodevolumelimits); or, for a pod that was placed, Azure's `The maximum number of data disks allowed to be attached
    to a VM of this size is N`.

What it is not
    A machine that is full of disks which Kubernetes does not count (`foreign-disks`).

Next
    Add nodes, or use a size that takes more disks. Volumes that nobody mounts take no place; pods that are done do
    until they are deleted or end.

Links
    https://learn.microsoft.com/azure/virtual-machines/sizes/overview
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/767
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import kubectl
from aksdisks.model import Node

_SHOWN = 5


def _rule(case: Case) -> Match | None:
    pod = case.pod
    if pod is None or pod.deleting:
        return None
    word = case.says("machine-full") if case.waits_for_disk else None if pod.node else case.says("node-full")
    if word is None:
        return None
    nodes = [node for node in case.seen.inventory.nodes if node.disk_slots is not None and pod.node in ("", node.name)]
    most = max((node.disk_slots or 0 for node in nodes), default=0)
    if pod.node:
        because = f"the machine of {pod.node} takes {word.groups['limit']} data disks, and has no place left"
    elif most and len(pod.claims) > most:
        because = f"it mounts {len(pod.claims)} claims, and no node takes more than {most} disks"
    else:
        because = "the nodes that could take it have no place left for its disks"
    show = Step(
        "kubectl get csinodes --output custom-columns=NODE:.metadata.name,DISKS:.spec.drivers[*].allocatable.count",
        "how many disks each node takes",
    )
    describe = kubectl(f"describe pod {pod.name}", pod, "how many nodes are full, and what the others lack")
    return Match(because, (word.evidence, *_counts(case, nodes)), (show, describe))


def _counts(case: Case, nodes: list[Node]) -> Iterator[Evidence]:
    """How full the nodes are, the fullest first."""
    attached = case.seen.inventory.attached
    for node in sorted(nodes, key=lambda each: (-attached.get(each.name, 0), each.name))[:_SHOWN]:
        says = f"Kubernetes counts {attached.get(node.name, 0)} of {node.disk_slots} disks"
        yield Evidence("Kubernetes", f"Node {node.name}", says)


CAUSE = Cause(
    id="no-disk-slot",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    of_pod=True,
    over=("zone-mismatch", "zone-label-mismatch", "attach-slow"),
    needs=("azure",),
)

"""Disk and nodes are both outside of zones, and their labels say it differently.

What it is
    A disk and a machine that are in no zone belong together, but "no zone" is written in two ways: the disk driver
    writes an empty value on volume and node (`topology.disk.csi.azure.com/zone: ""`), the cloud provider a fault domain
    such as `0` (`topology.kubernetes.io/zone: "0"`). A node without the driver's label, such as one that node auto
    provisioning makes or plans, or a volume with the other spelling, such as one of the in-tree driver, does not match
    although Azure would attach the disk.

How it is recognised
    States: the pod has no node; the volume's zones are `""` or digits alone; there is a node outside of zones that
    takes pods and whose labels are spelled otherwise, or which the scheduler counts among the refused ones.
    Words: those of `zone-mismatch` with the number of nodes (AKS#5499, AKS#5574, karpenter-provider-azure#497).

What it is not
    Nodes in real zones, such as `westeurope-1`, for a disk outside of zones (`zone-mismatch`).

Next
    Compare the labels. The driver's node plugin sets its own label when it registers: where it is missing, restart the
    plugin's pod on that node. Node auto provisioning needs a version that knows regional disks.

Links
    https://github.com/Azure/AKS/issues/5499
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.zones import is_regional, placing, usable


def _rule(case: Case) -> Match | None:
    found = placing(case)
    if found is None or not found.volume.zones or not all(map(is_regional, found.volume.zones)):
        return None
    outside = [node for node in usable(found.outside) if is_regional(node.disk_zone or node.zone)]
    # The model cannot tell an empty label from none, but the scheduler can: it refuses more nodes than are elsewhere.
    unlabelled = [node for node in usable(found.inside) if not node.disk_zone and found.refused > len(found.outside)]
    nodes = outside or unlabelled
    if not nodes:
        return None
    first = nodes[0]
    spelled = " or ".join(repr(zone) for zone in found.volume.zones)
    labels = f"topology.disk.csi.azure.com/zone={first.disk_zone!r}, topology.kubernetes.io/zone={first.zone!r}"
    return Match(
        because=f"disk and node {first.name} are both in no zone: the volume spells it {spelled}, the node {labels}",
        evidence=found.rows,
        next=(
            Step(
                f"kubectl get node {first.name} --output jsonpath='{{.metadata.labels}}'",
                "whether topology.disk.csi.azure.com/zone is there, and what it says",
            ),
            Step(
                f"kubectl get pv {found.volume.name} --output jsonpath='{{.spec.nodeAffinity}}'",
                "which zones the volume admits",
            ),
        ),
        confidence="certain" if found.told else "likely",
    )


CAUSE = Cause(
    id="zone-label-mismatch", verdict="problem", rule=_rule, kinds=("Pod",), page=__doc__, over=("zone-mismatch",)
)

"""The nodes stand in too few zones, or too few nodes in a zone, for the disks.

What it is
    A zone has disks that can be attached only there, and a single node which takes pods; or a set with disks asks to be
    spread over zones, and the nodes stand in fewer of them than that takes.

Why it hurts
    A disk of the kinds LRS stands in one zone and can be attached to machines of that zone only. If the zone's only
    node is drained or lost, its pods wait until it is back, however many nodes the other zones have. A set that must be
    spread over more zones than there are keeps pods Pending; one that may be spread has all its disks in one zone.

Instead
    Two nodes or more in each zone where disks are, so a pool for each zone; three zones for what has to survive one; or
    disks that are in several zones, a class with `skuName: Premium_ZRS` or `StandardSSD_ZRS`.

Not meant
    Clusters in regions without zones, and pools that are scaled up in the same zone as pods wait.

Opposed by
    No check that we know of.

Links
    https://learn.microsoft.com/azure/aks/availability-zones-overview
    https://learn.microsoft.com/azure/virtual-machines/disks-redundancy
    https://kubernetes.io/docs/setup/best-practices/multiple-zones/
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.workloads import Workload, count, selects
from aksdisks.inspection.lint.world import World
from aksdisks.model.decoding import listed

ZONE = "topology.kubernetes.io/zone"


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    if manifest.kind == "Node":
        yield from _alone(world, manifest)
    elif world.disk_nodes.nodes and (workload := world.workload(manifest)) and world.disks(workload):
        yield from _spread(workload, len(world.disk_nodes.zones))


def _alone(world: World, node: Manifest) -> Iterator[Hit]:
    """Of the only node of a zone that takes pods."""
    for zone, disks in world.disk_nodes.bound.items():
        if world.disk_nodes.takers[zone] == (node.name,):
            can = "1 disk can" if disks == 1 else f"{disks} disks can"
            yield Hit(because=f"{can} be attached in zone {zone} only, where it is the one node that takes pods")


def _spread(workload: Workload, zones: int) -> Iterator[Hit]:
    """Of a set that asks to be kept apart by zones."""
    stand = f"the nodes stand in {zones or 'no'} zone{'' if zones == 1 else 's'}"
    place, replicas = (*workload.template_path, "spec"), workload.replicas or 0
    required = listed(workload.pod, "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution")
    if replicas > zones and any(_by_zone(term, workload) for term in required):
        because = f"each of its {replicas} pods asks for a zone of its own, and {stand}"
        yield Hit(because=because, place=(*place, "affinity"))
    for number, constraint in enumerate(listed(workload.pod, "topologySpreadConstraints")):
        wanted = count(constraint.get("minDomains")) or 2
        if replicas > 1 and zones < wanted and _by_zone(constraint, workload):
            because = f"its {replicas} pods ask to be spread over zones, {wanted} or more, and {stand}"
            yield Hit(because=because, place=(*place, "topologySpreadConstraints", number))


def _by_zone(term: dict[str, object], workload: Workload) -> bool:
    """Whether a term or a constraint is about zones and the workload's own pods."""
    return term.get("topologyKey") == ZONE and selects(term.get("labelSelector"), workload.labels)


RULE = Rule(
    id="too-few-zones",
    level="warning",
    judge=_judge,
    kinds=("Node", "StatefulSet"),
    cluster_only=True,
    page=__doc__,
)

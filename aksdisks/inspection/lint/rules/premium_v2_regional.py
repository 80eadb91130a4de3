"""A pod with a Premium SSD v2 disk may come to a node that stands in no zone.

What it is
    Pods that mount a disk of PremiumV2_LRS, where neither their own affinity nor the class keeps them on nodes with an
    availability zone.

Why it hurts
    In a region with zones, Premium SSD v2 is for virtual machines in one. On another node the disk cannot be attached:
    `'PremiumV2_LRS' storage account type can be used only with Virtual Machines in an Availability Zone`. Worse, the
    machine's update fails as a whole, so that no other disk is attached to it or detached from it either.

Instead
    Keep the pods on nodes with a zone, by a node affinity to `topology.disk.csi.azure.com/zone`, or name the zones in
    the class's `allowedTopologies`.

Not meant
    Clusters in which each node that takes disks stands in a zone: with `--cluster` that is looked at. It is a note
    where that is not known, or where no node stands in a zone: a region without zones has Premium SSD v2 for all
    machines.

Opposed by
    No check that we know of.

Links
    https://learn.microsoft.com/azure/aks/use-premium-v2-disks
    https://github.com/Azure/AKS/issues/3880
    https://github.com/Azure/AKS/issues/3844
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.classes import DISK_ZONE, ZONES
from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.workloads import WORKLOADS, Workload
from aksdisks.inspection.lint.world import World
from aksdisks.model import DISK_DRIVERS
from aksdisks.model.decoding import listed, mapping

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    workload = world.workload(manifest)
    if workload is None or _names_zones(workload):
        return
    mounted = [(mount.claim, claim, mount.path) for mount, claim in world.mounted(workload)]
    mounted += [(claim.name, claim, claim.path) for claim in world.templates(workload)]
    premium = [
        (name, path)
        for name, claim, path in mounted
        if claim.storage_class is not None
        and claim.storage_class.value.sku.lower() == "premiumv2_lrs"
        and not any(claim.storage_class.allowed_zones)
    ]
    if not premium:
        return
    without = [node for node in world.nodes if not node.disk_zone and _takes_disks(node.drivers)]
    if world.nodes and not without:
        return
    name, path = premium[0]
    where = f", such as {without[0].name}" if without else ""
    rules = [{"key": DISK_ZONE, "operator": "Exists"}, {"key": DISK_ZONE, "operator": "NotIn", "values": [""]}]
    affinity = {"nodeAffinity": {_REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": rules}]}}}
    place = (*workload.template_path, "spec", "affinity")
    yield Hit(
        because=f"claim {name} is for a PremiumV2_LRS disk, and its pods may come to a node without a zone{where}",
        place=path,
        edits=() if workload.pod.get("affinity") else (Edit(place, affinity),),
        patchable=workload.kind not in ("Pod", "Job"),
        level=None if 0 < len(without) < len(world.nodes) else "note",
    )


def _takes_disks(drivers: tuple[str, ...] | None) -> bool:
    return drivers is None or any(driver in DISK_DRIVERS for driver in drivers)


def _names_zones(workload: Workload) -> bool:
    """Whether it says to which zones its pods go."""
    terms = listed(workload.pod, f"affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms")
    rules = [rule.get("key") for term in terms for rule in listed(term, "matchExpressions")]
    return bool(workload.host) or any(zone in (*mapping(workload.pod, "nodeSelector"), *rules) for zone in ZONES)


RULE = Rule(id="premium-v2-regional", level="warning", judge=_judge, kinds=WORKLOADS, page=__doc__)

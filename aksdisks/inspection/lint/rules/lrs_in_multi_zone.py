"""A class keeps its disks in one zone of a cluster that has several.

What it is
    A StorageClass for disks of an LRS SKU, which claims use, in a cluster whose nodes stand in two or more zones.

Why it hurts
    Such a disk is in one zone. If the zone fails, or has no room for the pod, the pod stays Pending although other
    zones have nodes: `didn't match PersistentVolume's node affinity`. Since 1.29 AKS's own classes make ZRS disks in
    clusters with several zones, so LRS is seldom expected there.

Instead
    A class with a ZRS SKU for new claims: `StandardSSD_ZRS` or `Premium_ZRS`. The disk that a claim has keeps its SKU
    until that is changed by a VolumeAttributesClass, or the data is copied. ZRS costs about half as much again, and not
    every region has it.

Not meant
    Programs that keep copies in several zones themselves: there LRS is cheaper and does as well. Premium SSD v2 and
    Ultra disks, which have no ZRS. Classes that name their zones.

Opposed by
    No check that we know of.

Links
    https://learn.microsoft.com/azure/aks/concepts-storage#storage-classes
    https://learn.microsoft.com/azure/virtual-machines/disks-redundancy
    https://github.com/Azure/AKS/issues/5316
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.classes import class_of
from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.world import World
from aksdisks.model.decoding import mapping

_ZRS = {"standardssd_lrs": "StandardSSD_ZRS", "premium_lrs": "Premium_ZRS", "standard_lrs": "StandardSSD_ZRS"}
# The driver's, https://github.com/kubernetes-sigs/azuredisk-csi-driver/blob/master/docs/driver-parameters.md.
_DEFAULT_SKU = "StandardSSD_LRS"


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    found = class_of(manifest)
    sku = found.value.sku or _DEFAULT_SKU
    zones = sorted({node.disk_zone for node in world.nodes} - {""})
    users = world.claims_of_class[found.name]
    if not found.value.makes_disks or sku.lower() not in _ZRS or len(zones) < 2 or found.allowed_zones or not users:
        return
    parameters = mapping(manifest.raw, "parameters")
    key = next((key for key in parameters if key.lower() in ("skuname", "storageaccounttype")), "skuName")
    used = f"{users} claims use" if users > 1 else "one claim uses"
    yield Hit(
        because=f"disks of {sku} stand in one of the cluster's {len(zones)} zones, and {used} the class",
        place=("parameters", key),
        edits=(Edit(("parameters", key), _ZRS[sku.lower()]),),
        patchable=False,
    )


RULE = Rule(
    id="lrs-in-multi-zone",
    level="note",
    judge=_judge,
    kinds=("StorageClass",),
    cluster_only=True,
    page=__doc__,
)

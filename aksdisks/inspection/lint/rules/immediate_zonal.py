"""A class makes zonal disks before anybody knows where the pod will run.

What it is
    A StorageClass for Azure disks that stand in one zone, with `volumeBindingMode: Immediate`. A class that names no
    mode has that one.

Why it hurts
    The disk is made in some zone as soon as the claim is there. If the pod cannot run in that zone, for lack of room or
    because another volume of it stands elsewhere, it stays Pending with `didn't match PersistentVolume's node affinity`
    (before Kubernetes 1.33: `volume node affinity conflict`), for good.

Instead
    `volumeBindingMode: WaitForFirstConsumer`: the disk is made where the first pod goes. The mode of a class that
    exists cannot be changed: delete the class and make it again, volumes do not mind. ZRS disks can be attached in
    each zone.

Not meant
    Classes of ZRS disks, those that allow one zone only, and clusters whose nodes stand in no zones.

Opposed by
    No check that we know of.

Links
    https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
    https://learn.microsoft.com/azure/aks/availability-zones-overview
    https://github.com/Azure/AKS/issues/1674
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.classes import class_of
from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.world import World
from aksdisks.model.decoding import mapping


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    found = class_of(manifest)
    regional = world.nodes and not any(node.disk_zone for node in world.nodes)
    if not found.zonal or found.value.binding_mode != "Immediate" or regional or len(found.allowed_zones) == 1:
        return
    said = (mapping(manifest.raw, "parameters") and found.value.sku) or "StandardSSD_LRS, the driver's default,"
    by_default = "" if manifest.raw.get("volumeBindingMode") else ", the default"
    yield Hit(
        because=f"disks of {said} stand in one zone, and are made before a pod has a node (Immediate{by_default})",
        place=("volumeBindingMode",),
        edits=(Edit(("volumeBindingMode",), "WaitForFirstConsumer"),),
        patchable=False,
    )


RULE = Rule(id="immediate-zonal", level="warning", judge=_judge, kinds=("StorageClass",), page=__doc__)

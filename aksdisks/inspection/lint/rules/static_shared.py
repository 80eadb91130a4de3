"""Two volumes stand for one disk.

What it is
    Two PersistentVolumes whose `volumeHandle` (of 2019: `diskURI`) is the same Azure disk. Its case does not count.

Why it hurts
    Kubernetes takes them for two disks. Their claims bind, and a pod of each is started on a node of its own: the
    second waits for the disk with `disk … already attached to node …`. If one of the volumes has the reclaim policy
    Delete, its end is the end of the other's data.

Instead
    One volume for a disk. Delete the one that nobody uses; with the policy Retain its disk stays. A volume that is
    Released becomes free again once its `claimRef` is taken away.

Not meant
    Handles of Azure Files, which many volumes may share.

Opposed by
    No check that we know of.

Links
    https://learn.microsoft.com/azure/aks/azure-csi-disk-storage-provision#statically-provision-a-volume
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.world import World
from aksdisks.model import Volume, decode

_PLACEHOLDER = re.compile(r"[<>{}$]")


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    volume: Volume = decode("PersistentVolume", manifest.raw)
    id_ = volume.disk_id.lower()
    # What an example leaves to be filled in is no id.
    sharing = world.volumes_of.get(id_, []) if not _PLACEHOLDER.search(id_) else []
    other = next((each for each in world.before(sharing, manifest) if each.name != manifest.name), None)
    if other is not None:
        in_tree = "azureDisk" in manifest.raw["spec"]
        place = ("spec", "azureDisk", "diskURI") if in_tree else ("spec", "csi", "volumeHandle")
        yield Hit(because=f"its disk {volume.disk_name} is the disk of {other} as well", place=place)


RULE = Rule(id="static-shared", level="error", judge=_judge, kinds=("PersistentVolume",), page=__doc__)

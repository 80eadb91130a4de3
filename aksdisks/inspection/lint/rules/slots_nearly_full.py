"""A node has hardly any place left for another disk.

What it is
    A node of the cluster takes at most one more disk, or a tenth of its limit.

Why it hurts
    Each size of virtual machine takes so many data disks, from 4 to 64. When another node is lost or drained, its pods
    with disks have to find places elsewhere: those that find none stay Pending with `exceed max volume count`.

Instead
    More nodes, or a size that takes more disks. Claims that nobody mounts take no place.

Not meant
    Pools that are scaled up as pods wait: there a full node is what is wanted, as long as the pool may grow.

Opposed by
    No check that we know of.

Links
    https://learn.microsoft.com/azure/virtual-machines/sizes/overview
    https://kubernetes.io/docs/concepts/storage/storage-limits/
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/767
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.world import World


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    slots = world.disk_nodes.slots.get(manifest.name)
    if slots is not None and slots.nearly_full:
        left = f"it takes {slots.free} more" if (slots.free or 0) > 0 else "it takes no more"
        yield Hit(because=f"{left}, of {slots.limit} disks")


RULE = Rule(id="slots-nearly-full", level="warning", judge=_judge, kinds=("Node",), cluster_only=True, page=__doc__)

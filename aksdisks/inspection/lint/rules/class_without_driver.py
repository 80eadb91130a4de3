"""A class names a driver that the cluster does not have.

What it is
    A StorageClass whose provisioner is a CSI driver of which the cluster has no CSIDriver object and no node.

Why it hurts
    Nobody makes volumes for its claims: they stay Pending with `Waiting for a volume to be created either by the
    external provisioner …`, and their pods with them. On AKS that happens where the disk driver was switched off
    (`--disable-disk-driver`), or a class came along from another cloud.

Instead
    Switch the driver on: `az aks update --enable-disk-driver`. Or take a class that the cluster has.

Not meant
    Provisioners that are no CSI drivers, such as `rancher.io/local-path`: they need no such object. The 2019 name
    `kubernetes.io/azure-disk` (see `in-tree`).

Opposed by
    No check that we know of.

Links
    https://learn.microsoft.com/azure/aks/csi-storage-drivers
    https://kubernetes.io/docs/concepts/storage/volumes/#csi
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.classes import class_of
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.world import World


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    driver = class_of(manifest).value.provisioner
    unread = world.unread.intersection(("CSIDriver", "CSINode"))
    if ".csi." in driver and driver not in world.drivers and not unread:
        because = f"the cluster has no driver {driver}, so nobody makes volumes for its claims"
        yield Hit(because=because, place=("provisioner",))


RULE = Rule(
    id="class-without-driver",
    level="error",
    judge=_judge,
    kinds=("StorageClass",),
    cluster_only=True,
    page=__doc__,
)

"""It asks for the disk driver that Kubernetes had inside, which is gone.

What it is
    A StorageClass whose provisioner is `kubernetes.io/azure-disk`, or a volume with the field `azureDisk`, in a
    PersistentVolume or in a pod.

Why it hurts
    Kubernetes removed the code of this driver in 1.27. What still works is translated to `disk.csi.azure.com` at each
    step. AKS has not supported new volumes of it since 1.26, and what came later, such as snapshots, Premium SSD v2 and
    other values of `kind` than Managed, is not to be had this way.

Instead
    In a StorageClass `provisioner: disk.csi.azure.com`. A class cannot be changed: delete and make it again, which does
    nothing to the claims that it has served. A volume gets `csi` with the driver and, as `volumeHandle`, the disk's id,
    in a new PersistentVolume under the same claim's name (reclaim policy Retain first). A pod mounts a claim instead.

Not meant
    Volumes that were made with it long ago and work: they are found as well, and may stay until they are replaced.

Opposed by
    No check that we know of.

Links
    https://learn.microsoft.com/azure/aks/csi-migrate-in-tree-volumes
    https://learn.microsoft.com/azure/aks/csi-storage-drivers
    https://kubernetes.io/docs/concepts/storage/volumes/#azuredisk
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.workloads import WORKLOADS
from aksdisks.inspection.lint.world import World
from aksdisks.model.decoding import mapping

_IN_TREE, _DRIVER = "kubernetes.io/azure-disk", "disk.csi.azure.com"


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    if manifest.kind == "StorageClass":
        if manifest.raw.get("provisioner") == _IN_TREE:
            yield Hit(
                because=f"its provisioner is {_IN_TREE}, which Kubernetes removed in 1.27",
                place=("provisioner",),
                edits=_by_driver(mapping(manifest.raw, "parameters")),
                patchable=False,
            )
    elif manifest.kind == "PersistentVolume":
        if disk := mapping(manifest.raw, "spec.azureDisk"):
            # One that a cluster has works, by translation; it is new ones that nobody supports.
            yield Hit(
                because="it has its disk as azureDisk, of which Kubernetes removed the driver in 1.27",
                place=("spec", "azureDisk"),
                edits=_as_csi(disk),
                patchable=False,
                level="note" if manifest.live is not None else None,
            )
    elif workload := world.workload(manifest):
        for path, volume in workload.volumes:
            if volume.get("azureDisk"):
                yield Hit(
                    because=f"volume {volume.get('name')} has its disk as azureDisk, of which Kubernetes removed the "
                    "driver in 1.27, and not by a claim",
                    place=path,
                )


def _by_driver(parameters: dict[str, Any]) -> tuple[Edit, ...]:
    """The same class by the driver of today, without what that refuses; none where it says a zone in another way.

    What it takes: pkg/azureutils/azure_disk_utils.go, ParseDiskParameters; zones are `allowedTopologies` now.
    """
    names = {name.lower(): name for name in parameters}
    if "zone" in names or "zones" in names:
        return ()
    account = names.get("storageaccount")
    return (Edit(("provisioner",), _DRIVER), *((Edit(("parameters", account), None),) if account else ()))


def _as_csi(disk: dict[str, Any]) -> tuple[Edit, ...]:
    """The same disk by the driver of today; none for a disk that is no managed one, which that does not take."""
    uri = str(disk.get("diskURI", ""))
    if disk.get("kind", "Managed") != "Managed" or not uri.startswith("/"):
        return ()
    caching = disk.get("cachingMode")
    csi = {
        "driver": _DRIVER,
        "volumeHandle": uri,
        "fsType": disk.get("fsType"),
        "volumeAttributes": {"cachingMode": caching} if caching else None,
    }
    return (
        Edit(("spec", "azureDisk"), None),
        Edit(("spec", "csi"), {key: value for key, value in csi.items() if value is not None}),
    )


RULE = Rule(
    id="in-tree",
    level="warning",
    judge=_judge,
    kinds=("StorageClass", "PersistentVolume", *WORKLOADS),
    page=__doc__,
)

"""Objects about disks that the article has not: a volume for a disk that is there, a claim changed, attributes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from aksdisks.manifests import Manifest
from aksdisks.model import Disk

DRIVER, IN_TREE = "disk.csi.azure.com", "kubernetes.io/azure-disk"
_ZONE = "topology.disk.csi.azure.com/zone"


def static_volume(
    name: str,
    disk: Disk,
    claim: tuple[str, str],
    storage_class: str,
    labels: Mapping[str, str],
    *,
    in_tree: bool = False,
) -> Manifest:
    """A volume that names a disk which nobody made for a claim, reserved for one (namespace, name), and retained.

    `in_tree`: as clusters without the disk driver had it. A disk of a zone admits that zone's nodes alone; without
    that, pods would be sent to nodes to which Azure cannot attach it. Source: azure-aks-docs
    create-volume-azure-disk.md.
    """
    csi = {"driver": DRIVER, "volumeHandle": disk.id, "volumeAttributes": {"fsType": "ext4"}}
    azure_disk = {"kind": "Managed", "diskName": disk.name, "diskURI": disk.id}
    source: dict[str, Any] = {"azureDisk": azure_disk} if in_tree else {"csi": csi}
    rules = [{"key": _ZONE, "operator": "In", "values": [f"{disk.location}-{zone}"]} for zone in disk.zones]
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": rules}]}}} if rules else {}
    metadata = {
        "name": name,
        "labels": dict(labels),
        "annotations": {"pv.kubernetes.io/provisioned-by": IN_TREE if in_tree else DRIVER},
    }
    spec = {
        "capacity": {"storage": f"{disk.size_gib}Gi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": storage_class,
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim[0], "name": claim[1]},
        **source,
        **affinity,
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def changed_claim(claim: Manifest, *, size: str = "", attributes_class: str = "", volume: str = "") -> Manifest:
    """The same claim with another size (a Kubernetes quantity), of another class, or for a volume; empty: as it is."""
    made = deepcopy(claim)
    if size:
        made["spec"]["resources"] = {"requests": {"storage": size}}
    if attributes_class:
        made["spec"]["volumeAttributesClassName"] = attributes_class
    if volume:
        made["spec"]["volumeName"] = volume
    return made


def attributes_class(name: str, sku: str) -> Manifest:
    """A VolumeAttributesClass of the disk driver that asks for a SKU (CSI deploy/example/modifyvolume)."""
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": name}}
    return {**kind, "driverName": DRIVER, "parameters": {"skuName": sku}}

"""Pure builders of the disk driver: a class and a claim become a disk's properties and a PersistentVolume."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aksdisks.lab.agents.csi import disk_parameters
from aksdisks.lab.agents.csi.common import INVALID_ARGUMENT, RpcError, parameter
from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.storage import (
    DISK_DRIVER,
    MIGRATED_TO,
    PROVISIONED_BY,
    attributes_class,
    claim_reference,
    class_name,
)
from aksdisks.lab.controllers.volume_matching import requested_bytes

ZONE_KEY = f"topology.{DISK_DRIVER}/zone"
PROVISIONER_FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"
IN_TREE = "kubernetes.io/azure-disk"
GIB = 2**30

SEVERAL_NODES = {"ReadWriteMany": "MULTI_NODE_MULTI_WRITER", "ReadOnlyMany": "MULTI_NODE_READER_ONLY"}
"""Access modes as a driver is asked for them."""

DEFAULT_SKU = "StandardSSD_LRS"


@dataclass(frozen=True)
class DiskRequest:
    """The disk that a claim of a class asks for on a node; `zone` as Azure numbers it, None where disks have none.

    `source_id`: the disk that it is a copy of, empty for none; `resize`: its file system is smaller than the disk.
    `size_of_source`: Azure makes it as large as that is.
    `iops` and `mbps` (MB/s) are None where they are left to Azure.
    """

    name: str
    size_gib: int
    sku: str
    caching: str
    tags: Mapping[str, str]
    zone: str | None
    topology: tuple[str, ...]
    max_shares: int = 1
    source_id: str = ""
    resize: bool = False
    size_of_source: bool = False
    iops: int | None = None
    mbps: int | None = None


def disk_request(claim: Object, storage_class: Object, node: Object) -> DiskRequest:
    """Read parameters as the driver does; raises `RpcError` for what it refuses.

    Sizes are rounded up to whole GiB, never to a tier (facts D). `topology` holds the values of the zone key that the
    volume is bound to: one of a regional or zonal disk, five of a zone-redundant one (facts B).
    """
    parameters = storage_class.get("parameters") or {}
    shares = disk_parameters.max_shares(parameters)
    for mode in claim["spec"].get("accessModes") or []:
        if mode not in SEVERAL_NODES:
            continue
        if claim["spec"].get("volumeMode") != "Block":
            raise RpcError(INVALID_ARGUMENT, f"mountVolume is not supported for access mode: {SEVERAL_NODES[mode]}")
        if shares < 2:
            text = f"access mode: {SEVERAL_NODES[mode]} is not supported for non-shared disk"
            raise RpcError(INVALID_ARGUMENT, text)
    sku = disk_parameters.sku(parameters, DEFAULT_SKU)
    iops, mbps = disk_parameters.performance(parameters)
    size = max(1, math.ceil(requested_bytes(claim) / GIB))
    name, meta = volume_name(claim), claim["metadata"]
    labels = node["metadata"].get("labels") or {}
    zone = labels.get(ZONE_KEY, "")
    region = labels.get("topology.kubernetes.io/region", "")
    redundant = sku.endswith("_ZRS")
    return DiskRequest(
        name=name,
        size_gib=size,
        sku=sku,
        caching=parameter(parameters, "cachingmode") or default_caching(sku, size),
        tags={
            "k8s-azure-created-by": "kubernetes-azure-dd",
            "kubernetes.io-created-for-pv-name": name,
            "kubernetes.io-created-for-pvc-name": meta["name"],
            "kubernetes.io-created-for-pvc-namespace": meta["namespace"],
        },
        zone=None if redundant or not zone else zone.rpartition("-")[2],
        topology=(*(f"{region}-{number}" for number in range(1, 5)), "") if redundant else (zone,),
        max_shares=shares,
        iops=iops,
        mbps=mbps,
    )


def default_caching(sku: str, size_gib: int) -> str:
    """ReadOnly, except where Azure has no host cache (facts A)."""
    return "None" if sku in ("PremiumV2_LRS", "UltraSSD_LRS") or size_gib >= 4096 else "ReadOnly"


def volume_name(claim: Object) -> str:
    """The name of the PersistentVolume, and of the disk."""
    return f"pvc-{claim['metadata']['uid']}"


def persistent_volume(
    claim: Object, storage_class: Object, request: DiskRequest, disk_id: str, identity: str
) -> Object:
    """The volume as the external-provisioner creates it (facts B); `identity` is the provisioner's."""
    spec = claim["spec"]
    in_tree = storage_class["provisioner"] == IN_TREE
    notes = {
        PROVISIONED_BY: storage_class["provisioner"],
        "volume.kubernetes.io/provisioner-deletion-secret-name": "",
        "volume.kubernetes.io/provisioner-deletion-secret-namespace": "",
    }
    if in_tree:
        notes[MIGRATED_TO] = DISK_DRIVER
    volume: dict[str, Any] = {
        "kind": "PersistentVolume",
        "apiVersion": "v1",
        "metadata": {"name": request.name, "annotations": notes, "finalizers": [PROVISIONER_FINALIZER]},
        "spec": {
            "capacity": {"storage": f"{request.size_gib}Gi"},
            **(_azure_disk(request, disk_id) if in_tree else _csi(claim, storage_class, request, disk_id, identity)),
            "accessModes": list(spec.get("accessModes") or ()),
            "claimRef": claim_reference(claim),
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
            "storageClassName": class_name(claim),
            "volumeMode": spec.get("volumeMode") or "Filesystem",
            "nodeAffinity": {"required": {"nodeSelectorTerms": [_term(value) for value in request.topology]}},
        },
    }
    if attributes_class(claim):
        volume["spec"]["volumeAttributesClassName"] = attributes_class(claim)
    if storage_class.get("mountOptions"):
        volume["spec"]["mountOptions"] = list(storage_class["mountOptions"])
    return volume


def _csi(claim: Object, storage_class: Object, request: DiskRequest, disk_id: str, identity: str) -> dict[str, Any]:
    meta = claim["metadata"]
    return {
        "csi": {
            "driver": DISK_DRIVER,
            "volumeHandle": disk_id,
            "volumeAttributes": {
                **disk_parameters.volume_context(storage_class.get("parameters") or {}, request.sku),
                "csi.storage.k8s.io/pv/name": request.name,
                "csi.storage.k8s.io/pvc/name": meta["name"],
                "csi.storage.k8s.io/pvc/namespace": meta["namespace"],
                "requestedsizegib": str(request.size_gib),
                **({"resizeRequired": "true"} if request.resize else {}),
                "storage.kubernetes.io/csiProvisionerIdentity": identity,
            },
        }
    }


def _azure_disk(request: DiskRequest, disk_id: str) -> dict[str, Any]:
    disk = {"diskName": request.name, "diskURI": disk_id, "cachingMode": request.caching}
    return {"azureDisk": {**disk, "fsType": "", "kind": "Managed", "readOnly": False}}


def _term(value: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": ZONE_KEY, "operator": "In", "values": [value]}]}

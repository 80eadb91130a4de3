"""Pure builders of the in-tree disk plugin: names, tags, volumes and refusals as k/k pkg/volume/azure_dd had them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aksdisks.lab.agents.csi.volume_objects import DiskRequest
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.storage import PROVISIONED_BY, claim_reference, class_name

IN_TREE = "kubernetes.io/azure-disk"
_CREATED_BY = "volumehelper.VolumeDynamicallyCreatedByKey"
"""Literally so: the constant's name went out instead of its value (facts B)."""


def disk_name(volume_name: str) -> str:
    """Facts E, Tags."""
    return f"kubernetes-dynamic-{volume_name}"


def tags(claim: Object, volume_name: str) -> Mapping[str, str]:
    """Facts E, Tags."""
    return {
        "created-by": "kubernetes-azure-dd",
        "kubernetes.io-created-for-pv-name": volume_name,
        "kubernetes.io-created-for-pvc-name": claim["metadata"]["name"],
        "kubernetes.io-created-for-pvc-namespace": claim["metadata"]["namespace"],
    }


def persistent_volume(claim: Object, storage_class: Object, request: DiskRequest, disk_id: str) -> Object:
    """The volume as azure_provision.go made it: no zones, no CSI."""
    spec = claim["spec"]
    disk = {"diskName": disk_id.rpartition("/")[2], "diskURI": disk_id, "cachingMode": request.caching}
    return {
        "kind": "PersistentVolume",
        "apiVersion": "v1",
        "metadata": {
            "name": request.name,
            "annotations": {
                "pv.kubernetes.io/bound-by-controller": "yes",
                PROVISIONED_BY: IN_TREE,
                _CREATED_BY: "azure-disk-dynamic-provisioner",
            },
        },
        "spec": {
            "capacity": {"storage": f"{request.size_gib}Gi"},
            "azureDisk": {**disk, "fsType": "", "kind": "Managed", "readOnly": False},
            "accessModes": list(spec.get("accessModes") or ()),
            "claimRef": claim_reference(claim),
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
            "storageClassName": class_name(claim),
        },
    }


def refusal(error: CloudError | DriverError, client: str) -> str:
    """Azure's refusal as go-autorest printed it (k/k#78657); `client` as `compute.DisksClient#CreateOrUpdate`."""
    if not isinstance(error, CloudError):
        return str(error)
    return (
        f"{client}: Failure sending request: StatusCode={error.status} -- Original Error: autorest/azure: "
        f'Service returned an error. Status={error.status} Code="{error.code}" Message="{error.message}"'
        if error.status in set(HTTPStatus)
        else f"{client}: {error}"
    )

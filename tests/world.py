"""A small cluster as values, for the pure stages: two nodes, the article's Deployment, one disk; tests change parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aksdisks.inspection.chains import join
from aksdisks.model import (
    Attachment,
    Claim,
    DataDisk,
    Disk,
    Inventory,
    KubeEvent,
    Machine,
    Node,
    Pod,
    StorageClass,
    Volume,
)

START = datetime(2026, 11, 23, 4, 25, tzinfo=UTC)
GROUP = "/subscriptions/s/resourceGroups/MC_disks_article_westeurope/providers/Microsoft.Compute"
SPACE = "walk"
CLAIM = "azure-managed-disk"


def node(number: int, **changes: Any) -> Node:
    plain = {
        "name": f"aks-{number}",
        "ready": True,
        "schedulable": True,
        "provider_id": "",
        "disk_zone": "",
        "size": "Standard_DS2_v2",
        "disk_slots": 8,
        "taints": (),
    }
    return Node(**plain | changes)


def pod(name: str, on: int, *, ready: bool = True, claim: str = CLAIM, **changes: Any) -> Pod:
    plain = {
        "name": name,
        "namespace": SPACE,
        "uid": f"uid-{name}",
        "labels": {"app": "disk-pod"},
        "status": "Running" if ready else "ContainerCreating",
        "ready": ready,
        "containers": 1,
        "containers_ready": int(ready),
        "restarts": 0,
        "node": f"aks-{on}",
        "claims": (claim,),
        "owner": "StatefulSet/disk-stateful-set" if "stateful" in name else "ReplicaSet/disk-deploy-1",
    }
    return Pod(**plain | changes)


def claim(name: str = CLAIM, **changes: Any) -> Claim:
    plain = {
        "name": name,
        "namespace": SPACE,
        "uid": f"uid-{name}",
        "finalizers": ("kubernetes.io/pvc-protection",),
        "phase": "Bound",
        "storage_class": "managed-premium",
        "capacity": "25Gi",
        "volume": f"pvc-{name}",
        "access_modes": ("ReadWriteOnce",),
    }
    return Claim(**plain | changes)


def volume(of: str = CLAIM, **changes: Any) -> Volume:
    plain = {
        "name": f"pvc-{of}",
        "created": START,
        "phase": "Bound",
        "capacity": "25Gi",
        "storage_class": "managed-premium",
        "reclaim_policy": "Delete",
        "claim_namespace": SPACE,
        "claim_name": of,
        "claim_uid": f"uid-{of}",
        "disk_id": f"{GROUP}/disks/pvc-{of}",
        "access_modes": ("ReadWriteOnce",),
        "zones": ("",),
    }
    return Volume(**plain | changes)


def disk(of: str = CLAIM, on: int | None = 0, age: float = 0.0, **changes: Any) -> Disk:
    plain = {
        "id": f"{GROUP}/disks/pvc-{of}",
        "name": f"pvc-{of}",
        "resource_group": "MC_disks_article_westeurope",
        "size_gib": 25,
        "sku": "Premium_LRS",
        "tier": "P4",
        "state": "Unattached" if on is None else "Attached",
        "managed_by": "" if on is None else machine(on).id,
        "tags": {
            "kubernetes.io-created-for-pvc-namespace": SPACE,
            "kubernetes.io-created-for-pvc-name": of,
            "kubernetes.io-created-for-pv-name": f"pvc-{of}",
        },
        "created": START - timedelta(seconds=age),
    }
    return Disk(**plain | changes)


def machine(number: int, *disks: Disk) -> Machine:
    return Machine(
        id=f"{GROUP}/virtualMachines/vm_{number}",
        name=f"vm_{number}",
        node=f"aks-{number}",
        kind="vm",
        size="Standard_DS2_v2",
        data_disks=tuple(DataDisk(lun=lun, disk_id=held.id.lower()) for lun, held in enumerate(disks)),
    )


def attachment(of: str = CLAIM, to: int = 0, **changes: Any) -> Attachment:
    plain = {"name": f"csi-{of}-{to}", "node": f"aks-{to}", "volume": f"pvc-{of}"}
    return Attachment(**plain | {"attached": True, "lun": 0, "driver": "disk.csi.azure.com"} | changes)


def event(about: Pod | Claim, reason: str, message: str, *, at: float = 1.0) -> KubeEvent:
    return KubeEvent(
        name=f"{about.name}.{at}",
        namespace=SPACE,
        type="Warning" if reason.startswith("Failed") else "Normal",
        reason=reason,
        message=message,
        component="attachdetach-controller",
        kind=type(about).__name__,
        object=about.name,
        object_uid=about.uid,
        count=1,
        first=START + timedelta(seconds=at),
        last=START + timedelta(seconds=at),
    )


def multi_attach(about: Pod, *holders: str, at: float = 1.0) -> KubeEvent:
    exclusively = "exclusively attached to one node and can't be attached to another"
    used = f"used by pod(s) {', '.join(holders)}" if holders else exclusively
    message = f'Multi-Attach error for volume "pvc-{CLAIM}" Volume is already {used}'
    return event(about, "FailedAttachVolume", message, at=at)


def storage_class(**changes: Any) -> StorageClass:
    plain = {
        "name": "managed-premium",
        "provisioner": "disk.csi.azure.com",
        "sku": "Premium_LRS",
        "reclaim_policy": "Delete",
        "binding_mode": "WaitForFirstConsumer",
    }
    return StorageClass(**plain | changes)


def world(**parts: Any) -> Inventory:
    """One running pod on aks-0 and one refused on aks-1, unless told otherwise."""
    first, second = pod("disk-deploy-1-a", 0), pod("disk-deploy-1-b", 1, ready=False)
    plain = {
        "taken": START,
        "namespace": SPACE,
        "nodes": (node(0), node(1)),
        "pods": (first, second),
        "claims": (claim(),),
        "volumes": (volume(),),
        "attachments": (attachment(),),
        "events": (multi_attach(second, first.name),),
        "classes": (storage_class(),),
        "disks": (disk(),),
        "machines": (machine(0, disk()), machine(1)),
        "resource_group": "mc_disks_article_westeurope",
    }
    inventory = Inventory(**plain | parts)
    return replace(inventory, chains=join(inventory))

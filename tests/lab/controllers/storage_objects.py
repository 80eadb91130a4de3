"""Nodes, classes, claims, volumes and pods as small as tests need them."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.client.interface import Object

DRIVER = "disk.csi.azure.com"
ZONE = f"topology.{DRIVER}/zone"
DISKS = "/subscriptions/S/resourceGroups/MC_g/providers/Microsoft.Compute/disks"
MACHINES = "/subscriptions/S/resourceGroups/mc_g/providers/Microsoft.Compute/virtualMachineScaleSets/V/virtualMachines"


def node(number: int, *, zone: str = "", **spec: Any) -> Object:
    """The node `node-<number>`; `spec` adds taints, unschedulable …"""
    provider = f"azure://{MACHINES}/{number}"
    labels = {ZONE: zone, "kubernetes.io/os": "linux", "topology.kubernetes.io/region": "westeurope"}
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {"name": f"node-{number}", "labels": labels},
        "spec": {"providerID": provider, "podCIDR": f"10.244.{number}.0/24", **spec},
        "status": {"allocatable": {"cpu": "2", "pods": "30"}, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def csi_node(number: int, count: int) -> Object:
    driver = {"name": DRIVER, "nodeID": f"node-{number}", "topologyKeys": [ZONE], "allocatable": {"count": count}}
    return {
        "kind": "CSINode",
        "apiVersion": "storage.k8s.io/v1",
        "metadata": {"name": f"node-{number}"},
        "spec": {"drivers": [driver]},
    }


def storage_class(name: str = "managed-premium", mode: str = "WaitForFirstConsumer", **more: Any) -> Object:
    base = {"provisioner": DRIVER, "parameters": {"skuname": "Premium_LRS"}, "reclaimPolicy": "Delete"}
    return {
        "kind": "StorageClass",
        "apiVersion": "storage.k8s.io/v1",
        "metadata": {"name": name},
        **(base | {"volumeBindingMode": mode, "allowVolumeExpansion": True} | more),
    }


def claim(name: str = "data", size: str = "25Gi", storage_class: str = "managed-premium", **spec: Any) -> Object:
    resources = {"requests": {"storage": size}}
    return {
        "kind": "PersistentVolumeClaim",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "walk"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources, "storageClassName": storage_class, **spec},
    }


def volume(name: str = "pv", size: str = "25Gi", *, of: Object | None = None, zone: str = "", **spec: Any) -> Object:
    """A volume, made for the claim `of` when one is given."""
    base: Object = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "csi": {"driver": DRIVER, "volumeHandle": f"{DISKS}/{name}"},
        "persistentVolumeReclaimPolicy": "Delete",
        "storageClassName": "managed-premium",
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [_in_zone(zone)]}]}},
    }
    if of is not None:
        meta = of["metadata"]
        base["claimRef"] = {
            "kind": "PersistentVolumeClaim",
            "apiVersion": "v1",
            **{key: meta[key] for key in ("namespace", "name", "uid", "resourceVersion")},
        }
    return {
        "kind": "PersistentVolume",
        "apiVersion": "v1",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": DRIVER}},
        "spec": base | spec,
    }


def _in_zone(zone: str) -> Object:
    return {"key": ZONE, "operator": "In", "values": [zone]}


def pod(name: str = "p", *claims: str, **spec: Any) -> Object:
    """A pod that mounts the claims."""
    volumes = [{"name": f"v{n}", "persistentVolumeClaim": {"claimName": item}} for n, item in enumerate(claims)]
    container = {"name": "busy", "image": "vplauzon/get-started:part2-no-redis"}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "walk"},
        "spec": {"containers": [container], "volumes": volumes, **spec},
    }


async def bound(
    world: Any, claim_name: str = "data", volume_name: str = "pv", of_claim: Object | None = None, **spec: Any
) -> None:
    """A claim and its volume, bound to one another as the persistentvolume-controller leaves them."""
    wanted = claim(claim_name, volumeName=volume_name, **(of_claim or {}))
    made = await world.create("persistentvolumeclaims", wanted)
    await world.create("persistentvolumes", volume(volume_name, of=made, **spec))
    marks = {"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}}
    await world.api.patch("persistentvolumeclaims", claim_name, marks, "walk")
    await world.api.patch(
        "persistentvolumeclaims", claim_name, {"status": {"phase": "Bound"}}, "walk", subresource="status"
    )
    await world.api.patch("persistentvolumes", volume_name, {"status": {"phase": "Bound"}}, subresource="status")

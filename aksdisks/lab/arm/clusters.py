"""The managed cluster as `az aks show` sees it."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.scenario import Scenario

Json = dict[str, Any]


def pool_json(scenario: Scenario) -> Json:
    """The node pool as a resource of its own."""
    name = scenario.pool
    return {
        "id": f"{scenario.cluster_id}/agentPools/{name}",
        "name": name,
        "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "properties": {key: value for key, value in _profile(scenario).items() if key != "name"},
    }


def _profile(scenario: Scenario) -> Json:
    pool: Json = {
        "name": scenario.pool,
        "count": scenario.node_count,
        "vmSize": scenario.vm_size,
        "osDiskSizeGB": scenario.os_disk_gib,
        "osDiskType": "Managed",
        "osType": "Linux",
        "osSKU": "Ubuntu",
        "mode": "System",
        "type": "VirtualMachineScaleSets" if scenario.machine_kind == "vmss" else "AvailabilitySet",
        "maxPods": 110,
        "enableAutoScaling": False,
        "orchestratorVersion": scenario.kubernetes_version,
        "currentOrchestratorVersion": scenario.kubernetes_version,
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
    }
    if scenario.zones:
        pool["availabilityZones"] = list(scenario.zones)
    return pool


def managed_cluster_json(scenario: Scenario) -> Json:
    """The cluster's properties, as far as a scenario decides them."""
    return {
        "id": scenario.cluster_id,
        "name": scenario.cluster_name,
        "type": "Microsoft.ContainerService/managedClusters",
        "location": scenario.location,
        "tags": {},
        "sku": {"name": "Base", "tier": "Free"},
        "properties": {
            "provisioningState": "Succeeded",
            "powerState": {"code": "Running"},
            "kubernetesVersion": scenario.kubernetes_version,
            "currentKubernetesVersion": scenario.kubernetes_version,
            "dnsPrefix": scenario.cluster_name,
            "agentPoolProfiles": [_profile(scenario)],
            "nodeResourceGroup": scenario.node_resource_group,
            "enableRBAC": True,
            "storageProfile": {
                "diskCSIDriver": {"enabled": True},
                "fileCSIDriver": {"enabled": True},
                "snapshotController": {"enabled": True},
            },
        },
    }

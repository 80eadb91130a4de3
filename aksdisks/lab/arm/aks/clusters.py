"""The managed cluster as `az aks show` sees it."""

from __future__ import annotations

import uuid
from typing import Any

from aksdisks.lab.arm.aks.lockdown import cluster_identity
from aksdisks.lab.scenario import Scenario

Json = dict[str, Any]

_DEFAULTS: Json = {
    "provisioningState": "Succeeded",
    "powerState": {"code": "Running"},
    "servicePrincipalProfile": {"clientId": "msi"},
    "enableRBAC": True,
    "supportPlan": "KubernetesOfficial",
    "maxAgentPools": 100,
    "securityProfile": {},
    "storageProfile": {
        "diskCSIDriver": {"enabled": True},
        "fileCSIDriver": {"enabled": True},
        "snapshotController": {"enabled": True},
    },
    "oidcIssuerProfile": {"enabled": False},
    "workloadAutoScalerProfile": {},
    "metricsProfile": {"costAnalysis": {"enabled": False}},
}
"""Properties that no scenario decides: as AKS makes a cluster when nothing else is asked for."""


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
        "kubeletDiskType": "OS",
        "osType": "Linux",
        "osSKU": "Ubuntu",
        "mode": "System",
        "type": "VirtualMachineScaleSets" if scenario.machine_kind == "vmss" else "AvailabilitySet",
        "maxPods": 110,
        "enableAutoScaling": False,
        "enableNodePublicIP": False,
        "enableFIPS": False,
        "upgradeSettings": {"maxSurge": "10%"},
        "orchestratorVersion": scenario.kubernetes_version,
        "currentOrchestratorVersion": scenario.kubernetes_version,
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
    }
    if scenario.zones:
        pool["availabilityZones"] = list(scenario.zones)
    return pool


def managed_cluster_json(scenario: Scenario) -> Json:
    """The whole cluster (cloud-provider-azure pkg/azclient/managedclusterclient/testdata/ManagedCluster.yaml)."""
    unique = uuid.uuid5(uuid.NAMESPACE_OID, scenario.cluster_id)
    host = f"{scenario.cluster_name.lower()}-{unique.hex[:8]}"
    zone = f"{scenario.location}.azmk8s.io"
    nodes = f"{scenario.subscription}/resourceGroups/{scenario.node_resource_group}/providers"
    return {
        "id": scenario.cluster_id,
        "name": scenario.cluster_name,
        "type": "Microsoft.ContainerService/managedClusters",
        "location": scenario.location,
        "tags": {},
        "sku": {"name": "Base", "tier": "Free"},
        "identity": {
            "type": "SystemAssigned",
            "principalId": cluster_identity(scenario),
            "tenantId": scenario.tenant_id,
        },
        "properties": {
            **_DEFAULTS,
            "kubernetesVersion": scenario.kubernetes_version,
            "currentKubernetesVersion": scenario.kubernetes_version,
            "dnsPrefix": scenario.cluster_name,
            "fqdn": f"{host}.hcp.{zone}",
            "azurePortalFQDN": f"{host}.portal.hcp.{zone}",
            "agentPoolProfiles": [_profile(scenario)],
            "nodeResourceGroup": scenario.node_resource_group,
            **_restriction(scenario),
            "networkProfile": _network(
                scenario.pod_cidr, f"{nodes}/Microsoft.Network/publicIPAddresses/{uuid.uuid5(unique, 'address')}"
            ),
            "identityProfile": {
                "kubeletidentity": {
                    "resourceId": f"{nodes}/Microsoft.ManagedIdentity/userAssignedIdentities/"
                    f"{scenario.cluster_name}-agentpool",
                    "clientId": str(uuid.uuid5(unique, "kubelet")),
                    "objectId": str(uuid.uuid5(unique, "kubelet's object")),
                }
            },
            "resourceUID": unique.hex[:24],
        },
    }


def _restriction(scenario: Scenario) -> Json:
    """Of the node resource group; AKS shows it where somebody asked for one."""
    level = scenario.node_resource_group_restriction
    return {} if level == "Unrestricted" else {"nodeResourceGroupProfile": {"restrictionLevel": level}}


def _network(pod_cidr: str, outbound_address: str) -> Json:
    """`outbound_address`: the resource id of the address that the nodes' connections to elsewhere come from."""
    return {
        "networkPlugin": "kubenet",
        "networkPolicy": "none",
        "loadBalancerSku": "standard",
        "loadBalancerProfile": {
            "managedOutboundIPs": {"count": 1},
            "effectiveOutboundIPs": [{"id": outbound_address}],
            "backendPoolType": "nodeIPConfiguration",
        },
        "podCidr": pod_cidr,
        "serviceCidr": "10.0.0.0/16",
        "dnsServiceIP": "10.0.0.10",
        "outboundType": "loadBalancer",
        "podCidrs": [pod_cidr],
        "serviceCidrs": ["10.0.0.0/16"],
        "ipFamilies": ["IPv4"],
    }


def upgrades_json(scenario: Scenario) -> Json:
    """Where the cluster could go: nowhere, since the lab speaks one version."""
    version, kind = scenario.kubernetes_version, "Microsoft.ContainerService/managedClusters/upgradeprofiles"
    plane = {"kubernetesVersion": version, "osType": "Linux", "upgrades": []}
    properties = {"controlPlaneProfile": plane, "agentPoolProfiles": [{**plane, "name": scenario.pool}]}
    place = f"{scenario.cluster_id}/upgradeprofiles/default"
    return {"id": place, "name": "default", "type": kind, "properties": properties}


def versions_json(scenario: Scenario) -> Json:
    """The versions that a cluster may have here: its own."""
    minor = ".".join(scenario.kubernetes_version.split(".")[:2])
    capabilities = {"supportPlan": ["KubernetesOfficial"]}
    patches: Json = {scenario.kubernetes_version: {"upgrades": []}}
    shown = {"version": minor, "capabilities": capabilities, "isDefault": True, "patchVersions": patches}
    return {"values": [shown]}

"""The objects that a cluster of AKS has before anyone has asked for anything, built from the scenario."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from ipaddress import ip_network

from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.clock import micro_timestamp, timestamp
from aksdisks.lab.kube.authz import bootstrap_policy
from aksdisks.lab.scenario import MachineSpec, Scenario, StorageClass

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

DISK_DRIVER, FILE_DRIVER = "disk.csi.azure.com", "file.csi.azure.com"
_DISK_ZONE = f"topology.{DISK_DRIVER}/zone"
_ZONE = "topology.kubernetes.io/zone"

_NODE_SUBNET = ip_network("10.224.0.0/16")
"""The subnet that AKS makes for nodes; Azure keeps the first four addresses of each subnet."""

_API_SERVER = "203.0.113.1"
"""The public address that AKS gives an API server: here one reserved for documentation, as nothing answers there."""

_ROOT_CA_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)

_SOFTWARE = {
    "today": {
        "kernelVersion": "5.15.0-1089-azure",
        "osImage": "Ubuntu 22.04.5 LTS",
        "containerRuntimeVersion": "containerd://1.7.27-1",
    },
    "2019": {
        "kernelVersion": "4.15.0-1035-azure",
        "osImage": "Ubuntu 16.04.5 LTS",
        "containerRuntimeVersion": "docker://3.0.1",
    },
}

_MIGRATED_PLUGINS = (
    "kubernetes.io/aws-ebs,kubernetes.io/azure-disk,kubernetes.io/azure-file,kubernetes.io/cinder,"
    "kubernetes.io/gce-pd,kubernetes.io/portworx-volume,kubernetes.io/vsphere-volume"
)


_PRIORITIES = (
    (
        "system-cluster-critical",
        2000000000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
    (
        "system-node-critical",
        2000001000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
)
"""Name, value, description (pkg/apis/scheduling/v1/helpers.go)."""


async def seed(
    api: KubernetesApi,
    scenario: Scenario,
    now: datetime,
    authority: str,
    machines: Sequence[MachineSpec] | None = None,
) -> None:
    """Create everything; `authority` is the API server's CA certificate (PEM), `machines` those that have registered
    (all, unless given). Raises `ApiError`.
    """
    for name in NAMESPACES:
        await api.create("namespaces", {"metadata": {"name": name}})
        await api.create("configmaps", root_ca(authority), name)
        await api.create("serviceaccounts", {"metadata": {"name": "default"}}, name)
    for role in bootstrap_policy.roles():
        await api.create("clusterroles", role)
    for binding in bootstrap_policy.bindings():
        await api.create("clusterrolebindings", binding)
    await api.create("services", _kubernetes_service(), "default")
    await install(api, scenario)
    for machine in scenario.machines if machines is None else machines:
        await register(api, scenario, machine, now)


async def api_server_objects(api: KubernetesApi) -> None:
    """What upstream's API server makes anew whenever it starts; what is there already stays. Raises `ApiError`."""
    for name, value, description in _PRIORITIES:
        await create_missing(
            api, "priorityclasses", {"metadata": {"name": name}, "value": value, "description": description}
        )
    await create_missing(api, "endpointslices", _kubernetes_slice(), "default")


async def install(api: KubernetesApi, scenario: Scenario) -> None:
    """What AKS's add-on manager and the drivers' manifests put into a cluster; what is there already stays."""
    for storage_class in scenario.storage_classes:
        await create_missing(api, "storageclasses", _storage_class(storage_class))
    for driver in _csi_drivers():
        await create_missing(api, "csidrivers", driver)


async def register(api: KubernetesApi, scenario: Scenario, machine: MachineSpec, now: datetime) -> None:
    """What a kubelet that starts writes: its node, the drivers on it, its lease; what is there already stays."""
    wanted = _node(scenario, machine, now)
    if (node := await create_missing(api, "nodes", wanted)) is None:
        node = await api.get("nodes", machine.node_name)
    else:
        # As with a kubelet that registers: what the machine reports goes through the status subresource.
        await api.patch("nodes", machine.node_name, {"status": wanted["status"]}, subresource="status")
    owner = {"apiVersion": "v1", "kind": "Node", "name": machine.node_name, "uid": node["metadata"]["uid"]}
    await create_missing(api, "csinodes", csi_node(scenario, machine, owner))
    await create_missing(api, "leases", _lease(machine, owner, now), "kube-node-lease")


async def create_missing(api: KubernetesApi, resource: str, obj: Object, namespace: str | None = None) -> Object | None:
    """What was made, None where it was there already. Raises `ApiError`."""
    try:
        return await api.create(resource, obj, namespace)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        return None


def root_ca(authority: str) -> Object:
    """The ConfigMap that every namespace has."""
    annotations = {"kubernetes.io/description": _ROOT_CA_DESCRIPTION}
    return {"metadata": {"name": "kube-root-ca.crt", "annotations": annotations}, "data": {"ca.crt": authority}}


def _storage_class(entry: StorageClass) -> Object:
    """A class that AKS's add-on manager keeps (facts: section A)."""
    metadata: Object = {
        "name": entry.name,
        "labels": {"addonmanager.kubernetes.io/mode": "EnsureExists", "kubernetes.io/cluster-service": "true"},
    }
    if entry.default:
        metadata["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    result: Object = {
        "metadata": metadata,
        "provisioner": entry.provisioner,
        "parameters": dict(entry.parameters),
        "reclaimPolicy": entry.reclaim_policy,
        "allowVolumeExpansion": entry.allow_volume_expansion,
        "volumeBindingMode": entry.volume_binding_mode,
    }
    if entry.mount_options:
        result["mountOptions"] = list(entry.mount_options)
    return result


def _csi_drivers() -> Iterator[Object]:
    """The drivers' own manifests (facts B: deploy/csi-azuredisk-driver.yaml; azurefile-csi-driver likewise)."""
    common = {"storageCapacity": False, "requiresRepublish": False, "seLinuxMount": False}
    yield {
        "metadata": {"name": DISK_DRIVER},
        "spec": {
            "attachRequired": True,
            "podInfoOnMount": False,
            "volumeLifecycleModes": ["Persistent"],
            "fsGroupPolicy": "File",
            **common,
        },
    }
    yield {
        "metadata": {"name": FILE_DRIVER},
        "spec": {
            "attachRequired": False,
            "podInfoOnMount": True,
            "volumeLifecycleModes": ["Persistent", "Ephemeral"],
            "fsGroupPolicy": "ReadWriteOnceWithFSType",
            "tokenRequests": [{"audience": "api://AzureADTokenExchange"}],
            **common,
        },
    }


def _kubernetes_service() -> Object:
    return {
        "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {
            "clusterIP": "10.0.0.1",
            "clusterIPs": ["10.0.0.1"],
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}],
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
    }


def _kubernetes_slice() -> Object:
    """What the API server itself writes of where it is (pkg/controlplane/reconcilers/endpointsadapter.go)."""
    return {
        "metadata": {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [_API_SERVER], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": 443, "protocol": "TCP"}],
    }


def _node(scenario: Scenario, machine: MachineSpec, now: datetime) -> Object:
    pods = str(ip_network((int(ip_network(scenario.pod_cidr)[256 * machine.index]), 24)))
    annotations = {
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
    }
    if scenario.era == "today":
        drivers = {DISK_DRIVER: machine.node_name, FILE_DRIVER: machine.node_name}
        annotations["csi.volume.kubernetes.io/nodeid"] = json.dumps(drivers, separators=(",", ":"))
    metadata = {"name": machine.node_name, "labels": _labels(scenario, machine), "annotations": annotations}
    return {
        "metadata": metadata,
        "spec": {"podCIDR": pods, "podCIDRs": [pods], "providerID": machine.provider_id},
        "status": {
            **_resources(scenario),
            "conditions": list(_conditions(timestamp(now))),
            "addresses": [
                {"type": "InternalIP", "address": str(_NODE_SUBNET[4 + machine.index])},
                {"type": "Hostname", "address": machine.node_name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "machineID": f"{machine.index:032x}",
                "systemUUID": f"00000000-0000-0000-0000-{machine.index:012x}",
                "bootID": f"00000000-0000-4000-8000-{machine.index:012x}",
                **_SOFTWARE[scenario.era],
                "kubeletVersion": f"v{scenario.kubernetes_version}",
                "kubeProxyVersion": "",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    }


def _labels(scenario: Scenario, machine: MachineSpec) -> dict[str, str]:
    # Without zones the disk driver labels the empty text, and the cloud provider gives the fault domain as zone.
    zone = f"{scenario.location}-{machine.zone}" if machine.zone else ""
    domain = zone or str(machine.index % 3)
    labels = {
        "agentpool": scenario.pool,
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/instance-type": scenario.vm_size,
        "beta.kubernetes.io/os": "linux",
        "failure-domain.beta.kubernetes.io/region": scenario.location,
        "failure-domain.beta.kubernetes.io/zone": domain,
        "kubernetes.azure.com/agentpool": scenario.pool,
        "kubernetes.azure.com/cluster": scenario.node_resource_group,
        "kubernetes.azure.com/mode": "system",
        "kubernetes.azure.com/os-sku": "Ubuntu",
        "kubernetes.azure.com/role": "agent",
        "kubernetes.azure.com/storageprofile": "managed",
        "kubernetes.azure.com/storagetier": "Premium_LRS",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": machine.node_name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": scenario.vm_size,
        "storageprofile": "managed",
        "storagetier": "Premium_LRS",
        "topology.kubernetes.io/region": scenario.location,
        _ZONE: domain,
    }
    return labels | ({_DISK_ZONE: zone} if scenario.era == "today" else {"kubernetes.io/role": "agent"})


def _resources(scenario: Scenario) -> dict[str, dict[str, str]]:
    """A node's capacity, and what of it pods can have."""
    size = scenario.size
    capacity = {
        "cpu": str(size.cpus),
        "ephemeral-storage": f"{scenario.os_disk_gib * 1024 * 1024 * 98 // 100}Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": f"{int(size.memory_gib * 1024 * 1024 * 0.97)}Ki",
        "pods": "110",
    }
    if scenario.era == "2019":
        # The limit stood here before there was a CSINode (k/k#77225).
        capacity["attachable-volumes-azure-disk"] = str(size.max_data_disks)
    allocatable = capacity | {
        "cpu": f"{size.cpus * 1000 - 100}m",
        "memory": f"{int(size.memory_gib * 1024 * 1024 * 0.65)}Ki",
    }
    return {"capacity": capacity, "allocatable": allocatable}


def _conditions(moment: str) -> Iterator[Object]:
    times = {"lastHeartbeatTime": moment, "lastTransitionTime": moment}
    for kind, reason, message in (
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ):
        yield {"type": kind, "status": "False", **times, "reason": reason, "message": message}
    ready = {"reason": "KubeletReady", "message": "kubelet is posting ready status"}
    yield {"type": "Ready", "status": "True", **times, **ready}


def csi_node(scenario: Scenario, machine: MachineSpec, owner: Object) -> Object:
    """What the node-driver-registrar and kubelet write (facts B, CSINode)."""
    disk_keys = [_DISK_ZONE, _ZONE] if machine.zone else [_DISK_ZONE]
    return {
        "metadata": {
            "name": machine.node_name,
            "annotations": {"storage.alpha.kubernetes.io/migrated-plugins": _MIGRATED_PLUGINS},
            "ownerReferences": [owner],
        },
        "spec": {
            "drivers": [
                {
                    "name": DISK_DRIVER,
                    "nodeID": machine.node_name,
                    "topologyKeys": disk_keys,
                    "allocatable": {"count": scenario.size.max_data_disks},
                },
                {"name": FILE_DRIVER, "nodeID": machine.node_name, "topologyKeys": None},
            ]
        },
    }


def _lease(machine: MachineSpec, owner: Object, now: datetime) -> Object:
    return {
        "metadata": {"name": machine.node_name, "ownerReferences": [owner]},
        "spec": {
            "holderIdentity": machine.node_name,
            "leaseDurationSeconds": 40,
            "renewTime": micro_timestamp(now),
        },
    }

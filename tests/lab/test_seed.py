"""What a cluster has before anyone has asked for anything, against sections A and B of the facts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.write.api import KubeApi
from aksdisks.lab.scenario import Scenario, load
from aksdisks.lab.seed import api_server_objects, seed

DISK, FILE = "disk.csi.azure.com", "file.csi.azure.com"


def seeded(scenario: Scenario) -> KubeApi:
    clock = Clock()
    api = KubeApi(Store(), clock, Ids(1))
    asyncio.run(seed(api, scenario, clock.now(), "a certificate"))
    return api


@pytest.fixture(scope="module")
def api() -> KubeApi:
    return seeded(load("regional"))


def listed(api: KubeApi, resource: str) -> list[dict[str, Any]]:
    return api.list_page(resource).items


@pytest.mark.parametrize(
    ("name", "provisioner", "sku", "binding"),
    [
        ("azurefile", FILE, None, "Immediate"),
        ("azurefile-csi", FILE, None, "Immediate"),
        ("azurefile-csi-premium", FILE, None, "Immediate"),
        ("azurefile-premium", FILE, None, "Immediate"),
        ("default", DISK, "StandardSSD_LRS", "WaitForFirstConsumer"),
        ("managed", DISK, "StandardSSD_LRS", "WaitForFirstConsumer"),
        ("managed-csi", DISK, "StandardSSD_LRS", "WaitForFirstConsumer"),
        ("managed-csi-premium", DISK, "Premium_LRS", "WaitForFirstConsumer"),
        ("managed-premium", DISK, "Premium_LRS", "WaitForFirstConsumer"),
    ],
)
def test_storage_classes_are_those_of_aks(
    api: KubeApi, name: str, provisioner: str, sku: str | None, binding: str
) -> None:
    found = api.get_version("storageclasses", name).object
    assert (found["provisioner"], found["parameters"].get("skuname"), found["volumeBindingMode"]) == (
        provisioner,
        sku,
        binding,
    )
    assert (found["reclaimPolicy"], found["allowVolumeExpansion"]) == ("Delete", True)
    labels = {"addonmanager.kubernetes.io/mode": "EnsureExists", "kubernetes.io/cluster-service": "true"}
    assert found["metadata"]["labels"] == labels
    default = found["metadata"].get("annotations", {}).get("storageclass.kubernetes.io/is-default-class")
    assert default == ("true" if name == "default" else None)


def test_there_are_no_other_classes(api: KubeApi) -> None:
    assert len(listed(api, "storageclasses")) == 9


@pytest.mark.parametrize(
    ("scenario", "names", "provider"),
    [
        (
            "regional",
            [f"aks-agentpool-22115152-vmss00000{n}" for n in range(3)],
            "/resourceGroups/mc_disks_article_westeurope/providers/Microsoft.Compute/virtualMachineScaleSets/"
            "aks-agentpool-22115152-vmss/virtualMachines/2",
        ),
        (
            "availability-set",
            [f"aks-agentpool-22115152-{n}" for n in range(3)],
            "/resourceGroups/mc_disks_article_westeurope/providers/Microsoft.Compute/virtualMachines/"
            "aks-agentpool-22115152-2",
        ),
    ],
)
def test_nodes_know_their_machines(scenario: str, names: list[str], provider: str) -> None:
    api = seeded(load(scenario))
    nodes = listed(api, "nodes")
    assert [node["metadata"]["name"] for node in nodes] == names
    assert nodes[-1]["spec"]["providerID"].startswith("azure:///subscriptions/")
    assert nodes[-1]["spec"]["providerID"].endswith(provider)
    assert [node["status"]["conditions"][-1]["status"] for node in nodes] == ["True"] * 3


def test_each_node_has_its_drivers_and_its_lease(api: KubeApi) -> None:
    for node, csi_node, lease in zip(listed(api, "nodes"), listed(api, "csinodes"), listed(api, "leases"), strict=True):
        name, uid = node["metadata"]["name"], node["metadata"]["uid"]
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}
        assert csi_node["metadata"]["ownerReferences"] == lease["metadata"]["ownerReferences"] == [owner]
        disk = csi_node["spec"]["drivers"][0]
        assert (disk["name"], disk["nodeID"], disk["allocatable"]) == (DISK, name, {"count": 8})
        assert disk["topologyKeys"] == ["topology.disk.csi.azure.com/zone"]
        assert node["metadata"]["labels"]["topology.disk.csi.azure.com/zone"] == ""
        assert json.loads(node["metadata"]["annotations"]["csi.volume.kubernetes.io/nodeid"])[DISK] == name


def test_zonal_nodes_carry_the_zone_of_their_machine(tmp_path: Any) -> None:
    path = tmp_path / "zonal.yaml"
    path.write_text('base: regional\nzones: ["1", "2", "3"]\n')
    api = seeded(load(path))
    labels = [node["metadata"]["labels"] for node in listed(api, "nodes")]
    for key in ("topology.disk.csi.azure.com/zone", "topology.kubernetes.io/zone"):
        assert [label[key] for label in labels] == ["westeurope-1", "westeurope-2", "westeurope-3"]
    assert "topology.kubernetes.io/zone" in listed(api, "csinodes")[0]["spec"]["drivers"][0]["topologyKeys"]


def test_every_namespace_has_an_account_and_the_authority(api: KubeApi) -> None:
    namespaces = [item["metadata"]["name"] for item in listed(api, "namespaces")]
    assert namespaces == ["default", "kube-node-lease", "kube-public", "kube-system"]
    assert [item["metadata"]["namespace"] for item in listed(api, "serviceaccounts")] == namespaces
    assert [item["data"] for item in listed(api, "configmaps")] == [{"ca.crt": "a certificate"}] * 4


def test_each_of_five_hundred_nodes_has_addresses_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "wide.yaml"
    path.write_text("base: regional\nnode_count: 500\n")
    nodes = listed(seeded(load(path)), "nodes")
    ranges = {node["spec"]["podCIDR"] for node in nodes}
    addresses = {node["status"]["addresses"][0]["address"] for node in nodes}
    assert (len(nodes), len(ranges), len(addresses)) == (500, 500, 500)


def test_the_api_server_makes_what_is_its_own_at_each_start(api: KubeApi) -> None:
    for _ in range(2):
        asyncio.run(api_server_objects(api))
    (found,) = listed(api, "endpointslices")
    assert (found["metadata"]["namespace"], found["metadata"]["name"]) == ("default", "kubernetes")
    assert found["metadata"]["labels"] == {"kubernetes.io/service-name": "kubernetes"}
    assert found["endpoints"] == [{"addresses": ["203.0.113.1"], "conditions": {"ready": True}}]
    assert found["ports"] == [{"name": "https", "port": 443, "protocol": "TCP"}]
    assert [entry["value"] for entry in listed(api, "priorityclasses")] == [2000000000, 2000001000]

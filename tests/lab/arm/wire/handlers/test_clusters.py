"""The managed cluster, its pools and its credentials over the wire."""

from __future__ import annotations

import base64

import pytest
import requests

CLUSTER = "/resourceGroups/disks/providers/Microsoft.ContainerService/managedClusters/article"


@pytest.fixture(scope="module")
def ask(azure):
    azure.cloud.kubeconfigs = {"clusterAdmin": b"admin: {}", "clusterUser": b"user: {}"}
    headers = {"Authorization": f"Bearer {azure.tokens.issue('https://management.azure.com')}"}
    with requests.Session() as session:
        session.trust_env = False

        def send(path, method="GET"):
            url = f"{azure.url}/subscriptions/{azure.scenario.subscription_id}{path}?api-version=2026-06-01"
            return session.request(method, url, headers=headers, verify=azure.ca_bundle, timeout=10)

        yield send


def test_the_cluster_names_its_node_resource_group_and_pools(ask):
    cluster = ask(CLUSTER.upper()).json()
    assert cluster["properties"]["nodeResourceGroup"] == "MC_disks_article_westeurope"
    [profile] = cluster["properties"]["agentPoolProfiles"]
    assert (profile["name"], profile["count"], profile["type"]) == ("agentpool", 3, "VirtualMachineScaleSets")
    [pool] = ask(f"{CLUSTER}/agentPools").json()["value"]
    assert pool == ask(f"{CLUSTER}/agentPools/AgentPool").json()
    assert pool["id"].endswith("/managedClusters/article/agentPools/agentpool")
    assert pool["properties"] == {key: value for key, value in profile.items() if key != "name"}
    assert [entry["id"] for entry in ask(CLUSTER.rpartition("/")[0]).json()["value"]] == [cluster["id"]]


@pytest.mark.parametrize("name", ["clusterAdmin", "clusterUser"])
def test_credentials_are_kubeconfigs(ask, name):
    found = ask(f"{CLUSTER}/list{name[0].upper()}{name[1:]}Credential", "POST").json()
    [config] = found["kubeconfigs"]
    assert config["name"] == name
    assert base64.b64decode(config["value"]) == f"{name.removeprefix('cluster').lower()}: {{}}".encode()


@pytest.mark.parametrize(
    ("path", "method", "message"),
    [
        (
            f"{CLUSTER}x",
            "GET",
            "The Resource 'Microsoft.ContainerService/managedClusters/articlex' under resource group",
        ),
        (
            f"{CLUSTER}/agentPools/other",
            "GET",
            "managedClusters/article/agentPools/other' under resource group 'disks'",
        ),
        (f"{CLUSTER}x/listClusterUserCredential", "POST", "managedClusters/articlex' under resource group 'disks'"),
    ],
)
def test_what_there_is_not(ask, path, method, message):
    answer = ask(path, method)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")
    assert message in answer.json()["error"]["message"]


def test_a_cluster_speaks_one_version(ask, azure):
    version = azure.scenario.kubernetes_version
    upgrades = ask(f"{CLUSTER}/upgradeProfiles/default").json()["properties"]
    assert upgrades["controlPlaneProfile"] == {"kubernetesVersion": version, "osType": "Linux", "upgrades": []}
    assert [pool["name"] for pool in upgrades["agentPoolProfiles"]] == ["agentpool"]
    place = "/providers/Microsoft.ContainerService/locations/westeurope/kubernetesVersions"
    [known] = ask(place).json()["values"]
    assert list(known["patchVersions"]) == [version]

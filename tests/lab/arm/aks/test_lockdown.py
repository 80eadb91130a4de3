"""A node resource group that is locked down, as its owner meets it over HTTPS."""

from __future__ import annotations

import asyncio
import dataclasses
import re

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.mgmt.storage import StorageManagementClient

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.driver.local import CloudCompute

GROUP = "MC_disks_article_westeurope"
EMPTY = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
LOCKED_DOWN = dataclasses.replace(scenarios.load("regional"), node_resource_group_restriction="ReadOnly")
WORDS = (
    r"The client '(?P<client>[-0-9a-f]{36})' with object id '[-0-9a-f]{36}' has permission to perform action "
    r"'(?P<action>[\w./]+)' on scope '(?P<scope>[^']+)'; however, the access is denied because of the deny assignment "
    r"with name 'kubernetes\.azure\.com/[-0-9a-f]{36}/[-0-9a-f]{36}: node resource group deny assignment created by "
    r"Azure Kubernetes Services for nrg-lockdown, see: https://aka\.ms/aks/nrg_lockdown' and Id '[0-9a-f]{32}' at "
    r"scope '/subscriptions/[-0-9a-f]{36}/resourcegroups/MC_disks_article_westeurope'\."
)


@pytest.fixture(scope="module")
def azure(serve):
    with serve(LOCKED_DOWN) as server:
        yield server


@pytest.mark.parametrize(
    ("act", "action"),
    [(lambda compute: compute.disks.begin_create_or_update(GROUP, "mine", EMPTY), "Microsoft.Compute/disks/write"),
     (lambda compute: compute.disks.begin_delete(GROUP.lower(), "mine"), "Microsoft.Compute/disks/delete"),
     (lambda compute: compute.snapshots.begin_create_or_update(GROUP, "mine", EMPTY),
      "Microsoft.Compute/snapshots/write")],
)  # fmt: skip
def test_nobody_who_signs_in_changes_it_whatever_their_roles(azure, compute, act, action):
    with pytest.raises(HttpResponseError) as refused:
        act(compute)
    assert (refused.value.status_code, refused.value.error.code) == (403, "DenyAssignmentAuthorizationFailed")
    found = re.fullmatch(WORDS, refused.value.error.message)
    assert (found["client"], found["action"]) == (azure.scenario.client_id, action)


def test_nor_does_anybody_make_a_storage_account_in_it_or_read_a_key(azure):
    storage = azure.client(kind=StorageManagementClient).storage_accounts
    body = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
    for act, action in (
        (lambda: storage.begin_create(GROUP, "mine0", body), "write"),
        (lambda: storage.list_keys(GROUP, "mine0"), "listKeys/action"),
    ):
        with pytest.raises(HttpResponseError) as refused:
            act()
        found = re.fullmatch(WORDS, refused.value.error.message)
        assert found["action"] == f"Microsoft.Storage/storageAccounts/{action}"
    assert list(storage.list_by_resource_group(GROUP)) == []


def test_everybody_reads_it_and_changes_what_is_beside_it(compute):
    assert len(list(compute.disks.list_by_resource_group(GROUP))) == 3
    assert compute.disks.begin_create_or_update("disks", "mine", EMPTY).result().name == "mine"
    compute.disks.begin_delete("disks", "mine").result()


def test_the_clusters_own_driver_changes_it(cloud_of):
    async def story():
        cloud = cloud_of(LOCKED_DOWN)
        driver = CloudCompute(cloud)
        disk = await driver.create_disk("pvc-1", 4, "Premium_LRS", {})
        await driver.delete_disk(disk)
        await driver.close()
        await cloud.close()
        return disk

    assert f"/resourceGroups/{GROUP}/" in asyncio.run(story())


def test_the_cluster_and_its_deny_assignment_say_so(azure, signed_in):
    def get(path, version):
        return signed_in.get(f"{azure.url}{path}", params={"api-version": version}, timeout=10).json()

    cluster = get(azure.scenario.cluster_id, "2025-01-01")
    assert cluster["properties"]["nodeResourceGroupProfile"] == {"restrictionLevel": "ReadOnly"}
    subscription = azure.scenario.subscription
    path = f"{subscription}/resourceGroups/{GROUP}/providers/Microsoft.Authorization/denyAssignments"
    (found,) = get(path, "2022-04-01")["value"]
    properties = found["properties"]
    assert properties["excludePrincipals"] == [{"id": cluster["identity"]["principalId"], "type": "ServicePrincipal"}]
    assert properties["permissions"][0]["notActions"] == ["*/read"]
    elsewhere = f"{subscription}/resourceGroups/disks/providers/Microsoft.Authorization/denyAssignments"
    assert get(elsewhere, "2022-04-01") == {"value": []}


def test_without_a_restriction_there_is_none(serve):
    with serve() as azure, requests.Session() as session:
        session.trust_env, session.verify = False, azure.ca_bundle
        session.headers["Authorization"] = f"Bearer {azure.tokens.issue('https://management.azure.com/')}"
        path = f"{azure.url}{azure.scenario.subscription}/providers/Microsoft.Authorization/denyAssignments"
        assert session.get(path, params={"api-version": "2022-04-01"}, timeout=10).json() == {"value": []}
        cluster = session.get(
            f"{azure.url}{azure.scenario.cluster_id}", params={"api-version": "2025-01-01"}, timeout=10
        )
        assert "nodeResourceGroupProfile" not in cluster.json()["properties"]

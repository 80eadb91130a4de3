"""Storage accounts through azure-mgmt-storage over HTTPS: their life, keys, rights, locks, limits."""

from __future__ import annotations

import dataclasses

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.storage import StorageManagementClient

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.scenario import AzureRole, Principal

GROUP, NODES = "disks", "MC_disks_article_westeurope"
ROLES = {"Reader": "11111111", "Storage Account Contributor": "22222222", "Reader and Data Access": "33333333"}
OWNER_OF_NODES = "44444444-2222-3333-4444-555555555555"
BODY = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "tags": {"a": "b"}}
ACCOUNTS = "/providers/Microsoft.Storage/storageAccounts"


def client_of(role):
    return f"{ROLES[role]}-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def azure(serve):
    principals = [Principal(client_of(role), "secret", (AzureRole(role),)) for role in ROLES]
    principals.append(Principal(OWNER_OF_NODES, "secret", (AzureRole("Owner", scope=NODES),)))
    scenario = dataclasses.replace(scenarios.load("regional"), principals=tuple(principals))
    with serve(scenario) as server:
        yield server


@pytest.fixture(scope="module")
def storage(azure):
    return azure.client(kind=StorageManagementClient)


@pytest.fixture(scope="module")
def as_client(azure):
    """The SDK as another client."""
    known = {}

    def get(client):
        if client not in known:
            known[client] = azure.client("secret", kind=StorageManagementClient, client=client)
        return known[client]

    return get


@pytest.fixture(scope="module")
def made(storage):
    return storage.storage_accounts.begin_create(GROUP, "first0", BODY).result()


def test_an_account_is_made_as_azure_shows_it(made, azure):
    """Compared with the recording in cloud-provider-azure (pkg/azclient/accountclient/testdata/AZURECLOUD.yaml)."""
    shown = made.as_dict()
    times = [shown["properties"].pop("keyCreationTime"), shown["properties"].pop("creationTime")]
    for service in shown["properties"]["encryption"]["services"].values():
        assert service.pop("lastEnabledTime") == times[1]
    assert times[0] == {"key1": times[1], "key2": times[1]}
    hosts = {service: f"https://first0.{service}.core.windows.net/" for service in ("dfs", "blob", "queue", "table")}
    hosts |= {"web": "https://first0.z6.web.core.windows.net/", "file": "https://first0.file.core.windows.net/"}
    assert shown == {
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "kind": "StorageV2",
        "id": f"{azure.scenario.subscription}/resourceGroups/{GROUP}{ACCOUNTS}/first0",
        "name": "first0",
        "type": "Microsoft.Storage/storageAccounts",
        "location": "westeurope",
        "tags": {"a": "b"},
        "properties": {
            "privateEndpointConnections": [],
            "minimumTlsVersion": "TLS1_0",
            "allowBlobPublicAccess": False,
            "networkAcls": {
                "ipv6Rules": [],
                "bypass": "AzureServices",
                "virtualNetworkRules": [],
                "ipRules": [],
                "defaultAction": "Allow",
            },
            "supportsHttpsTrafficOnly": True,
            "encryption": {
                "requireInfrastructureEncryption": False,
                "services": {name: {"keyType": "Account", "enabled": True} for name in ("file", "blob")},
                "keySource": "Microsoft.Storage",
            },
            "accessTier": "Hot",
            "provisioningState": "Succeeded",
            "primaryEndpoints": hosts,
            "primaryLocation": "westeurope",
            "statusOfPrimary": "available",
        },
    }


def test_it_takes_a_while_and_only_the_location_says_where_to_ask(storage, azure, signed_in):
    path = f"{azure.scenario.subscription}/resourceGroups/{GROUP}{ACCOUNTS}/slow0"
    version = {"api-version": "2023-05-01"}
    with azure.holding(azure.scenario.delays.create_account):
        answer = signed_in.put(f"{azure.url}{path}", params=version, json=BODY, timeout=10)
        assert (answer.status_code, answer.text) == (202, "")
        assert "Azure-AsyncOperation" not in answer.headers
        address = answer.headers["Location"]
        assert "/providers/Microsoft.Storage/locations/westeurope/asyncoperations/" in address
        assert signed_in.get(address, timeout=10).status_code == 202
        assert storage.storage_accounts.get_properties(GROUP, "slow0").properties.provisioning_state == "ResolvingDNS"
        for call in (
            lambda: storage.storage_accounts.list_keys(GROUP, "slow0"),
            lambda: storage.storage_accounts.update(GROUP, "slow0", {"tags": {}}),
            lambda: storage.file_shares.create(GROUP, "slow0", "data", {}),
        ):
            with pytest.raises(ResourceExistsError) as refused:
                call()
            assert refused.value.error.code == "StorageAccountIsNotProvisioned"
    poller = storage.storage_accounts.begin_create(GROUP, "slow1", BODY)
    assert poller.result().properties.provisioning_state == "Succeeded"
    assert signed_in.get(address, timeout=10).json()["name"] == "slow0"


def test_it_is_changed_found_and_deleted(storage, made):
    accounts = storage.storage_accounts
    accounts.begin_create(NODES, "second0", BODY).result()
    changed = accounts.update(GROUP.upper(), "FIRST0", {"properties": {"largeFileSharesState": "Enabled"}})
    assert (changed.id, changed.properties.large_file_shares_state, changed.tags) == (made.id, "Enabled", {"a": "b"})
    again = accounts.begin_create(GROUP, "first0", {**BODY, "tags": {"c": "d"}}).result()
    assert (again.tags, again.properties.large_file_shares_state) == ({"c": "d"}, "Enabled")
    assert "second0" not in [account.name for account in accounts.list_by_resource_group(GROUP)]
    assert {"first0", "second0"} <= {account.name for account in accounts.list()}
    accounts.delete(NODES, "second0")
    accounts.delete(NODES, "second0")
    with pytest.raises(ResourceNotFoundError) as missing:
        accounts.get_properties(NODES, "second0")
    assert missing.value.error.message.startswith(
        "The Resource 'Microsoft.Storage/storageAccounts/second0' under resource group 'MC_disks_article_westeurope'"
    )
    with pytest.raises(ResourceNotFoundError) as missing:
        list(accounts.list_by_resource_group("nowhere"))
    assert missing.value.error.code == "ResourceGroupNotFound"


def test_names_are_free_once_in_all_of_azure(storage, made):
    def check(name):
        answer = storage.storage_accounts.check_name_availability({"name": name, "type": made.type})
        return answer.name_available, answer.reason, answer.message

    assert check("nobodys0") == (True, None, None)
    taken = "The storage account named first0 is already taken."
    assert check("first0") == (False, "AlreadyExists", taken)
    assert check("No!")[:2] == (False, "AccountNameInvalid")
    with pytest.raises(ResourceExistsError) as refused:
        storage.storage_accounts.begin_create(NODES, "first0", BODY)
    assert refused.value.error.code == "StorageAccountInAnotherResourceGroup"
    assert (
        refused.value.error.message == "The account first0 is already in another resource group in this subscription."
    )


def test_keys_are_renewed_one_by_one(storage, made):
    def keys():
        listed = storage.storage_accounts.list_keys(GROUP, made.name).keys_property
        return [(key.key_name, key.value) for key in listed]

    before = keys()
    assert [name for name, _ in before] == ["key1", "key2"]
    assert {len(value) for _, value in before} == {88}
    storage.storage_accounts.regenerate_key(GROUP, "first0", {"keyName": "key1"})
    after = keys()
    assert after[0] != before[0]
    assert after[1] == before[1]
    with pytest.raises(HttpResponseError, match="Values for request parameters are invalid: keyName"):
        storage.storage_accounts.regenerate_key(GROUP, "first0", {"keyName": "key3"})


@pytest.mark.parametrize(
    ("role", "act", "action"),
    [
        ("Reader", "list_keys", "Microsoft.Storage/storageAccounts/listKeys/action"),
        ("Reader", "delete", "Microsoft.Storage/storageAccounts/delete"),
        ("Reader", "get_properties", None),
        ("Reader and Data Access", "list_keys", None),
        ("Reader and Data Access", "delete", "Microsoft.Storage/storageAccounts/delete"),
        ("Storage Account Contributor", "list_keys", None),
    ],
)
def test_who_may_do_what(as_client, made, role, act, action):
    call = getattr(as_client(client_of(role)).storage_accounts, act)
    if action is None:
        assert call(GROUP, "first0") is not None
        return
    with pytest.raises(HttpResponseError) as refused:
        call(GROUP, "first0")
    assert refused.value.error.code == "AuthorizationFailed"
    assert f"perform action '{action}' over scope '{made.id}' or" in refused.value.error.message


def test_lists_leave_out_what_one_does_not_see(as_client, storage, made):
    storage.storage_accounts.begin_create(NODES, "seen0", BODY).result()
    accounts = as_client(OWNER_OF_NODES).storage_accounts
    assert [account.name for account in accounts.list()] == ["seen0"]
    with pytest.raises(HttpResponseError, match="does not have authorization"):
        accounts.get_properties(GROUP, made.name)


def test_locks_tags_and_lists_of_everything_know_them(azure, signed_in, storage, made):
    def call(method, path, body=None, version="2021-04-01"):
        url = f"{azure.url}{path}"
        return signed_in.request(method, url, params={"api-version": version}, json=body, timeout=10)

    lock = "providers/Microsoft.Authorization/locks/keep"
    assert call("PUT", f"{made.id}x/{lock}", {"properties": {"level": "ReadOnly"}}, "2016-09-01").status_code == 404
    assert call("PUT", f"{made.id}/{lock}", {"properties": {"level": "ReadOnly"}}, "2016-09-01").status_code == 201
    for act in (
        lambda: storage.storage_accounts.delete(GROUP, "first0"),
        lambda: storage.file_shares.create(GROUP, "first0", "data", {}),
        # What a key opens could be changed by it.
        lambda: storage.storage_accounts.list_keys(GROUP, "first0"),
    ):
        with pytest.raises(ResourceExistsError, match="because following scope") as refused:
            act()
        assert refused.value.error.code == "ScopeLocked"
    assert call("DELETE", f"{made.id}/{lock}", version="2016-09-01").status_code == 200

    tags = f"{made.id}/providers/Microsoft.Resources/tags/default"
    assert call("PATCH", tags, {"operation": "Merge", "properties": {"tags": {"e": "f"}}}).status_code == 200
    assert storage.storage_accounts.get_properties(GROUP, "first0").tags["e"] == "f"
    assert "e" in [entry["tagName"] for entry in call("GET", f"{azure.scenario.subscription}/tagNames").json()["value"]]
    listed = call("GET", f"{azure.scenario.subscription}/resourceGroups/{GROUP}/resources").json()["value"]
    found = next(entry for entry in listed if entry["name"] == "first0")
    assert (found["type"], found["kind"]) == ("Microsoft.Storage/storageAccounts", "StorageV2")
    assert storage.usages.list_by_location("westeurope").next().current_value >= 2

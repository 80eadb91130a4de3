"""What a principal's roles allow, row by row, and what Resource Manager says to the rest."""

from __future__ import annotations

import dataclasses

import pytest
from azure.core.exceptions import HttpResponseError

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.resources.roles import Authorization, Right, right
from aksdisks.lab.scenario import AzureRole, Principal

S = "/subscriptions/s"
G, D = f"{S}/resourceGroups/g", f"{S}/resourceGroups/g/providers/Microsoft.Compute/disks/d"
GROUP = "MC_disks_article_westeurope"
CLIENT = "11111111-2222-3333-4444-555555555555"
ACCOUNT = f"{G}/providers/Microsoft.Storage/storageAccounts/a"
MACHINES = f"{G}/providers/Microsoft.Compute/virtualMachineScaleSets"


@pytest.mark.parametrize(
    ("method", "path", "action", "scope"),
    [
        ("GET", D, "Microsoft.Compute/disks/read", D),
        ("PATCH", D, "Microsoft.Compute/disks/write", D),
        ("DELETE", D, "Microsoft.Compute/disks/delete", D),
        ("GET", D.removesuffix("/d"), "Microsoft.Compute/disks/read", G),
        ("GET", f"{S}/providers/Microsoft.Compute/disks", "Microsoft.Compute/disks/read", S),
        ("GET", f"{S}/resourceGroups", "Microsoft.Resources/subscriptions/resourceGroups/read", S),
        ("HEAD", G, "Microsoft.Resources/subscriptions/resourceGroups/read", G),
        ("GET", S, "Microsoft.Resources/subscriptions/read", S),
        (
            "GET",
            f"{MACHINES}/v/virtualMachines",
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read",
            f"{MACHINES}/v",
        ),
        (
            "PUT",
            f"{MACHINES}/v/virtualMachines/0",
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/write",
            f"{MACHINES}/v/virtualMachines/0",
        ),
        (
            "GET",
            f"{MACHINES}/v/virtualMachines/0/instanceView",
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/instanceView/read",
            f"{MACHINES}/v/virtualMachines/0",
        ),
        (
            "GET",
            f"{ACCOUNT}/fileServices/default/shares/s",
            "Microsoft.Storage/storageAccounts/fileServices/shares/read",
            f"{ACCOUNT}/fileServices/default/shares/s",
        ),
        ("POST", f"{ACCOUNT}/listKeys", "Microsoft.Storage/storageAccounts/listKeys/action", ACCOUNT),
        (
            "POST",
            f"{S}/providers/Microsoft.Storage/checkNameAvailability",
            "Microsoft.Storage/checkNameAvailability/read",
            S,
        ),
        (
            "GET",
            f"{S}/providers/Microsoft.Storage/locations/l/asyncoperations/o",
            "Microsoft.Storage/storageAccounts/read",
            S,
        ),
        (
            "POST",
            f"{G}/providers/Microsoft.ContainerService/managedClusters/c/listClusterUserCredential",
            "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
            f"{G}/providers/Microsoft.ContainerService/managedClusters/c",
        ),
    ],
)
def test_the_right_that_a_route_needs(method, path, action, scope):
    parts = path.split("/")[1:]
    needed = right(method, parts)
    assert needed == Right(action, needed.depth)
    assert needed.scope(parts) == scope


@pytest.mark.parametrize("path", ["/subscriptions", "/tenants", "/providers"])
def test_what_everybody_may_ask(path):
    assert right("GET", path.split("/")[1:]) is None


@pytest.mark.parametrize(
    ("role", "action", "scope", "allowed"),
    [
        (AzureRole("Owner"), "Microsoft.Compute/disks/write", D, True),
        (AzureRole("reader"), "Microsoft.Compute/disks/read", D, True),
        (AzureRole("Reader"), "Microsoft.Compute/disks/write", D, False),
        (AzureRole("Contributor"), "Microsoft.Compute/disks/delete", D, True),
        (AzureRole("Contributor"), "Microsoft.Authorization/roleAssignments/write", D, False),
        (AzureRole("No such role"), "Microsoft.Compute/disks/read", D, False),
        (AzureRole("own", ("microsoft.compute/DISKS/read",)), "Microsoft.Compute/disks/read", D, True),
        (AzureRole("own", ("Microsoft.Compute/*",), ("*/delete",)), "Microsoft.Compute/disks/delete", D, False),
        (AzureRole("own", ("Microsoft.Compute/disks/read",)), "Microsoft.Compute/disks/readx", D, False),
        (AzureRole("Reader", scope="G"), "Microsoft.Compute/disks/read", D, True),
        (AzureRole("Reader", scope="g2"), "Microsoft.Compute/disks/read", D, False),
        (AzureRole("Reader", scope=G), "Microsoft.Compute/disks/read", f"{S}/resourceGroups/g2", False),
        (AzureRole("Reader", scope=D), "Microsoft.Compute/disks/read", D.upper(), True),
        (AzureRole("Reader", scope=D), "Microsoft.Compute/disks/read", G, False),
    ],
)
def test_what_a_role_allows(role, action, scope, allowed):
    assert Authorization(S).allows(Principal(CLIENT, "x", (role,)), action, scope) is allowed


def limited(*roles):
    principal = Principal(CLIENT, "its-secret", roles)
    return dataclasses.replace(scenarios.load("regional"), principals=(principal,))


def test_a_reader_reads_and_is_told_what_it_lacks(serve):
    with serve(limited(AzureRole("Reader", scope=GROUP))) as azure:
        compute = azure.client(client=CLIENT, secret="its-secret")
        assert len(list(compute.disks.list_by_resource_group(GROUP))) == 3
        assert len(list(compute.disks.list())) == 3
        disk = next(iter(compute.disks.list()))
        with pytest.raises(HttpResponseError) as caught:
            compute.disks.begin_delete(GROUP, disk.name)
        [principal] = azure.scenario.principals
        assert (caught.value.status_code, caught.value.error.code) == (403, "AuthorizationFailed")
        assert caught.value.error.message == (
            f"The client '{CLIENT}' with object id '{principal.object_id}' does not have authorization to perform "
            f"action 'Microsoft.Compute/disks/delete' over scope '{disk.id}' or the scope is invalid. If access was "
            "recently granted, please refresh your credentials."
        )
        with pytest.raises(HttpResponseError, match=r"action 'Microsoft.Compute/disks/read' over scope '.*/disks'"):
            list(compute.disks.list_by_resource_group("disks"))


def test_the_driver_follows_its_operations_with_rights_in_its_group_alone(serve):
    actions = ("Microsoft.Compute/disks/*", "Microsoft.Compute/locations/*/read")
    with serve(limited(AzureRole("driver", actions, scope=GROUP))) as azure:
        compute = azure.client(client=CLIENT, secret="its-secret")
        body = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
        assert compute.disks.begin_create_or_update(GROUP, "mine", body).result().name == "mine"


def test_without_a_role_nothing_is_seen(serve):
    with serve(limited()) as azure:
        compute = azure.client(client=CLIENT, secret="its-secret")
        for ask in (compute.disks.list, compute.virtual_machine_scale_sets.list_all):
            with pytest.raises(HttpResponseError) as caught:
                list(ask())
            assert caught.value.error.message.count(f"over scope '{azure.scenario.subscription}'") == 1


def test_a_scenario_file_names_its_principals(tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text(
        "base: regional\n"
        "principals:\n"
        f"  - {{client_id: {CLIENT}, client_secret: s, roles: [{{name: Reader, scope: {GROUP}}}]}}\n"
    )
    scenario = scenarios.load(path)
    assert scenario.principals == (Principal(CLIENT, "s", (AzureRole("Reader", scope=GROUP),)),)
    first, second = scenario.tenant_principals("t")
    assert (first.client_id, first.client_secret, second.client_id) == (scenario.client_id, "t", CLIENT)
    assert "client_secret" not in repr(second)

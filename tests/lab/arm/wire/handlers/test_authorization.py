"""Roles and permissions as a reader of one group and the owner see them."""

from __future__ import annotations

import dataclasses

import pytest
import requests

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.scenario import AzureRole, Principal

READER = "11111111-2222-3333-4444-555555555555"
GROUP = "MC_disks_article_westeurope"
IN_GROUP = f"/resourceGroups/{GROUP}"
AUTHORIZATION = "/providers/Microsoft.Authorization"
OWN = AzureRole("Disk reader", ("Microsoft.Compute/disks/read", "Microsoft.Authorization/*/read"), (), "disks")


@pytest.fixture(scope="module")
def ask(serve):
    """One GET as the owner, or as the reader where `reader` is true."""
    principal = Principal(READER, "secret", (AzureRole("Reader", scope=GROUP), OWN))
    scenario = dataclasses.replace(scenarios.load("regional"), principals=(principal,))
    with serve(scenario) as azure, requests.Session() as session:
        session.trust_env, session.verify = False, azure.ca_bundle

        def send(path, query="", *, reader=False):
            who = azure.tokens.principal(READER if reader else azure.scenario.client_id)
            headers = {"Authorization": f"Bearer {azure.tokens.issue('https://management.azure.com', who)}"}
            url = f"{azure.url}{azure.scenario.subscription}{path}?api-version=2022-04-01{query}"
            return session.get(url, headers=headers, timeout=10)

        yield send


def actions(answer):
    return [entry["actions"] for entry in answer.json()["value"]]


def test_what_the_caller_may_do(ask):
    assert actions(ask(f"{AUTHORIZATION}/permissions")) == [["*"]]
    for place in (IN_GROUP, f"{IN_GROUP}/providers/Microsoft.Compute/disks/d"):
        assert actions(ask(f"{place}{AUTHORIZATION}/permissions", reader=True)) == [["*/read"]]
    assert actions(ask(f"/resourceGroups/disks{AUTHORIZATION}/permissions", reader=True)) == [list(OWN.actions)]
    refused = ask(f"/resourceGroups/none{AUTHORIZATION}/permissions", reader=True)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")


def test_assignments_above_and_below(ask):
    path = f"{AUTHORIZATION}/roleAssignments"
    everything = ask(path).json()["value"]
    assert len(everything) == 3
    assert [entry["properties"]["scope"].rpartition("/")[2] for entry in everything[1:]] == [GROUP, "disks"]
    assert len(ask(path, "&$filter=atScope()").json()["value"]) == 1
    assert len(ask(f"{IN_GROUP}{path}").json()["value"]) == 2
    reader = everything[1]["properties"]["principalId"]
    mine = ask(path, f"&$filter=principalId eq '{reader}'").json()["value"]
    assert mine == everything[1:]
    assert ask(f"{IN_GROUP}{path}/{mine[0]['name']}").json() == mine[0]
    assert ask(f"{path}/none").json()["error"]["code"] == "RoleAssignmentNotFound"


def test_definitions(ask):
    path = f"{AUTHORIZATION}/roleDefinitions"
    [found] = ask(path, "&$filter=roleName eq 'reader'").json()["value"]
    assert found["name"] == "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    assert (found["properties"]["type"], found["properties"]["permissions"][0]["actions"]) == (
        "BuiltInRole",
        ["*/read"],
    )
    [own] = ask(path, "&$filter=roleName eq 'Disk reader'").json()["value"]
    assert (own["properties"]["type"], own["properties"]["permissions"][0]["actions"]) == ("CustomRole", [*OWN.actions])
    assert ask(f"{path}/{own['name']}").json() == own
    assert ask(f"{path}/none").json()["error"]["code"] == "RoleDefinitionDoesNotExist"

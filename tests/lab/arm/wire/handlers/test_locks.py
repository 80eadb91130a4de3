"""Management locks over HTTPS, as `az lock` and the SDK's lock client speak to them."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import requests

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.scenario import AzureRole, Principal

GROUP = "MC_disks_article_westeurope"
CONTRIBUTOR = "11111111-2222-3333-4444-555555555555"
NUMBERS = itertools.count()
LOCKS = "/providers/Microsoft.Authorization/locks"


@pytest.fixture(scope="module")
def azure(serve):
    principal = Principal(CONTRIBUTOR, "secret", (AzureRole("Contributor"),))
    scenario = dataclasses.replace(scenarios.load("regional"), principals=(principal,))
    with serve(scenario) as server:
        yield server


@pytest.fixture(scope="module")
def call(azure):
    """One request to a path below the subscription, as the owner unless another client is named."""
    with requests.Session() as session:
        session.trust_env, session.verify = False, azure.ca_bundle

        def send(method, path, body=None, *, client="", version="2016-09-01"):
            who = azure.tokens.principal(client or azure.scenario.client_id)
            headers = {"Authorization": f"Bearer {azure.tokens.issue('https://management.azure.com', who)}"}
            url = f"{azure.url}{azure.scenario.subscription}{path}"
            version = "2025-01-02" if "Microsoft.Authorization" not in path else version
            return session.request(method, url, params={"api-version": version}, json=body, headers=headers, timeout=10)

        yield send


@pytest.fixture
def disk(call, azure):
    """A disk of its own for each test, by a name of its own: deleting one takes a while; and no lock afterwards."""
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.Compute/disks/locked-{next(NUMBERS)}"
    body = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
    assert call("PUT", path, body).status_code == 202
    yield path
    for lock in call("GET", LOCKS).json()["value"]:
        assert call("DELETE", lock["id"].removeprefix(azure.scenario.subscription)).status_code == 200
    assert call("DELETE", path).status_code in (202, 204)


def lock(level, **more):
    return {"properties": {"level": level, **more}}


def test_a_locks_life(call, azure, disk):
    path = f"{disk}{LOCKS}/keep"
    made = call("PUT", path, lock("cannotdelete", notes="for the audit", owners=[{"applicationId": "a"}]))
    whole = {
        "properties": {"level": "CanNotDelete", "notes": "for the audit", "owners": [{"applicationId": "a"}]},
        "id": f"{azure.scenario.subscription}{path}",
        "type": "Microsoft.Authorization/locks",
        "name": "keep",
    }
    assert (made.status_code, made.json()) == (201, whole)
    assert call("GET", path.upper().replace("/SUBSCRIPTIONS", "/subscriptions")).json() == whole
    changed = call("PUT", f"{disk}{LOCKS}/KEEP", lock("ReadOnly"))
    assert (changed.status_code, changed.json()["name"]) == (200, "keep")
    assert changed.json()["properties"] == {"level": "ReadOnly"}
    assert call("DELETE", path).status_code == 200
    assert call("DELETE", path).status_code == 204
    assert call("GET", path).status_code == 404


def test_lists_have_what_is_below_unless_they_are_asked_not_to(call, disk):
    group = f"/resourceGroups/{GROUP}"
    call("PUT", f"{group}{LOCKS}/of-the-group", lock("CanNotDelete"))
    call("PUT", f"{disk}{LOCKS}/of-the-disk", lock("CanNotDelete"))

    def names(scope, query=""):
        return [each["name"] for each in call("GET", f"{scope}{LOCKS}{query}").json()["value"]]

    assert names("") == names(group) == ["of-the-group", "of-the-disk"]
    assert names(group, "?$filter=atScope()") == ["of-the-group"]
    assert names(disk) == ["of-the-disk"]
    assert names("/resourceGroups/disks") == []


@pytest.mark.parametrize(
    ("level", "scope", "method", "refused"),
    [("CanNotDelete", "disk", "DELETE", "delete"), ("CanNotDelete", "group", "DELETE", "delete"),
     ("CanNotDelete", "subscription", "DELETE", "delete"), ("CanNotDelete", "disk", "PATCH", ""),
     ("CanNotDelete", "disk", "GET", ""), ("ReadOnly", "disk", "DELETE", "delete"),
     ("ReadOnly", "group", "PATCH", "write"), ("ReadOnly", "disk", "PUT", "write"), ("ReadOnly", "group", "GET", "")],
)  # fmt: skip
def test_a_lock_forbids_at_its_scope_and_below(call, azure, disk, level, scope, method, refused):
    subscription = azure.scenario.subscription
    at = {"disk": disk, "group": f"/resourceGroups/{GROUP}", "subscription": ""}[scope]
    assert call("PUT", f"{at}{LOCKS}/keep", lock(level)).status_code == 201
    answer = call(method, disk, None if method in ("GET", "DELETE") else {"tags": {"a": "b"}, "location": "westeurope"})
    if not refused:
        assert answer.status_code in (200, 202)
        return
    assert (answer.status_code, answer.json()["error"]) == (
        409,
        {
            "code": "ScopeLocked",
            "message": f"The scope '{subscription}{disk}' cannot perform {refused} operation because following "
            f"scope(s) are locked: '{subscription}{at}'. Please remove the lock and try again.",
        },
    )
    assert call("DELETE", f"{at}{LOCKS}/keep").status_code == 200
    assert call("DELETE", disk).status_code == 202


def test_a_group_stays_while_something_in_it_is_locked(call, azure):
    group = "/resourceGroups/elsewhere"
    assert call("PUT", group, {"location": "westeurope"}).status_code == 201
    path = f"{group}/providers/Microsoft.Compute/disks/kept"
    body = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
    call("PUT", path, body)
    call("PUT", f"{path}{LOCKS}/keep", lock("CanNotDelete"))
    answer = call("DELETE", group)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ScopeLocked")
    assert f"are locked: '{azure.scenario.subscription}{path}'" in answer.json()["error"]["message"]
    assert call("DELETE", f"{path}{LOCKS}/keep").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [("/resourceGroups/none", lock("ReadOnly"), "ResourceGroupNotFound"),
     (f"/resourceGroups/{GROUP}/providers/Microsoft.Compute/disks/none", lock("ReadOnly"), "ResourceNotFound"),
     (f"/resourceGroups/{GROUP}", lock("Never"), "InvalidLockLevel"),
     (f"/resourceGroups/{GROUP}", {}, "InvalidParameter"),
     (f"/resourceGroups/{GROUP}", {"properties": 3}, "InvalidRequestContent")],
)  # fmt: skip
def test_what_is_no_lock_is_refused(call, path, body, code):
    assert call("PUT", f"{path}{LOCKS}/keep", body).json()["error"]["code"] == code


def test_a_contributor_can_neither_make_nor_remove_one(call):
    for method in ("PUT", "DELETE"):
        answer = call(method, f"/resourceGroups/{GROUP}{LOCKS}/keep", lock("ReadOnly"), client=CONTRIBUTOR)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AuthorizationFailed")

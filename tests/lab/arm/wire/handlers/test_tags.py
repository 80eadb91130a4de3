"""Tags as a resource of their own."""

from __future__ import annotations

import pytest
import requests

TAGS = "/providers/Microsoft.Resources/tags/default"
NODES = "/resourceGroups/MC_disks_article_westeurope"


@pytest.fixture(scope="module")
def ask(azure, signed_in):
    def send(method, path, body=None):
        address = f"{azure.url}{azure.scenario.subscription}{path}?api-version=2021-04-01"
        return signed_in.request(method, address, json=body, timeout=10)

    return send


@pytest.fixture(params=["group", "disk", "snapshot"])
def place(request, azure, ask):
    """Something with the tags a=1, b=2."""
    disk = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
    compute, path = f"{NODES}/providers/Microsoft.Compute", "/resourceGroups/disks"
    if request.param != "group":
        path = f"{compute}/{request.param}s/tagged"
        if request.param == "snapshot":
            source = azure.cloud.disks.all()[0].id
            disk["properties"] = {"creationData": {"createOption": "Copy", "sourceResourceId": source}}
        assert ask("PUT", path, disk).status_code == 202
    set_to = ask("PUT", f"{path}{TAGS}", {"properties": {"tags": {"a": "1", "b": "2"}}})
    assert set_to.json()["properties"]["tags"] == {"a": "1", "b": "2"}
    return path


@pytest.mark.parametrize(
    ("operation", "given", "then"),
    [
        ("Merge", {"b": "3", "c": "4"}, {"a": "1", "b": "3", "c": "4"}),
        ("Replace", {"c": "4"}, {"c": "4"}),
        ("Delete", {"a": "1", "b": "other"}, {"b": "2"}),
    ],
)
def test_what_becomes_of_tags(ask, place, operation, given, then):
    changed = ask("PATCH", f"{place}{TAGS}", {"operation": operation, "properties": {"tags": given}})
    assert (changed.status_code, changed.json()["properties"]["tags"]) == (200, then)
    assert ask("GET", place).json()["tags"] == then
    names = {entry["tagName"]: entry["count"]["value"] for entry in ask("GET", "/tagNames").json()["value"]}
    assert names.keys() >= then.keys()
    assert ask("DELETE", f"{place}{TAGS}").status_code == 200
    assert ask("GET", f"{place}{TAGS}").json()["properties"]["tags"] == {}


def test_what_is_refused(ask):
    wrong = ask("PATCH", f"/resourceGroups/disks{TAGS}", {"operation": "Add"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "InvalidParameter")
    assert ask("GET", f"{NODES}/providers/Microsoft.Compute/disks/none{TAGS}").status_code == 404


def test_a_vms_tags(serve):
    with serve("availability-set") as azure:
        machine = azure.cloud.machines.all()[0]
        headers = {"Authorization": f"Bearer {azure.tokens.issue('https://management.azure.com/')}"}
        url = f"{azure.url}{machine.spec.resource_id}{TAGS}?api-version=2021-04-01"
        with requests.Session() as session:
            session.trust_env, session.verify = False, azure.ca_bundle
            answer = session.put(url, headers=headers, json={"properties": {"tags": {"a": "b"}}}, timeout=10)
        assert answer.json()["properties"]["tags"] == machine.tags == {"a": "b"}

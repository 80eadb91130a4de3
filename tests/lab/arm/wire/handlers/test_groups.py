"""Resource groups that clients make, tag and delete, over the wire."""

from __future__ import annotations

import pytest

from aksdisks.lab.arm.resources.groups import Groups
from aksdisks.lab.persistence.records import Records
from aksdisks.lab.scenario import load

VERSION = "api-version=2021-04-01"


@pytest.fixture(scope="module")
def ask(azure, signed_in):
    def send(method, path, body=None):
        address = path if path.startswith("https:") else f"{azure.url}{azure.scenario.subscription}{path}"
        return signed_in.request(method, address, json=body, timeout=10)

    return send


def deleted(azure, ask, name):
    """The last answer of the address that tells of the deletion."""
    accepted = ask("DELETE", f"/resourcegroups/{name}?{VERSION}")
    assert (accepted.status_code, accepted.content) == (202, b"")
    operation = accepted.headers["Location"].partition("?")[0].rpartition("/")[2]
    azure.run(azure.cloud.operations.get("operationresults", operation).finished.wait())
    return ask("GET", accepted.headers["Location"])


def test_a_groups_life(azure, ask):
    made = ask("PUT", f"/resourcegroups/Mine?{VERSION}", {"location": "West Europe"})
    expected = {
        "id": f"{azure.scenario.subscription}/resourceGroups/Mine",
        "name": "Mine",
        "type": "Microsoft.Resources/resourceGroups",
        "location": "westeurope",
        "properties": {"provisioningState": "Succeeded"},
    }
    assert (made.status_code, made.json()) == (201, expected)
    again = ask("PUT", f"/resourcegroups/MINE?{VERSION}", {"location": "westeurope", "tags": {"a": "b"}})
    assert (again.status_code, again.json()["name"], again.json()["tags"]) == (200, "Mine", {"a": "b"})
    tagged = ask("GET", f"/resourcegroups?{VERSION}&$filter=tagName eq 'a' and tagValue eq 'b'").json()["value"]
    assert [group["name"] for group in tagged] == ["Mine"]
    assert ask("PATCH", f"/resourcegroups/mine?{VERSION}", {"tags": {"c": "d"}}).json()["tags"] == {"c": "d"}
    disk = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
    place = "/resourceGroups/mine/providers/Microsoft.Compute/disks"
    assert ask("PUT", f"{place}/inside?{VERSION}", disk).status_code == 202
    assert [entry["name"] for entry in ask("GET", f"{place}?{VERSION}").json()["value"]] == ["inside"]
    assert deleted(azure, ask, "mine").status_code == 200
    assert ask("HEAD", f"/resourcegroups/mine?{VERSION}").status_code == 404
    assert not [disk for disk in azure.cloud.disks.all() if disk.name == "inside"]


def test_the_clusters_groups_stay(azure, ask):
    for group, what in (
        (azure.scenario.node_resource_group, "disks/aks-agentpool"),
        ("disks", "managedClusters/article"),
    ):
        answer = deleted(azure, ask, group)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ResourceGroupDeletionBlocked")
        assert what in answer.json()["error"]["message"]
        assert ask("GET", f"/resourcegroups/{group}?{VERSION}").json()["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize(
    ("method", "name", "body", "status", "code"),
    [
        ("PUT", "x", {}, 400, "LocationRequired"),
        ("PUT", "x.", {"location": "westeurope"}, 400, "InvalidResourceGroup"),
        ("PUT", "x", {"location": "moon"}, 400, "LocationNotAvailableForResourceGroup"),
        ("PUT", "disks", {"location": "moon"}, 409, "InvalidResourceGroupLocation"),
        ("PATCH", "x", {"tags": {}}, 404, "ResourceGroupNotFound"),
        ("DELETE", "x", None, 404, "ResourceGroupNotFound"),
    ],
)
def test_what_is_refused(ask, method, name, body, status, code):
    answer = ask(method, f"/resourcegroups/{name}?{VERSION}", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_no_deployment_has_been(ask):
    for scope in ("", "/resourceGroups/disks"):
        assert ask("GET", f"{scope}/providers/Microsoft.Resources/deployments?{VERSION}").json() == {"value": []}
        one = ask("GET", f"{scope}/providers/Microsoft.Resources/deployments/d?{VERSION}")
        assert (one.status_code, one.json()["error"]["code"]) == (404, "DeploymentNotFound")


def test_groups_are_kept():
    class Kept(Records):
        content: dict[tuple[str, str], bytes] = {}

        def put(self, kind, key, content):
            self.content[kind, key] = content()

        def remove(self, kind, key):
            self.content.pop((kind, key), None)

        def read(self, kind):
            return iter([(key, value) for (of, key), value in self.content.items() if of == kind])

    scenario, records = load("regional"), Kept()
    groups = Groups(records, scenario)
    groups.put("Mine", {"location": "westeurope", "tags": {"a": "b"}})
    assert Groups(records, scenario).to_json("mine") == groups.to_json("mine")
    groups.end_deletion("mine", gone=True)
    assert "Mine" not in Groups(records, scenario).names()


def test_a_group_that_is_being_deleted_shows_it():
    groups = Groups(Records(), load("regional"))
    groups.put("Mine", {"location": "westeurope"})
    groups.begin_deletion("mine")
    assert groups.to_json("mine")["properties"] == {"provisioningState": "Deleting"}
    groups.end_deletion("mine", gone=True)
    assert not groups.exists("Mine")

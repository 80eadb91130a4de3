"""Paths, versions, bodies, pages and operations as they go over the wire, beyond what the SDK shows."""

from __future__ import annotations

import json

import pytest
import requests

GROUP = "MC_disks_article_westeurope"
VERSION = "api-version=2025-01-02"


@pytest.fixture(scope="module")
def ask(azure):
    """One request with a good token; `~S` and `~G` in the path are the subscription and the node resource group."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {azure.tokens.issue('https://management.azure.com/')}"

        def send(method, path, body=None, **more):
            path = path.replace("/~S", f"/subscriptions/{azure.scenario.subscription_id}", 1)
            path = path.replace("/~G", f"/resourceGroups/{GROUP}/providers/Microsoft.Compute", 1)
            address = path if path.startswith("https:") else f"{azure.url}{path}"
            data = body if isinstance(body, str) else json.dumps(body)
            headers = {"Content-Type": "application/json"} | more
            return session.request(
                method,
                address,
                data=None if body is None else data,
                headers=headers,
                verify=azure.ca_bundle,
                timeout=10,
            )

        yield send


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/~S/~G/disks", None, 400, "MissingApiVersionParameter"),
        ("GET", f"/~S/~G/pictures?{VERSION}", None, 404, "InvalidResourceType"),
        ("GET", f"/?{VERSION}", None, 404, "MissingSubscription"),
        ("GET", f"/~S/providers/Contoso.Compute/disks?{VERSION}", None, 404, "InvalidResourceNamespace"),
        (
            "GET",
            f"/~S/providers/Microsoft.Network/virtualNetworks?{VERSION}",
            None,
            409,
            "MissingSubscriptionRegistration",
        ),
        ("GET", f"/subscriptions/none/resourceGroups?{VERSION}", None, 400, "InvalidSubscriptionId"),
        ("GET", "/~S/resourceGroups?api-version=2099-01-01", None, 400, "InvalidApiVersionParameter"),
        ("GET", "/~S/~G/disks?api-version=latest", None, 404, "InvalidResourceType"),
        ("GET", "/~S/~G/disks/x?api-version=2014-01-01", None, 400, "NoRegisteredProviderFound"),
        ("DELETE", f"/~S/~G/disks?{VERSION}", None, 405, "HttpMethodNotAllowed"),
        ("POST", f"/~S/~G/disks/x/beginGetAccess?{VERSION}", {}, 501, "NotImplemented"),
        ("DELETE", f"/~S/~G/virtualMachineScaleSets/x?{VERSION}", None, 501, "NotImplemented"),
        ("GET", f"/subscriptions//resourceGroups?{VERSION}", None, 400, "InvalidSubscriptionId"),
        ("GET", f"/~S/~G/images/x?{VERSION}", None, 404, "ResourceNotFound"),
        ("PUT", f"/~S/~G/disks/x?{VERSION}", "{", 400, "InvalidRequestContent"),
        ("PUT", f"/~S/~G/disks/x?{VERSION}", [], 400, "InvalidRequestContent"),
        ("PUT", f"/~S/~G/disks/x?{VERSION}", {"location": 1}, 400, "InvalidRequestContent"),
        ("PUT", f"/~S/~G/disks/_x?{VERSION}", {"location": "westeurope"}, 400, "InvalidParameter"),
        ("GET", f"/~S/~G/disks?{VERSION}&$top=0", None, 400, "InvalidParameter"),
        ("GET", f"/~S/~G/disks?{VERSION}&$skiptoken=%C3%A9", None, 400, "InvalidSkipToken"),
        ("GET", f"/~S/resourceGroups/nowhere?{VERSION}", None, 404, "ResourceGroupNotFound"),
        ("GET", f"/~S/resourceGroups/nowhere/providers/Microsoft.Compute/disks?{VERSION}", None, 404, None),
        ("GET", f"/~S/~G/virtualMachineScaleSets/other?{VERSION}", None, 404, "ResourceNotFound"),
        (
            "GET",
            f"/~S/~G/virtualMachineScaleSets/aks-agentpool-22115152-vmss/virtualMachines/9?{VERSION}",
            None,
            400,
            "InvalidParameter",
        ),
        (
            "GET",
            f"/~S/providers/Microsoft.Compute/locations/westeurope/operations/none?{VERSION}",
            None,
            404,
            "NotFound",
        ),
    ],
)
def test_what_is_refused(ask, method, path, body, status, code):
    answer = ask(method, path, body)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code or code is None
    assert answer.headers["x-ms-request-id"] and answer.headers["x-ms-correlation-request-id"]


def test_a_body_that_is_not_said_to_be_json(ask):
    answer = ask("PUT", f"/~S/~G/disks/x?{VERSION}", {}, **{"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "UnsupportedMediaType")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("x", "Unexpected character encountered while parsing value: x. Path '', line 0, position 0."),
        ('{"location": ', "Unexpected end when reading JSON. Path '', line 1, position 13."),
        ("null", "Error converting value of type 'null' to type 'object'"),
        ("[]", "Error converting value of type 'array' to type 'object'"),
        ('{\n"location": x}', "Unexpected character encountered while parsing value: x. Path '', line 2, position 12."),
    ],
)
def test_where_a_body_is_no_json(ask, body, problem):
    message = ask("PUT", f"/~S/~G/disks/x?{VERSION}", body).json()["error"]["message"]
    assert message == f"The request content was invalid and could not be deserialized: '{problem}'."


def test_the_headers_of_every_answer(ask):
    ids = {"x-ms-correlation-request-id": "c", "x-ms-client-request-id": "d", "x-ms-return-client-request-id": "true"}
    answer = ask("GET", f"/~S/~G/disks/none?{VERSION}", **ids)
    expected = {
        "Content-Type": "application/json; charset=utf-8",
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "x-ms-correlation-request-id": "c",
        "x-ms-client-request-id": "d",
        "x-ms-failure-cause": "gateway",
    }
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert answer.headers["x-ms-routing-request-id"].endswith(f":{answer.headers['x-ms-request-id']}")
    assert (
        "x-ms-client-request-id" not in ask("GET", f"/~S/~G/disks?{VERSION}", **{"x-ms-client-request-id": "d"}).headers
    )


def test_paths_are_matched_without_case(ask, azure):
    path = f"/~S/~G/disks?{VERSION}"
    there = ask("GET", path)
    assert len(there.json()["value"]) == 3
    for change in (str.upper, str.lower):
        other = change(there.url.removeprefix(azure.url).partition("?")[0])
        assert ask("GET", f"{other}?{VERSION}").json() == there.json()


def test_a_registered_provider_stays_registered(ask):
    answer = ask("POST", f"/~S/providers/microsoft.compute/register?{VERSION}").json()
    assert (answer["namespace"], answer["registrationState"]) == ("Microsoft.Compute", "Registered")
    assert ask("GET", f"/~S/~G/images?{VERSION}").json() == {"value": []}


def test_groups_clusters_and_subscription(ask, azure):
    assert ask("GET", f"/~S?{VERSION}").json()["tenantId"] == azure.scenario.tenant_id
    groups = ask("GET", f"/~S/resourceGroups?{VERSION}").json()["value"]
    assert [group["name"] for group in groups] == ["disks", GROUP]
    assert groups[1]["managedBy"] == azure.scenario.cluster_id
    assert ask("GET", f"/~S/resourcegroups/{GROUP.lower()}?{VERSION}").json() == groups[1]
    assert ask("HEAD", f"/~S/resourceGroups/disks?{VERSION}").status_code == 204
    assert ask("HEAD", f"/~S/resourceGroups/nowhere?{VERSION}").status_code == 404
    clusters = ask("GET", f"/~S/providers/Microsoft.ContainerService/managedClusters?{VERSION}").json()["value"]
    assert [cluster["properties"]["nodeResourceGroup"] for cluster in clusters] == [GROUP]
    in_group = f"/~S/resourceGroups/disks/providers/Microsoft.ContainerService/managedClusters/article?{VERSION}"
    assert ask("GET", in_group).json() == clusters[0]
    assert ask("GET", in_group.replace("disks/", f"{GROUP}/", 1)).status_code == 404


def test_pages_go_on_after_the_last_key_shown(ask, azure):
    first = ask("GET", f"/~S/~G/disks?{VERSION}&$top=2").json()
    assert first["nextLink"].startswith(f"{azure.url}/subscriptions/")
    second = ask("GET", first["nextLink"]).json()
    assert [len(first["value"]), len(second["value"])] == [2, 1]
    assert "nextLink" not in second
    whole = ask("GET", f"/~S/~G/disks?{VERSION}").json()
    assert whole["value"] == first["value"] + second["value"]


def test_an_operation_from_its_answer_to_its_end(ask, azure):
    body = {
        "location": "West Europe",
        "sku": {"name": "standardssd_lrs"},
        "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4},
    }
    accepted = ask("PUT", f"/~S/~G/disks/wire?{VERSION}", body)
    assert accepted.status_code == 202
    assert accepted.json() == {
        "name": "wire",
        "id": f"{azure.scenario.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Compute/disks/wire",
        "type": "Microsoft.Compute/disks",
        "location": "westeurope",
        "sku": {"name": "StandardSSD_LRS"},
        "properties": {
            "creationData": {"createOption": "Empty"},
            "diskSizeGB": 4,
            "provisioningState": "Updating",
        },
    }
    # 1 s at 500 times the speed is 2 ms, which is held up to the shortest wait.
    assert (accepted.headers["x-ms-retry-after-ms"], accepted.headers.get("Retry-After")) == ("10", None)
    status, monitor = accepted.headers["Azure-AsyncOperation"], accepted.headers["Location"]
    operation = azure.cloud.operations.get("diskoperations", status.split("?")[0].rpartition("/")[2])
    azure.run(operation.done())
    ended = ask("GET", status).json()
    assert list(ended) == ["startTime", "endTime", "status", "properties", "name"]
    assert (ended["status"], ended["name"]) == ("Succeeded", operation.id)
    assert ask("GET", monitor).json() == ask("GET", f"/~S/~G/disks/wire?{VERSION}").json()

    gone = ask("DELETE", f"/~S/~G/disks/wire?{VERSION}")
    assert (gone.status_code, gone.content) == (202, b"")
    operation = azure.cloud.operations.get("DiskOperations", gone.headers["Location"].split("?")[0].rpartition("/")[2])
    azure.run(operation.done())
    assert ask("GET", gone.headers["Location"]).status_code == 204
    assert ask("DELETE", f"/~S/~G/disks/wire?{VERSION}").status_code == 204


def test_an_operation_under_way(serve):
    with serve(speed=0.01) as azure, requests.Session() as session:
        session.trust_env, session.verify = False, azure.ca_bundle
        session.headers["Authorization"] = f"Bearer {azure.tokens.issue('https://management.azure.com')}"
        disk = azure.cloud.disks.all()[0]
        accepted = session.patch(f"{azure.url}{disk.id}?{VERSION}", json={"tags": {"a": "b"}})
        assert accepted.headers["Retry-After"] == "100"
        status = session.get(accepted.headers["Azure-AsyncOperation"])
        assert (status.json()["status"], status.headers["Retry-After"]) == ("InProgress", "100")
        monitor = session.get(accepted.headers["Location"])
        assert (monitor.status_code, monitor.content, monitor.headers["Retry-After"]) == (202, b"", "100")

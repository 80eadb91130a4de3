"""Custom resources as clients see them: discovery, tables, patches, rights, kubectl and the Python client."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping

import pytest
from kubernetes import client, config

from aksdisks.lab.client.interface import Object
from aksdisks.lab.server.process import LabState
from tests.lab.kube.custom import crd, version
from tests.lab.kube.wire import Wire
from tests.programs import needs

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "/apis/http.example.com"
WIDGETS = f"{GROUP}/v1/namespaces/default/widgets"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
COLUMNS = [
    {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
    {"name": "Color", "type": "string", "jsonPath": ".spec.color", "priority": 1},
    {"name": "Made", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]
MORE: Object = {"additionalPrinterColumns": COLUMNS, "subresources": {"status": {}}}
WIDGET: Object = {
    "apiVersion": "http.example.com/v1",
    "kind": "Widget",
    "metadata": {"name": "a"},
    "spec": {"color": "red"},
}


@pytest.fixture(scope="module")
def wire(lab: LabState) -> Iterator[Wire]:
    """The shared lab with a definition of its own, which goes at the end with all its objects."""
    wire = Wire(lab)
    versions = version(**MORE), version("v2", storage=False, **MORE)
    definition = crd(*versions, group="http.example.com", shortNames=["hwd"], categories=["all"])
    assert wire("POST", DEFINITIONS, definition).status == 201
    yield wire
    place = f"{DEFINITIONS}/widgets.http.example.com"
    assert wire("DELETE", place).status == 200
    end = time.monotonic() + 10
    while wire("GET", place).status != 404:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert wire("GET", WIDGETS).status == 404


@pytest.fixture
def widget(wire: Wire) -> Iterator[Object]:
    made = wire("POST", WIDGETS, WIDGET)
    assert made.status == 201
    yield made.json()
    wire("DELETE", f"{WIDGETS}/a")


def test_discovery_names_every_version_the_newest_first(wire: Wire) -> None:
    group = wire("GET", GROUP).json()
    assert [one["version"] for one in group["versions"]] == ["v2", "v1"]
    assert group["preferredVersion"]["version"] == "v2"
    [widgets, status] = wire("GET", f"{GROUP}/v1").json()["resources"]
    told = ("name", "singularName", "namespaced", "kind", "shortNames", "categories")
    assert {name: widgets[name] for name in told} == {
        "name": "widgets", "singularName": "widget", "namespaced": True, "kind": "Widget", "shortNames": ["hwd"],
        "categories": ["all"],
    }  # fmt: skip
    assert (status["name"], status["verbs"]) == ("widgets/status", ["get", "patch", "update"])
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    groups = {one["metadata"].get("name"): one for one in wire("GET", "/apis", headers=accept).json()["items"]}
    assert [one["version"] for one in groups["http.example.com"]["versions"]] == ["v2", "v1"]


@pytest.mark.usefixtures("widget")
def test_lists_are_of_the_list_kind_and_tables_have_the_stated_columns(wire: Wire) -> None:
    listed = wire("GET", WIDGETS).json()
    assert (listed["kind"], listed["apiVersion"], len(listed["items"])) == ("WidgetList", "http.example.com/v1", 1)
    # Unlike those of a built-in list, the items say what they are.
    assert [(one["kind"], one["apiVersion"]) for one in listed["items"]] == [("Widget", "http.example.com/v1")]
    assert wire("GET", WIDGETS.replace("v1", "v2")).json()["apiVersion"] == "http.example.com/v2"
    table = wire("GET", WIDGETS, headers=TABLE).json()
    assert [(one["name"], one["type"], one["priority"]) for one in table["columnDefinitions"]] == [
        ("Name", "string", 0), ("Size", "integer", 0), ("Color", "string", 1), ("Made", "date", 0),
    ]  # fmt: skip
    assert table["rows"][0]["cells"][:3] == ["a", 3, "red"]


@pytest.mark.usefixtures("widget")
def test_a_strategic_patch_is_not_taken(wire: Wire) -> None:
    kind = {"Content-Type": "application/strategic-merge-patch+json"}
    answer = wire("PATCH", f"{WIDGETS}/a", {"spec": {"size": 1}}, kind)
    assert (answer.status, answer.json()["message"]) == (
        415,
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
    )


def test_what_was_read_too_long_ago_conflicts_and_a_put_must_say_what_it_read(wire: Wire, widget: Object) -> None:
    wire("PATCH", f"{WIDGETS}/a", {"spec": {"size": 1}}, {"Content-Type": "application/merge-patch+json"})
    assert wire("PUT", f"{WIDGETS}/a", widget).status == 409
    answer = wire("PUT", f"{WIDGETS}/a", WIDGET)
    assert (answer.status, answer.json()["details"]["causes"][0]["field"]) == (422, "metadata.resourceVersion")


def test_rights_are_asked_as_for_any_kind(wire: Wire) -> None:
    answer = wire("GET", WIDGETS, headers={"Impersonate-User": "nobody"})
    assert (answer.status, answer.json()["message"]) == (
        403,
        'widgets.http.example.com is forbidden: User "nobody" cannot list resource "widgets" in API group '
        '"http.example.com" in the namespace "default"',
    )


def test_openapi_has_a_document_of_each_version_that_is_whole(wire: Wire) -> None:
    index = wire("GET", "/openapi/v3").json()["paths"]
    document = wire("GET", index["apis/http.example.com/v1"]["serverRelativeURL"]).json()
    schemas, place = document["components"]["schemas"], f"{GROUP}/v1/namespaces/{{namespace}}/widgets"
    assert {f"{place}/{{name}}", f"{place}/{{name}}/status"} < document["paths"].keys()
    widget = schemas["com.example.http.v1.Widget"]
    assert widget["properties"]["spec"]["required"] == ["color"]
    assert widget["x-kubernetes-group-version-kind"] == [
        {"group": "http.example.com", "version": "v1", "kind": "Widget"}
    ]
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= schemas.keys()
    before = index["api/v1"]["serverRelativeURL"]
    other = crd(group="other.example.com", plural="others", kind="Other")
    assert wire("POST", DEFINITIONS, other).status == 201
    after = wire("GET", "/openapi/v3").json()["paths"]
    wire("DELETE", f"{DEFINITIONS}/others.other.example.com")
    assert ("apis/other.example.com/v1" in after, after["api/v1"]["serverRelativeURL"]) == (True, before)


def test_openapi_v2_has_the_custom_kinds_alone_and_is_whole(wire: Wire) -> None:
    document = wire("GET", "/openapi/v2").json()
    served = {url.removeprefix("/apis/").partition("/")[0] for url in document["paths"]}
    assert served == {"snapshot.storage.k8s.io", "http.example.com"}
    widget = document["definitions"]["com.example.http.v1.Widget"]
    assert widget["properties"]["spec"]["properties"]["port"] == {"x-kubernetes-int-or-string": True}
    assert "type" not in widget["properties"]["spec"]["properties"]["note"], "what may be null has no type in v2"
    references = set(re.findall(r'"\$ref":\s*"([^"]+)"', json.dumps(document)))
    assert references <= {f"#/definitions/{name}" for name in document["definitions"]}
    patch = document["paths"][f"{GROUP}/v1/namespaces/{{namespace}}/widgets/{{name}}"]["patch"]
    assert {"name": "fieldValidation", "in": "query", "type": "string", "uniqueItems": True} in patch["parameters"]


@needs("kubectl")
@pytest.mark.usefixtures("wire")
def test_kubectl(lab_environment: Mapping[str, str]) -> None:
    def kubectl(command: str, given: str = "", code: int = 0) -> str:
        done = subprocess.run(
            ["kubectl", *command.split()], input=given, env=lab_environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == code, done
        return " ".join((done.stdout + done.stderr).split())

    assert "condition met" in kubectl("wait crd/widgets.http.example.com --for=condition=Established --timeout=10s")
    assert "created" in kubectl("apply -f -", json.dumps(WIDGET))
    assert kubectl("diff -f -", json.dumps(WIDGET)) == ""
    bigger = json.dumps({**WIDGET, "spec": {"color": "blue", "size": 4}})
    assert "+ size: 4" in kubectl("diff -f -", bigger, code=1)
    assert "configured" in kubectl("apply -f -", bigger)
    assert "serverside-applied" in kubectl("apply --server-side --force-conflicts -f -", bigger)
    assert kubectl("get hwd -o wide").startswith("NAME SIZE COLOR MADE a 4 blue")
    assert "widget.http.example.com/a" in kubectl("get all")
    explained = kubectl("explain hwd.spec --api-version=http.example.com/v1")
    assert "FIELD: spec <Object>" in explained and "color <string> -required-" in explained
    # Of the protobuf of OpenAPI v2.
    assert "color <string> -required-" in kubectl("explain hwd.spec --output=plaintext-openapiv2")
    assert "should be less than or equal to 5" in kubectl('patch hwd a --type merge -p {"spec":{"size":9}}', code=1)
    assert "condition met" in kubectl("wait hwd/a --for=jsonpath={.spec.size}=4 --timeout=10s")
    misspelt = json.dumps({**WIDGET, "spec": {"color": "red", "colour": "blue"}})
    warned = kubectl("apply --validate=warn --dry-run=server -f -", misspelt)
    assert 'unknown field "spec.colour"' in warned and "unsupported" not in warned
    assert "deleted" in kubectl("delete hwd a")


@pytest.mark.usefixtures("wire")
def test_the_python_client(lab: LabState) -> None:
    api = client.CustomObjectsApi(config.new_client_from_config(lab.kubeconfig))
    at = ("http.example.com", "v1", "default", "widgets")
    body = {**WIDGET, "metadata": {"name": "py"}}
    assert api.create_namespaced_custom_object(*at, body)["spec"] == {"color": "red", "size": 3}
    assert api.patch_namespaced_custom_object(*at, "py", {"spec": {"size": 5}})["metadata"]["generation"] == 2
    status = api.patch_namespaced_custom_object_status(*at, "py", {"status": {"size": 1}})
    assert (status["status"], status["metadata"]["generation"]) == ({"size": 1}, 2)
    assert [one["metadata"]["name"] for one in api.list_namespaced_custom_object(*at)["items"]] == ["py"]
    assert api.delete_namespaced_custom_object(*at, "py")["status"] == "Success"

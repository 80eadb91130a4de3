"""Kinds that no controller of the lab acts on: made, changed, shown, deleted as upstream's API server does it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from aksdisks.lab.server.process import LabState
from tests.lab.kube.wire import Wire

TEMPLATES = "/api/v1/namespaces/stored/podtemplates"
CAPACITIES = "/apis/storage.k8s.io/v1/namespaces/stored/csistoragecapacities"
CAPACITY = "CSIStorageCapacity.storage.k8s.io"
ATTRIBUTES = "/apis/storage.k8s.io/v1/volumeattributesclasses"
ATTRIBUTES_CLASS = "VolumeAttributesClass.storage.k8s.io"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
MERGE = {"Content-Type": "application/merge-patch+json"}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}


@pytest.fixture(scope="module")
def wire(lab: LabState) -> Iterator[Wire]:
    wire = Wire(lab)
    assert wire("POST", "/api/v1/namespaces", {"metadata": {"name": "stored"}}).status == 201
    yield wire
    wire("DELETE", "/api/v1/namespaces/stored")


def test_a_pod_template(wire: Wire) -> None:
    made = wire("POST", TEMPLATES, {"metadata": {"name": "t"}, "template": TEMPLATE}).json()
    assert (made["metadata"]["generation"], made["template"]["spec"]["restartPolicy"]) == (1, "Always")
    assert (
        wire("PATCH", f"{TEMPLATES}/t", {"metadata": {"labels": {"x": "y"}}}, MERGE).json()["metadata"]["generation"]
        == 1
    )
    changed = {"template": {"spec": {"dnsPolicy": "Default"}}}
    assert wire("PATCH", f"{TEMPLATES}/t", changed, MERGE).json()["metadata"]["generation"] == 2
    table = wire("GET", TEMPLATES, headers=TABLE).json()
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Containers", "Images", "Pod Labels"]
    assert [row["cells"] for row in table["rows"]] == [["t", "c", "i:1", "a=b"]]
    assert wire("DELETE", f"{TEMPLATES}/t").json()["kind"] == "PodTemplate"


def test_a_storage_capacity(wire: Wire) -> None:
    body = {"metadata": {"name": "c"}, "storageClassName": "managed-csi", "capacity": "1Ti"}
    body["nodeTopology"] = {"matchLabels": {"topology.disk.csi.azure.com/zone": "1"}}
    made = wire("POST", CAPACITIES, body).json()
    assert made["capacity"] == "1Ti"
    table = wire("GET", CAPACITIES, headers=TABLE).json()
    assert [row["cells"] for row in table["rows"]] == [["c", "managed-csi", "1Ti"]]
    assert wire("PATCH", f"{CAPACITIES}/c", {"capacity": "2Ti"}, MERGE).json()["capacity"] == "2Ti"
    gone = wire("DELETE", f"{CAPACITIES}?labelSelector=!x").json()
    assert [item["metadata"]["name"] for item in gone["items"]] == ["c"]


def test_a_volume_attributes_class(wire: Wire) -> None:
    body = {
        "metadata": {"name": "gold"},
        "driverName": "disk.csi.azure.com",
        "parameters": {"DiskIOPSReadWrite": "5000"},
    }
    made = wire("POST", ATTRIBUTES, body).json()
    assert made["metadata"]["finalizers"] == ["kubernetes.io/vac-protection"]
    table = wire("GET", ATTRIBUTES, headers=TABLE).json()
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "DriverName", "Age"]
    assert [row["cells"][:2] for row in table["rows"]] == [["gold", "disk.csi.azure.com"]]
    for field, patch in (
        ("driverName", {"driverName": "d"}),
        ("parameters", {"parameters": {"DiskIOPSReadWrite": "1"}}),
    ):
        answer = wire("PATCH", f"{ATTRIBUTES}/gold", patch, MERGE)
        told = f'{ATTRIBUTES_CLASS} "gold" is invalid: {field}: Forbidden: updates to {field} are forbidden.'
        assert (answer.status, answer.json()["message"]) == (422, told)
    assert wire("DELETE", f"{ATTRIBUTES}/gold").status == 200


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (TEMPLATES, {"template": {"spec": {}}},
         'PodTemplate "x" is invalid: template.spec.containers: Required value'),
        (CAPACITIES, {"storageClassName": "c", "capacity": "-1"},
         f'{CAPACITY} "x" is invalid: capacity: Invalid value: "-1": must be greater than or equal to 0'),
        (CAPACITIES, {"storageClassName": "C"},
         f'{CAPACITY} "x" is invalid: storageClassName: Invalid value: "C": a lowercase RFC 1123'),
        (ATTRIBUTES, {"parameters": {"a": "b"}}, f'{ATTRIBUTES_CLASS} "x" is invalid: driverName: Required value'),
        (ATTRIBUTES, {"driverName": "d"},
         f'{ATTRIBUTES_CLASS} "x" is invalid: parameters: Required value: must contain at least one key/value pair'),
        (ATTRIBUTES, {"driverName": "-", "parameters": {"": "b"}},
         f'{ATTRIBUTES_CLASS} "x" is invalid: [driverName: Invalid value: "-": name part must consist'),
    ],
)  # fmt: skip
def test_refusals(wire: Wire, path: str, body: dict[str, Any], message: str) -> None:
    answer = wire("POST", path, {"metadata": {"name": "x"}, **body})
    assert (answer.status, answer.json()["message"][: len(message)]) == (422, message)


@pytest.mark.parametrize(
    ("patch", "field"), [({"storageClassName": "d"}, "storageClassName"), ({"nodeTopology": {}}, "nodeTopology")]
)
def test_what_a_capacity_is_of_stays(wire: Wire, patch: dict[str, Any], field: str) -> None:
    wire("POST", CAPACITIES, {"metadata": {"name": "s"}, "storageClassName": "c"})
    answer = wire("PATCH", f"{CAPACITIES}/s", patch, MERGE)
    assert (answer.status, answer.json()["details"]["causes"][0]["field"]) == (422, field)
    assert answer.json()["message"].endswith("field is immutable")

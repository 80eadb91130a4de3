"""Strict and lenient reading: the order and the words of upstream's test/integration/apiserver/field_validation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aksdisks.lab.server.process import LabState
from tests.lab.kube.wire import Wire

DEPLOYMENTS = "/apis/apps/v1/namespaces/strict/deployments"
JSON = """{
  "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
  "spec": {
    "unknown1": "val1", "unknownDupe": {"a": 1, "a": 2}, "unknownDupe": "valDupe2", "paused": true, "paused": false,
    "selector": {"matchLabels": {"app": "nginx"}},
    "template": {
      "metadata": {"labels": {"app": "nginx"}},
      "spec": {"containers": [
        {"name": "nginx", "image": "i", "unknownNested": 1, "imagePullPolicy": "Always", "imagePullPolicy": "Never"}
      ]}
    }
  }
}"""
THERE = JSON.replace('"d"', '"there"')
YAML = """apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  unknown1: val1
  paused: true
  paused: false
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      containers:
      - name: nginx
        image: i
        imagePullPolicy: Always
        imagePullPolicy: Never
"""
OPERATIONS = """[
  {"op": "add", "path": "/spec/unknown1", "value": "v", "foo": "bar"},
  {"op": "add", "path": "/spec/unknown2", "path": "/spec/unknown3", "value": "v"}
]"""
NESTED = "spec.template.spec.containers[0]"
IN_JSON = [
    'unknown field "spec.unknown1"', 'unknown field "spec.unknownDupe"', 'duplicate field "spec.paused"',
    f'unknown field "{NESTED}.unknownNested"', f'duplicate field "{NESTED}.imagePullPolicy"',
]  # fmt: skip
IN_PATCH = [
    'duplicate field "spec.unknownDupe.a"', 'duplicate field "spec.unknownDupe"', 'duplicate field "spec.paused"',
    f'duplicate field "{NESTED}.imagePullPolicy"', f'unknown field "{NESTED}.unknownNested"',
    'unknown field "spec.unknown1"', 'unknown field "spec.unknownDupe"',
]  # fmt: skip
LINES = ['line 7: key "paused" already set in map', 'line 16: key "imagePullPolicy" already set in map']
IN_OPERATIONS = [
    'json patch unknown field "[0].foo"', 'json patch duplicate field "[1].path"', 'unknown field "spec.unknown1"',
    'unknown field "spec.unknown3"',
]  # fmt: skip
SHOWN_LINES = "yaml: unmarshal errors:\n" + "\n".join(f"  {line}" for line in LINES)


@pytest.fixture(scope="module")
def wire(lab: LabState) -> Iterator[Wire]:
    wire = Wire(lab)
    assert wire("POST", "/api/v1/namespaces", {"metadata": {"name": "strict"}}).status == 201
    whole = YAML.replace("  unknown1: val1\n", "").replace("  paused: true\n", "").replace("  name: d", "name: there")
    whole = whole.replace("        imagePullPolicy: Always\n", "").replace("{name: d}", "{name: there}")
    assert wire("POST", DEPLOYMENTS, whole, {"Content-Type": "application/yaml"}).status == 201
    yield wire
    wire("DELETE", "/api/v1/namespaces/strict")


@pytest.mark.parametrize(
    ("method", "name", "media_type", "body", "refusal", "warned"),
    [
        ("POST", "", "application/json", JSON, ", ".join(IN_JSON), IN_JSON),
        ("POST", "", "application/yaml", YAML, f'{SHOWN_LINES}, unknown field "spec.unknown1"',
         [*LINES, 'unknown field "spec.unknown1"']),
        ("PATCH", "/there", "application/merge-patch+json", THERE, ", ".join(IN_PATCH), IN_PATCH),
        ("PATCH", "/there", "application/strategic-merge-patch+json", THERE,
         ", ".join(IN_PATCH), IN_PATCH),
        ("PATCH", "/there", "application/json-patch+json", OPERATIONS, ", ".join(IN_OPERATIONS), IN_OPERATIONS),
        ("PATCH", "/d", "application/apply-patch+yaml", YAML.replace("  unknown1: val1\n", ""),
         "error strict decoding YAML: error converting YAML to JSON: "
         + SHOWN_LINES.replace("line 7", "line 6").replace("line 16", "line 15"),
         ['line 6: key "paused" already set in map', 'line 15: key "imagePullPolicy" already set in map']),
    ],
)  # fmt: skip
def test_fields_unknown_or_repeated(
    wire: Wire, method: str, name: str, media_type: str, body: str, refusal: str, warned: list[str]
) -> None:
    path = f"{DEPLOYMENTS}{name}?dryRun=All&fieldManager=m&fieldValidation="
    headers = {"Content-Type": media_type}
    strict = wire(method, f"{path}Strict", body, headers)
    assert strict.status in (400, 422)
    assert strict.json()["message"].endswith(refusal)
    lenient = wire(method, f"{path}Warn", body, headers)
    assert lenient.status in (200, 201), lenient.body
    told = [one.removeprefix('299 - "')[:-1].replace('\\"', '"') for one in lenient.headers.get_all("Warning")]
    assert told == warned
    assert wire(method, f"{path}Ignore", body, headers).headers.get_all("Warning") is None

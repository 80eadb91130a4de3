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
LABELS = {"app": "nginx"}
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


@pytest.fixture(scope="module")
def wire(lab: LabState) -> Iterator[Wire]:
    wire = Wire(lab)
    assert wire("POST", "/api/v1/namespaces", {"metadata": {"name": "strict"}}).status == 201
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "nginx", "image": "i"}]}}
    whole = {"metadata": {"name": "there"}, "spec": {"selector": {"matchLabels": LABELS}, "template": template}}
    assert wire("POST", DEPLOYMENTS, whole).status == 201
    yield wire
    wire("DELETE", "/api/v1/namespaces/strict")


@pytest.mark.parametrize(
    ("method", "name", "media_type", "body", "refusal", "warned"),
    [
        ("POST", "", "application/json", JSON, ", ".join(IN_JSON), IN_JSON),
        ("PATCH", "/there", "application/merge-patch+json", THERE, ", ".join(IN_PATCH), IN_PATCH),
        ("PATCH", "/there", "application/strategic-merge-patch+json", THERE,
         ", ".join(IN_PATCH), IN_PATCH),
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

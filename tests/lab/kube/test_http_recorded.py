"""Every recorded request, sent over HTTPS in its order, gets the recorded answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aksdisks.lab.process import LabState
from tests.lab.kube.wire import Wire

RECORDED = [json.loads(line) for line in (Path(__file__).parents[2] / "golden" / "api.jsonl").read_text().splitlines()]
NAMESPACE = "/api/v1/namespaces/probe"

VOLATILE = {"uid", "resourceVersion", "creationTimestamp", "serverAddress", "description", "object", "managedFields"}
AGE = re.compile(r"^(\d+[ydhms])+$")

# What the recording did between the requests that it shows.
BEFORE = {
    "label-select": ("PATCH", f"{NAMESPACE}/persistentvolumeclaims/a", {"metadata": {"labels": {"x": "y"}}}),
}
# These tables show whatever else the recorded cluster had; their rows are checked by test_tables.
OTHER_ROWS = {f"table-{kind}" for kind in ("events", "nodes", "namespaces", "storageclasses", "csinodes", "csidrivers")}
OTHER_ROWS |= {"table-replicasets"}


@pytest.fixture(scope="module")
def answers(lab: LabState) -> Iterator[dict[str, tuple[int, Any]]]:
    """The status and body of each recorded request."""
    wire = Wire(lab)
    found = {}
    merge = {"Content-Type": "application/merge-patch+json"}
    for entry in RECORDED:
        if entry["id"] in BEFORE:
            assert wire(*BEFORE[entry["id"]], merge).status == 200
        answer = wire(entry["method"], entry["path"], entry["body"], entry["headers"])
        found[entry["id"]] = answer.status, json.loads(answer.body or b'""')
    yield found
    wire("DELETE", NAMESPACE)


@pytest.mark.parametrize("entry", RECORDED, ids=[entry["id"] for entry in RECORDED])
def test_answer_is_the_recorded_one(entry: dict[str, Any], answers: dict[str, tuple[int, Any]]) -> None:
    status, answer = answers[entry["id"]]
    assert status == entry["status"]
    expected, found = comparable(entry["id"], entry["answer"], answer)
    assert found == expected


def comparable(name: str, recorded: Any, answer: Any) -> tuple[Any, Any]:
    """Both answers without what differs from one cluster to the next."""
    expected, found = plain(recorded), plain(answer)
    if name in OTHER_ROWS:
        return expected["columnDefinitions"], found["columnDefinitions"]
    if name == "version":
        keys = ("major", "minor", "gitVersion", "emulationMajor", "minCompatibilityMinor")
        return [expected[key] for key in keys], [found[key] for key in keys]
    if name == "deploy-strategic-container":
        # How far the controller has come by then is a matter of microseconds.
        for item in (expected, found):
            item["status"] = {}
            item["metadata"].pop("annotations", None)
    if name == "discovery-1":
        served = [group["name"] for group in found["groups"]]
        expected["groups"] = [group for group in expected["groups"] if group["name"] in served]
    elif name.startswith("discovery-") and "resources" in found:
        served = [resource["name"] for resource in found["resources"]]
        expected["resources"] = [resource for resource in expected["resources"] if resource["name"] in served]
    return expected, found


def plain(value: Any) -> Any:
    """The value with uids, times, ages and random names replaced or left out."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return "AGE" if AGE.match(value) else re.sub(r"^gen-[a-z0-9]{5}$", "gen-XXXXX", value)
    return value


def test_every_request_shows_its_own_difference(answers: dict[str, tuple[int, Any]]) -> None:
    """The comparison above is not blind: of two different answers no two compare equal."""
    assert comparable("pvc-create", answers["pvc-create"][1], answers["sts-create"][1])[0] != plain(
        answers["sts-create"][1]
    )

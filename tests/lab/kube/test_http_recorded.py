"""Every recorded request, sent over HTTPS in its order to a whole lab, gets the recorded answer.

What differs from one cluster to the next is left out or masked: uids, times, resourceVersions, ages, random names and
template hashes; of `/version` the five keys that say who built the binary; of discovery a few
subresources.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aksdisks.lab.server import process
from tests.lab.kube.wire import Wire

RECORDING = Path(__file__).parents[2] / "golden" / "api.jsonl"
RECORDED = [json.loads(line) for line in RECORDING.read_text(encoding="utf-8").splitlines()]
PROBE = "/api/v1/namespaces/probe"
DEPLOYMENTS = "/apis/apps/v1/namespaces/probe/deployments"
MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}

VOLATILE = {"uid", "resourceVersion", "creationTimestamp", "serverAddress", "description", "object", "managedFields"}
VOLATILE |= {"lastUpdateTime", "lastTransitionTime"}
BUILD = (
    "gitVersion", "major", "minor", "emulationMajor", "emulationMinor", "minCompatibilityMajor",
    "minCompatibilityMinor", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler",
)  # fmt: skip
"""The recorded server is of 1.36 and says that it is of 1.35."""
MASKS = (
    (re.compile(r"^(\d+[ydhms])+$"), "AGE"),
    (re.compile(r"^gen-[a-z0-9]{5}$"), "gen-RANDOM"),
    (re.compile(r"^a\.[0-9a-f]{16}$"), "a.TIME"),
    (re.compile(r"\b(d|app)-[bcdf-hj-np-tv-xz2456789]{6,10}\b"), r"\1-HASH"),
    (re.compile(r"pod-template-hash=\w+"), "pod-template-hash=HASH"),
)
# Cluster-wide tables show whatever else a cluster has: rows of the same names are compared.
SHARED_TABLES = {f"table-{kind}" for kind in ("nodes", "namespaces", "storageclasses", "csinodes", "csidrivers")}
MISSING = ("nodes/proxy", "pods/ephemeralcontainers", "pods/resize", "services/proxy")
"""Of discovery, what the lab does not serve: subresources of kinds that it has."""
RECORDED_NODES = [f"aks-agentpool-22115152-{number}" for number in range(3)]


def settled(wire: Wire, name: str) -> Callable[[], bool]:
    """Whether the Deployment controller has written down that it has seen a Deployment's newest state."""

    def check() -> bool:
        found = wire("GET", f"{DEPLOYMENTS}/{name}").json()
        return bool(found["status"].get("observedGeneration") == found["metadata"]["generation"])

    return check


def wait(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("the controllers have not done in 5 s what the recording shows")


def prepare(wire: Wire) -> None:
    """The cluster that the recording found: nodes of other names, one namespace from before."""
    wire("POST", "/api/v1/namespaces", {"metadata": {"name": "walk"}})
    for name in RECORDED_NODES:
        wire("POST", "/api/v1/nodes", {"metadata": {"name": name}})
        information = {
            "kubeletVersion": "v1.36.1",
            "architecture": "amd64",
            "containerRuntimeVersion": "containerd://2.0",
        }
        status = {"nodeInfo": information, "conditions": [{"type": "Ready", "status": "True"}]}
        wire("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, MERGE)
        driver = {"name": "disk.csi.azure.com", "nodeID": name, "topologyKeys": []}
        body = {"metadata": {"name": name}, "spec": {"drivers": [driver]}}
        wire("POST", "/apis/storage.k8s.io/v1/csinodes", body)


def before(wire: Wire, name: str) -> None:
    """What the recording did, or waited for, between the requests that it shows."""
    if name == "deploy-strategic-container":
        wait(settled(wire, "d"))
    elif name == "deploy-scale-get":
        wait(settled(wire, "d"))
        added = {"spec": {"template": {"spec": {"containers": [{"name": "e", "image": "extra"}]}}}}
        assert wire("PATCH", f"{DEPLOYMENTS}/d", added, STRATEGIC).status == 200
        wait(settled(wire, "d"))
        taken = {"spec": {"template": {"spec": {"containers": [{"name": "e", "$patch": "delete"}]}}}}
        assert wire("PATCH", f"{DEPLOYMENTS}/d", taken, STRATEGIC).status == 200
    elif name == "label-select":
        labels = {"metadata": {"labels": {"x": "y"}}}
        assert wire("PATCH", f"{PROBE}/persistentvolumeclaims/a", labels, MERGE).status == 200
    elif name == "table-pods":
        wait(lambda: all(check() for check in (settled(wire, "d"), settled(wire, "app"))))
        wait(lambda: wire("GET", f"{PROBE}/events").json()["items"] != [])


@pytest.fixture(scope="module")
def lab_answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[int, Any]]]:
    """The status and body of each recorded request; the lab's time is real time, as the recording's was."""
    state = process.start(tmp_path_factory.mktemp("recorded"), 1.0, parent=os.getpid(), kubernetes="1.36")
    try:
        wire = Wire(state)
        prepare(wire)
        found = {}
        for entry in RECORDED:
            before(wire, entry["id"])
            answer = wire(entry["method"], entry["path"], entry["body"], entry["headers"])
            found[entry["id"]] = answer.status, json.loads(answer.body or b'""')
        yield found
    finally:
        process.stop(state.state_dir)


@pytest.mark.parametrize("entry", RECORDED, ids=[entry["id"] for entry in RECORDED])
def test_answer_is_the_recorded_one(entry: dict[str, Any], lab_answers: dict[str, tuple[int, Any]]) -> None:
    status, answer = lab_answers[entry["id"]]
    assert status == entry["status"]
    expected, found = comparable(entry["id"], entry["answer"], answer)
    assert found == expected


def comparable(name: str, recorded: Any, answer: Any) -> tuple[Any, Any]:
    """Both answers without what differs from one cluster to the next."""
    expected, found = plain(recorded), plain(answer)
    if name in SHARED_TABLES:
        names = [row["cells"][0] for row in expected["rows"]]
        found["rows"] = [row for row in found["rows"] if row["cells"][0] in names]
    elif name == "table-replicasets":
        # They are sorted by their names, which end in hashes.
        for table in (expected, found):
            table["rows"].sort(key=lambda row: row["cells"])
    elif name == "version":
        for key in BUILD:
            assert isinstance(expected.pop(key), str) and isinstance(found.pop(key), str)
    elif name.startswith("discovery-") and "groups" in found:
        # Custom ones of the driver's add-on, which the recorded cluster was without.
        found["groups"] = [group for group in found["groups"] if group["name"] != "snapshot.storage.k8s.io"]
    elif name.startswith("discovery-") and "resources" in found:
        expected["resources"] = [entry for entry in expected["resources"] if entry["name"] not in MISSING]
    return expected, found


def plain(value: Any) -> Any:
    """The value with uids, times, ages and random names replaced or left out."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        for pattern, shown in MASKS:
            value = pattern.sub(shown, value)
    return value


def test_every_request_shows_its_own_difference(lab_answers: dict[str, tuple[int, Any]]) -> None:
    """The comparison above is not blind: of two different answers no two compare equal."""
    assert comparable("pvc-create", lab_answers["pvc-create"][1], lab_answers["sts-create"][1])[0] != plain(
        lab_answers["sts-create"][1]
    )

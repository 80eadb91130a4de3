"""A lab of another version of Kubernetes: what it says that it is, and what its components say."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aksdisks.lab.errors import LabError
from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState
from tests.lab.kube.wire import Wire

StartLab = Callable[..., LabState]
AKSDISKS = str(Path(sys.executable).with_name("aksdisks"))
PODS = "/api/v1/namespaces/default/pods"


def said(state: LabState) -> tuple[Any, ...]:
    """The version as the API server, the nodes and `lab status` tell it."""
    wire = Wire(state)
    nodes = wire("GET", "/api/v1/nodes").json()["items"]
    server = wire("GET", "/version").json()
    return (
        server["gitVersion"],
        server["minor"],
        {n["status"]["nodeInfo"]["kubeletVersion"] for n in nodes},
        (state.kubernetes),
    )


def unschedulable(state: LabState) -> str:
    """What is said of a pod whose claim does not exist."""
    wire = Wire(state)
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "none"}}
    spec = {"containers": [{"name": "c", "image": "i"}], "volumes": [volume]}
    assert wire("POST", PODS, {"metadata": {"name": "p"}, "spec": spec}).status == 201
    about = "/api/v1/namespaces/default/events?watch=1&timeoutSeconds=20&fieldSelector=reason%3DFailedScheduling"
    return str(next(wire.lines(about))["object"]["message"])


def attributes_classes(state: LabState) -> tuple[Any, ...]:
    """Whether the kind that came with 1.34 answers, and where it is named."""
    wire, place = Wire(state), "/apis/storage.k8s.io/v1"
    answer = wire("GET", f"{place}/volumeattributesclasses")
    if answer.status == 404:
        assert answer.json()["message"] == "the server could not find the requested resource"
    named = [one["name"] for one in wire("GET", place).json()["resources"] if one["kind"] == "VolumeAttributesClass"]
    index = wire("GET", "/openapi/v3").json()["paths"]
    paths = wire("GET", index["apis/storage.k8s.io/v1"]["serverRelativeURL"]).json()["paths"]
    told = ["paths"] if f"{place}/volumeattributesclasses" in paths else []
    return (*([200] if answer.status == 200 else []), *named, *told)


def kept(state: LabState) -> set[str]:
    """Of a claim and a volume that name such a class, the kinds that keep it: named when made, and by a patch."""
    wire, named = Wire(state), {"volumeAttributesClassName": "fast"}
    size, modes = {"storage": "4Gi"}, ["ReadWriteOnce"]
    csi = {"driver": "disk.csi.azure.com", "volumeHandle": "handle"}
    bodies = {
        "/api/v1/namespaces/default/persistentvolumeclaims": {"resources": {"requests": size}, "accessModes": modes},
        "/api/v1/persistentvolumes": {"capacity": size, "accessModes": modes, "csi": csi},
    }
    found = set()
    for place, spec in bodies.items():
        made = wire("POST", place, {"metadata": {"name": "at-once"}, "spec": spec | named})
        assert made.status == 201, made.json()
        assert wire("POST", place, {"metadata": {"name": "later"}, "spec": spec}).status == 201
        later = wire("PATCH", f"{place}/later", {"spec": named}, {"Content-Type": "application/merge-patch+json"})
        found |= {one.json()["kind"] for one in (made, later) if named.items() <= one.json().get("spec", {}).items()}
    return found


@pytest.mark.parametrize(
    ("version", "rest"),
    [
        ("1.33", "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."),
        ("1.36", "not found"),
    ],
)
def test_a_lab_is_of_the_version_that_it_is_started_with(start_lab: StartLab, version: str, rest: str) -> None:
    state = start_lab(kubernetes=version)
    full = f"v{version}.0"
    assert said(state) == (full, version[2:], {full}, f"{version}.0")
    reason = 'persistentvolumeclaim "none" not found'
    assert unschedulable(state) == f"0/3 nodes are available: {reason}. {rest}"
    assert attributes_classes(state) == (() if version == "1.33" else (200, "volumeattributesclasses", "paths"))
    assert kept(state) == (set() if version == "1.33" else {"PersistentVolumeClaim", "PersistentVolume"})


def test_the_flag_wins_over_the_scenario_and_the_version_stays(start_lab: StartLab, tmp_path: Path) -> None:
    scenario = tmp_path / "old.yaml"
    scenario.write_text("base: regional\nkubernetes_version: 1.33\n")
    assert start_lab("by-scenario", scenario=str(scenario)).kubernetes == "1.33.0"
    state = start_lab("by-flag", scenario=str(scenario), kubernetes="1.34")
    assert state.kubernetes == "1.34.0"
    process.stop(state.state_dir)
    again = start_lab("by-flag")
    assert said(again) == ("v1.34.0", "34", {"v1.34.0"}, "1.34.0")
    process.stop(again.state_dir)
    with pytest.raises(LabError, match=r"made otherwise: kubernetes_version was 1\.34\.0, would be 1\.36\.0;"):
        start_lab("by-flag", kubernetes="1.36")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--kubernetes", "1.32"], "kubernetes_version: expected one of 1.33, 1.34, 1.35, 1.36, found '1.32.0'"),
        (
            ["--kubernetes", "1.36", "--scenario", "article-2019"],
            "kubernetes: expected none with scenario article-2019, which is of version 1.11.5, found '1.36'",
        ),
    ],
)
def test_a_version_that_is_not_known_is_refused(tmp_path: Path, flags: list[str], message: str) -> None:
    command = [AKSDISKS, "lab", "start", "--state-dir", str(tmp_path / "lab"), *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ, check=False)
    assert (done.returncode, done.stderr) == (2, f"aksdisks: {message}\n")

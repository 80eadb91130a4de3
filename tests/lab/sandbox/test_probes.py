"""An exec probe in a whole lab: its command sees the pod's volume."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aksdisks.lab.sandbox.confine import Confined, Sandbox, SandboxError
from aksdisks.lab.server.process import LabState
from tests.lab.kube.wire import Wire
from tests.lab.test_ephemeral_volumes import CORE, TEMPLATE, until

PROBE = {"exec": {"command": ["sh", "-c", "test -f /mnt/seen || { touch /mnt/seen; echo first; false; }"]}}
POD = {
    "metadata": {"name": "asked"},
    "spec": {
        "containers": [
            {
                "name": "c",
                "image": "busybox",
                "volumeMounts": [{"name": "v", "mountPath": "/mnt"}],
                "readinessProbe": {**PROBE, "timeoutSeconds": 9},
            }
        ],
        "volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": TEMPLATE}}],
    },
}


@pytest.fixture
def confining() -> None:
    try:
        asyncio.run(Sandbox().command(Confined("probe", (), Path("/var/empty"), {}), ["true"]))
    except SandboxError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("confining")
def test_a_pod_is_ready_when_its_command_succeeds(lab: LabState) -> None:
    wire = Wire(lab)
    assert wire("POST", f"{CORE}/pods", POD).status == 201
    told = []

    def ready(event: dict[str, object]) -> bool:
        status = event["object"]["status"]  # type: ignore[index]
        told.append([one["status"] for one in status.get("conditions", ()) if one["type"] == "Ready"])
        return bool(status["phase"] == "Running" and told[-1] == ["True"])

    until(wire, f"{CORE}/pods/asked", ready)
    assert ["False"] in told
    events = wire("GET", f"{CORE}/events?fieldSelector=involvedObject.name=asked,reason=Unhealthy").json()["items"]
    assert [event["message"].strip() for event in events] == ["Readiness probe failed: first"]
    wire("DELETE", f"{CORE}/pods/asked")

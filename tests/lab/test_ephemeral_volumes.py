"""A generic ephemeral volume in a whole lab: a disk that comes with its pod and goes with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aksdisks.lab.server.process import LabState
from tests.lab.kube.wire import Wire

CORE = "/api/v1/namespaces/default"
TEMPLATE = {
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "managed-csi",
        "resources": {"requests": {"storage": "4Gi"}},
    }
}
POD = {
    "metadata": {"name": "brief"},
    "spec": {
        "containers": [{"name": "c", "image": "i", "volumeMounts": [{"name": "scratch", "mountPath": "/mnt"}]}],
        "volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": TEMPLATE}}],
    },
}


def until(wire: Wire, path: str, holds: Callable[[Any], bool]) -> Any:
    """The first event of a watch, within its time, that is wanted."""
    name = path.rpartition("/")[2]
    query = f"watch=1&timeoutSeconds=9&fieldSelector=metadata.name={name}"
    return next(event for event in wire.lines(f"{path.rpartition('/')[0]}?{query}") if holds(event))


def test_a_disk_comes_with_its_pod_and_goes_with_it(lab: LabState) -> None:
    wire = Wire(lab)
    assert wire("POST", f"{CORE}/pods", POD).status == 201
    until(wire, f"{CORE}/pods/brief", lambda event: event["object"]["status"]["phase"] == "Running")
    claim = wire("GET", f"{CORE}/persistentvolumeclaims/brief-scratch").json()
    volume = f"/api/v1/persistentvolumes/{claim['spec']['volumeName']}"
    assert wire("GET", volume).json()["spec"]["claimRef"]["name"] == "brief-scratch"
    wire("DELETE", f"{CORE}/pods/brief")
    until(wire, volume, lambda event: event["type"] == "DELETED")
    assert wire("GET", f"{CORE}/persistentvolumeclaims/brief-scratch").status == 404

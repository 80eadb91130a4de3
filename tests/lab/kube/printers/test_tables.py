"""The cells that kubectl prints, kind by kind, and the ages in them. Scope: columns are held against the recording."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aksdisks.lab.kube.printers import tables
from aksdisks.lab.kube.schema.durations import age, human_duration
from aksdisks.lab.kube.schema.resource import EVENTS_V1
from aksdisks.lab.kube.strategies.catalog import STRATEGIES

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
BORN = "2026-11-23T11:58:30Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"), (-1, "0s"), (0.9, "0s"), (119, "119s"), (120, "2m"), (150, "2m30s"), (599, "9m59s"),
        (600, "10m"), (10799, "179m"), (10800, "3h"), (11000, "3h3m"), (28800, "8h"), (172799, "47h"), (172800, "2d"),
        (180000, "2d2h"), (691200, "8d"), (63071999, "729d"), (63072000, "2y"), (64000000, "2y10d"), (252288000, "8y"),
    ],
)  # fmt: skip
def test_durations_are_kubectl_s(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


def test_an_age_without_a_time_is_unknown() -> None:
    assert age(None, NOW) == "<unknown>"
    assert age("2026-11-23T11:59:59.500000Z", NOW + timedelta(seconds=1)) == "1s"


def row_of(resource: str, item: dict[str, Any]) -> dict[str, Any]:
    strategy = STRATEGIES.get(resource)
    columns = tables.SCALE if resource == "scale" else tables.of(strategy)
    [row] = tables.rows(columns, strategy, [item], NOW, "None", "meta.k8s.io/v1")
    return row


def thing(spec: Any = None, status: Any = None, **metadata: Any) -> dict[str, Any]:
    item: dict[str, Any] = {"metadata": {"name": "x", "creationTimestamp": BORN, **metadata}}
    return item | ({"spec": spec} if spec is not None else {}) | ({"status": status} if status is not None else {})


def pod(phase: str, *states: dict[str, Any], ready: bool = True, **extra: Any) -> dict[str, Any]:
    containers = [{"name": "c"} for _ in states] or [{"name": "c"}]
    statuses = [{"state": state, "ready": ready and "running" in state, "restartCount": 0} for state in states]
    metadata = extra.pop("metadata", {})
    return thing({"containers": containers}, {"phase": phase, "containerStatuses": statuses, **extra}, **metadata)


GATED = [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]
DELETED = {"deletionTimestamp": BORN}


@pytest.mark.parametrize(
    ("item", "ready", "status"),
    [
        (pod("Pending"), "0/1", "Pending"),
        (pod("Pending", conditions=GATED), "0/1", "SchedulingGated"),
        (pod("Pending", {"waiting": {"reason": "ContainerCreating"}}), "0/1", "ContainerCreating"),
        (pod("Running", {"running": {}}), "1/1", "Running"),
        (pod("Running", {"running": {}}, ready=False), "0/1", "Running"),
        (pod("Running", {"waiting": {"reason": "CrashLoopBackOff"}}, {"running": {}}), "1/2", "CrashLoopBackOff"),
        (pod("Succeeded", {"terminated": {"reason": "Completed"}}), "0/1", "Completed"),
        (pod("Running", {"terminated": {"reason": "Completed"}}, {"running": {}}), "1/2", "NotReady"),
        (pod("Failed", {"terminated": {"exitCode": 3}}), "0/1", "ExitCode:3"),
        (pod("Failed", {"terminated": {"signal": 9}}), "0/1", "Signal:9"),
        (pod("Failed", reason="Evicted"), "0/1", "Evicted"),
        (pod("Running", {"running": {}}, metadata=DELETED), "1/1", "Terminating"),
        (pod("Running", {"running": {}}, metadata=DELETED, reason="NodeLost"), "1/1", "Unknown"),
        (pod("Pending", initContainerStatuses=[{"state": {"waiting": {}}}]), "0/1", "Init:0/0"),
        (pod("Pending", initContainerStatuses=[{"state": {"terminated": {"exitCode": 1}}}]), "0/1", "Init:ExitCode:1"),
    ],
)
def test_what_a_pod_s_status_says(item: dict[str, Any], ready: str, status: str) -> None:
    row = row_of("pods", item)
    assert row["cells"] == ["x", ready, status, "0", "90s", "<none>", "<none>", "<none>", "<none>"]


def with_sidecar(*states: dict[str, Any], phase: str, **of_sidecar: Any) -> dict[str, Any]:
    """One init container that runs on beside the pod's own, restarted once."""
    item = pod(phase, *states)
    item["spec"]["initContainers"] = [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}]
    done = {"name": "i", "state": {"terminated": {"exitCode": 0}}, "restartCount": 3}
    item["status"]["initContainerStatuses"] = [done, {"name": "s", "restartCount": 1, **of_sidecar}]
    return item


@pytest.mark.parametrize(
    ("item", "cells"),
    [
        (with_sidecar({"running": {}}, phase="Running", started=True, ready=True), ["2/2", "Running", "1"]),
        (with_sidecar(phase="Pending", started=False, state={"running": {}}), ["0/2", "Init:1/2", "4"]),
        (with_sidecar(phase="Pending", state={"waiting": {"reason": "CrashLoopBackOff"}}), ["0/2",
         "Init:CrashLoopBackOff", "4"]),
    ],
)  # fmt: skip
def test_sidecars_count_as_containers(item: dict[str, Any], cells: list[str]) -> None:
    row = row_of("pods", item)
    assert row["cells"][1:4] == cells


@pytest.mark.parametrize(("phase", "reasons"), [("Running", []), ("Succeeded", ["Succeeded"]), ("Failed", ["Failed"])])
def test_a_row_says_that_its_pod_has_ended(phase: str, reasons: list[str]) -> None:
    row = row_of("pods", pod(phase))
    assert [condition["reason"] for condition in row.get("conditions", [])] == reasons


def test_restarts_tell_when_the_last_one_was() -> None:
    item = pod("Running", {"running": {}})
    last = {"terminated": {"finishedAt": "2026-11-23T11:59:55Z"}}
    item["status"]["containerStatuses"][0] |= {"restartCount": 2, "lastState": last}
    row = row_of("pods", item)
    assert row["cells"][3] == "2 (5s ago)"


EVENT = {
    "metadata": {"name": "x.1"},
    "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{c}"},
    "reason": "Started",
    "message": "Started container c\n",
    "source": {"component": "kubelet", "host": "node-0"},
    "firstTimestamp": BORN,
    "lastTimestamp": "2026-11-23T11:59:50Z",
    "count": 3,
    "type": "Normal",
    "eventTime": None,
}
SCHEDULED = {
    "metadata": {"name": "x.2"},
    "regarding": {"kind": "Pod", "name": "p"},
    "reason": "Scheduled",
    "note": "assigned",
    "type": "Normal",
    "deprecatedSource": {},
    "deprecatedFirstTimestamp": None,
    "deprecatedLastTimestamp": None,
    "eventTime": "2026-11-23T11:59:30.000000Z",
    "reportingController": "default-scheduler",
    "reportingInstance": "default-scheduler-0",
}
CLAIM = {"storageClassName": "managed", "volumeMode": "Filesystem", "volumeName": "pv-1"}
VOLUME = {
    "capacity": {"storage": "25Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"], "volumeMode": "Block",
    "persistentVolumeReclaimPolicy": "Delete", "claimRef": {"namespace": "ns", "name": "c"}, "storageClassName": "sc",
}  # fmt: skip
READY = {
    "conditions": [{"type": "Ready", "status": "True"}],
    "addresses": [{"type": "InternalIP", "address": "10.0.0.4"}],
}
AGENT = {"node-role.kubernetes.io/agent": ""}
INFO = {"kubeletVersion": "v1", "osImage": "Ubuntu", "kernelVersion": "6", "architecture": "amd64"}
PORTS = {
    "type": "ClusterIP",
    "clusterIP": "10.0.0.9",
    "ports": [{"port": 80, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}],
}
BALANCED = {
    "type": "LoadBalancer",
    "clusterIP": "10.0.0.9",
    "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}],
    "externalIPs": ["9.9.9.9"],
}
INGRESS = {"loadBalancer": {"ingress": [{"ip": "20.0.0.2"}, {"hostname": "a.example"}]}}
SELECTOR = {
    "matchLabels": {"b": "2"},
    "matchExpressions": [
        {"key": "a", "operator": "In", "values": ["y", "x"]},
        {"key": "c", "operator": "DoesNotExist"},
    ],
}
TEMPLATE = {"spec": {"containers": [{"name": "c", "image": "i"}, {"name": "d", "image": "j"}]}}
OWNER = [{"controller": True, "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "s"}]
DEFAULT_CLASS = {"storageclass.kubernetes.io/is-default-class": "true"}


@pytest.mark.parametrize(
    ("resource", "item", "cells"),
    [
        ("events", EVENT, ["10s", "Normal", "Started", "pod/p", "spec.containers{c}", "kubelet, node-0",
                           "Started container c", "90s", 3, "x.1"]),
        (EVENTS_V1, SCHEDULED, ["30s", "Normal", "Scheduled", "pod/p", "", "default-scheduler, default-scheduler-0",
                                "assigned", "30s", 1, "x.2"]),
        ("persistentvolumeclaims", thing({**CLAIM, "volumeName": ""}, {"phase": "Pending"}),
         ["x", "Pending", "", "", "", "managed", "<unset>", "90s", "Filesystem"]),
        ("persistentvolumeclaims", thing(CLAIM, {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes":
         ["ReadWriteOnce"]}), ["x", "Bound", "pv-1", "1Gi", "RWO", "managed", "<unset>", "90s", "Filesystem"]),
        ("persistentvolumes", thing(VOLUME, {"phase": "Bound"}, deletionTimestamp=BORN),
         ["x", "25Gi", "RWO,RWX", "Delete", "Terminating", "ns/c", "sc", "<unset>", "", "90s", "Block"]),
        ("nodes", thing({"unschedulable": True}, {**READY, "nodeInfo": INFO}, labels=AGENT),
         ["x", "Ready,SchedulingDisabled", "agent", "90s", "v1", "10.0.0.4", "<none>", "Ubuntu", "6 (amd64)",
          "<unknown>"]),
        ("nodes", thing({}, {}), ["x", "Unknown", "<none>", "90s", "", "<none>", "<none>", "<unknown>", "<unknown>",
                                  "<unknown>"]),
        ("deployments", thing({"replicas": 2, "selector": SELECTOR, "template": TEMPLATE}, {"readyReplicas": 1}),
         ["x", "1/2", 0, 0, "90s", "c,d", "i,j", "a in (x,y),b=2,!c"]),
        ("services", thing(PORTS), ["x", "ClusterIP", "10.0.0.9", "<none>", "80/TCP,53/UDP", "90s", "<none>"]),
        ("services", thing(BALANCED, INGRESS), ["x", "LoadBalancer", "10.0.0.9", "20.0.0.2,a.example,9.9.9.9",
                                                "80:30080/TCP", "90s", "<none>"]),
        ("services", thing({"type": "LoadBalancer"}), ["x", "LoadBalancer", "<none>", "<pending>", "<none>", "90s",
                                                       "<none>"]),
        ("services", thing({"type": "ExternalName", "externalName": "e"}),
         ["x", "ExternalName", "<none>", "e", "<none>", "90s", "<none>"]),
        ("controllerrevisions", thing(ownerReferences=OWNER) | {"revision": 2}, ["x", "statefulset.apps/s", 2, "90s"]),
        ("storageclasses", thing(annotations=DEFAULT_CLASS) | {"provisioner": "p"},
         ["x (default)", "p", "Delete", "Immediate", False, "90s"]),
        ("secrets", thing() | {"type": "Opaque", "data": {"a": ""}}, ["x", "Opaque", 1, "90s"]),
        ("leases", thing({"holderIdentity": "n"}), ["x", "n", "90s"]),
    ],
)  # fmt: skip
def test_rows(resource: str, item: dict[str, Any], cells: list[Any]) -> None:
    row = row_of(resource, item)
    assert row["cells"] == cells

"""A cluster of ten thousand pods with a disk each, seeded into a lab's records, and commands that are timed on it.

It is one that a lab has made, with one pod, claim, volume, attachment and disk, of which copies are written into its
records while it is stopped: nobody waits for ten thousand disks, and each object is as real as the first. One pod in a
hundred is stuck: its volume is still attached to another node.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState

AKSDISKS = str(Path(sys.executable).with_name("aksdisks"))
PODS, NODES, STUCK = 10_000, 500, 100
SCENARIO = "base: regional\nnode_count: {nodes}\nvm_size: Standard_D16s_v5\n"
# Cluster time all but stands still: no node is missed, and no event expires, while agents are not there.
STANDING = 0.01
OBJECTS = ("pods", "persistentvolumeclaims", "persistentvolumes", "volumeattachments")


@dataclass(frozen=True)
class Run:
    """How a command ended: seconds, the most memory that it had, its exit code, what it printed."""

    seconds: float
    mib: float
    code: int
    printed: bytes


def run(command: list[str], environment: Mapping[str, str]) -> Run:
    """One command, timed."""
    began = time.perf_counter()
    with subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        printed = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return Run(time.perf_counter() - began, used.ru_maxrss / 1024, child.returncode, printed)


@contextmanager
def large(folder: Path, pods: int = PODS, nodes: int = NODES) -> Iterator[LabState]:
    """A lab with so many pods on so many nodes, each with a disk of its own."""
    scenario = folder / "large.yaml"
    scenario.write_text(SCENARIO.format(nodes=nodes))
    state = process.start(folder / "lab", 100.0, str(scenario), timeout=120, parent=os.getpid())
    try:
        make(state, claim("seed-0"), pod("seed-0", "seed-0", 0), ready="seed-0")
    finally:
        process.stop(state.state_dir)
    with closing(sqlite3.connect(folder / "lab" / "lab.sqlite")) as records, records:
        _Copies(records, nodes).write(pods)
    with reopened(folder) as state:
        yield state


@contextmanager
def reopened(folder: Path) -> Iterator[LabState]:
    """The same lab started anew: its Azure has all its reads again, which come back as slowly as its time goes by."""
    state = process.start(folder / "lab", STANDING, timeout=120, parent=os.getpid(), agents=False)
    try:
        yield state
    finally:
        process.stop(state.state_dir)


def claim(name: str, node: int = 0) -> dict[str, Any]:
    """A claim that names the node that its disk is made for, as the scheduler would."""
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "annotations": {"volume.kubernetes.io/selected-node": _node(node)}},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "managed-premium",
                 "resources": {"requests": {"storage": "25Gi"}}},
    }  # fmt: skip


def pod(name: str, claim: str, node: int) -> dict[str, Any]:
    container = {"name": "busy", "image": "vplauzon/get-started:part2-no-redis",
                 "volumeMounts": [{"name": "data", "mountPath": "/data"}]}  # fmt: skip
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    spec = {"nodeName": _node(node), "containers": [container], "volumes": volumes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def make(state: LabState, *objects: dict[str, Any], ready: str = "") -> None:
    environment = os.environ | state.environment()
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
    apply = ["kubectl", "apply", "-f", "-"]
    subprocess.run(apply, input=items, env=environment, check=True, stdout=subprocess.DEVNULL)
    if ready:
        wait = ["kubectl", "wait", "--for=condition=Ready", f"pod/{ready}", "--timeout=60s"]
        subprocess.run(wait, env=environment, check=True, stdout=subprocess.DEVNULL)


class _Copies:
    """Writes copies of the one pod, and of what it hangs on, into a lab's records."""

    def __init__(self, records: sqlite3.Connection, nodes: int) -> None:
        self._records = records
        self._nodes = nodes
        self._originals = {resource: self._one(f"object/{resource}") for resource in OBJECTS}
        self._disk = next(row for row in self._rows("azure/disk") if b'"pvc-' in row[1])
        self._uids = {key: value["metadata"]["uid"] for key, (_, value) in self._originals.items()}

    def write(self, pods: int) -> None:
        """So many pods: the one that is there, and copies."""
        on_machine: dict[int, list[str]] = {}
        for number in range(1, pods):
            node = number % self._nodes
            stuck = number % STUCK == 0
            self._copy(number, node, stuck)
            holder = (node + 1) % self._nodes if stuck else node
            on_machine.setdefault(holder, []).append(self._volume(number))
        for node, volumes in on_machine.items():
            self._fill(node, volumes)

    def _copy(self, number: int, node: int, stuck: bool) -> None:
        holder = (node + 1) % self._nodes if stuck else node
        for resource, (key, value) in self._originals.items():
            where = holder if resource == "volumeattachments" else node
            made = json.loads(self._renamed(json.dumps(value), number, where))
            if resource == "volumeattachments":
                key = f"/csi-{number:064x}"
                made["metadata"]["name"] = key[1:]
            if stuck and resource == "pods":
                _hold_up(made)
                self._put("object/events", *self._event(made, number))
            self._put(f"object/{resource}", self._renamed(key, number, where), made)
        key, disk = self._disk
        made = json.loads(self._renamed(disk.decode(), number, holder))
        self._put("azure/disk", self._renamed(key, number, holder), made)

    def _event(self, pod: dict[str, Any], number: int) -> tuple[str, dict[str, Any]]:
        name, now = f"{pod['metadata']['name']}.{number:x}", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = (
            f'Multi-Attach error for volume "{self._volume(number)}" Volume is already exclusively attached to '
            "one node and can't be attached to another"
        )
        about = {"kind": "Pod", "namespace": "default", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        event = {
            "kind": "Event", "apiVersion": "v1",
            "metadata": {"name": name, "namespace": "default", "uid": _uid("event", number),
                         "creationTimestamp": now, "resourceVersion": "100"},
            "involvedObject": about, "reason": "FailedAttachVolume", "message": message, "type": "Warning",
            "source": {"component": "attachdetach-controller"}, "reportingComponent": "attachdetach-controller",
            "firstTimestamp": now, "lastTimestamp": now, "count": 1, "reportingInstance": "", "eventTime": None,
        }  # fmt: skip
        return f"default/{name}", event

    def _fill(self, node: int, volumes: list[str]) -> None:
        """The machine's data disks: what it had, and these."""
        key = _node(node)
        (content,) = self._records.execute(
            "SELECT content FROM records WHERE kind = 'azure/machine' AND key = ?", (key,)
        ).fetchone()
        machine = json.loads(content)
        (_, seed), first = self._disk, self._volume(0)
        disk_id = json.loads(seed)["id"].lower()
        for volume in volumes:
            id_ = disk_id.replace(first, volume)
            machine["data_disks"].append(
                {"lun": len(machine["data_disks"]), "disk_id": id_, "name": volume, "caching": "ReadOnly",
                 "delete_option": "Detach", "state": "Attached", "disk": id_}
            )  # fmt: skip
        self._put("azure/machine", key, machine)

    def _renamed(self, text: str, number: int, node: int) -> str:
        """What tells the copy from the original: its number, its uids, its node and machine."""
        for resource, uid in self._uids.items():
            text = text.replace(uid, _uid(resource, number))
        text = text.replace("seed-0", f"seed-{number}").replace(_node(0), _node(node))
        return text.replace('vmss_0"', f'vmss_{node}"')

    def _volume(self, number: int) -> str:
        claim = self._uids["persistentvolumeclaims"]
        return f"pvc-{claim if number == 0 else _uid('persistentvolumeclaims', number)}"

    def _one(self, kind: str) -> tuple[str, dict[str, Any]]:
        # The disk driver's own pods are no copies of it.
        ((key, content),) = (row for row in self._rows(kind) if not row[0].startswith("kube-system/"))
        return key, json.loads(content)

    def _rows(self, kind: str) -> list[tuple[str, bytes]]:
        return self._records.execute("SELECT key, content FROM records WHERE kind = ?", (kind,)).fetchall()

    def _put(self, kind: str, key: str, value: dict[str, Any]) -> None:
        content = json.dumps(value, separators=(",", ":")).encode()
        self._records.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (kind, key, content))


def _hold_up(pod: dict[str, Any]) -> None:
    """Make of a pod that runs one that waits for its volume."""
    status = pod["status"]
    status["phase"] = "Pending"
    for condition in status["conditions"]:
        if condition["type"] in ("Ready", "ContainersReady", "PodReadyToStartContainers"):
            condition["status"] = "False"
    for container in status["containerStatuses"]:
        container |= {"ready": False, "started": False, "state": {"waiting": {"reason": "ContainerCreating"}}}


def _node(number: int) -> str:
    """The name of a node: a scale set's with the instance's number in base 36 (facts E)."""
    digits, name = "0123456789abcdefghijklmnopqrstuvwxyz", ""
    for _ in range(6):
        number, digit = divmod(number, 36)
        name = digits[digit] + name
    return f"aks-agentpool-22115152-vmss{name}"


def _uid(what: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{what} {number}"))

"""Watches a walk through the Kubernetes client and brings it, like the upstream recording, into comparable words."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from kubernetes import client, watch
from urllib3.exceptions import HTTPError

NAMESPACE = "walk"
GOLDEN = Path(__file__).parent.parent / "golden" / "walk.jsonl"

# What the recording's stand-ins for the disk driver left out, and the lab's driver writes (facts B).
_DRIVER_ONLY = {
    "volume.kubernetes.io/provisioner-deletion-secret-name",
    "volume.kubernetes.io/provisioner-deletion-secret-namespace",
    "csi.storage.k8s.io/pv/name",
    "csi.storage.k8s.io/pvc/name",
    "csi.storage.k8s.io/pvc/namespace",
    "requestedsizegib",
    "storage.kubernetes.io/csiProvisionerIdentity",
}
_VOLATILE = {"resourceVersion", "managedFields", "uid", "selfLink"}
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_WORDS = [
    (re.compile(r"disk-deploy-[a-z0-9]{6,10}-[a-z0-9]{5}\b"), "disk-deploy-HASH-POD"),
    (re.compile(r"disk-deploy-[a-z0-9]{6,10}\b"), "disk-deploy-HASH"),
    (re.compile(r"disk-stateful-set-[a-z0-9]{6,10}\b"), "disk-stateful-set-REVISION"),
    (re.compile(r"aks-agentpool-\d{8}-(vmss)?[0-9a-z]+"), "NODE"),
    (re.compile(r"csi-[0-9a-f]{64}"), "csi-SHA256"),
    (re.compile(r"kube-api-access-[a-z0-9]{5}"), "kube-api-access-X"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+"), "/subscriptions/S/resourceGroups/G"),
    (re.compile(r"\b10\.244\.\d+\.\d+\b"), "POD-IP"),
    (re.compile(_UUID), "UID"),
    # The recording's stand-in for the attacher called every LUN 0.
    (re.compile(r'"LUN": "\d+"'), '"LUN": "N"'),
]
_HASH_LABELS = {"pod-template-hash", "controller-revision-hash"}
_OF_NODES = {"topology.kubernetes.io/zone", "topology.kubernetes.io/region"}
"""What pods get of their nodes: the recorded ones had no such labels."""


class Recording:
    """The changes of one walk, upstream's or the lab's."""

    def __init__(self, changes: Iterable[dict[str, Any]]) -> None:
        self.changes = list(changes)

    def events(self) -> Counter[tuple[str, ...]]:
        """The control plane's events: component, type, reason, object, message; and how many times each was made."""
        made: dict[str, tuple[str, ...]] = {}
        for change in self.changes:
            event = change["object"]
            if change["kind"] != "Event" or not _of_the_control_plane(event):
                continue
            about = event["involvedObject"]
            words = (
                event.get("source", {}).get("component") or event["reportingComponent"],
                event["reportingComponent"],
                event["type"],
                event["reason"],
                f"{about['kind']}/{about['name']}",
                event["message"],
            )
            # A combined event's message is that of its latest part.
            made.setdefault(event["metadata"]["name"], tuple(self.plain(word) for word in words))
        return Counter(made.values())

    def phases(self) -> Counter[tuple[Any, ...]]:
        """For each life of a pod: its name and the states it went through, in order."""
        lives: dict[str, list[str]] = {}
        names: dict[str, str] = {}
        for change in self.changes:
            if change["kind"] == "Pod":
                pod = change["object"]
                names[pod["metadata"]["uid"]] = self.plain(pod["metadata"]["name"])
                states = lives.setdefault(pod["metadata"]["uid"], [])
                state = "gone" if change["type"] == "DELETED" else _pod_state(pod)
                if not states or states[-1] != state:
                    states.append(state)
        return Counter((names[uid], *states) for uid, states in lives.items())

    def plain(self, text: str) -> str:
        """`text` with what differs from walk to walk named by what it stands for."""
        for uid, name in self._claims().items():
            text = text.replace(f"pvc-{uid}", f"pvc({name})")
        for pattern, word in _WORDS:
            text = pattern.sub(word, text)
        return text

    def _claims(self) -> dict[str, str]:
        return {
            change["object"]["metadata"]["uid"]: change["object"]["metadata"]["name"]
            for change in self.changes
            if change["kind"] == "PersistentVolumeClaim"
        }

    def comparable(self, objects: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Objects as two walks share them, whatever nodes and hashes they got."""
        return [json.loads(self.plain(json.dumps(_stable(item)))) for item in objects]


def golden() -> tuple[Recording, dict[str, list[dict[str, Any]]]]:
    """Upstream's recording and the objects at each of its marks."""
    lines = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    marks = {line["name"]: line["objects"] for line in lines if line["type"] == "MARK"}
    return Recording(line for line in lines if line["type"] != "MARK"), marks


class Recorder:
    """Records what is there, and then every change, in the namespace and of the volumes that its claims have.

    What is there is read before anything else is done: whoever asks for `objects` must not see some kinds only.
    """

    KINDS: dict[str, Callable[[], Any]] = {
        "PersistentVolumeClaim": lambda: client.CoreV1Api().list_namespaced_persistent_volume_claim,
        "Pod": lambda: client.CoreV1Api().list_namespaced_pod,
        "Event": lambda: client.CoreV1Api().list_namespaced_event,
        "Deployment": lambda: client.AppsV1Api().list_namespaced_deployment,
        "ReplicaSet": lambda: client.AppsV1Api().list_namespaced_replica_set,
        "StatefulSet": lambda: client.AppsV1Api().list_namespaced_stateful_set,
        "PersistentVolume": lambda: client.CoreV1Api().list_persistent_volume,
        "VolumeAttachment": lambda: client.StorageV1Api().list_volume_attachment,
    }
    CLUSTER = ("PersistentVolume", "VolumeAttachment")

    def __init__(self) -> None:
        self.recording = Recording([])
        self._changed = threading.Condition()
        self._stopped = False
        self._watches = [watch.Watch() for _ in self.KINDS]
        for (kind, function), watcher in zip(self.KINDS.items(), self._watches, strict=True):
            where = () if kind in self.CLUSTER else (NAMESPACE,)
            there = json.loads(function()(*where, _preload_content=False).data)
            named = {"apiVersion": there["apiVersion"], "kind": kind}  # which the items of a list do not say
            items = [{"type": "ADDED", "kind": kind, "object": named | item} for item in there["items"]]
            self.recording.changes += items
            since = there["metadata"]["resourceVersion"]
            threading.Thread(target=self._record, args=(kind, function(), where, since, watcher), daemon=True).start()

    def stop(self) -> None:
        self._stopped = True
        for watcher in self._watches:
            watcher.stop()

    def wait_until(self, holds: Callable[[], bool], awaited: str, seconds: float = 30) -> None:
        """Return at the first change after which `holds()`."""
        with self._changed:
            assert self._changed.wait_for(holds, seconds), f"{awaited}: not within {seconds} s"

    def objects(self) -> list[dict[str, Any]]:
        """The objects that exist now, but for events and controller revisions."""
        latest: dict[str, dict[str, Any]] = {}
        ours = {f"pvc-{uid}" for uid in self.recording._claims()}
        for change in list(self.recording.changes):
            if change["kind"] in self.CLUSTER and not _is_of(change["object"], ours):
                continue
            latest.pop(change["object"]["metadata"]["uid"], None)
            if change["type"] != "DELETED" and change["kind"] != "Event":
                latest[change["object"]["metadata"]["uid"]] = change["object"]
        return list(latest.values())

    def _record(self, kind: str, function: Any, where: tuple[str, ...], since: str, watcher: watch.Watch) -> None:
        try:
            for change in watcher.stream(function, *where, resource_version=since, timeout_seconds=300):
                item = change["raw_object"]
                with self._changed:
                    self.recording.changes.append({"type": change["type"], "kind": kind, "object": item})
                    self._changed.notify_all()
        except HTTPError:
            # The lab's end cuts a watch that waits for the next change.
            if not self._stopped:
                raise


def _is_of(item: dict[str, Any], volumes: set[str]) -> bool:
    """A volume of the namespace's claims, or an attachment of one."""
    claim = item["spec"].get("claimRef")
    if claim:
        return bool(claim["namespace"] == NAMESPACE)
    return item["spec"].get("source", {}).get("persistentVolumeName", "") in volumes


def _of_the_control_plane(event: dict[str, Any]) -> bool:
    """Not the kubelet's and not the disk driver's, whose stand-ins wrote no events into the recording."""
    component = event.get("source", {}).get("component") or event["reportingComponent"]
    return not component.startswith(("kubelet", "disk.csi.azure.com"))


def _pod_state(pod: dict[str, Any]) -> str:
    """One word for where a pod is in its life."""
    if "deletionTimestamp" in pod["metadata"]:
        return "terminating"
    if any("running" in status["state"] for status in pod["status"].get("containerStatuses", ())):
        return pod["status"]["phase"]
    if pod["status"].get("containerStatuses"):
        return "ContainerCreating"
    return "scheduled" if pod["spec"].get("nodeName") else "pending"


def _stable(value: Any, key: str = "") -> Any:
    """`value` without what is volatile or only the real disk driver writes."""
    if key in _HASH_LABELS:
        return "HASH"
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in _VOLATILE | _DRIVER_ONLY | _OF_NODES}
        if kept.get("kind") == "PersistentVolume" and "metadata" in kept:
            # The external-attacher's mark; the recording's stand-in for it set none on volumes.
            finalizers = [name for name in kept["metadata"].get("finalizers", ()) if "external-attacher" not in name]
            kept["metadata"] = kept["metadata"] | {"finalizers": finalizers}
        return {k: _stable(v, k) for k, v in kept.items()}
    return [_stable(item) for item in value] if isinstance(value, list) else value

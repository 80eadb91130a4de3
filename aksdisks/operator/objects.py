"""A store's objects in Kubernetes: what the operator reads and writes, each change on condition of what it saw."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aksdisks.errors import AlreadyExists, Conflict, NotFound
from aksdisks.kube.client import Cluster
from aksdisks.kube.http import path
from aksdisks.manifests.replicated_store import (
    GROUP,
    KIND,
    ROLE_LABEL,
    STORE_LABEL,
    TERM_ANNOTATION,
    VERSION,
    children,
)
from aksdisks.operator.decisions import Replica, Role
from aksdisks.quantities import parse_time, show_time

TAKEN = "aksdisks.dev/taken-at"
"""On a snapshot: when it was asked for, to the millisecond; a creationTimestamp has seconds alone."""
_TRIES = 5

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot of a store; `age` in real seconds."""

    name: str
    uid: str
    age: float
    ready: bool


class Objects:
    """The objects of the stores of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace

    def stores(self) -> tuple[str, ...]:
        """The names of the stores that are there."""
        names, _ = self._cluster.items(KIND, self._namespace, make=lambda raw: raw["metadata"]["name"])
        return tuple(names)

    def store(self, name: str) -> Raw | None:
        """A store as the API has it; None where it is gone or goes."""
        raw = self._cluster.find(KIND, name, self._namespace)
        return None if raw is None or raw["metadata"].get("deletionTimestamp") else raw

    def make_children(self, raw: Raw) -> None:
        """Make the Services and the set of a store as its spec has them; idempotent."""
        for manifest in children(raw):
            self._cluster.apply(manifest, self._namespace)

    def replicas(self, name: str) -> list[Replica]:
        """The store's pods, without their disks, by number."""
        found, _ = self._cluster.items("Pod", self._namespace, f"{STORE_LABEL}={name}")
        ours = [raw for raw in found if _is_of_set(raw, name)]
        return sorted(map(_replica, ours), key=lambda each: each.ordinal)

    def change_pod(self, seen: Replica, role: Role, term: int) -> bool:
        """Give a pod its role (empty: none) and the term, if nobody changed these since it was `seen`.

        A status that the kubelet wrote meanwhile is no reason to refuse. False where the pod is gone; raises Conflict
        where its role or term changed, or another has its name.
        """
        url, now = path("Pod", self._namespace, seen.name), seen
        for _ in range(_TRIES):
            labels, annotations = {ROLE_LABEL: role or None}, {TERM_ANNOTATION: str(term)}
            metadata = {"resourceVersion": now.version, "labels": labels, "annotations": annotations}
            try:
                self._cluster.request("PATCH", url, None, {"metadata": metadata}, "merge-patch+json")
                return True
            except NotFound:
                return False
            except Conflict:
                raw = self._cluster.find("Pod", seen.name, self._namespace)
                if raw is None:
                    return False
                now = _replica(raw)
                if (now.uid, now.role, now.term) != (seen.uid, seen.role, seen.term):
                    raise
        raise _busy(f"pod {seen.name}")

    def change_status(self, seen: Raw, status: Mapping[str, Any]) -> Raw:
        """Write fields of a store's status, if its term and its generation are those that were `seen`; the store then.

        A spec that changed meanwhile is no reason to refuse. Raises Conflict where the status changed, or the store is
        gone or another of its name.
        """
        name, now = seen["metadata"]["name"], seen
        for _ in range(_TRIES):
            body = {"metadata": {"resourceVersion": now["metadata"]["resourceVersion"]}, "status": dict(status)}
            url = path(KIND, self._namespace, name, "status")
            try:
                return self._cluster.request("PATCH", url, None, body, "merge-patch+json")
            except (Conflict, NotFound):
                found = self.store(name)
                if found is None or _standing(found) != _standing(seen):
                    raise
                now = found
        raise _busy(f"store {name}")

    def snapshots(self, name: str) -> tuple[Snapshot, ...]:
        """The snapshots of a store that do not go already; raises NotFound where the cluster serves none."""
        found, _ = self._cluster.items("VolumeSnapshot", self._namespace, f"{STORE_LABEL}={name}")
        return tuple(_snapshot(raw) for raw in found if not raw["metadata"].get("deletionTimestamp"))

    def take_snapshot(self, raw: Raw, name: str, claim: str) -> bool:
        """Ask for a snapshot of a claim; False where it was asked for already. It outlives its store."""
        now, store = show_time(datetime.now(UTC)), raw["metadata"]["name"]
        labels = {**(raw["metadata"].get("labels") or {}), STORE_LABEL: store}
        spec: dict[str, Any] = {"source": {"persistentVolumeClaimName": claim}}
        if class_name := raw["spec"]["snapshots"].get("className"):
            spec["volumeSnapshotClassName"] = class_name
        manifest = {
            "apiVersion": "snapshot.storage.k8s.io/v1",
            "kind": "VolumeSnapshot",
            "metadata": {"name": name, "labels": labels, "annotations": {TAKEN: now}},
            "spec": spec,
        }
        try:
            self._cluster.create(manifest, self._namespace)
        except AlreadyExists:
            return False
        return True

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        """Delete this very snapshot."""
        try:
            self._cluster.delete("VolumeSnapshot", snapshot.name, self._namespace, uid=snapshot.uid)
        except Conflict:
            pass  # another has its name now

    def tell(self, raw: Raw, reason: str, message: str) -> None:
        """Write an event about a store, which `kubectl describe` shows."""
        now, name = datetime.now(UTC), raw["metadata"]["name"]
        about = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": name, "uid": raw["metadata"]["uid"]}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.{time.time_ns():x}", "namespace": self._namespace},
            "involvedObject": {**about, "namespace": self._namespace},
            "type": "Normal",
            "reason": reason,
            "message": message,
            "source": {"component": "replicated-store-operator"},
            "firstTimestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "lastTimestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "count": 1,
        }
        self._cluster.create(event, self._namespace)


def _busy(what: str) -> Conflict:
    return Conflict(f"{what} is changed by others again and again", status=409, reason="Conflict")


def _standing(raw: Raw) -> tuple[Any, ...]:
    """What a status is written on condition of."""
    status = raw.get("status") or {}
    return raw["metadata"]["uid"], status.get("term", 0), status.get("generation", 0)


def _is_of_set(raw: Raw, name: str) -> bool:
    owners = raw["metadata"].get("ownerReferences") or ()
    return any(owner["kind"] == "StatefulSet" and owner["name"] == name for owner in owners)


def _replica(raw: Raw) -> Replica:
    metadata, conditions = raw["metadata"], (raw.get("status") or {}).get("conditions") or ()
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return Replica(
        metadata["name"],
        (metadata.get("labels") or {}).get(ROLE_LABEL, ""),
        is_ready and not metadata.get("deletionTimestamp"),
        version=metadata["resourceVersion"],
        uid=metadata["uid"],
        term=int((metadata.get("annotations") or {}).get(TERM_ANNOTATION, "0")),
    )


def _snapshot(raw: Raw) -> Snapshot:
    metadata = raw["metadata"]
    taken = parse_time((metadata.get("annotations") or {}).get(TAKEN)) or parse_time(metadata["creationTimestamp"])
    age = (datetime.now(UTC) - taken).total_seconds() if taken else 0.0
    return Snapshot(metadata["name"], metadata["uid"], age, bool((raw.get("status") or {}).get("readyToUse")))

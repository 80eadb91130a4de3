"""Binding and eviction of pods."""

from __future__ import annotations

from aksdisks.lab.kube import objects
from aksdisks.lab.kube.deletion import DeleteOptions, delete
from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.registry import RESOURCES
from aksdisks.lab.kube.status import conflict
from aksdisks.lab.kube.store import Key
from aksdisks.lab.kube.writes import Writes


def bind(writes: Writes, key: Key, node: str, uid: str | None = None) -> None:
    """Give a pod its node: spec.nodeName, PodScheduled True, no nominatedNodeName; generation stays.

    409 when the pod is another, already has a node, or is being deleted (pkg/registry/core/pod/storage).
    """
    pod: Object = objects.copy(writes.current("pods", key).object)
    kind = RESOURCES["pods"]
    metadata = pod["metadata"]
    if uid and uid != metadata["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata['uid']}"
        raise conflict(kind, key[1], why)
    if "deletionTimestamp" in metadata:
        raise conflict(RESOURCES["pods"], key[1], f"pod {key[1]} is being deleted, cannot be assigned to a host")
    assigned = pod["spec"].get("nodeName")
    if assigned:
        raise conflict(kind, key[1], f'pod {key[1]} is already assigned to node "{assigned}"')
    pod["spec"]["nodeName"] = node
    pod["status"].pop("nominatedNodeName", None)
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": writes.now()}
    _set_condition(pod, scheduled)
    writes.store.update("pods", key, pod)


def evict(writes: Writes, key: Key, options: DeleteOptions) -> None:
    """Mark a pod as disrupted and delete it (pkg/registry/core/pod/storage/eviction.go); no budgets are kept here."""
    version = writes.current("pods", key)
    if "deletionTimestamp" not in version.object["metadata"]:
        pod = objects.copy(version.object)
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": writes.now(),
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
        }
        _set_condition(pod, condition)
        writes.store.update("pods", key, pod)
    delete(writes, "pods", key, options)


def _set_condition(pod: Object, condition: Object) -> None:
    conditions = pod["status"].setdefault("conditions", [])
    for index, present in enumerate(conditions):
        if present["type"] == condition["type"]:
            conditions[index] = condition
            return
    conditions.append(condition)

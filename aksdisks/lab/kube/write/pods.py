"""Binding and eviction of pods."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object, own_copy
from aksdisks.lab.kube.schema.status import conflict, invalid
from aksdisks.lab.kube.schema.unstored import SUBRESOURCE_KINDS
from aksdisks.lab.kube.storage.store import Key
from aksdisks.lab.kube.strategies import causes
from aksdisks.lab.kube.strategies.catalog import RESOURCES
from aksdisks.lab.kube.write import budgets
from aksdisks.lab.kube.write.deletion import DeleteOptions, delete
from aksdisks.lab.kube.write.writes import Writes

_TOPOLOGY = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


def bind(writes: Writes, key: Key, node: str, uid: str | None = None, *, dry_run: bool = False) -> None:
    """Give a pod its node: spec.nodeName, PodScheduled True, no nominatedNodeName; generation stays.

    422 without a node; 409 when the pod is another, already has a node, or is being deleted
    (pkg/registry/core/pod/storage).
    """
    kind = RESOURCES["pods"]
    if not node:
        raise invalid(SUBRESOURCE_KINDS["binding"], key[1], [causes.required("target.name")])
    pod: Object = own_copy(writes.current("pods", key).object)
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
    found = writes.store.get("nodes", ("", node)) if writes.labels_pods else None
    if found is not None:
        # The admission plug-in PodTopologyLabels (K plugin/pkg/admission/podtopologylabels).
        of_node = found.object["metadata"].get("labels") or {}
        labels = {name: of_node[name] for name in _TOPOLOGY if name in of_node}
        if labels:
            metadata["labels"] = {**metadata.get("labels", {}), **labels}
    pod["status"].pop("nominatedNodeName", None)
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": writes.now()}
    _set_condition(pod, scheduled)
    if not dry_run:
        writes.store.update("pods", key, pod)


def evict(writes: Writes, key: Key, options: DeleteOptions, *, dry_run: bool = False) -> None:
    """Mark a pod as disrupted and delete it, if its budget allows (pkg/registry/core/pod/storage/eviction.go)."""
    version = writes.current("pods", key)
    budgets.check(writes, version.object, dry_run=dry_run)
    if "deletionTimestamp" not in version.object["metadata"] and not dry_run:
        pod = own_copy(version.object)
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
    delete(writes, "pods", key, options, dry_run=dry_run)


def _set_condition(pod: Object, condition: Object) -> None:
    conditions = pod["status"].setdefault("conditions", [])
    for index, present in enumerate(conditions):
        if present["type"] == condition["type"]:
            conditions[index] = condition
            return
    conditions.append(condition)

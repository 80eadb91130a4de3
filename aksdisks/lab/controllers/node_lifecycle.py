"""The node-controller: notices nodes that fall silent, marks them and their pods, and taints what is not to be used."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.base import Controller
from aksdisks.lab.controllers.events import EventRecorder
from aksdisks.lab.controllers.informer import key_of, split_key
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.interface import ApiError, KubernetesApi, Object

LEASES = "kube-node-lease"
SILENCE, SILENCE_REAL = 40.0, 2.0
CONFIRMATION, CONFIRMATION_REAL = 10.0, 1.0
"""A node counts as lost 50 cluster seconds after its last renewal (facts D): silent for 40, and for 10 more after that
was noticed. On a machine that was suspended, or too busy, everybody's timers are late, and the agent must have its
turn first. Never less than the real seconds: agents of a fast lab renew once a real second."""

UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
_OURS = (UNSCHEDULABLE, NOT_READY, UNREACHABLE)


def _node_keys(before: Object | None, after: Object | None) -> Iterable[str]:
    if after is not None and (before is None or _watched(before) != _watched(after)):
        yield key_of(after)


def _lease_keys(before: Object | None, after: Object | None) -> Iterable[str]:
    # A node that is lost comes back by its status, so renewals need not be followed one by one.
    if before is None and after is not None:
        yield split_key(key_of(after))[1]


def _watched(node: Object) -> tuple[Any, ...]:
    return node["spec"].get("unschedulable"), node["spec"].get("taints"), _ready(node)


class NodeLifecycle(Controller):
    """Source: K pkg/controller/nodelifecycle/node_lifecycle_controller.go."""

    name = "node-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Keys are those of nodes."""
        super().__init__(api, clock, ids)
        self.nodes = self.watch("nodes", _node_keys)
        self.leases = self.watch("leases", _lease_keys, LEASES)
        self.pods = self.watch("pods", None)
        self.pods.add_index("node", lambda pod: filter(None, (pod["spec"].get("nodeName"),)))
        self.recorder = EventRecorder(api, clock, self.name)
        self._known: set[str] = set()
        self._suspects: dict[str, tuple[str, float]] = {}

    async def reconcile(self, key: str) -> float | None:
        """See `Controller`; comes back when the node's lease would have run out."""
        node = self.nodes.get(key)
        if node is None:
            self._known.discard(key)
            return None
        if key not in self._known:
            self._known.add(key)
            message = f"Node {key} event: Registered Node {key} in Controller"
            self.recorder.event(node, "Normal", "RegisteredNode", message)
        renewed = self._renewed(key, node)
        silent = (self.clock.now() - _moment(renewed)).total_seconds() * self.clock.speed
        left = max(SILENCE, SILENCE_REAL * self.clock.speed) - silent
        if left <= 0 and _ready(node) != "Unknown":
            now = self.clock.monotonic()
            since, at = self._suspects.get(key, ("", now))
            if since != renewed:
                self._suspects[key] = (renewed, now)
                at = now
            left = at + max(CONFIRMATION, CONFIRMATION_REAL * self.clock.speed) - now
            if left <= 0:
                node = await self._lose(node)
        await self._taint(node)
        return left if left > 0 else None

    def _renewed(self, name: str, node: Object) -> str:
        """When the node last showed that it lives."""
        lease = self.leases.get(name, LEASES)
        return str(((lease or {}).get("spec") or {}).get("renewTime") or node["metadata"]["creationTimestamp"])

    async def _lose(self, node: Object) -> Object:
        name, now = node["metadata"]["name"], timestamp(self.clock.now())
        changed = copy.deepcopy(node)
        for condition in changed.setdefault("status", {}).setdefault("conditions", []):
            unknown = {"status": "Unknown", "reason": "NodeStatusUnknown", "lastTransitionTime": now}
            condition.update(unknown, message="Kubelet stopped posting node status.")
        node = await self.api.update("nodes", changed, subresource="status")
        self.nodes.observe(node)
        self.recorder.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        for pod in self.pods.by_index("node", name):
            await self._mark_pod(pod, now)
        return node

    async def _mark_pod(self, pod: Object, now: str) -> None:
        conditions = copy.deepcopy((pod.get("status") or {}).get("conditions") or [])
        ready = [entry for entry in conditions if entry["type"] == "Ready" and entry["status"] == "True"]
        if not ready:
            return
        ready[0].update(status="False", lastTransitionTime=now)
        meta = pod["metadata"]
        patch = {"status": {"conditions": conditions}}
        try:
            await self.api.patch("pods", meta["name"], patch, meta["namespace"], subresource="status")
        except ApiError as error:
            if error.reason != "NotFound":
                raise
            return
        self.recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready")

    async def _taint(self, node: Object) -> None:
        """Keep the taints that follow from the node's state, and leave all others alone."""
        wanted = []
        if node["spec"].get("unschedulable"):
            wanted.append((UNSCHEDULABLE, "NoSchedule"))
        state = _ready(node)
        if state in ("False", "Unknown"):
            key = NOT_READY if state == "False" else UNREACHABLE
            wanted += [(key, "NoSchedule"), (key, "NoExecute")]
        present = node["spec"].get("taints") or []
        taints = [entry for entry in present if entry["key"] not in _OURS or (entry["key"], entry["effect"]) in wanted]
        have = {(entry["key"], entry["effect"]) for entry in taints}
        now = timestamp(self.clock.now())
        taints += [
            {"key": key, "effect": effect, "timeAdded": now} for key, effect in wanted if (key, effect) not in have
        ]
        if taints != present:
            changed = copy.deepcopy(node)
            changed["spec"]["taints"] = taints
            if not taints:
                del changed["spec"]["taints"]
            self.nodes.observe(await self.api.update("nodes", changed))


def _ready(node: Object) -> str:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return next((str(entry["status"]) for entry in conditions if entry["type"] == "Ready"), "")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)

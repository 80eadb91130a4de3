"""The node-controller: notices nodes that fall silent, marks them and their pods, and taints what is not to be used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of, split_key
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.ids import Ids

LEASES = "kube-node-lease"
SILENCE, CONFIRMATION = 40.0, 10.0
"""A node counts as lost 50 cluster seconds after its last renewal (facts D): silent for 40, and for 10 more after that
was noticed. On a machine that was suspended, or too busy, everybody's timers are late, and the agent must have its
turn first. Never less than two renewals, and one more, as `renewal_seconds` has them."""

_RENEWALS = 100
"""A real second: what more nodes or a faster lab ask for would be most of what the lab does."""

EVICTION_RATE, SLOW_EVICTION_RATE = 0.1, 0.01
"""Nodes of a zone that are emptied in a cluster second; slower when the zone as a whole is unwell."""
UNHEALTHY_ZONE, LARGE_ZONE = 0.55, 50

UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
_OURS = (UNSCHEDULABLE, NOT_READY, UNREACHABLE)


def renewal_seconds(nodes: int) -> float:
    """Real seconds that pass at least between two renewals of a node's Lease, in a lab of so many nodes."""
    return max(1.0, nodes / _RENEWALS)


def _node_keys(before: Object | None, after: Object | None) -> Iterable[str]:
    if after is None and before is not None:
        yield key_of(before)
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
        self.nodes.add_handler(self._others_changed)
        self.leases = self.watch("leases", _lease_keys, LEASES)
        self.pods = self.watch("pods", None)
        self.pods.add_index("node", lambda pod: filter(None, (pod["spec"].get("nodeName"),)))
        self.recorder = EventRecorder(api, clock, self.name)
        self._known: dict[str, Object] = {}
        self._evictions: dict[str, float] = {}
        self._suspects: dict[str, tuple[str, float]] = {}

    async def reconcile(self, key: str) -> float | None:
        """See `Controller`; comes back when the node's lease would have run out."""
        node = self.nodes.get(key)
        if node is None:
            removed = self._known.pop(key, None)
            if removed is not None:
                message = f"Node {key} event: Removing Node {key} from Controller"
                self.recorder.event(removed, "Normal", "RemovingNode", message)
            return None
        fresh = key not in self._known
        self._known[key] = node
        if fresh:
            message = f"Node {key} event: Registered Node {key} in Controller"
            self.recorder.event(node, "Normal", "RegisteredNode", message)
        renewed = self._renewed(key, node)
        silent = (self.clock.now() - _moment(renewed)).total_seconds() * self.clock.speed
        renewal = renewal_seconds(len(self.nodes.items())) * self.clock.speed
        left = max(SILENCE, 2 * renewal) - silent
        if left <= 0 and _ready(node) != "Unknown":
            now = self.clock.monotonic()
            since, at = self._suspects.get(key, ("", now))
            if since != renewed:
                self._suspects[key] = (renewed, now)
                at = now
            left = at + max(CONFIRMATION, renewal) - now
            if left <= 0:
                node = await self._lose(node)
        wait = await self._taint(node)
        waits = [seconds for seconds in (wait, left if left > 0 else None) if seconds is not None]
        return min(waits, default=None)

    def _renewed(self, name: str, node: Object) -> str:
        """When the node last showed that it lives."""
        lease = self.leases.get(name, LEASES)
        return str(((lease or {}).get("spec") or {}).get("renewTime") or node["metadata"]["creationTimestamp"])

    async def _lose(self, node: Object) -> Object:
        name, now = node["metadata"]["name"], timestamp(self.clock.now())
        changed = own_copy(node)
        for condition in changed.setdefault("status", {}).setdefault("conditions", []):
            unknown = {"status": "Unknown", "reason": "NodeStatusUnknown", "lastTransitionTime": now}
            condition.update(unknown, message="Kubelet stopped posting node status.")
        node = await self.api.update("nodes", changed, subresource="status")
        self.nodes.observe(node)
        self._look_at_lost()
        self.recorder.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        for pod in self.pods.by_index("node", name):
            await self._mark_pod(pod, now)
        return node

    async def _mark_pod(self, pod: Object, now: str) -> None:
        conditions = own_copy((pod.get("status") or {}).get("conditions") or [])
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

    async def _taint(self, node: Object) -> float | None:
        """Keep the taints that follow from the node's state, and leave all others alone.

        The taint that evicts is given out at a limited rate in each zone, and not at all while no node is ready:
        then it is rather the control plane that is cut off. When to look again, in cluster seconds.
        """
        wait = None
        wanted = []
        if node["spec"].get("unschedulable"):
            wanted.append((UNSCHEDULABLE, "NoSchedule"))
        state = _ready(node)
        if state in ("False", "Unknown"):
            key = NOT_READY if state == "False" else UNREACHABLE
            wanted.append((key, "NoSchedule"))
            has = any(taint["key"] in (NOT_READY, UNREACHABLE) for taint in _evicting(node))
            wait = 0.0 if has and not self._disrupted() else self._next_eviction(node)
            if wait == 0.0:
                wanted.append((key, "NoExecute"))
                wait = None
        present = node["spec"].get("taints") or []
        taints = [entry for entry in present if entry["key"] not in _OURS or (entry["key"], entry["effect"]) in wanted]
        have = {(entry["key"], entry["effect"]) for entry in taints}
        now = timestamp(self.clock.now())
        taints += [
            {"key": key, "effect": effect, "timeAdded": now} for key, effect in wanted if (key, effect) not in have
        ]
        if taints != present:
            changed = own_copy(node)
            changed["spec"]["taints"] = taints
            if not taints:
                del changed["spec"]["taints"]
            self.nodes.observe(await self.api.update("nodes", changed))
        return wait

    def _disrupted(self) -> bool:
        """No node at all is ready."""
        return all(_ready(node) != "True" for node in self.nodes.items())

    def _next_eviction(self, node: Object) -> float | None:
        """Cluster seconds until the node may be emptied, 0 when that is now; None when no time is set.

        K nodelifecycle: nodeEvictionRate 0.1, unhealthyZoneThreshold 0.55, secondary rate 0.01, 0 for up to 50 nodes.
        """
        if self._disrupted():
            return None
        zone = _zone(node)
        states = [_ready(other) for other in self.nodes.items() if _zone(other) == zone]
        lost = sum(state != "True" for state in states)
        unhealthy = lost > 2 and lost / len(states) >= UNHEALTHY_ZONE
        if unhealthy and len(states) <= LARGE_ZONE:
            return None
        now = self.clock.monotonic()
        left = self._evictions.get(zone, now) - now
        if left <= 0:
            self._evictions[zone] = now + 1.0 / (SLOW_EVICTION_RATE if unhealthy else EVICTION_RATE)
        return max(0.0, left)

    def _others_changed(self, before: Object | None, after: Object | None) -> None:
        """A node that is lost or comes back may change what the others that are lost are in for."""
        if (before is not None and _ready(before)) != (after is not None and _ready(after)):
            self._look_at_lost()

    def _look_at_lost(self) -> None:
        for node in self.nodes.items():
            if _ready(node) != "True":
                self.queue.add(key_of(node))


def _evicting(node: Object) -> list[Object]:
    return [taint for taint in node["spec"].get("taints") or () if taint["effect"] == "NoExecute"]


def _zone(node: Object) -> str:
    labels = node["metadata"].get("labels") or {}
    keys = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")
    return ":".join(str(labels.get(key, "")) for key in keys)


def _ready(node: Object) -> str:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return next((str(entry["status"]) for entry in conditions if entry["type"] == "Ready"), "")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)

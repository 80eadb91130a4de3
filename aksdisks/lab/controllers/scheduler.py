"""The default scheduler: chooses a node for each pod, has its claims bound there, and binds the pod."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.claim_binding import ClaimBinder, ClaimBindingError
from aksdisks.lab.controllers.node_filters import (
    NodeView,
    Refusal,
    has_preferences,
    preference,
    refuse,
    unschedulable_message,
)
from aksdisks.lab.controllers.pod_rules import PodRules, has_rules, rules_for
from aksdisks.lab.controllers.pods import is_finished
from aksdisks.lab.controllers.scheduling_snapshot import Snapshot
from aksdisks.lab.controllers.storage import reserved_for
from aksdisks.lab.controllers.volume_filters import HopelessPodError, Plan, PodClaims, Storage, plan, pod_claims
from aksdisks.lab.ids import Ids
from aksdisks.lab.versions import DEFAULT_WORDS, Words

FIRST_BACKOFF = 1.0
LAST_BACKOFF = 10.0
FLUSH = 300.0
"""Cluster seconds after which a pod that nothing has woken is tried again (K scheduling_queue.go)."""


class SchedulingApi(KubernetesApi, Protocol):
    """The Kubernetes interface and the one call that only a scheduler makes."""

    async def bind(self, namespace: str, name: str, node: str, *, uid: str | None = None) -> None:
        """Assign a pod to a node (pods/binding)."""


@dataclass
class _Parked:
    """A pod that could not be scheduled: how often, and until when (cluster seconds) it must wait at least."""

    attempts: int = 0
    not_before: float = 0.0


class Scheduler(Controller):
    """One pod at a time is given a node; binding goes on beside it, with the pod assumed to be there already.

    Among the nodes that do, the one with the fewest pods is taken, ties by name: for equal machines and pods without
    requests this is what upstream's scores come to (recorded in golden/walk.jsonl).
    """

    name = "default-scheduler"

    def __init__(self, api: SchedulingApi, clock: Clock, ids: Ids, words: Words = DEFAULT_WORDS) -> None:
        """Keys are those of pods; `words` as the version has them."""
        super().__init__(api, clock, ids)
        self.words = words
        self.binder = api
        self.pods = self.watch("pods")
        self.nodes = self.watch("nodes", None)
        self.claims = self.watch("persistentvolumeclaims", None)
        self.volumes = self.watch("persistentvolumes", None)
        self.volumes.add_index("claim", reserved_for)
        self.classes = self.watch("storageclasses", None)
        self.csi_nodes = self.watch("csinodes", None)
        self.attachments = self.watch("volumeattachments", None)
        self.attachments.add_index("node", lambda attachment: (attachment["spec"]["nodeName"],))
        self.namespaces = self.watch("namespaces", None)
        self.snapshot = Snapshot(self.pods, self.nodes, self.claims, self.volumes, self.attachments)
        self.storage = Storage(
            self.claims.get_key,
            self.volumes.get_key,
            self.classes.get_key,
            self.csi_nodes.get_key,
            lambda key: [*self.volumes.by_index("claim", key), *self.volumes.by_index("claim", "")],
            lambda node: self.attachments.by_index("node", node),
            self.snapshot.users,
        )
        self.claim_binder = ClaimBinder(api, clock, self.pods, self.claims, self.volumes, self.nodes)
        self.recorder = EventRecorder(api, clock, self.name, events_v1=True)
        self._parked: dict[str, _Parked] = {}
        self.pods.add_handler(self._pod_changed)
        self.nodes.add_handler(self._node_changed)
        self.claims.add_handler(self._claim_changed)
        for informer in (self.volumes, self.classes, self.csi_nodes):
            informer.add_handler(lambda _before, _after: self._wake())
        self.attachments.add_handler(lambda _before, after: self._wake() if after is None else None)

    async def reconcile(self, key: str) -> float | None:
        """Schedule the pod, if it is still to be scheduled."""
        pod = self.pods.get_key(key)
        if pod is None or key in self.snapshot.assumed or not _wants_node(pod):
            return None
        parked = self._parked.get(key)
        if parked is not None and (early := parked.not_before - self.clock.monotonic()) > 0:
            return early
        try:
            claims = pod_claims(pod, self.storage)
        except HopelessPodError as reason:
            return await self._fail(
                pod, unschedulable_message(self.words, len(self.snapshot), (), str(reason)), "Unschedulable"
            )
        even = self.snapshot.even and not has_preferences(pod) and not has_rules(pod)
        rules = None if even else rules_for(pod, self.snapshot.views(), self._namespace_labels)
        refusals: list[Refusal] = []
        fits: dict[str, tuple[NodeView, Plan]] = {}
        # Without preferences the first that does is the best: a large cluster is not looked through for each pod.
        for node in self.snapshot.by_room() if even else self.snapshot.views():
            found = self._try(pod, node, claims, rules)
            if isinstance(found, Refusal):
                refusals.append(found)
            else:
                fits[node.name] = node, found
                if even:
                    break
        if not fits:
            message = unschedulable_message(self.words, len(self.snapshot), refusals)
            return await self._fail(pod, message, "Unschedulable")
        best = _best(pod, [node for node, _ in fits.values()], rules)
        self.snapshot.assume(key, best.name)
        self.spawn(self._bind(pod, best.name, fits[best.name][1]))
        return None

    def _try(self, pod: Object, node: NodeView, claims: PodClaims, rules: PodRules | None) -> Plan | Refusal:
        """What is to be done for the pod's claims if it goes to the node, or why it cannot."""
        refusal = refuse(pod, node, self.words)
        chosen = Plan(refusal=refusal)
        if claims and refusal is None:
            chosen = plan(claims, node, self.storage, self.words)
            refusal = chosen.refusal
        if refusal is None and rules is not None:
            refusal = rules.refuse(node)
        return chosen if refusal is None else refusal

    def _namespace_labels(self, name: str) -> Mapping[str, str]:
        namespace = self.namespaces.get(name)
        return {} if namespace is None else namespace["metadata"].get("labels") or {}

    async def _bind(self, pod: Object, node: str, chosen: Plan) -> None:
        """The binding cycle: claims first, then the pod."""
        meta = pod["metadata"]
        key = key_of(pod)
        try:
            if chosen.bindings or chosen.provisions:
                await self._nominate(pod, node)
                await self.claim_binder.bind(pod, node, chosen)
            await self.binder.bind(meta["namespace"], meta["name"], node, uid=meta["uid"])
        except ClaimBindingError as error:
            message = f'running PreBind plugin "VolumeBinding": binding volumes: {error}'
            await self._give_up(pod, key, message)
        except ApiError as error:
            if error.reason == "NotFound" and self.pods.get_key(key) is None:
                self.snapshot.forget(key)
                return
            await self._give_up(pod, key, error.message)
        else:
            self._parked.pop(key, None)
            message = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
            self.recorder.event(pod, "Normal", "Scheduled", message, action="Binding")

    async def _give_up(self, pod: Object, key: str, message: str) -> None:
        self.snapshot.forget(key)
        current = self.pods.get_key(key)
        if current is not None and current["metadata"]["uid"] == pod["metadata"]["uid"] and _wants_node(current):
            self.queue.add_after(key, await self._fail(current, message, "SchedulerError"))

    async def _nominate(self, pod: Object, node: str) -> None:
        if (pod.get("status") or {}).get("nominatedNodeName") == node:
            return
        meta = pod["metadata"]
        patch = {"status": {"nominatedNodeName": node}}
        await self.api.patch("pods", meta["name"], patch, meta["namespace"], subresource="status")

    async def _fail(self, pod: Object, message: str, reason: str) -> float:
        """Say why in an event and in the pod's condition; how long to wait at most, in cluster seconds."""
        key, meta = key_of(pod), pod["metadata"]
        parked = self._parked.setdefault(key, _Parked())
        backoff = min(LAST_BACKOFF, FIRST_BACKOFF * 2.0**parked.attempts)
        parked.attempts += 1
        parked.not_before = self.clock.monotonic() + backoff
        self.recorder.event(pod, "Warning", "FailedScheduling", message, action="Scheduling")
        conditions = (pod.get("status") or {}).get("conditions") or ()
        old: Object = next((entry for entry in conditions if entry["type"] == "PodScheduled"), {})
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": None,
            "lastTransitionTime": old.get("lastTransitionTime") or timestamp(self.clock.now()),
            "reason": reason,
            "message": message,
        }
        if condition != old or (pod.get("status") or {}).get("nominatedNodeName"):
            status = {"conditions": [condition], "nominatedNodeName": None}
            try:
                await self.api.patch(
                    "pods",
                    meta["name"],
                    {"status": status},
                    meta["namespace"],
                    subresource="status",
                    patch_type="strategic",
                )
            except ApiError as error:
                if error.reason != "NotFound":
                    raise
        # A failure of binding is tried again by itself; a pod that fits nowhere waits for a change.
        return backoff if reason == "SchedulerError" else FLUSH

    def _wake(self, keys: Iterable[str] | None = None) -> None:
        """Something changed that may help the pods that fit nowhere, or those of them with `keys`."""
        now = self.clock.monotonic()
        for key in list(self._parked) if keys is None else keys:
            parked = self._parked.get(key)
            if parked is not None:
                self.queue.add_after(key, max(0.0, parked.not_before - now))

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        pod = before if after is None else after
        if pod is None:
            return
        key = key_of(pod)
        if after is None or after["spec"].get("nodeName"):
            self.snapshot.forget(key)
            self._parked.pop(key, None)
        if before is not None and _takes_room(before) and (after is None or not _takes_room(after)):
            self._wake()

    def _node_changed(self, before: Object | None, after: Object | None) -> None:
        if after is not None and (before is None or _schedulable_part(before) != _schedulable_part(after)):
            self._wake()

    def _claim_changed(self, before: Object | None, after: Object | None) -> None:
        claim = before if after is None else after
        if claim is None or not self._parked:
            return
        self._wake(map(key_of, self.pods.by_index("claim", key_of(claim))))


def _best(pod: Object, nodes: Sequence[NodeView], rules: PodRules | None) -> NodeView:
    """The node with the best preferences, of those the one with the fewest pods, of those the first by name.

    Preferences are normalised and weighted as upstream's default plugins are: taints 3, affinities and spread 2.
    """
    if len(nodes) == 1:
        return nodes[0]
    affinity, taints = zip(*(preference(pod, node) for node in nodes), strict=True)
    liking = [rules.liking(node) if rules else 0.0 for node in nodes]
    crowding = [rules.crowding(node) if rules else 0.0 for node in nodes]
    scores = [
        2 * liked + 2 * near + 3 * (1 - tainted) + 2 * (1 - crowded)
        for liked, near, tainted, crowded in zip(*map(_normalised, (affinity, liking, taints, crowding)), strict=True)
    ]
    return min(zip(nodes, scores, strict=True), key=lambda pair: (-pair[1], pair[0].room))[0]


def _normalised(values: Sequence[float]) -> list[float]:
    """The values between 0 and 1; all 0 when they do not differ."""
    finite = [value for value in values if value < math.inf]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = high - low
    return [1.0 if value == math.inf else ((value - low) / span if span else 0.0) for value in values]


def _wants_node(pod: Object) -> bool:
    spec, meta = pod["spec"], pod["metadata"]
    if spec.get("nodeName") or meta.get("deletionTimestamp") or spec.get("schedulingGates"):
        return False
    return bool(spec.get("schedulerName", Scheduler.name) == Scheduler.name)


def _takes_room(pod: Object) -> bool:
    """It is on a node and not finished: the scheduler hears of no other pods that are assigned."""
    return bool(pod["spec"].get("nodeName")) and not is_finished(pod)


def _schedulable_part(node: Object) -> tuple[object, ...]:
    return node["spec"], node["metadata"].get("labels"), (node.get("status") or {}).get("allocatable")

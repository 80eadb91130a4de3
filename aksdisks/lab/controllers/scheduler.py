"""The default scheduler: chooses a node for each pod, has its claims bound there, and binds the pod."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Protocol

from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.base import Controller
from aksdisks.lab.controllers.events import EventRecorder
from aksdisks.lab.controllers.informer import key_of
from aksdisks.lab.controllers.node_filters import NodeView, Refusal, refuse, unschedulable_message, view
from aksdisks.lab.controllers.storage import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    SELECTED_NODE,
    annotations_of,
    claim_names,
)
from aksdisks.lab.controllers.volume_filters import HopelessPodError, Plan, Storage, plan, pod_claims, volumes_on
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.interface import ApiError, KubernetesApi, Object

POLL = 1.0
"""Cluster seconds between looks at claims being bound (K volumebinding/binder.go BindPodVolumes)."""
BIND_TIMEOUT = 600.0
FIRST_BACKOFF = 1.0
LAST_BACKOFF = 10.0
FLUSH = 300.0
"""Cluster seconds after which a pod that nothing has woken is tried again (K scheduling_queue.go)."""


class SchedulingApi(KubernetesApi, Protocol):
    """The Kubernetes interface and the one call that only a scheduler makes."""

    async def bind(self, namespace: str, name: str, node: str, *, uid: str | None = None) -> None:
        """Assign a pod to a node (pods/binding)."""


class ClaimBindingError(Exception):
    """The claims of a pod could not be bound on the node chosen; the message is upstream's."""


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

    def __init__(self, api: SchedulingApi, clock: Clock, ids: Ids) -> None:
        """Keys are those of pods."""
        super().__init__(api, clock, ids)
        self.binder = api
        self.pods = self.watch("pods")
        self.pods.add_index("node", lambda pod: _node_of(pod))
        self.nodes = self.watch("nodes", None)
        self.claims = self.watch("persistentvolumeclaims", None)
        self.volumes = self.watch("persistentvolumes", None)
        self.classes = self.watch("storageclasses", None)
        self.csi_nodes = self.watch("csinodes", None)
        self.attachments = self.watch("volumeattachments", None)
        self.storage = Storage(
            self.claims.get_key,
            self.volumes.get_key,
            self.classes.get_key,
            self.csi_nodes.get_key,
            self.volumes.items,
            self.attachments.items,
        )
        self.recorder = EventRecorder(api, clock, self.name, events_v1=True)
        self._assumed: dict[str, str] = {}
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
        if pod is None or key in self._assumed or not _wants_node(pod):
            return None
        parked = self._parked.get(key)
        if parked is not None and (early := parked.not_before - self.clock.monotonic()) > 0:
            return early
        nodes = self._snapshot()
        refusals: list[Refusal] = []
        fits: list[tuple[int, str, Plan]] = []
        try:
            claims = pod_claims(pod, self.storage)
        except HopelessPodError as reason:
            return await self._fail(pod, unschedulable_message(len(nodes), (), str(reason)), "Unschedulable")
        has_claims = bool(claims.bound or claims.delayed)
        for node in nodes:
            refusal = refuse(pod, node)
            chosen = Plan(refusal=refusal)
            if refusal is None and has_claims:
                chosen = plan(claims, node, self.storage, volumes_on(node, self.storage))
            if chosen.refusal is not None:
                refusals.append(chosen.refusal)
            else:
                fits.append((len(node.pods), node.name, chosen))
        if not fits:
            return await self._fail(pod, unschedulable_message(len(nodes), refusals), "Unschedulable")
        _, name, chosen = min(fits, key=lambda fit: fit[:2])
        self._assumed[key] = name
        self.spawn(self._bind(pod, name, chosen))
        return None

    def _snapshot(self) -> list[NodeView]:
        assumed: dict[str, list[Object]] = {}
        for key, node in self._assumed.items():
            pod = self.pods.get_key(key)
            if pod is not None and not pod["spec"].get("nodeName"):
                assumed.setdefault(node, []).append(pod)
        nodes = sorted(self.nodes.items(), key=lambda node: str(node["metadata"]["name"]))
        return [
            view(node, [*self.pods.by_index("node", name), *assumed.get(name, ())])
            for node in nodes
            for name in (node["metadata"]["name"],)
        ]

    async def _bind(self, pod: Object, node: str, chosen: Plan) -> None:
        """The binding cycle: claims first, then the pod."""
        meta = pod["metadata"]
        key = key_of(pod)
        try:
            if chosen.bindings or chosen.provisions:
                await self._nominate(pod, node)
                await self._bind_claims(pod, node, chosen)
            await self.binder.bind(meta["namespace"], meta["name"], node, uid=meta["uid"])
        except ClaimBindingError as error:
            message = f'running PreBind plugin "VolumeBinding": binding volumes: {error}'
            await self._give_up(pod, key, message)
        except ApiError as error:
            if error.reason == "NotFound" and self.pods.get_key(key) is None:
                self._assumed.pop(key, None)
                return
            await self._give_up(pod, key, error.message)
        else:
            self._parked.pop(key, None)
            message = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
            self.recorder.event(pod, "Normal", "Scheduled", message, action="Binding")

    async def _give_up(self, pod: Object, key: str, message: str) -> None:
        self._assumed.pop(key, None)
        current = self.pods.get_key(key)
        if current is not None and current["metadata"]["uid"] == pod["metadata"]["uid"] and _wants_node(current):
            self.queue.add_after(key, await self._fail(current, message, "SchedulerError"))

    async def _nominate(self, pod: Object, node: str) -> None:
        if (pod.get("status") or {}).get("nominatedNodeName") == node:
            return
        meta = pod["metadata"]
        patch = {"status": {"nominatedNodeName": node}}
        await self.api.patch("pods", meta["name"], patch, meta["namespace"], subresource="status")

    async def _bind_claims(self, pod: Object, node: str, chosen: Plan) -> None:
        for volume, claim in chosen.bindings:
            await self._reserve(volume, claim)
        for claim in chosen.provisions:
            if annotations_of(claim).get(SELECTED_NODE) != node:
                changed = copy.deepcopy(claim)
                changed["metadata"].setdefault("annotations", {})[SELECTED_NODE] = node
                self.claims.observe(await self.api.update("persistentvolumeclaims", changed))
        waiting = [claim for _, claim in chosen.bindings] + list(chosen.provisions)
        provisioned = {claim["metadata"]["name"] for claim in chosen.provisions}
        deadline = self.clock.monotonic() + BIND_TIMEOUT
        while waiting:
            await self.clock.sleep(POLL)
            if self.pods.get_key(key_of(pod)) is None:
                raise ClaimBindingError("pod does not exist any more")
            waiting = [claim for claim in waiting if not self._is_bound(claim, node, provisioned)]
            if waiting and self.clock.monotonic() > deadline:
                raise ClaimBindingError("context deadline exceeded")

    async def _reserve(self, volume: Object, claim: Object) -> None:
        if volume["spec"].get("claimRef", {}).get("uid") == claim["metadata"]["uid"]:
            return
        changed = copy.deepcopy(volume)
        if not changed["spec"].get("claimRef"):
            changed["metadata"].setdefault("annotations", {})[BOUND_BY_CONTROLLER] = "yes"
        meta = claim["metadata"]
        changed["spec"]["claimRef"] = {
            "kind": "PersistentVolumeClaim",
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
            "apiVersion": "v1",
            "resourceVersion": meta["resourceVersion"],
        }
        self.volumes.observe(await self.api.update("persistentvolumes", changed))

    def _is_bound(self, claim: Object, node: str, provisioned: set[str]) -> bool:
        name = claim["metadata"]["name"]
        current = self.claims.get_key(key_of(claim))
        if current is None or current["metadata"]["uid"] != claim["metadata"]["uid"]:
            raise ClaimBindingError(f'persistentvolumeclaim "{name}" not found')
        if current["spec"].get("volumeName") and BIND_COMPLETED in annotations_of(current):
            return True
        if name in provisioned and annotations_of(current).get(SELECTED_NODE) != node:
            # The driver takes the annotation away when this node cannot have a disk.
            raise ClaimBindingError(f'provisioning failed for PVC "{name}"')
        return False

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

    def _wake(self, keys: set[str] | None = None) -> None:
        """Something changed that may help the pods that fit nowhere."""
        now = self.clock.monotonic()
        for key, parked in self._parked.items():
            if keys is None or key in keys:
                self.queue.add_after(key, max(0.0, parked.not_before - now))

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        pod = before if after is None else after
        if pod is None:
            return
        key = key_of(pod)
        if after is None or after["spec"].get("nodeName"):
            self._assumed.pop(key, None)
            self._parked.pop(key, None)
        if after is None and pod["spec"].get("nodeName"):
            self._wake()

    def _node_changed(self, before: Object | None, after: Object | None) -> None:
        if after is not None and (before is None or _schedulable_part(before) != _schedulable_part(after)):
            self._wake()

    def _claim_changed(self, before: Object | None, after: Object | None) -> None:
        claim = before if after is None else after
        if claim is None or not self._parked:
            return
        namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
        pods = (self.pods.get_key(key) for key in self._parked)
        self._wake(
            {
                key_of(pod)
                for pod in pods
                if pod is not None and pod["metadata"]["namespace"] == namespace and name in claim_names(pod)
            }
        )


def _node_of(pod: Object) -> tuple[str, ...]:
    """The node whose room the pod takes; a finished pod takes none."""
    over = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    node = pod["spec"].get("nodeName")
    return (node,) if node and not over else ()


def _wants_node(pod: Object) -> bool:
    spec, meta = pod["spec"], pod["metadata"]
    if spec.get("nodeName") or meta.get("deletionTimestamp") or spec.get("schedulingGates"):
        return False
    return bool(spec.get("schedulerName", Scheduler.name) == Scheduler.name)


def _schedulable_part(node: Object) -> tuple[object, ...]:
    return node["spec"], node["metadata"].get("labels"), (node.get("status") or {}).get("allocatable")

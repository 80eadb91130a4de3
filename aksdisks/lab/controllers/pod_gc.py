"""The pod garbage collector: ends pods that nobody else can, on nodes that are gone or out of service."""

from __future__ import annotations

from typing import ClassVar

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.storage import OUT_OF_SERVICE, has_taint, node_is_ready
from aksdisks.lab.ids import Ids

ROUND, ROUND_REAL = 20.0, 0.1
"""Cluster seconds between rounds (K podgc/gc_controller.go gcCheckPeriod), and never less than the real seconds."""
QUARANTINE = 40.0
"""Cluster seconds that a node must have been gone before its pods are (quarantineTime)."""
_KEY = "round"


class PodGarbage(Controller):
    """Source: K pkg/controller/podgc/gc_controller.go.

    Pods that ended are kept: upstream removes them from 12,500 on.
    """

    name: ClassVar[str] = "pod-garbage-collector-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """One key stands for a round."""
        super().__init__(api, clock, ids)
        self._pods = self.watch("pods", None)
        self._pods.add_index("node", lambda pod: filter(None, (pod["spec"].get("nodeName"),)))
        self._pods.add_index("going", lambda pod: ("",) if "deletionTimestamp" in pod["metadata"] else ())
        self._nodes = self.watch("nodes", None)
        self._missing: dict[str, float] = {}
        self._pods.add_handler(self._pod_changed)
        self._nodes.add_handler(self._node_changed)
        self._unsure: set[str] = set()

    async def started(self) -> None:
        """The first round is at once."""
        self.queue.add(_KEY)

    async def reconcile(self, key: str) -> float | None:
        """One round."""
        del key
        for pod in self._pods.by_index("going", ""):
            name = pod["spec"].get("nodeName")
            node = self._nodes.get(name) if name else None
            if not name or (node is not None and not node_is_ready(node) and has_taint(node, OUT_OF_SERVICE)):
                await self._end(pod, None)
        for name in await self._gone():
            for pod in self._pods.by_index("node", name):
                await self._end(pod, "PodGC: node no longer exists")
        return max(ROUND, ROUND_REAL * self.clock.speed)

    async def _gone(self) -> list[str]:
        """The nodes named by pods that have not existed for long enough, as the server confirms."""
        now = self.clock.monotonic()
        missing = (name for name in self._unsure if self._nodes.get(name) is None)
        self._unsure = {name for name in missing if self._pods.by_index("node", name)}
        self._missing = {name: self._missing.get(name, now) for name in sorted(self._unsure)}
        gone = []
        for name, since in self._missing.items():
            if now - since >= QUARANTINE and await self._is_gone(name):
                gone.append(name)
        return gone

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        del before
        name = None if after is None else after["spec"].get("nodeName")
        if name and self._nodes.get(name) is None:
            self._unsure.add(name)

    def _node_changed(self, before: Object | None, after: Object | None) -> None:
        if after is None and before is not None:
            self._unsure.add(before["metadata"]["name"])

    async def _is_gone(self, name: str) -> bool:
        try:
            await self.api.get("nodes", name)
        except ApiError as error:
            if error.reason == "NotFound":
                return True
            raise
        return False

    async def _end(self, pod: Object, disrupted: str | None) -> None:
        """Mark the pod as failed, unless it ended by itself, and delete it with no grace."""
        meta, status = pod["metadata"], pod.get("status") or {}
        try:
            if status.get("phase") not in ("Succeeded", "Failed"):
                patch: Object = {"phase": "Failed"}
                if disrupted is not None:
                    condition = {
                        "type": "DisruptionTarget",
                        "status": "True",
                        "lastTransitionTime": timestamp(self.clock.now()),
                        "reason": "DeletionByPodGC",
                        "message": disrupted,
                    }
                    patch["conditions"] = [condition]
                body = {"metadata": {"uid": meta["uid"]}, "status": patch}
                await self.api.patch(
                    "pods", meta["name"], body, meta["namespace"], subresource="status", patch_type="strategic"
                )
            await self.api.delete("pods", meta["name"], meta["namespace"], grace_period_seconds=0, uid=meta["uid"])
        except ApiError as error:
            if error.reason not in ("NotFound", "Conflict"):
                raise

"""Keeps as many pods as a ReplicaSet wants, and tells in its status how many there are."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import ClassVar

from aksdisks.lab.client.controller import Controller, namespace_terminating
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.controller_refs import claim, controlled_by, index_by_controller
from aksdisks.lab.controllers.pods import (
    Availability,
    condition,
    controller_of,
    first_to_delete,
    is_active,
    is_ready,
    is_terminating,
    matches,
    pod_from_template,
)
from aksdisks.lab.ids import Ids

BURST = 500


class ReplicaSetController(Controller):
    """The replica set controller (upstream pkg/controller/replicaset).

    The status written in a pass is that of the pods as they were before it, so creating pods takes two status writes.
    """

    name: ClassVar[str] = "replicaset-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Watches ReplicaSets and pods."""
        super().__init__(api, clock, ids)
        self._sets = self.watch("replicasets")
        self._pods = self.watch("pods", self._concerned)
        index_by_controller(self._pods)
        self._events = EventRecorder(api, clock, self.name)
        self._availability = Availability(clock)

    def _concerned(self, before: Object | None, after: Object | None) -> Iterable[str]:
        keys = set()
        for pod in (before, after):
            if pod is None:
                continue
            namespace = pod["metadata"]["namespace"]
            controller = controller_of(pod)
            if controller is not None:
                if controller["kind"] == "ReplicaSet":
                    keys.add(f"{namespace}/{controller['name']}")
            elif pod is after:
                labels = pod["metadata"].get("labels")
                sets = self._sets.items(namespace)
                keys.update(key_of(rs) for rs in sets if matches(rs["spec"]["selector"], labels))
        if after is None and before is not None:
            self._availability.forget(before["metadata"]["uid"])
        return sorted(keys)

    async def reconcile(self, key: str) -> float | None:
        """Create or delete pods, then write the status; again when a pod is to become available."""
        rs = self._sets.get_key(key)
        if rs is None:
            return None
        own = await claim(self.api, "replicasets", rs, self._pods)
        active = [pod for pod in own if is_active(pod)]
        failure: ApiError | None = None
        difference = len(active) - rs["spec"]["replicas"]
        if not is_terminating(rs):
            try:
                if difference < 0:
                    await self._create(rs, min(-difference, BURST))
                elif difference > 0:
                    await self._delete(rs, active, min(difference, BURST))
            except ApiError as error:
                failure = error
        again = await self._write_status(rs, active, sum(map(is_terminating, own)), difference, failure)
        if failure is not None:
            raise failure
        return again

    async def _create(self, rs: Object, count: int) -> None:
        meta = rs["metadata"]
        for _ in range(count):
            pod = pod_from_template(rs["spec"]["template"], rs, generate_name=f"{meta['name']}-")
            try:
                created = await self.api.create("pods", pod, meta["namespace"])
            except ApiError as error:
                if namespace_terminating(error):
                    return
                self._events.event(rs, "Warning", "FailedCreate", f"Error creating: {error.message}")
                raise
            self._pods.observe(created)
            self._events.event(rs, "Normal", "SuccessfulCreate", f"Created pod: {created['metadata']['name']}")

    async def _delete(self, rs: Object, active: list[Object], count: int) -> None:
        for pod in first_to_delete(active, self._related(rs), self.clock.now())[:count]:
            meta = pod["metadata"]
            try:
                answer = await self.api.delete("pods", meta["name"], meta["namespace"])
            except ApiError as error:
                if error.reason == "NotFound":
                    continue
                self._events.event(rs, "Warning", "FailedDelete", f"Error deleting: {error.message}")
                raise
            self._pods.observe_deleted(pod, answer)
            self._events.event(rs, "Normal", "SuccessfulDelete", f"Deleted pod: {meta['name']}")

    def _related(self, rs: Object) -> list[Object]:
        """The pods of all replica sets of the same controller: what counts as doubled up on a node."""
        controller = controller_of(rs)
        if controller is None:
            return controlled_by(self._pods, rs)
        family = (
            other
            for other in self._sets.items(rs["metadata"]["namespace"])
            if (owner := controller_of(other)) is not None and owner["uid"] == controller["uid"]
        )
        return [pod for other in family for pod in controlled_by(self._pods, other)]

    async def _write_status(
        self, rs: Object, active: list[Object], terminating: int, difference: int, failure: ApiError | None
    ) -> float | None:
        minimum = rs["spec"].get("minReadySeconds", 0)
        waits = [self._availability.remaining(pod, minimum) for pod in active]
        template_labels = rs["spec"]["template"].get("metadata", {}).get("labels", {})
        full = sum(template_labels.items() <= pod["metadata"].get("labels", {}).items() for pod in active)
        counts = {
            "fullyLabeledReplicas": full,
            "readyReplicas": sum(map(is_ready, active)),
            "availableReplicas": sum(wait == 0 for wait in waits),
        }
        status: Object = {"replicas": len(active)} | {name: count for name, count in counts.items() if count}
        status |= {"terminatingReplicas": terminating, "observedGeneration": rs["metadata"]["generation"]}
        conditions = self._conditions(rs, difference, failure)
        if conditions:
            status["conditions"] = conditions
        if status != rs.get("status"):
            updated = copy.copy(rs) | {"status": status}
            try:
                self._sets.observe(await self.api.update("replicasets", updated, subresource="status"))
            except ApiError as error:
                if error.reason != "NotFound":
                    raise
        return min((wait for wait in waits if wait), default=None)

    def _conditions(self, rs: Object, difference: int, failure: ApiError | None) -> list[Object]:
        old = condition(rs, "ReplicaFailure")
        others = [c for c in rs.get("status", {}).get("conditions", ()) if c["type"] != "ReplicaFailure"]
        if failure is None:
            return others
        if old is not None:
            return [*others, old]
        return [
            *others,
            {
                "type": "ReplicaFailure",
                "status": "True",
                "lastTransitionTime": timestamp(self.clock.now()),
                "reason": "FailedCreate" if difference < 0 else "FailedDelete",
                "message": failure.message,
            },
        ]

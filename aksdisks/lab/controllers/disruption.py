"""The disruption controller: how many of the pods that a budget selects are healthy, and how many may be evicted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.pods import Availability, controller_of, is_ready, is_terminating, matches
from aksdisks.lab.ids import Ids

DELETION_TIMEOUT = 120.0
"""Cluster seconds in which an evicted pod is expected to be deleted; after that it counts as healthy again."""


class Disruption(Controller):
    """Source: K pkg/controller/disruption/disruption.go."""

    name: ClassVar[str] = "controllermanager"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Keys are those of budgets."""
        super().__init__(api, clock, ids)
        self._budgets = self.watch("poddisruptionbudgets", self._budget_changed)
        self._pods = self.watch("pods", self._pod_changed)
        self._sets = {
            kind: self.watch(resource, self._scaled)
            for kind, resource in (
                ("ReplicaSet", "replicasets"),
                ("Deployment", "deployments"),
                ("StatefulSet", "statefulsets"),
            )
        }
        self._events = EventRecorder(api, clock, self.name)
        self._evictions = Availability(clock)

    @staticmethod
    def _budget_changed(_before: Object | None, after: Object | None) -> Iterable[str]:
        return () if after is None else (key_of(after),)

    def _pod_changed(self, before: Object | None, after: Object | None) -> Iterable[str]:
        if _part(before) == _part(after):
            return
        if after is None and before is not None:
            self._evictions.forget(before["metadata"]["uid"])
        pod = before if after is None else after
        assert pod is not None
        for budget in self._budgets.items(pod["metadata"]["namespace"]):
            for state in (before, after):
                if state is not None and matches(budget["spec"].get("selector"), state["metadata"].get("labels")):
                    yield key_of(budget)

    def _scaled(self, before: Object | None, after: Object | None) -> Iterable[str]:
        owner = before if after is None else after
        if owner is None or _replicas(before) == _replicas(after):
            return ()
        return [key_of(budget) for budget in self._budgets.items(owner["metadata"]["namespace"])]

    async def reconcile(self, key: str) -> float | None:
        """Count, and write the budget's status; again when a pod that was evicted should be gone."""
        budget = self._budgets.get_key(key)
        if budget is None:
            return None
        selector = budget["spec"].get("selector")
        pods = [
            pod
            for pod in self._pods.items(budget["metadata"]["namespace"])
            if matches(selector, pod["metadata"].get("labels"))
        ]
        if not pods:
            self._events.event(budget, "Normal", "NoPods", "No matching pods found")
        try:
            expected, desired = self._expected(budget, pods)
        except _UncountableError as error:
            message = f"Failed to calculate the number of expected pods: {error}"
            self._events.event(budget, "Warning", "CalculateExpectedPodCountFailed", message)
            await self._write(budget, {"disruptionsAllowed": 0}, "SyncFailed", str(error))
            return None
        disrupted, again = self._disrupted(budget, pods)
        healthy = sum(
            is_ready(pod) and not is_terminating(pod) and pod["metadata"]["name"] not in disrupted for pod in pods
        )
        allowed = max(0, healthy - desired) if expected > 0 else 0
        status: Object = {
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "disruptionsAllowed": allowed,
            "disruptedPods": disrupted or None,
            "observedGeneration": budget["metadata"].get("generation", 0),
        }
        await self._write(budget, status, "SufficientPods" if allowed else "InsufficientPods", "")
        return again

    def _expected(self, budget: Object, pods: list[Object]) -> tuple[int, int]:
        """How many pods there should be, and how many of them healthy."""
        spec = budget["spec"]
        if "maxUnavailable" in spec:
            expected = self._scale(budget, pods)
            return expected, max(0, expected - _share(spec["maxUnavailable"], expected))
        wanted = spec.get("minAvailable")
        if isinstance(wanted, str):
            expected = self._scale(budget, pods)
            return expected, _share(wanted, expected)
        return len(pods), int(wanted or 0)

    def _scale(self, budget: Object, pods: list[Object]) -> int:
        """The replicas that the controllers of the pods want together."""
        scales: dict[str, int] = {}
        unmanaged = [pod for pod in pods if controller_of(pod) is None]
        for pod in pods:
            reference = controller_of(pod)
            if reference is None:
                continue
            owner = self._owner(pod, reference)
            if owner is not None and owner["kind"] == "ReplicaSet" and (above := controller_of(owner)) is not None:
                owner = self._owner(owner, above) or owner
            if owner is None:
                raise _UncountableError(f'found no controllers for pod "{pod["metadata"]["name"]}"')
            scales[owner["metadata"]["uid"]] = int(owner["spec"].get("replicas", 1))
        if unmanaged:
            self._tell_of_unmanaged(budget)
        return sum(scales.values())

    def _owner(self, obj: Object, reference: Object) -> Object | None:
        informer = self._sets.get(reference["kind"])
        owner = None if informer is None else informer.get(reference["name"], obj["metadata"]["namespace"])
        return owner if owner is not None and owner["metadata"]["uid"] == reference["uid"] else None

    def _tell_of_unmanaged(self, budget: Object) -> None:
        message = (
            f"Pods selected by this PodDisruptionBudget (selector: {budget['spec'].get('selector')}) were found to be "
            "unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in "
            'undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an '
            "integer value."
        )
        self._events.event(budget, "Warning", "UnmanagedPods", message)

    def _disrupted(self, budget: Object, pods: list[Object]) -> tuple[dict[str, str], float | None]:
        """The evicted pods that are still expected to be deleted, and when the first of them is overdue."""
        kept: dict[str, str] = {}
        waits: list[float] = []
        for pod in pods:
            name = pod["metadata"]["name"]
            since = budget.get("status", {}).get("disruptedPods", {}).get(name)
            if since is None or is_terminating(pod):
                continue
            left = DELETION_TIMEOUT - self._evictions.since(pod["metadata"]["uid"], since)
            if left > 0:
                kept[name] = since
                waits.append(left)
            else:
                where = f"{budget['metadata']['namespace']}/{budget['metadata']['name']}"
                text = f"Pod was expected by PDB {where} to be deleted but it wasn't"
                self._events.event(pod, "Warning", "NotDeleted", text)
        return kept, min(waits, default=None)

    async def _write(self, budget: Object, counts: Object, reason: str, message: str) -> None:
        before = budget.get("status", {})
        truth = "True" if reason == "SufficientPods" else "False"
        old = next((entry for entry in before.get("conditions", ()) if entry["type"] == "DisruptionAllowed"), None)
        changed_at = old["lastTransitionTime"] if old is not None and old["status"] == truth else None
        condition = {
            "type": "DisruptionAllowed",
            "status": truth,
            "observedGeneration": counts.get("observedGeneration", before.get("observedGeneration", 0)),
            "lastTransitionTime": changed_at or timestamp(self.clock.now()),
            "reason": reason,
            "message": message,
        }
        status = {**before, **counts, "conditions": [condition]}
        status = {name: value for name, value in status.items() if value is not None}
        if status == before:
            return
        try:
            updated = await self.api.update("poddisruptionbudgets", {**budget, "status": status}, subresource="status")
        except ApiError as error:
            if error.reason != "NotFound":
                raise
        else:
            self._budgets.observe(updated)


class _UncountableError(Exception):
    """The number of pods expected cannot be told; the message says why."""


def _share(amount: int | str, total: int) -> int:
    """A number, or a percentage of `total` rounded up (both bounds of a budget are)."""
    return math.ceil(int(amount.removesuffix("%")) * total / 100) if isinstance(amount, str) else amount


def _replicas(owner: Object | None) -> object:
    return None if owner is None else owner["spec"].get("replicas")


def _part(pod: Object | None) -> object:
    return None if pod is None else (pod["metadata"].get("labels"), is_ready(pod), is_terminating(pod))

"""Says of Jobs and CronJobs that nothing starts them: the lab has no controller for them, and must not keep silent."""

from __future__ import annotations

import math
from typing import ClassVar

from aksdisks.lab.client.controller import Controller, KeyMap, own_key
from aksdisks.lab.client.interface import KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids

PATIENCE = 10.0
"""Cluster seconds in which a controller that somebody else runs would have begun."""

_SILENT = {
    "jobs": "nothing starts this Job's pods: the lab has no job controller",
    "cronjobs": "nothing makes Jobs of this CronJob: the lab has no cronjob controller",
}
_SIGNS = ("startTime", "active", "conditions", "lastScheduleTime")
"""Of a status, what a controller writes first."""


class UnstartedJobs(Controller):
    """One Warning event for each object that is wanted to run and that nobody has touched for a while."""

    name: ClassVar[str] = "aksdisks-lab"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        super().__init__(api, clock, ids)
        self._copies = {resource: self.watch(resource, _keys(resource)) for resource in _SILENT}
        self._recorder = EventRecorder(api, clock, self.name)
        self._since: dict[str, tuple[str, float]] = {}
        """Of each key, the uid and when it was seen first; infinity once it has been told of."""

    async def reconcile(self, key: str) -> float | None:
        """Wait for signs of a controller, then tell that there is none."""
        resource, _, name = key.partition("/")
        obj = self._copies[resource].get_key(name)
        if obj is None:
            self._since.pop(key, None)
            return None
        if _runs(obj):
            return None
        uid = obj["metadata"]["uid"]
        known, since = self._since.setdefault(key, (uid, self.clock.monotonic()))
        if known != uid:
            since = self.clock.monotonic()
        left = since + PATIENCE - self.clock.monotonic()
        self._since[key] = (uid, since if left > 0 else math.inf)
        if left > 0 and since < math.inf:
            return left
        if since < math.inf:
            self._recorder.event(obj, "Warning", "NotStarted", _SILENT[resource])
        return None


def _runs(obj: Object) -> bool:
    """Nobody need start it, or somebody does."""
    spec, status = obj["spec"], obj.get("status") or {}
    return bool(spec.get("suspend") or spec.get("managedBy") or any(status.get(sign) for sign in _SIGNS))


def _keys(resource: str) -> KeyMap:
    def keys(before: Object | None, after: Object | None) -> list[str]:
        return [f"{resource}/{key}" for key in own_key(before, after)]

    return keys

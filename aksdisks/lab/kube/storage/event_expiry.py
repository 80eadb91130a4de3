"""Deletes each event an hour after its last change, as etcd does by a lease."""

from __future__ import annotations

from collections import deque

from aksdisks.lab.clock import Clock, turn
from aksdisks.lab.kube.storage.store import Store

LIFETIME = 3600.0
"""Cluster seconds (kube-apiserver: --event-ttl)."""

MIN_REAL_LIFETIME = 600.0
"""Real seconds. A fast lab keeps events longer, so that people can read them and a run's evidence finds them."""

_CHECKS = 60
"""How often in a lifetime expired events are looked for."""
_BATCH = 100


class EventExpiry:
    """Notes the store's resourceVersion at times; by these notes an event's resourceVersion tells its age."""

    name = "event-expiry"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lifetime = max(LIFETIME, MIN_REAL_LIFETIME * clock.speed)
        self._marks: deque[tuple[float, int]] = deque()

    async def synced(self) -> None:
        """There is nothing to wait for."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._delete_expired()
            await self._clock.sleep(self._lifetime / _CHECKS)

    async def _delete_expired(self) -> None:
        now, expired = self._clock.monotonic(), 0
        self._marks.append((now, self._store.resource_version))
        while self._marks and self._marks[0][0] <= now - self._lifetime:
            _, expired = self._marks.popleft()
        if not expired:
            return
        old = [key for key, version in self._store.list("events") if version.resource_version <= expired]
        for number, key in enumerate(old, 1):
            version = self._store.get("events", key)
            if version is not None and version.resource_version <= expired:
                self._store.delete("events", key)
            if number % _BATCH == 0:
                await turn()

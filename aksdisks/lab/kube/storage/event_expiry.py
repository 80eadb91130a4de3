"""Deletes each event an hour after its last change, as etcd does by a lease."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from aksdisks.lab.clock import Clock, turn
from aksdisks.lab.kube.storage.store import Key, Store

LIFETIME = 3600.0
"""Cluster seconds (kube-apiserver: --event-ttl)."""

MIN_REAL_LIFETIME = 600.0
"""Real seconds. A fast lab keeps events longer, so that people can read them and a run's evidence finds them."""

_CHECKS = 60
"""How often in a lifetime expired events are looked for."""
_BATCH = 100


class EventExpiry:
    """Notes the store's resourceVersion at times; by these notes an event's resourceVersion tells its age.

    The events are listed once, and again when all that were listed have expired: what was changed since is younger.
    """

    name = "event-expiry"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lifetime = max(LIFETIME, MIN_REAL_LIFETIME * clock.speed)
        self._marks: deque[tuple[float, int]] = deque()
        self._listed: deque[tuple[int, Key]] = deque()

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
        for number, (was, key) in enumerate(self._oldest(expired), 1):
            version = self._store.get("events", key)
            if version is not None and version.resource_version == was:
                self._store.delete("events", key)
            if number % _BATCH == 0:
                await turn()

    def _oldest(self, expired: int) -> Iterator[tuple[int, Key]]:
        """Events that were not changed after that resourceVersion when they were listed."""
        if not self._listed or self._listed[-1][0] <= expired:
            found = ((version.resource_version, key) for key, version in self._store.list("events"))
            self._listed = deque(sorted(found))
        while self._listed and self._listed[0][0] <= expired:
            yield self._listed.popleft()

"""The work queue of a controller: each key once, one worker per key, delays and retries in cluster time."""

from __future__ import annotations

import asyncio
from collections import deque

from aksdisks.lab.clock import Clock

BASE_DELAY = 0.005
MAX_DELAY = 1000.0


class WorkQueue:
    """A key added while it waits is there once; added while a worker has it, it comes back when that worker is done.

    Behaviour and numbers are those of client-go util/workqueue: `retry` waits `base_delay` * 2^failures, at most
    1000 s. All delays are cluster seconds.
    """

    def __init__(self, clock: Clock, base_delay: float = BASE_DELAY) -> None:
        """`clock` gives the pace of delays; `base_delay`: the cluster seconds that the first retry of a key waits."""
        self._clock = clock
        self._base_delay = base_delay
        self._ready: deque[str] = deque()
        self._dirty: set[str] = set()
        self._processing: set[str] = set()
        self._failures: dict[str, int] = {}
        self._timers: dict[str, tuple[float, asyncio.Task[None]]] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        """How many keys wait for a worker now."""
        return len(self._ready)

    def add(self, key: str) -> None:
        """Hand `key` to a worker as soon as one is free."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._processing:
            self._hand_out(key)

    def _hand_out(self, key: str) -> None:
        """Let `key` be taken, by a worker that waits if there is one: one of a hundred is woken, not all."""
        self._ready.append(key)
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            if not (worker := self._waiting.popleft()).done():
                worker.set_result(None)
                return

    def add_after(self, key: str, seconds: float) -> None:
        """Add `key` in `seconds`; of two delays for one key the earlier counts."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock.monotonic() + seconds
        pending = self._timers.get(key)
        if pending is not None:
            if pending[0] <= due:
                return
            pending[1].cancel()
        task = asyncio.get_running_loop().create_task(self._later(key, seconds))
        self._timers[key] = (due, task)

    async def _later(self, key: str, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._timers.pop(key, None)
        self.add(key)

    def retry(self, key: str) -> float:
        """Add `key` after a delay that doubles with each failure in a row; the delay."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = MAX_DELAY if failures > 20 else min(self._base_delay * 2.0**failures, MAX_DELAY)
        self.add_after(key, delay)
        return delay

    def forget(self, key: str) -> None:
        """The next failure of `key` counts as its first."""
        self._failures.pop(key, None)

    def failures(self, key: str) -> int:
        """How often in a row `key` was given back with `retry`."""
        return self._failures.get(key, 0)

    async def get(self) -> str:
        """The next key; the caller must call `done` with it."""
        while not self._ready:
            self._waiting.append(asyncio.get_running_loop().create_future())
            try:
                await self._waiting[-1]
            except asyncio.CancelledError:
                if self._ready:  # what this worker was woken for
                    self._wake()
                raise
        key = self._ready.popleft()
        self._dirty.discard(key)
        self._processing.add(key)
        return key

    def done(self, key: str) -> None:
        """The worker is through with `key`; if it was added meanwhile, it waits again."""
        self._processing.discard(key)
        if key in self._dirty:
            self._hand_out(key)

    def idle(self) -> bool:
        """No key waits and none is being worked on; delayed keys do not count."""
        return not self._ready and not self._processing

    def close(self) -> None:
        """Cancel every delay."""
        for _, task in self._timers.values():
            task.cancel()
        self._timers.clear()

"""A part of the lab that faults can stop: it is ended while it is down, and made anew when it may run again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from aksdisks.lab.faults.registry import Faults


class Part(Protocol):
    """A controller or an agent."""

    @property
    def name(self) -> str:
        """For the log."""

    async def run(self) -> None:
        """Until cancelled."""

    async def synced(self) -> None:
        """Until it has seen all there is."""


async def _nothing() -> None:
    return


class Supervised:
    """Runs what `make` makes whenever `down` says no; what it knew is lost each time, as with a machine or a pod."""

    def __init__(
        self,
        name: str,
        make: Callable[[], Part],
        faults: Faults,
        down: Callable[[], bool],
        *,
        before_restart: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        """`before_restart` is called before it begins again."""
        self.name = name
        self._make = make
        self._faults = faults
        self._down = down
        self._before_restart = before_restart
        self._first = asyncio.Event()

    async def synced(self) -> None:
        """Until the part has seen all there is, or is known to be down from the start."""
        await self._first.wait()

    async def run(self) -> None:
        """Until cancelled, or until the part ends by itself, which none should."""
        while True:
            if self._down():
                self._first.set()
                await self._until(down=False)
                await self._before_restart()
            part = self._make()
            running = asyncio.create_task(part.run(), name=self.name)
            watching = asyncio.create_task(self._watch(part))
            try:
                await asyncio.wait([running, watching], return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    return running.result()
                watching.result()
            finally:
                for task in (running, watching):
                    task.cancel()
                await asyncio.gather(running, watching, return_exceptions=True)

    async def _watch(self, part: Part) -> None:
        if not self._first.is_set():
            await part.synced()
            self._first.set()
        await self._until(down=True)

    async def _until(self, *, down: bool) -> None:
        while self._down() is not down:
            await self._faults.until_switched()

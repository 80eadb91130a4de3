"""Copies the bytes of disks and snapshots in the background; a copy is ready when its bytes are there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar


class Source(Protocol):
    """A disk or a snapshot."""

    @property
    def key(self) -> str:
        """What it is found by."""


S = TypeVar("S", bound=Source)


async def _nothing(_source: S, _copy: S, _again: bool) -> None:
    return


class Copies(Generic[S]):
    """The copies that are under way.

    `copy` makes one of a source's bytes; the third argument says that it may have been made before a restart.
    """

    def __init__(self) -> None:
        self.copy: Callable[[S, S, bool], Awaitable[None]] = _nothing
        self._under_way: dict[asyncio.Task[None], tuple[str, str]] = {}

    def begin(self, source: S, copy: S, *, again: bool = False) -> None:
        """Copy the source's bytes as they are now, in the background; what is itself a copy is made first."""
        first = [task for task, (_, made) in self._under_way.items() if made == source.key]
        task = asyncio.create_task(self._run(first, source, copy, again), name=f"copy {copy.key}")
        self._under_way[task] = (source.key, copy.key)

    async def _run(self, first: list[asyncio.Task[None]], source: S, copy: S, again: bool) -> None:
        if first:
            await asyncio.wait(first)
        await self.copy(source, copy, again)

    async def until_made(self, key: str) -> None:
        """Wait until the bytes of a copy are there. Raises what kept them from it."""
        for task in [task for task, (_, made) in self._under_way.items() if made == key]:
            await asyncio.wait([task])
            self._under_way.pop(task, None)
            task.result()

    async def until_idle(self, *keys: str) -> None:
        """Wait until nothing is copied from or to any of them any more, however that ended."""
        if tasks := [task for task, sides in self._under_way.items() if not set(keys).isdisjoint(sides)]:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Stop waiting for what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

"""The records that a lab keeps over its restarts, by kind and key; this form of them keeps nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import orjson

from aksdisks.lab.errors import LabError

T = TypeVar("T")

Content = bytes | Callable[[], bytes]
"""A record's bytes, or what gives them when they are written: of many changes in one moment only the last is."""


class Observable:
    """Calls `on_change` when a field is set; a value that is changed in place must be set again to be noticed."""

    on_change: Callable[[], None] | None = None

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if self.on_change is not None and name != "on_change":
            self.on_change()


class Records:
    """Keeps nothing, for a lab that ends with its user; `Database` keeps everything.

    Whoever holds state puts each change here as it is made, and whoever answers a client waits for `settled` first: a
    client is never told what a restart would not bring back.
    """

    fresh = True
    """Whether the database has no records yet."""

    def read(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """The kept records of a kind, key and bytes; before anything is put."""
        del kind
        return iter(())

    def values(self, kind: str) -> Iterator[tuple[str, Any]]:
        """As `read`, of records that are JSON. Raises `LabError`."""
        for key, content in self.read(kind):
            try:
                yield key, orjson.loads(content)
            except orjson.JSONDecodeError as error:
                raise self.damaged(f"record {kind} {key}: {error}") from error

    def damaged(self, reason: str) -> LabError:
        """That what was kept cannot be read."""
        return LabError(f"records: expected what was kept, found it damaged ({reason})")

    def kinds(self, prefix: str) -> tuple[str, ...]:
        """The kinds that begin so."""
        del prefix
        return ()

    def put(self, kind: str, key: str, content: Content) -> None:
        """Keep a record, in place of the one of the same kind and key."""

    def remove(self, kind: str, key: str) -> None:
        """Keep it no longer."""

    def begin(self) -> None:
        """From now on every change is kept by itself; what was put before becomes durable as one, here."""

    def after(self, act: Callable[[], None]) -> None:
        """Act once all that was put so far is durable; not at all if the process ends before."""
        act()

    async def settled(self) -> None:
        """Wait until all that was put is durable. Raises `LabError` when it cannot be."""

    async def failed(self) -> None:
        """Wait for the moment from which nothing can be kept any more; raises its `LabError`."""
        await asyncio.Event().wait()

    def close(self) -> None:
        """Keep what is still to be kept, and end."""

    def remembered(self, kind: str, key: str, make: Callable[[], T]) -> T:
        """The JSON value kept under the key; made and kept the first time."""
        for known, value in self.values(kind):
            if known == key:
                kept: T = value
                return kept
        made = make()
        self.remember(kind, key, made)
        return made

    def remember(self, kind: str, key: str, value: Any) -> None:
        """Keep a JSON value."""
        self.put(kind, key, orjson.dumps(value))

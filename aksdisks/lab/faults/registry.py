"""The faults that are on in a lab, by name and object; they are switched while the lab runs."""

from __future__ import annotations

import asyncio
import difflib
import math
import random
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from aksdisks.lab.errors import FaultError
from aksdisks.lab.fault_catalogue import KINDS, SERVERS, FaultSwitch

if TYPE_CHECKING:
    from aksdisks.lab.clock import Clock

Listener = Callable[[], None]


_KIND_NAMES = {
    "action": "action", "sku": "sku", "zone": "zone", "server": "server",
    "share": "share", "shares": "share", "account": "account", "accounts": "account", "storageaccount": "account",
    "node": "node", "nodes": "node", "no": "node", "machine": "node", "vm": "node",
    "disk": "disk", "disks": "disk", "persistentvolume": "disk", "persistentvolumes": "disk", "pv": "disk",
}  # fmt: skip


class Faults:
    """The faults that are on. The other modules of this package ask; nothing here knows what a fault does."""

    def __init__(self, switches: Iterable[FaultSwitch] = (), *, seed: int = 0, known: Known | None = None) -> None:
        """`known`: which names of a kind there are, where they are settled. Raises `FaultError`."""
        self._random = random.Random(seed)
        self._known = known or {}
        self._on: dict[tuple[str, str], FaultSwitch] = {}
        self._listeners: list[Listener] = []
        self._changed = asyncio.Event()
        for switch in switches:
            self.on(switch.name, switch.object, switch.rate)

    def is_on(self, name: str, *objects: str) -> bool:
        """Whether the fault is on, at whatever rate, for one of these objects (`node/NAME`, `disk/NAME`, …)."""
        return self.switch_for(name, *objects) is not None

    def occurs(self, name: str, *objects: str) -> bool:
        """Whether it happens this time: always while it is on, or as often as its rate says."""
        switch = self.switch_for(name, *objects)
        return switch is not None and (switch.rate >= 1 or self._random.random() < switch.rate)

    def switch_for(self, name: str, *objects: str) -> FaultSwitch | None:
        """The switch that concerns these objects, the one aimed at one of them first; None while the fault is off."""
        if not self._on:  # as nearly always, and asked with each call of each node
            return None
        for wanted in (*(reference.lower() for reference in objects), ""):
            switch = self._on.get((_known_name(name), wanted))
            if switch is not None:
                return switch
        return None

    async def until_off(self, name: str, *objects: str, at_most: float = math.inf, clock: Clock | None = None) -> None:
        """Wait until the fault is off for these objects, or `at_most` seconds of the clock."""
        end = math.inf if clock is None else clock.monotonic() + at_most
        while self.is_on(name, *objects):
            if clock is None:
                await self.until_switched()
            elif not await self.until_switched_within(end - clock.monotonic(), clock):
                return

    async def until_switched_within(self, seconds: float, clock: Clock) -> bool:
        """Wait for a switch at most so many seconds of the clock; whether there was one."""
        try:
            await asyncio.wait_for(self.until_switched(), seconds / clock.speed)
        except TimeoutError:
            return False
        return True

    async def until_switched(self) -> None:
        """Wait until a fault is switched on or off."""
        await self._changed.wait()

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` at each change from now on."""
        self._listeners.append(listener)

    def on(self, name: str, object: str = "", rate: float = 1.0) -> FaultSwitch:
        """Switch a fault on, for everything or for one object. Raises `FaultError`."""
        reference = self.reference(name, object)
        if not 0 < rate <= 1:
            raise FaultError(f"rate: expected a number above 0, at most 1, found {rate:g}")
        switch = FaultSwitch(name, reference, rate)
        self._on[name, reference.lower()] = switch
        self._tell()
        return switch

    def off(self, name: str = "", object: str = "") -> tuple[FaultSwitch, ...]:
        """Switch off one fault (for one object or altogether), or all; what was on. Raises `FaultError`."""
        reference = self.reference(name, object).lower() if object else ""
        if name:
            _known_name(name)
        ended = tuple(
            switch
            for key, switch in self._on.items()
            if (not name or key[0] == name) and (not reference or key[1] == reference)
        )
        for switch in ended:
            del self._on[switch.name, switch.object.lower()]
        if ended:
            self._tell()
        return ended

    def list(self) -> tuple[FaultSwitch, ...]:
        """What is on, by name and object."""
        return tuple(sorted(self._on.values(), key=lambda switch: (switch.name, switch.object)))

    def reference(self, name: str, object: str) -> str:
        """The object as KIND/NAME with the kind's own name; empty for none. Raises `FaultError`."""
        aims = KINDS[_known_name(name)].aims
        if not object:
            return ""
        kind_text, slash, target = object.partition("/")
        kind = _KIND_NAMES.get(kind_text.lower(), "")
        if kind not in aims or not slash or not target:
            expected = " or ".join(f"{aim}/NAME" for aim in aims) or "none for this fault"
            raise FaultError(f"object of {name}: expected {expected}, found {object!r}")
        names = SERVERS if kind == "server" else self._known.get(kind)
        if names is not None and target.lower() not in (entry.lower() for entry in names):
            raise FaultError(f"object of {name}: expected a {kind} of {', '.join(names) or 'none'}, found {target!r}")
        return f"{kind}/{target}"

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        for listener in self._listeners:
            listener()


Known = Mapping[str, Iterable[str]]


class Connection(Protocol):
    """A request, as far as its connection is concerned."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """None once it is closed."""


def drop_connection(request: Connection, faults: Faults, server: str) -> None:
    """Close the connection instead of answering while dropped-connections is on; raises `ConnectionResetError` then."""
    if faults.occurs("dropped-connections", server):
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("dropped on purpose")


def _known_name(name: str) -> str:
    if name in KINDS:
        return name
    near = difflib.get_close_matches(name, KINDS, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise FaultError(f"fault: {hint}expected one of {', '.join(KINDS)}, found {name!r}")

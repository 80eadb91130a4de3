"""What can go wrong in the lab on demand: a registry of faults by name, switched on and off while the lab runs."""

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
    "node": "node", "nodes": "node", "no": "node", "machine": "node", "vm": "node",
    "disk": "disk", "disks": "disk", "persistentvolume": "disk", "persistentvolumes": "disk", "pv": "disk",
}  # fmt: skip


class Faults:
    """The faults that are on. Hooks ask `active` where the behaviour lives; nothing here knows what a fault does."""

    def __init__(self, switches: Iterable[FaultSwitch] = (), *, seed: int = 0, known: Known | None = None) -> None:
        """`known`: which names of a kind there are, where they are settled. Raises `FaultError`."""
        self._random = random.Random(seed)
        self._known = known or {}
        self._on: dict[tuple[str, str], FaultSwitch] = {}
        self._listeners: list[Listener] = []
        self._changed = asyncio.Event()
        for switch in switches:
            self.on(switch.name, switch.object, switch.rate)

    def active(self, name: str, *objects: str) -> bool:
        """Whether the fault hits this occasion, which concerns these objects (`node/NAME`, `disk/NAME`, …)."""
        switch = self.hit(name, *objects)
        return switch is not None and (switch.rate >= 1 or self._random.random() < switch.rate)

    def hit(self, name: str, *objects: str) -> FaultSwitch | None:
        """The switch that concerns these objects, whatever its rate; the one aimed at one of them first."""
        for wanted in (*(reference.lower() for reference in objects), ""):
            switch = self._on.get((_known_name(name), wanted))
            if switch is not None:
                return switch
        return None

    async def passed(self, name: str, *objects: str, at_most: float = math.inf, clock: Clock | None = None) -> None:
        """Wait until the fault is off for these objects, or `at_most` seconds of the clock."""
        end = math.inf if clock is None else clock.monotonic() + at_most
        while self.hit(name, *objects) is not None:
            if clock is None:
                await self.change()
            elif not await self.change_within(end - clock.monotonic(), clock):
                return

    async def change_within(self, seconds: float, clock: Clock) -> bool:
        """Wait for a switch at most so many seconds of the clock; whether there was one."""
        try:
            await asyncio.wait_for(self.change(), seconds / clock.speed)
        except TimeoutError:
            return False
        return True

    async def change(self) -> None:
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


def drop(request: Connection, faults: Faults, server: str) -> None:
    """Close the connection without a word while dropped-connections is on; raises `ConnectionResetError` then."""
    if faults.active("dropped-connections", server):
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("dropped on purpose")


def _known_name(name: str) -> str:
    if name in KINDS:
        return name
    near = difflib.get_close_matches(name, KINDS, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise FaultError(f"fault: {hint}expected one of {', '.join(KINDS)}, found {name!r}")

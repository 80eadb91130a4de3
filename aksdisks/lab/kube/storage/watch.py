"""Watches: the store's changes as one client selects them, with initial objects, bookmarks and a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.kube.schema import schema
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.storage.paging import check_not_future, version_number
from aksdisks.lab.kube.storage.store import Change, Store, Subscription, Trigger, Version

_BOOKMARK_EVERY = 60.0
"""Real seconds between bookmarks, about as upstream's watch cache sends them."""

EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]


@dataclass(frozen=True, slots=True)
class VersionEvent:
    """One line of a watch; the version's JSON is shared by all who watch."""

    type: EventType
    version: Version


@dataclass(frozen=True, slots=True)
class Watch:
    """What a client asked for; `holds` is None when everything is selected, `timeout` is in real seconds.

    `initial`: whether the present objects come first; None leaves it to the resourceVersion. `trigger` is one of the
    equalities that `holds` asks for, if it asks for any.
    """

    resource: str
    kind: Resource
    namespace: str | None
    resource_version: str
    holds: Callable[[Object], bool] | None = None
    bookmarks: bool = False
    timeout: float | None = None
    initial: bool | None = None
    trigger: Trigger | None = None


async def watch(store: Store, clock: Clock, request: Watch) -> AsyncGenerator[VersionEvent, None]:
    """The events of one watch until its time is over, the caller stops or has fallen too far behind, or its kind ends.

    410 when its start is forgotten.
    """
    after = version_number(request.resource_version)
    if request.initial:
        check_not_future(after, store.resource_version)
    from_now = after == 0 or bool(request.initial)
    started = store.resource_version if from_now else after
    # Subscribed before the first yield: nothing can be missed between the present objects and the changes.
    subscription = store.subscribe(request.resource, started, _filter(request), request.trigger)
    try:
        if request.initial or (request.initial is None and from_now):
            for _, version in list(store.list(request.resource, request.namespace)):
                if request.holds is None or request.holds(version.object):
                    yield VersionEvent("ADDED", version)
            if request.initial and request.bookmarks:
                yield _bookmark(request.kind, started, {"k8s.io/initial-events-end": "true"})
        async with aclosing(_changes(store, clock, request, subscription)) as events:
            async for event in events:
                yield event
    finally:
        store.unsubscribe(request.resource, subscription, request.trigger)


async def _changes(
    store: Store, clock: Clock, request: Watch, subscription: Subscription
) -> AsyncGenerator[VersionEvent, None]:
    left = request.timeout
    while True:
        for change in subscription.take():
            event = _select(change, request)
            if event is not None:
                yield event
        if subscription.dropped or (subscription.ended and not subscription.pending):
            return
        if left is None and not request.bookmarks:
            await subscription.wait()
            continue
        pause = _BOOKMARK_EVERY if left is None else min(left, _BOOKMARK_EVERY)
        passed = await _wait(subscription, clock, pause)
        if passed is None:
            # What came in the same moment as the limit goes first: a bookmark says that all before it has been told.
            if request.bookmarks and not subscription.pending:
                yield _bookmark(request.kind, store.resource_version)
            passed = pause
        if left is not None:
            left -= passed
            if left <= 0:
                return


async def _wait(subscription: Subscription, clock: Clock, seconds: float) -> float | None:
    """Wait for a change for at most real seconds; how long it took, None when none came."""
    begun = clock.monotonic()
    waiter = asyncio.ensure_future(subscription.wait())
    limit = asyncio.ensure_future(clock.sleep(seconds * clock.speed))
    try:
        await asyncio.wait({waiter, limit}, return_when=asyncio.FIRST_COMPLETED)
        return (clock.monotonic() - begun) / clock.speed if waiter.done() else None
    finally:
        for task in (waiter, limit):
            task.cancel()


def _filter(request: Watch) -> Callable[[Change], bool] | None:
    """Which changes the store passes on: of a hundred node agents' watches of pods a change concerns one or two."""
    holds, namespace = request.holds, request.namespace
    if holds is None and namespace is None:
        return None

    def wants(change: Change) -> bool:
        if namespace is not None and change.key[0] != namespace:
            return False
        if holds is None or holds(change.version.object):
            return True
        return change.previous is not None and holds(change.previous.object)

    return wants


def _select(change: Change, request: Watch) -> VersionEvent | None:
    if request.namespace is not None and change.key[0] != request.namespace:
        return None
    if request.holds is None:
        return VersionEvent(change.type, change.version)
    before = change.previous is not None and request.holds(change.previous.object)
    now = change.type != "DELETED" and request.holds(change.version.object)
    if now:
        return VersionEvent("MODIFIED" if before else "ADDED", change.version)
    if not before or change.previous is None:
        return None
    if change.type == "DELETED":
        return VersionEvent("DELETED", change.version)
    # The client knew the object as it was; upstream shows that state under the new number.
    old = change.previous.object
    number = change.version.resource_version
    metadata = {**old["metadata"], "resourceVersion": str(number)}
    return VersionEvent("DELETED", Version({**old, "metadata": metadata}, number))


def _bookmark(kind: Resource, resource_version: int, annotations: dict[str, str] | None = None) -> VersionEvent:
    """An object of the kind with nothing set but its resourceVersion."""
    metadata: Object = {"resourceVersion": str(resource_version)}
    if annotations:
        metadata["annotations"] = annotations
    obj = {
        "kind": kind.kind,
        "apiVersion": kind.api_version,
        **(schema.unset(schema.root(kind)) if kind.custom is None else {}),
        "metadata": metadata,
    }
    return VersionEvent("BOOKMARK", Version(obj, resource_version))

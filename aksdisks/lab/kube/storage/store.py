"""Objects in memory under one global resourceVersion, with a history ring that watches start from."""

from __future__ import annotations

import asyncio
import builtins
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import orjson

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.schema.resource import Field
from aksdisks.lab.kube.schema.status import expired
from aksdisks.lab.persistence.records import Records

Key = tuple[str, str]
"""(namespace or "", name); what lists are sorted by."""

Trigger = tuple[Field, str]
"""A field that can be selected by, and the value that it must have."""

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]

MOST_PENDING = 5000
"""Changes that may wait for a watcher. One request can make thousands at once (a collection's deletion)."""


class Version:
    """One object as of one resourceVersion, and its JSON, made once however many clients are told."""

    __slots__ = ("_json", "object", "resource_version", "view")

    def __init__(self, obj: Object, resource_version: int) -> None:
        """`obj` belongs to the version from here on and is never changed; its first keys are kind and apiVersion."""
        self.object = obj
        self.resource_version = resource_version
        self.view: tuple[object, Version] | None = None
        """The same version in another shape of its kind, and what made it: the one that was asked for last."""
        self._json: bytes | None = None

    @property
    def json(self) -> bytes:
        """The object as bytes."""
        if self._json is None:
            self._json = orjson.dumps(self.object)
        return self._json

    def stored(self) -> bytes:
        """The object as bytes for the records; not cached, since clients may never ask for it."""
        return self._json or orjson.dumps(self.object)

    @property
    def item_json(self) -> bytes:
        """The object as bytes without kind and apiVersion: how a typed list shows its items."""
        head = f'{{"kind":"{self.object["kind"]}","apiVersion":"{self.object["apiVersion"]}",'.encode()
        return b"{" + self.json[len(head) :]


@dataclass(frozen=True, slots=True)
class Change:
    """One write. `previous` is None for a creation; a deletion's `version` is the last state under a new number."""

    type: ChangeType
    key: Key
    version: Version
    previous: Version | None


class Subscription:
    """The changes of one resource from some point on, in order."""

    def __init__(
        self, pending: deque[Change], wants: Callable[[Change], bool] | None = None, most: int = MOST_PENDING
    ) -> None:
        """`pending`: what happened before the subscription and is still to be told; `wants` None: every change.

        Whoever leaves more than `most` changes untaken is dropped, as upstream's watch cache drops a watcher that
        does not keep up (K storage/cacher/cache_watcher.go): nothing more is told, and the client begins anew.
        """
        self._pending = pending
        self._wants = wants
        self._most = most
        self.dropped = self.ended = False
        self._waiter: asyncio.Future[None] | None = None

    def push(self, change: Change) -> None:
        """Called by the store at each write; wakes the subscriber only for a change that it wants."""
        if self.dropped or not (self._wants is None or self._wants(change)):
            return
        if len(self._pending) >= self._most:
            self.dropped = True
            self._pending.clear()
        else:
            self._pending.append(change)
        self._wake()

    def end(self) -> None:
        """Tell nothing more than what is pending."""
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def pending(self) -> bool:
        """Whether there is something to take."""
        return bool(self._pending)

    def take(self) -> list[Change]:
        """All that is pending now, which may be nothing."""
        changes = list(self._pending)
        self._pending.clear()
        return changes

    async def wait(self) -> None:
        """Until something is pending, or nothing more comes; one may wait."""
        if not (self._pending or self.dropped or self.ended):
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter


class _Table:
    """The objects and the history of one resource."""

    def __init__(self, history: int, forgotten: int) -> None:
        self.versions: dict[Key, Version] = {}
        self.keys: list[Key] = []
        self.history: deque[Change] = deque(maxlen=history)
        self.changed = self.forgotten = forgotten
        self.subscriptions: set[Subscription] = set()
        self.listeners: list[Callable[[], None]] = []
        self.triggered: dict[Field, dict[str, set[Subscription]]] = {}
        """Field → value → the subscriptions to objects with that value in that field."""

    def filed(self, trigger: Trigger | None) -> set[Subscription]:
        """The set that a subscription with this trigger belongs to."""
        if trigger is None:
            return self.subscriptions
        return self.triggered.setdefault(trigger[0], {}).setdefault(trigger[1], set())

    def concerned(self, change: Change) -> Iterator[Subscription]:
        """The subscriptions that may want a change, by their triggers: asking each is slow with many nodes."""
        yield from self.subscriptions
        objects = [version.object for version in (change.version, change.previous) if version is not None]
        for field, by_value in self.triggered.items():
            for value in {field.value(obj) for obj in objects}:
                yield from by_value.get(value, ())


class Store:
    """The lab's etcd: a dictionary for each resource, and one counter. Not thread-safe."""

    def __init__(
        self, first_version: int = 100, history: int = 2000, records: Records | None = None, realm: str = ""
    ) -> None:
        """`history`: how many changes of each resource are remembered for watches and for pages of old lists.

        `records`: what the store begins with, and where it keeps every change. What was before a restart is
        forgotten: a watch from there is answered 410, and its client lists again. `realm` keeps several stores apart
        in one set of records. Raises `LabError`.
        """
        self._objects, self._counter = f"{realm}object/", f"{realm}resource-version"
        self.records = records or Records()
        self.resource_version = first_version
        self._history = history
        self._tables: dict[str, _Table] = {}
        self._before = 0
        self._restore()

    def get(self, resource: str, key: Key) -> Version | None:
        """The current version, or None."""
        return self._table(resource).versions.get(key)

    def list(self, resource: str, namespace: str | None = None) -> Iterator[tuple[Key, Version]]:
        """All current versions sorted by namespace and name; of one namespace only when given."""
        table = self._table(resource)
        if namespace is None:
            keys = list(table.keys)
        else:
            keys = table.keys[
                bisect_left(table.keys, (namespace, "")) : bisect_left(table.keys, (namespace + "\0", ""))
            ]
        return ((key, table.versions[key]) for key in keys)

    def list_at(
        self, resource: str, namespace: str | None, resource_version: int
    ) -> builtins.list[tuple[Key, Version]]:
        """What `list` would have given at an earlier resourceVersion; 410 when that is no longer remembered."""
        table = self._table(resource)
        if resource_version < table.forgotten:
            raise expired(f"too old resource version: {resource_version} ({table.forgotten})")
        then: dict[Key, Version | None] = dict(self.list(resource, namespace))
        for change in reversed(table.history):
            if change.version.resource_version <= resource_version:
                break
            if namespace is None or change.key[0] == namespace:
                then[change.key] = change.previous
        return sorted(((key, version) for key, version in then.items() if version), key=lambda pair: pair[0])

    def create(self, resource: str, key: Key, obj: Object) -> Version:
        """Store a new object; writes its resourceVersion into `obj`, which now belongs to the store."""
        return self._put(resource, key, obj, "ADDED")

    def update(self, resource: str, key: Key, obj: Object) -> Version:
        """Replace an object; writes its resourceVersion into `obj`, which now belongs to the store."""
        return self._put(resource, key, obj, "MODIFIED")

    def delete(self, resource: str, key: Key) -> Version:
        """Remove an object; watchers get its last state under a new resourceVersion."""
        table = self._table(resource)
        previous = table.versions.pop(key)
        del table.keys[bisect_left(table.keys, key)]
        self.resource_version += 1
        metadata = {**previous.object["metadata"], "resourceVersion": str(self.resource_version)}
        version = Version({**previous.object, "metadata": metadata}, self.resource_version)
        self._keep(resource, key, None)
        self._tell(table, Change("DELETED", key, version, previous))
        return version

    def subscribe(
        self,
        resource: str,
        after: int,
        wants: Callable[[Change], bool] | None = None,
        trigger: Trigger | None = None,
    ) -> Subscription:
        """The changes of a resource after a resourceVersion; 410 Expired when they are no longer all remembered.

        Of later changes only those that `wants` admits are told. `trigger` is a value that `wants` asks for in a
        field, before or after the change: it spares the question (K storage/cacher/cacher.go, triggerValue).
        """
        table = self._table(resource)
        if after < table.forgotten:
            raise expired(f"too old resource version: {after} ({table.forgotten})")
        missed: deque[Change] = deque()
        for change in reversed(table.history):
            if change.version.resource_version <= after:
                break
            missed.appendleft(change)
        subscription = Subscription(missed, wants)
        table.filed(trigger).add(subscription)
        return subscription

    def changed(self, resource: str) -> int:
        """The resourceVersion of a resource's last change; what is made from its objects is valid until then."""
        return self._table(resource).changed

    def listen(self, resource: str, listener: Callable[[], None]) -> None:
        """Call `listener` at each change of a resource, before anybody is told of it."""
        self._table(resource).listeners.append(listener)

    def end_watches(self, resource: str) -> None:
        """End all subscriptions to a resource, each once it has taken what is pending."""
        table = self._table(resource)
        filed = (found for by_value in table.triggered.values() for found in by_value.values())
        for subscription in [one for subscriptions in (table.subscriptions, *filed) for one in subscriptions]:
            subscription.end()

    def unsubscribe(self, resource: str, subscription: Subscription, trigger: Trigger | None = None) -> None:
        """End a subscription."""
        table = self._table(resource)
        filed = table.filed(trigger)
        filed.discard(subscription)
        if trigger is not None and not filed:
            del table.triggered[trigger[0]][trigger[1]]

    def _restore(self) -> None:
        numbers = [number for _, number in self.records.values(self._counter)]
        for kind in self.records.kinds(self._objects):
            table = self._tables[kind.removeprefix(self._objects)] = _Table(self._history, 0)
            for place, obj in self.records.values(kind):
                namespace, _, name = place.partition("/")
                numbers.append(int(obj["metadata"]["resourceVersion"]))
                table.versions[namespace, name] = Version(obj, numbers[-1])
            table.keys = sorted(table.versions)
        if numbers:
            self.resource_version = self._before = max(numbers)
        for table in self._tables.values():
            table.changed = table.forgotten = self._before

    def _table(self, resource: str) -> _Table:
        table = self._tables.get(resource)
        if table is None:
            table = self._tables[resource] = _Table(self._history, self._before)
        return table

    def _keep(self, resource: str, key: Key, version: Version | None) -> None:
        place = f"{key[0]}/{key[1]}"
        if version is not None:
            self.records.put(self._objects + resource, place, version.stored)
            return
        self.records.remove(self._objects + resource, place)
        # A deletion leaves no object that would keep its number from being used again.
        self.records.put(self._counter, "", str(self.resource_version).encode())

    def _put(self, resource: str, key: Key, obj: Object, kind: Literal["ADDED", "MODIFIED"]) -> Version:
        table = self._table(resource)
        previous = table.versions.get(key)
        if (previous is None) != (kind == "ADDED"):
            raise ApiError(500, "InternalError", f"{kind} of {resource} {key} does not fit what is stored")
        if previous is None:
            insort(table.keys, key)
        self.resource_version += 1
        obj["metadata"]["resourceVersion"] = str(self.resource_version)
        version = table.versions[key] = Version(obj, self.resource_version)
        self._keep(resource, key, version)
        self._tell(table, Change(kind, key, version, previous))
        return version

    @staticmethod
    def _tell(table: _Table, change: Change) -> None:
        if len(table.history) == table.history.maxlen:
            table.forgotten = table.history[0].version.resource_version
        table.history.append(change)
        table.changed = change.version.resource_version
        for listener in table.listeners:
            listener()
        for subscription in table.concerned(change):
            subscription.push(change)

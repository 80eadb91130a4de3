"""A controller's local copy of one kind of object, kept by list and watch, with handlers for each change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.clock import Clock

Handler = Callable[[Object | None, Object | None], None]
Indexer = Callable[[Object], Iterable[str]]

RELIST_DELAY = 1.0

log = logging.getLogger(__name__)


def key_of(obj: Object) -> str:
    """`namespace/name`, or the name alone where there is no namespace."""
    meta = obj["metadata"]
    namespace = meta.get("namespace")
    return f"{namespace}/{meta['name']}" if namespace else str(meta["name"])


def split_key(key: str) -> tuple[str | None, str]:
    """The namespace (None where the kind has none) and the name in a key."""
    namespace, slash, name = key.rpartition("/")
    return (namespace if slash else None), name


def version_of(obj: Object) -> int:
    """The resourceVersion as a number; 0 when there is none."""
    return int(obj["metadata"].get("resourceVersion") or 0)


class Informer:
    """List, then watch; list again when the server no longer has the history.

    Handlers are called in the order of changes with (before, after): before is None for a new object, after is None
    for one that is gone. Before is what they were told last, also where an observed write has put something newer into
    the copy: what others changed at the same time shows in the difference. Objects are shared with the store: copy
    before changing.
    """

    def __init__(
        self, api: KubernetesApi, clock: Clock, resource: str, namespace: str | None = None, field_selector: str = ""
    ) -> None:
        """`resource` is the plural; `namespace` None means all; only what `field_selector` matches is kept."""
        self._api = api
        self._clock = clock
        self.resource = resource
        self.namespace = namespace
        self._selector = field_selector
        self._objects: dict[str, Object] = {}
        self._told: dict[str, Object] = {}
        self._buried: set[str] = set()
        self._seen = 0
        self._synced = asyncio.Event()
        self._handlers: list[Handler] = []
        self._indexers: dict[str, Indexer] = {}
        self._indices: dict[str, dict[str, dict[str, Object]]] = {}
        self._filed: dict[str, tuple[tuple[str, ...], ...]] = {}

    def add_handler(self, handler: Handler) -> None:
        """Call `handler` for every change from now on."""
        self._handlers.append(handler)

    def add_index(self, name: str, indexer: Indexer) -> None:
        """Make `by_index(name, value)` answer the objects for which `indexer` gives `value`; before `run`."""
        self._indexers[name] = indexer
        self._indices[name] = {}

    def get(self, name: str, namespace: str | None = None) -> Object | None:
        """The object as last seen, or None."""
        return self._objects.get(f"{namespace}/{name}" if namespace else name)

    def get_key(self, key: str) -> Object | None:
        """The object under `namespace/name`, or None."""
        return self._objects.get(key)

    def items(self, namespace: str | None = None) -> list[Object]:
        """All objects as last seen, of one namespace if given, oldest in the store first."""
        if namespace is None:
            return list(self._objects.values())
        return [obj for obj in self._objects.values() if obj["metadata"].get("namespace") == namespace]

    def by_index(self, name: str, value: str) -> list[Object]:
        """The objects that the indexer `name` filed under `value`."""
        return list(self._indices[name].get(value, {}).values())

    def refile(self, key: str) -> None:
        """Ask the indexers again about the object under `key`, if there is one: they look at more than the object."""
        if key in self._objects:
            self._put(key, self._objects[key])

    def observe(self, obj: Object) -> None:
        """Take in what a write of one's own returned before the watch tells, so that no later decision misses it.

        Without effect when the watch is already past that write. The watch's own event still reaches the handlers.
        """
        if version_of(obj) > self._seen:
            self._put(key_of(obj), obj)

    def observe_deleted(self, obj: Object, answer: Object) -> None:
        """Take in the answer to one's own delete of `obj`: being deleted now, or gone."""
        key = key_of(obj)
        current = self._objects.get(key)
        if current is None or current["metadata"].get("uid") != obj["metadata"].get("uid"):
            return
        if answer.get("kind") == obj.get("kind") and answer["metadata"].get("deletionTimestamp"):
            self.observe(answer)
        else:
            self._drop(key)
            self._buried.add(str(obj["metadata"]["uid"]))

    async def synced(self) -> None:
        """Wait until the first list is in."""
        await self._synced.wait()

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                objects, version = await self._api.list(self.resource, self.namespace, field_selector=self._selector)
                self._replace(objects, int(version))
                self._synced.set()
                await self._follow()
            except Exception as error:
                # Whatever a transport raises: the copy stays as it is until a new list is in.
                if not (isinstance(error, ApiError) and error.code == 410):
                    log.warning("%s: list or watch failed, listing again: %r", self.resource, error)
                    await self._clock.sleep(RELIST_DELAY)

    async def _follow(self) -> None:
        while True:
            before = self._seen
            async for event in self._api.watch(
                self.resource, self.namespace, resource_version=str(self._seen), field_selector=self._selector
            ):
                self._seen = max(self._seen, version_of(event.object))
                if event.type == "BOOKMARK":
                    continue
                self._take(event.object, gone=event.type == "DELETED")
            if self._seen == before:
                # A watch that ends at once without news must not become a busy loop.
                await self._clock.sleep(RELIST_DELAY)

    def _replace(self, objects: list[Object], version: int) -> None:
        self._seen = max(self._seen, version)
        self._buried.clear()
        fresh = {key_of(obj) for obj in objects}
        for key in self._objects.keys() - fresh:
            self._drop(key)
        for key, old in list(self._told.items()):
            if key not in fresh:
                del self._told[key]
                self._tell(old, None)
        for obj in objects:
            self._take(obj, gone=False)

    def _take(self, obj: Object, *, gone: bool) -> None:
        key, uid = key_of(obj), str(obj["metadata"].get("uid"))
        there = self._objects.get(key)
        newest = there is None or version_of(there) <= version_of(obj)
        told = self._told.pop(key, None)
        if gone:
            self._buried.discard(uid)
            if newest:  # else its successor of the same name was observed already
                self._drop(key)
            self._tell(obj if told is None else told, None)
            return
        if newest and uid not in self._buried:
            self._put(key, obj)
        self._told[key] = obj
        self._tell(told, obj)

    def _put(self, key: str, obj: Object) -> None:
        self._objects[key] = obj
        if not self._indexers:
            return
        values = tuple(tuple(indexer(obj)) for indexer in self._indexers.values())
        if values != self._filed.get(key):
            self._unfile(key)
            self._filed[key] = values
        for index, filed in zip(self._indices.values(), values, strict=True):
            for value in filed:
                index.setdefault(value, {})[key] = obj

    def _drop(self, key: str) -> None:
        self._unfile(key)
        self._objects.pop(key, None)

    def _unfile(self, key: str) -> None:
        values = self._filed.pop(key, ())
        for index, filed in zip(self._indices.values(), values, strict=bool(values)):
            for value in filed:
                there = index.get(value)
                if there is not None:
                    there.pop(key, None)
                    if not there:
                        del index[value]

    def _tell(self, before: Object | None, after: Object | None) -> None:
        for handler in self._handlers:
            handler(before, after)

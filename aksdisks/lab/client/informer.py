"""Local copies of kinds of objects, kept by list and watch, and shared by the controllers of a process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.clock import Clock

Handler = Callable[[Object | None, Object | None], None]
Indexer = Callable[[Object], Iterable[str]]

RELIST_DELAY, RELIST_LAST = 1.0, 30.0
"""Cluster seconds before it is listed again, doubled with each failure in a row: a kind may be gone for good."""

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
    """One controller's view of the copy of a kind: its handlers, and its indices.

    Whoever asks the same API for the same objects shares one copy (client-go: SharedInformerFactory). Handlers are
    called in the order of changes with (before, after): before is None for a new object, after is None for one that is
    gone. Before is what they were told last, also where an observed write has put something newer into the copy: what
    others changed at the same time shows in the difference. Objects are shared with the store: copy before changing.
    """

    def __init__(
        self, api: KubernetesApi, clock: Clock, resource: str, namespace: str | None = None, field_selector: str = ""
    ) -> None:
        """`resource` is the plural; `namespace` None means all; only what `field_selector` matches is kept."""
        self.resource = resource
        self._of = (api, resource, namespace, field_selector)
        self._copy = _Copy(clock, *self._of)
        self._synced = asyncio.Event()
        self.handlers: list[Handler] = []
        self.indexers: dict[str, Indexer] = {}
        self._indices: dict[str, dict[str, dict[str, None]]] = {}
        self._filed: dict[str, tuple[tuple[str, ...], ...]] = {}

    def add_handler(self, handler: Handler) -> None:
        """Call `handler` for every change from now on."""
        self.handlers.append(handler)

    def add_index(self, name: str, indexer: Indexer) -> None:
        """Make `by_index(name, value)` answer the objects for which `indexer` gives `value`; before `run`."""
        self.indexers[name] = indexer
        self._indices[name] = {}

    def get(self, name: str, namespace: str | None = None) -> Object | None:
        """The object as last seen, or None."""
        return self._copy.objects.get(f"{namespace}/{name}" if namespace else name)

    def get_key(self, key: str) -> Object | None:
        """The object under `namespace/name`, or None."""
        return self._copy.objects.get(key)

    def items(self, namespace: str | None = None) -> list[Object]:
        """All objects as last seen, of one namespace if given, oldest in the store first."""
        objects = self._copy.objects.values()
        if namespace is None:
            return list(objects)
        return [obj for obj in objects if obj["metadata"].get("namespace") == namespace]

    def by_index(self, name: str, value: str) -> list[Object]:
        """The objects that the indexer `name` filed under `value`."""
        return [self._copy.objects[key] for key in self._indices[name].get(value, ())]

    def refile(self, key: str) -> None:
        """Ask the indexers again about the object under `key`, if there is one: they look at more than the object."""
        if (obj := self.get_key(key)) is not None:
            self.file(key, obj)

    def observe(self, obj: Object) -> None:
        """Take in what a write of one's own returned before the watch tells, so that no later decision misses it.

        Without effect when the watch is already past that write. The watch's own event still reaches the handlers.
        """
        self._copy.observe(obj)

    def observe_deleted(self, obj: Object, answer: Object) -> None:
        """Take in the answer to one's own delete of `obj`: being deleted now, or gone."""
        self._copy.observe_deleted(obj, answer)

    async def synced(self) -> None:
        """Wait until the first list is in."""
        await self._synced.wait()

    async def run(self) -> None:
        """Follow the copy until cancelled: it is begun by the first who needs it, and ended with the last."""
        copy = _COPIES.setdefault(self._of, self._copy)
        self._copy = copy
        copy.users.append(self)
        if copy.task is None:
            copy.task = asyncio.get_running_loop().create_task(copy.run())
        elif copy.listed:
            for key, obj in copy.objects.items():
                self.file(key, obj)
            for obj in list(copy.told.values()):
                copy.tell(None, obj, [self])
            self.listed()
        try:
            await asyncio.Event().wait()
        finally:
            copy.users.remove(self)
            if not copy.users:
                del _COPIES[self._of]
                copy.task.cancel()
                copy.task = None

    def listed(self) -> None:
        """Called by the copy when this has been told of its first list."""
        self._synced.set()

    def file(self, key: str, obj: Object) -> None:
        """Called by the copy for an object as it is now."""
        values = tuple([tuple(indexer(obj)) for indexer in self.indexers.values()])
        if values == self._filed.get(key):
            return
        self.unfile(key)
        self._filed[key] = values
        for index, filed in zip(self._indices.values(), values, strict=True):
            for value in filed:
                index.setdefault(value, {})[key] = None

    def unfile(self, key: str) -> None:
        """Called by the copy for an object that is gone."""
        values = self._filed.pop(key, ())
        for index, filed in zip(self._indices.values(), values, strict=bool(values)):
            for value in filed:
                there = index.get(value)
                if there is not None:
                    there.pop(key, None)
                    if not there:
                        del index[value]


class _Copy:
    """List, then watch; list again when the server no longer has the history."""

    def __init__(
        self, clock: Clock, api: KubernetesApi, resource: str, namespace: str | None, field_selector: str
    ) -> None:
        self._clock = clock
        self._api = api
        self._resource = resource
        self._namespace = namespace
        self._selector = field_selector
        self.objects: dict[str, Object] = {}
        self.told: dict[str, Object] = {}
        self.users: list[Informer] = []
        self.listed = False
        self.task: asyncio.Task[None] | None = None
        self._buried: set[str] = set()
        self._seen = 0

    def observe(self, obj: Object) -> None:
        if version_of(obj) > self._seen:
            self._put(key_of(obj), obj)

    def observe_deleted(self, obj: Object, answer: Object) -> None:
        key = key_of(obj)
        current = self.objects.get(key)
        if current is None or current["metadata"].get("uid") != obj["metadata"].get("uid"):
            return
        if answer.get("kind") == obj.get("kind") and answer["metadata"].get("deletionTimestamp"):
            self.observe(answer)
        else:
            self._drop(key)
            self._buried.add(str(obj["metadata"]["uid"]))

    async def run(self) -> None:
        """List and watch until cancelled."""
        delay = RELIST_DELAY
        while True:
            try:
                objects, version = await self._api.list(self._resource, self._namespace, field_selector=self._selector)
                delay = RELIST_DELAY
                self._replace(objects, int(version))
                if not self.listed:
                    self.listed = True
                    for user in self.users:
                        user.listed()
                await self._follow()
            except Exception as error:
                # Whatever a transport raises: the copy stays as it is until a new list is in.
                if not (isinstance(error, ApiError) and error.code == 410):
                    log.warning("%s: list or watch failed, listing again: %r", self._resource, error)
                    await self._clock.sleep(delay)
                    delay = min(2 * delay, RELIST_LAST)

    async def _follow(self) -> None:
        while True:
            before = self._seen
            async for event in self._api.watch(
                self._resource, self._namespace, resource_version=str(self._seen), field_selector=self._selector
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
        for key in self.objects.keys() - fresh:
            self._drop(key)
        for key, old in list(self.told.items()):
            if key not in fresh:
                del self.told[key]
                self.tell(old, None, self.users)
        for obj in objects:
            self._take(obj, gone=False)

    def _take(self, obj: Object, *, gone: bool) -> None:
        key, uid = key_of(obj), str(obj["metadata"].get("uid"))
        there = self.objects.get(key)
        newest = there is None or version_of(there) <= version_of(obj)
        told = self.told.pop(key, None)
        if gone:
            self._buried.discard(uid)
            if newest:  # else its successor of the same name was observed already
                self._drop(key)
            self.tell(obj if told is None else told, None, self.users)
            return
        if newest and there is not obj and uid not in self._buried:
            self._put(key, obj)
        self.told[key] = obj
        self.tell(told, obj, self.users)

    def _put(self, key: str, obj: Object) -> None:
        self.objects[key] = obj
        for user in self.users:
            if user.indexers:
                user.file(key, obj)

    def _drop(self, key: str) -> None:
        self.objects.pop(key, None)
        for user in self.users:
            user.unfile(key)

    def tell(self, before: Object | None, after: Object | None, users: list[Informer]) -> None:
        """A handler's error keeps no other from its news."""
        for user in users:
            for handler in user.handlers:
                try:
                    handler(before, after)
                except Exception:
                    log.exception("%s: a handler failed", self._resource)


_COPIES: dict[tuple[KubernetesApi, str, str | None, str], _Copy] = {}
"""Those that are kept now, by whose objects of what kind they are."""

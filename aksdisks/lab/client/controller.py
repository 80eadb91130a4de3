"""What every controller is: informers that fill a work queue, workers that reconcile one key at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, ClassVar

from aksdisks.lab.client.informer import Informer, key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.workqueue import BASE_DELAY, WorkQueue
from aksdisks.lab.clock import Clock, turn
from aksdisks.lab.ids import Ids

OUTRUN = 0.1
"""Cluster seconds of back-off until which a missing object is taken for one that a watch has yet to tell of."""

KeyMap = Callable[[Object | None, Object | None], Iterable[str]]


def own_key(before: Object | None, after: Object | None) -> Iterable[str]:
    """The key of the changed object itself."""
    obj = before if after is None else after
    return () if obj is None else (key_of(obj),)


def namespace_terminating(error: ApiError) -> bool:
    """The refusal to create in a namespace that is being deleted: not a failure worth telling."""
    causes = (error.details or {}).get("causes", ())
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


class AgainError(Exception):
    """Raised by `reconcile` where it has told what went wrong, to be asked again with back-off."""


class Controller:
    """A level-triggered control loop.

    A subclass names itself, calls `watch` in its constructor for each kind it reads, and implements `reconcile`.
    An `ApiError` Conflict in `reconcile` is retried quietly (the next try reads newer objects), and so is a refusal
    because the namespace is going; anything else is logged and retried with back-off. No key's error ends a controller.
    """

    name: ClassVar[str]
    workers: ClassVar[int] = 1
    base_delay: ClassVar[float] = BASE_DELAY
    """Cluster seconds that the first retry of a key waits."""

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Nothing runs before `run`; `ids` gives random parts of names."""
        self.api = api
        self.clock = clock
        self.ids = ids
        self.queue = WorkQueue(clock, self.base_delay)
        self.log = logging.getLogger(f"aksdisks.lab.{self.name}")
        self._informers: list[Informer] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._main: asyncio.Task[None] | None = None

    def watch(
        self,
        resource: str,
        keys: KeyMap | None = own_key,
        namespace: str | None = None,
        field_selector: str = "",
        *,
        later: bool = False,
    ) -> Informer:
        """Keep a copy of `resource`; `keys` says which keys a change concerns (None: it triggers nothing).

        `later`: not before it is given to `begin`.
        """
        informer = Informer(self.api, self.clock, resource, namespace, field_selector)
        if keys is not None:
            mapped = keys

            def enqueue(before: Object | None, after: Object | None) -> None:
                for key in mapped(before, after):
                    self.queue.add(key)

            informer.add_handler(enqueue)
        if not later:
            self._informers.append(informer)
        return informer

    async def begin(self, *informers: Informer) -> None:
        """Keep the copies of these, which were to come later, from now on; returns once they have their first lists."""
        for informer in informers:
            if informer not in self._informers:
                self._informers.append(informer)
                self.spawn(informer.run())
        await self.synced()

    async def reconcile(self, key: str) -> float | None:
        """Bring the object of this key nearer to its spec; a number asks to be called again in cluster seconds."""
        raise NotImplementedError

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside the workers; it is cancelled with the controller."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log.error("%s: a background task failed", self.name, exc_info=error)

    async def started(self) -> None:
        """Called once when every informer has its first list, before the workers start."""

    async def synced(self) -> None:
        """Wait until every informer has its first list."""
        for informer in self._informers:
            await informer.synced()

    async def run(self) -> None:
        """Work until `stop` is called or this task is cancelled."""
        self._main = asyncio.current_task()
        try:
            for informer in self._informers:
                self.spawn(informer.run())
            await self.synced()
            await self.started()
            for _ in range(self.workers):
                self.spawn(self._work())
            await asyncio.Event().wait()
        finally:
            self.queue.close()
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """End `run`, and everything it started."""
        if self._main is not None and not self._main.done():
            self._main.cancel()
            await asyncio.gather(self._main, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                again = await self.reconcile(key)
            except ApiError as error:
                delay = self.queue.retry(key)
                # What was gone when it was written to is soon gone from the controller's own copy too.
                outrun = error.reason == "Conflict" or (error.reason == "NotFound" and delay < OUTRUN)
                if not outrun and not namespace_terminating(error):
                    self.log.warning("%s: %s: %s; again in %.3g s", self.name, key, error, delay)
            except AgainError:
                self.queue.retry(key)
            except Exception:
                delay = self.queue.retry(key)
                self.log.exception("%s: %s failed; again in %.3g s", self.name, key, delay)
            else:
                self.queue.forget(key)
                if again is not None:
                    self.queue.add_after(key, again)
            finally:
                self.queue.done(key)
            if len(self.queue):  # else `get` waits
                await turn()

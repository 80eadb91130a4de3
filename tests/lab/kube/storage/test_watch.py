"""Watches whose clients are slow, go away or ask for bookmarks."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from aksdisks.lab.faults.api_server import ApiServerFaults
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.storage import watch
from aksdisks.lab.kube.storage.store import MOST_PENDING, Store
from aksdisks.lab.kube.wire.request_info import parse
from tests.lab.controllers.helpers import StepClock, spin

CONFIG_MAPS = Resource("configmaps", "ConfigMap")
REQUEST = watch.Watch("configmaps", CONFIG_MAPS, None, "100")


def write(store: Store, number: int) -> None:
    body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": f"c{number}"}}
    store.create("configmaps", ("n", f"c{number}"), body)


class Crossing(StepClock):
    """At the end of each sleep something is written: after the limit has passed, before the watch has its turn."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._number = 0

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self._number += 1
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, write, self._store, self._number)


def test_a_bookmark_does_not_overtake_what_comes_in_the_same_moment() -> None:
    async def test() -> None:
        store = Store(first_version=100)
        clock = Crossing(store)
        seen: list[tuple[str, str]] = []

        async def follow() -> None:
            request = watch.Watch("configmaps", CONFIG_MAPS, None, "100", bookmarks=True)
            async for event in watch.watch(store, clock, request):
                seen.append((event.type, event.version.object["metadata"]["resourceVersion"]))

        task = asyncio.create_task(follow())
        await spin()
        await clock.advance(60)
        await clock.advance(60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert seen == [("ADDED", "101"), ("ADDED", "102")]

    asyncio.run(test())


def test_a_watcher_that_does_not_keep_up_is_dropped() -> None:
    async def test() -> None:
        store = Store(first_version=100, history=10)
        events = watch.watch(store, StepClock(), REQUEST)
        write(store, 0)
        assert (await anext(events)).type == "ADDED"
        for number in range(1, MOST_PENDING + 2):
            write(store, number)
        held = sum(len(subscription._pending) for subscription in store._table("configmaps").subscriptions)
        assert held == 0
        # What had been taken before is told still, then the watch is over and its client begins anew.
        assert [event async for event in events] == []
        assert store._table("configmaps").subscriptions == set()

    asyncio.run(test())


def test_a_watch_of_a_client_that_went_away_leaves_no_task() -> None:
    async def test() -> None:
        outages = ApiServerFaults(Faults(), Store())
        request: Any = SimpleNamespace(query={"watch": "1"}, transport=None)
        info = parse("GET", "/api/v1/pods", request.query)
        before = asyncio.all_tasks()
        for _ in range(3):
            watched = asyncio.create_task(outages.watched(request, info, asyncio.sleep(3600)))
            await spin()
            watched.cancel()
            await spin()
        assert asyncio.all_tasks() == before

    asyncio.run(test())

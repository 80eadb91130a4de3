"""The work queue and the informer: what a controller may rely on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from aksdisks.lab.client.forwarding import ForwardingApi
from aksdisks.lab.client.informer import Informer
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, WatchEvent
from aksdisks.lab.client.workqueue import WorkQueue
from tests.lab.controllers.helpers import StepClock, World, spin
from tests.work import counted


def twice(queue: WorkQueue) -> None:
    queue.add("a")
    queue.add("a")


def earlier_wins(queue: WorkQueue) -> None:
    queue.add_after("a", 50)
    queue.add_after("a", 10)
    queue.add_after("a", 30)


def failed(times: int) -> Callable[[WorkQueue], None]:
    return lambda queue: [queue.retry("a") for _ in range(times)] and None


@pytest.mark.parametrize(
    ("does", "seconds", "there"),
    [
        (twice, 0, 1),
        (lambda queue: queue.add_after("a", 10), 9.9, 0),
        (lambda queue: queue.add_after("a", 10), 10, 1),
        (lambda queue: queue.add_after("a", 0), 0, 1),
        (earlier_wins, 9.9, 0),
        (earlier_wins, 10, 1),
        (failed(1), 0.004, 0),
        (failed(1), 0.005, 1),
    ],
)
def test_a_key_waits_once_and_no_longer_than_asked(
    does: Callable[[WorkQueue], None], seconds: float, there: int
) -> None:
    async def play() -> None:
        clock = StepClock()
        queue = WorkQueue(clock)
        does(queue)
        await spin()
        await clock.advance(seconds)
        assert len(queue) == there
        queue.close()

    asyncio.run(play())


@pytest.mark.parametrize("more", [(), (1.0,)])
def test_retries_double_until_forgotten(more: tuple[float, ...]) -> None:
    base = more[0] if more else 0.005

    async def play() -> None:
        queue = WorkQueue(StepClock(), *more)
        assert [queue.retry("a") for _ in range(4)] == [base, 2 * base, 4 * base, 8 * base]
        assert queue.failures("a") == 4
        for _ in range(30):
            queue.retry("a")
        assert queue.retry("a") == 1000
        queue.forget("a")
        assert queue.retry("a") == base
        queue.close()

    asyncio.run(play())


def test_a_key_added_while_worked_on_comes_back_after() -> None:
    async def play() -> None:
        queue = WorkQueue(StepClock())
        queue.add("a")
        key = await queue.get()
        queue.add("a")
        assert len(queue) == 0
        assert not queue.idle()
        queue.done(key)
        assert await queue.get() == "a"
        queue.done("a")
        assert queue.idle()

    asyncio.run(play())


def woken_by_one_key(workers: int) -> int:
    async def play() -> int:
        queue = WorkQueue(StepClock())
        waiting = [asyncio.create_task(queue.get()) for _ in range(workers)]
        await spin()
        with counted("aksdisks.lab.client.workqueue") as work:
            queue.add("a")
            await spin()
        assert [task.result() for task in waiting if task.done()] == ["a"]
        for task in waiting:
            task.cancel()
        return work.lines

    return asyncio.run(play())


def test_a_key_wakes_one_worker_of_a_hundred() -> None:
    assert woken_by_one_key(100) == woken_by_one_key(1)


def test_a_key_for_a_worker_that_ends_goes_to_the_next() -> None:
    async def play() -> None:
        queue = WorkQueue(StepClock())
        first, second = (asyncio.create_task(queue.get()) for _ in range(2))
        await spin()
        queue.add("a")
        first.cancel()
        assert await asyncio.wait_for(second, 10) == "a"

    asyncio.run(play())


class Counting(ForwardingApi):
    """Counts the lists that are asked for."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self.lists = 0

    async def _target(self, resource: str) -> KubernetesApi:
        del resource
        return self._api

    async def list(
        self, resource: str, namespace: str | None = None, *, label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Object], str]:
        self.lists += 1
        return await super().list(resource, namespace, label_selector=label_selector, field_selector=field_selector)


class Forgetful:
    """An API whose watch is refused once as too old."""

    def __init__(self, world: World) -> None:
        self.list = world.api.list
        self._watch = world.api.watch
        self.refusals = 0

    async def watch(
        self, resource: str, namespace: str | None, *, resource_version: str, field_selector: str = ""
    ) -> AsyncIterator[WatchEvent]:
        assert not field_selector
        if self.refusals == 0:
            self.refusals = 1
            raise ApiError(410, "Expired", "too old resource version")
        async for event in self._watch(resource, namespace, resource_version=resource_version):
            yield event


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "walk"}}


def test_the_copy_follows_the_server_and_survives_a_gap() -> None:
    async def play() -> None:
        world = World()
        await world.start()
        api = Forgetful(world)
        informer = Informer(api, world.clock, "configmaps")  # type: ignore[arg-type]
        informer.add_index("name", lambda obj: [obj["metadata"]["name"]])
        told: list[tuple[bool, bool]] = []
        informer.add_handler(lambda before, after: told.append((before is not None, after is not None)))
        await world.create("configmaps", config_map("a"))
        task = asyncio.create_task(informer.run())
        await world.settle()
        assert api.refusals == 1
        assert informer.get("a", "walk") is not None
        await world.create("configmaps", config_map("b"))
        await world.settle()
        assert len(informer.by_index("name", "b")) == 1
        await world.api.delete("configmaps", "a", "walk")
        await world.settle()
        assert [obj["metadata"]["name"] for obj in informer.items("walk")] == ["b"]
        assert told == [(False, True), (True, True), (False, True), (True, False)]
        task.cancel()

    asyncio.run(play())


def test_a_write_observed_too_late_does_not_come_back() -> None:
    async def play() -> None:
        world = World()
        await world.start()
        informer = Informer(world.api, world.clock, "configmaps")
        task = asyncio.create_task(informer.run())
        await spin()
        created = await world.create("configmaps", config_map("a"))
        informer.observe(created)
        assert informer.get("a", "walk") is not None
        await world.api.delete("configmaps", "a", "walk")
        await spin()
        informer.observe(created)
        assert informer.get("a", "walk") is None
        task.cancel()

    asyncio.run(play())


def test_handlers_are_told_what_others_changed_before_an_own_write_was_observed() -> None:
    """A patch answers with everybody's changes: the difference to what was told last is the only word about them."""

    async def play() -> None:
        world = World()
        await world.start()
        informer = Informer(world.api, world.clock, "configmaps")
        told: list[tuple[object, object]] = []
        informer.add_handler(lambda *states: told.append(tuple(state and state.get("data") for state in states)))
        await world.create("configmaps", config_map("a"))
        task = asyncio.create_task(informer.run())
        await spin()
        await world.api.patch("configmaps", "a", {"data": {"theirs": "1"}}, "walk")
        informer.observe(await world.api.patch("configmaps", "a", {"data": {"own": "1"}}, "walk"))
        assert told == [(None, None)]
        await spin()
        assert told[1:] == [(None, {"theirs": "1"}), ({"theirs": "1"}, {"theirs": "1", "own": "1"})]
        task.cancel()

    asyncio.run(play())


def test_what_one_deleted_does_not_come_back_with_older_news() -> None:
    async def play() -> None:
        world = World()
        await world.start()
        informer = Informer(world.api, world.clock, "configmaps")
        there: list[bool] = []
        informer.add_handler(lambda _before, _after: there.append(informer.get("a", "walk") is not None))
        task = asyncio.create_task(informer.run())
        await spin()
        created = await world.create("configmaps", config_map("a"))
        informer.observe(created)
        informer.observe_deleted(created, await world.api.delete("configmaps", "a", "walk"))
        await spin()
        assert there == [False, False]
        await world.create("configmaps", config_map("a"))
        await spin()
        assert there == [False, False, True]
        task.cancel()

    asyncio.run(play())


def test_who_asks_the_same_api_shares_one_copy_and_misses_nothing() -> None:
    async def play() -> None:
        world = World()
        await world.start()
        api = Counting(world.api)
        informers = [Informer(api, world.clock, "configmaps") for _ in range(3)]
        told: list[list[object]] = [[], [], []]
        for informer, seen in zip(informers, told, strict=True):
            informer.add_index("name", lambda obj: [obj["metadata"]["name"]])
            informer.add_handler(lambda before, after, seen=seen: seen.append((before or after)["metadata"]["name"]))
        await world.create("configmaps", config_map("a"))
        tasks = [asyncio.create_task(informer.run()) for informer in informers[:2]]
        await spin()
        informers[0].observe(await world.create("configmaps", config_map("b")))
        tasks.append(asyncio.create_task(informers[2].run()))
        await informers[2].synced()
        assert [len(informer.by_index("name", "b")) for informer in informers] == [1, 1, 1]
        await spin()
        assert told == [["a", "b"]] * 3
        tasks[0].cancel()
        await world.create("configmaps", config_map("c"))
        await spin()
        assert told == [["a", "b"], ["a", "b", "c"], ["a", "b", "c"]]
        assert api.lists == 1
        for task in tasks:
            task.cancel()
        await spin()
        tasks = [asyncio.create_task(informers[0].run())]
        await spin()
        assert informers[0].get("c", "walk") is not None
        assert api.lists == 2
        tasks[0].cancel()

    asyncio.run(play())


def test_a_handler_that_fails_keeps_no_other_from_its_news(caplog: pytest.LogCaptureFixture) -> None:
    async def play() -> None:
        world = World()
        await world.start()
        informer, other = (Informer(world.api, world.clock, "configmaps") for _ in range(2))
        told: list[object] = []
        informer.add_handler(lambda *_: 1 / 0)
        other.add_handler(lambda *states: told.append(states))
        tasks = [asyncio.create_task(one.run()) for one in (informer, other)]
        await world.create("configmaps", config_map("a"))
        await spin()
        assert len(told) == 1
        for task in tasks:
            task.cancel()

    asyncio.run(play())
    assert "configmaps: a handler failed" in caplog.text

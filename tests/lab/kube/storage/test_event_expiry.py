"""Events are gone an hour after their last change, and nothing else is."""

from __future__ import annotations

import asyncio

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.storage.event_expiry import LIFETIME, EventExpiry
from aksdisks.lab.kube.storage.store import Store
from tests.lab.controllers.helpers import StepClock, spin
from tests.work import counted


def thing(kind: str, name: str) -> Object:
    return {"kind": kind, "apiVersion": "v1", "metadata": {"name": name}}


def keys(store: Store, resource: str) -> list[str]:
    return [name for (_, name), _ in store.list(resource)]


@pytest.mark.parametrize(("speed", "lifetime"), [(1, LIFETIME), (6, LIFETIME), (100, 60_000.0)])
def test_an_event_lives_an_hour_of_the_clusters_but_long_enough_to_be_read(speed: float, lifetime: float) -> None:
    async def test() -> None:
        store, clock = Store(), StepClock()
        clock.speed = speed
        task = asyncio.create_task(EventExpiry(store, clock).run())
        store.create("configmaps", ("n", "c"), thing("ConfigMap", "c"))
        for name in ("told once", "told again"):
            store.create("events", ("n", name), thing("Event", name))
        await spin()
        await clock.advance(lifetime / 2)
        store.update("events", ("n", "told again"), thing("Event", "told again"))
        store.create("events", ("n", "late"), thing("Event", "late"))
        await clock.advance(lifetime / 2 - 1)
        assert keys(store, "events") == ["late", "told again", "told once"]
        await clock.advance(lifetime / 30)
        assert keys(store, "events") == ["late", "told again"]
        await clock.advance(lifetime / 2)
        assert (keys(store, "events"), keys(store, "configmaps")) == ([], ["c"])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(test())


def test_a_look_costs_no_more_beside_many_events_that_are_too_young() -> None:
    """Lines executed at a moment when nothing expires."""
    found: list[int] = []

    async def test(young: int) -> None:
        store, clock = Store(), StepClock()
        task = asyncio.create_task(EventExpiry(store, clock).run())
        store.create("events", ("n", "old"), thing("Event", "old"))
        await spin()
        await clock.advance(LIFETIME / 2)
        for number in range(young):
            store.create("events", ("n", f"young-{number}"), thing("Event", f"young-{number}"))
        await clock.advance(LIFETIME / 2 + 120)
        assert len(keys(store, "events")) == young
        with counted("aksdisks.lab.kube.storage.event_expiry", "aksdisks.lab.kube.storage.store") as work:
            await clock.advance(61)
        found.append(work.lines)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for young in (10, 300):
        asyncio.run(test(young))
    assert 0 < found[0] == found[1]

"""Events are gone an hour after their last change, and nothing else is."""

from __future__ import annotations

import asyncio

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.storage.event_expiry import LIFETIME, EventExpiry
from aksdisks.lab.kube.storage.store import Store
from tests.lab.controllers.helpers import StepClock, spin


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

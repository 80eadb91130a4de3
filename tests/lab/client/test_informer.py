"""Copies of a kind that is not served for a while: asked for ever less often, and whole again once it is."""

from __future__ import annotations

import asyncio

from aksdisks.lab.client.informer import Informer
from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.strategies.snapshots import install
from aksdisks.lab.kube.write.api import KubeApi
from tests.lab.controllers.helpers import StepClock, World, spin

KIND = "volumesnapshotclasses.snapshot.storage.k8s.io"


class Asked:
    """The API, which notes when it was asked for a list."""

    def __init__(self, api: KubeApi, clock: StepClock) -> None:
        self.watch = api.watch
        self._api, self._clock = api, clock
        self.at: list[float] = []

    async def list(self, resource: str, namespace: str | None = None, **more: str) -> tuple[list[Object], str]:
        self.at.append(round(self._clock.monotonic()))
        return await self._api.list(resource, namespace, **more)


def test_a_kind_that_is_not_served_is_asked_for_less_and_less_often() -> None:
    async def scenario() -> None:
        world = World()
        asked = Asked(world.api, world.clock)
        informer = Informer(asked, world.clock, KIND)  # type: ignore[arg-type]
        running = asyncio.create_task(informer.run())
        await spin()
        await world.clock.advance(100)
        assert asked.at == [0, 1, 3, 7, 15, 31, 61, 91]
        install(world.store, world.ids, "2026-11-23T03:28:41Z")
        await world.clock.advance(30)
        await informer.synced()
        assert asked.at[-1] == 121
        running.cancel()

    asyncio.run(scenario())

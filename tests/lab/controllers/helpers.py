"""Controllers on the real API in process, with a clock that only a test moves."""

from __future__ import annotations

import asyncio
import copy
import heapq
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.write.api import KubeApi


class StepClock(Clock):
    """Stands still until `advance`; cluster seconds and wall clock are the same."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._turn = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 3, 28, 41, tzinfo=UTC) + timedelta(seconds=self._now)

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._turn), future))
        await future

    def stall(self, seconds: float) -> None:
        """Let `seconds` pass in which nobody has a turn, as on a machine that is too busy."""
        self._now += seconds

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass, waking sleepers in order."""
        end = self._now + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not future.done():
                future.set_result(None)
            await spin()
        self._now = end
        await spin()


async def spin(rounds: int = 25) -> None:
    """Let every task go as far as it can without time passing."""
    for _ in range(rounds):
        await asyncio.sleep(0)


class World:
    """An API server without anything but the controllers given, and a log of what those write.

    `actions` holds `verb resource[/subresource] name` for each write that succeeded; events are kept apart, as
    `Type Reason message`.
    """

    def __init__(self) -> None:
        self.clock = StepClock()
        self.ids = Ids(7)
        self.store = Store()
        self.api = KubeApi(self.store, self.clock, self.ids)
        self.actions: list[str] = []
        self.events: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, *kinds: Callable[[Any, Clock, Ids], Controller]) -> None:
        """Create namespace `walk` and run the controllers."""
        await self.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "walk"}})
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "walk"}}
        await self.create("serviceaccounts", account)
        await self.run(*kinds)

    async def run(self, *kinds: Callable[[Any, Clock, Ids], Controller]) -> None:
        """Run the controllers, as after a restart of theirs."""
        for kind in kinds:
            self._tasks.append(asyncio.create_task(kind(_Logged(self), self.clock, self.ids).run()))
        await self.settle()

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Something else that goes on beside the controllers."""
        self._tasks.append(asyncio.create_task(work))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def settle(self) -> None:
        """Until nothing is written any more; retries get the little time they ask for."""
        before = -1
        while before != len(self.actions) + len(self.events):
            before = len(self.actions) + len(self.events)
            await spin()
            await self.clock.advance(0.01)

    async def create(self, resource: str, obj: Object) -> Object:
        return await self.api.create(resource, copy.deepcopy(obj), obj["metadata"].get("namespace"))

    async def get(self, resource: str, name: str, namespace: str | None = "walk") -> Object | None:
        try:
            return await self.api.get(resource, name, namespace)
        except ApiError as error:
            if error.reason == "NotFound":
                return None
            raise

    async def names(self, resource: str) -> list[str]:
        return [obj["metadata"]["name"] for obj in (await self.api.list(resource, "walk"))[0]]

    async def scale(self, resource: str, name: str, replicas: int) -> None:
        await self.api.patch(resource, name, {"spec": {"replicas": replicas}}, "walk")
        await self.settle()

    async def run_pods(self, *names: str) -> None:
        """Be scheduler and node agent: the pods (all of them, if none is named) are Running and Ready."""
        for name in names or await self.names("pods"):
            pod = await self.api.get("pods", name, "walk")
            if not pod["spec"].get("nodeName"):
                await self.api.bind("walk", name, "node-0")
            stamp = timestamp(self.clock.now())
            ready = {"type": "Ready", "status": "True", "lastProbeTime": None, "lastTransitionTime": stamp}
            pod = copy.deepcopy(await self.api.get("pods", name, "walk"))
            pod["status"] |= {"phase": "Running", "conditions": [ready]}
            await self.api.update("pods", pod, subresource="status")
        await self.settle()

    async def end_pods(self) -> None:
        """Be the node agent: pods that are being deleted are gone."""
        for name in await self.names("pods"):
            if "deletionTimestamp" in (await self.api.get("pods", name, "walk"))["metadata"]:
                await self.api.delete("pods", name, "walk", grace_period_seconds=0)
        await self.settle()

    def taken(self) -> list[str]:
        """The actions since last asked."""
        actions, self.actions = self.actions, []
        return actions


class _Logged:
    """A `KubernetesApi` that notes what it was asked to write."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._api = world.api
        self.get = world.api.get
        self.list = world.api.list
        self.watch = world.api.watch

    def _note(self, verb: str, resource: str, name: str, subresource: str | None = None) -> None:
        self._world.actions.append(f"{verb} {resource}{'/' + subresource if subresource else ''} {name}")

    async def create(self, resource: str, obj: Object, namespace: str | None = None) -> Object:
        created = await self._api.create(resource, obj, namespace)
        if resource == "events":
            self._world.events.append(f"{obj['type']} {obj['reason']} {obj['message']}")
        else:
            self._note("create", resource, created["metadata"]["name"])
        return created

    async def update(self, resource: str, obj: Object, *, subresource: str | None = None) -> Object:
        updated = await self._api.update(resource, obj, subresource=subresource)
        self._note("update", resource, obj["metadata"]["name"], subresource)
        return updated

    async def patch(self, resource: str, name: str, patch: Any, namespace: str | None = None, **more: Any) -> Object:
        patched = await self._api.patch(resource, name, patch, namespace, **more)
        if resource == "events":
            self._world.events.append(f"{patched['type']} {patched['reason']} {patched['message']} x{patched['count']}")
        else:
            self._note("patch", resource, name, more.get("subresource"))
        return patched

    async def delete(self, resource: str, name: str, namespace: str | None = None, **more: Any) -> Object:
        deleted = await self._api.delete(resource, name, namespace, **more)
        self._note("delete", resource, name)
        return deleted


Scenario = Callable[[World], Any]


def played(scenario: Scenario, *kinds: Callable[[Any, Clock, Ids], Controller]) -> None:
    """Run an asynchronous scenario in a fresh world with these controllers."""

    async def play() -> None:
        world = World()
        try:
            await world.start(*kinds)
            world.taken()
            await scenario(world)
        finally:
            await world.stop()

    asyncio.run(play())


def template(labels: dict[str, str], volumes: Sequence[Object] = ()) -> Object:
    """The article's pod template."""
    container: Object = {"name": "busy", "image": "vplauzon/get-started:part2-no-redis"}
    spec: Object = {"containers": [container]}
    if volumes:
        spec["volumes"] = list(volumes)
    return {"metadata": {"labels": dict(labels)}, "spec": spec}


def deployment(replicas: int = 1, **spec: Any) -> Object:
    """The article's Deployment."""
    labels = {"app": "disk-pod"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "disk-deploy", "namespace": "walk"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template(labels)} | spec,
    }


def replica_set(replicas: int = 1, **spec: Any) -> Object:
    """A ReplicaSet of the article's pods."""
    return deployment(replicas, **spec) | {"kind": "ReplicaSet", "metadata": {"name": "set", "namespace": "walk"}}


def stateful_set(replicas: int = 5, **spec: Any) -> Object:
    """The article's StatefulSet, the claim template called `data`."""
    labels = {"app": "stateful-disk-pod"}
    resources = {"requests": {"storage": "25Gi"}}
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources}}
    base = {"serviceName": "s", "replicas": replicas, "selector": {"matchLabels": labels}}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "walk"},
        "spec": base | {"template": template(labels), "volumeClaimTemplates": [claim]} | spec,
    }

"""What the scheduler, the StatefulSet controller and the kubelet say, version by version (sources: `versions`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from aksdisks.lab.agents.kubelet.kubelet import NodeAgent
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.scheduler import Scheduler
from aksdisks.lab.controllers.statefulset import StatefulSetController
from aksdisks.lab.ids import Ids
from aksdisks.lab.scenario import Delays
from aksdisks.lab.versions import words_of
from tests.lab.controllers.helpers import World, played, stateful_set
from tests.lab.controllers.storage_objects import bound, claim, node, pod

NODES = "0/1 nodes are available:"
HELPLESS = f"preemption: {NODES} 1 Preemption is not helpful for scheduling."
NO_VICTIMS = f"preemption: {NODES} 1 No preemption victims found for incoming pod."
DRA = "no new claims to deallocate,"
IN_USE_THEN = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
IN_USE = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
)
ELSEWHERE = "node(s) didn't match PersistentVolume's node affinity"

Case = Callable[[World], Awaitable[Any]]


async def tainted(world: World) -> None:
    taint = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}
    await world.create("nodes", node(0, taints=[taint]))
    await world.create("pods", pod("p"))


async def no_claim(world: World) -> None:
    await world.create("nodes", node(0))
    await world.create("pods", pod("p", "data"))


async def unbound(world: World) -> None:
    await world.create("nodes", node(0))
    await world.create("persistentvolumeclaims", claim(storage_class="immediate"))
    await world.create("pods", pod("p", "data"))


async def elsewhere(world: World) -> None:
    await world.create("nodes", node(0))
    await bound(world, zone="westeurope-2")
    await world.create("pods", pod("p", "data"))


async def in_use(world: World) -> None:
    await world.create("nodes", node(0))
    await bound(world, of_claim={"accessModes": ["ReadWriteOncePod"]})
    for name in ("p", "q"):
        await world.create("pods", pod(name, "data"))
        await world.settle()


@pytest.mark.parametrize(
    ("case", "version", "message"),
    [
        (tainted, "1.33.0", f"1 node(s) had untolerated taint {{dedicated: db}}. {HELPLESS}"),
        (tainted, "1.34.0", f"1 node(s) had untolerated taint(s). {DRA} {HELPLESS}"),
        (tainted, "1.36.0", f"1 node(s) had untolerated taint(s). {DRA} {HELPLESS}"),
        (no_claim, "1.33.0", f'persistentvolumeclaim "data" not found. {HELPLESS}'),
        (no_claim, "1.36.0", 'persistentvolumeclaim "data" not found. not found'),
        (unbound, "1.33.0", f"pod has unbound immediate PersistentVolumeClaims. {HELPLESS}"),
        (unbound, "1.34.0", "pod has unbound immediate PersistentVolumeClaims. not found"),
        (elsewhere, "1.32.4", f"1 node(s) had volume node affinity conflict. {HELPLESS}"),
        (elsewhere, "1.33.0", f"1 {ELSEWHERE}. {HELPLESS}"),
        (elsewhere, "1.36.0", f"1 {ELSEWHERE}. {DRA} {HELPLESS}"),
        (in_use, "1.33.0", f"1 {IN_USE_THEN}. {NO_VICTIMS}"),
        (in_use, "1.34.0", f"1 {IN_USE}. {DRA} {NO_VICTIMS}"),
    ],
)
def test_why_a_pod_is_not_scheduled(case: Case, version: str, message: str) -> None:
    async def scenario(world: World) -> None:
        await case(world)
        await world.settle()
        assert world.events[-1] == f"Warning FailedScheduling {NODES} {message}"

    def scheduler(api: Any, clock: Clock, ids: Ids) -> Scheduler:
        api.bind = api._api.bind  # the logged API knows nothing of the binding call
        return Scheduler(api, clock, ids, words_of(version))

    played(scenario, scheduler)


@pytest.mark.parametrize(("version", "verb"), [("1.34.0", "create"), ("1.35.0", "Create"), ("1.36.0", "Create")])
def test_what_a_stateful_set_is_told(version: str, verb: str) -> None:
    async def scenario(world: World) -> None:
        await world.create("statefulsets", stateful_set(1))
        await world.settle()
        assert world.events == [
            f"Normal SuccessfulCreate {verb} Claim data-web-0 Pod web-0 in StatefulSet web success",
            f"Normal SuccessfulCreate {verb} Pod web-0 in StatefulSet web successful",
        ]

    played(scenario, partial(StatefulSetController, words=words_of(version)))


@pytest.mark.parametrize(
    ("version", "created", "started", "present"),
    [
        ("1.34.0", "Created container: busy", "Started container busy", ""),
        ("1.35.0", "Container created", "Container started", " and can be accessed by the pod"),
    ],
)
def test_what_a_container_s_start_is_told_as(version: str, created: str, started: str, present: str) -> None:
    def agent(api: Any, clock: Clock, ids: Ids) -> NodeAgent:
        return NodeAgent(api, clock, ids, "node-0", Delays(), words=words_of(version))

    async def scenario(world: World) -> None:
        await world.create("nodes", node(0))
        for name in ("p", "q"):
            await world.create("pods", pod(name, nodeName="node-0"))
            await world.clock.advance(10)
        image = f'Container image "{pod("p")["spec"]["containers"][0]["image"]}" already present on machine'
        told = {event for event in world.events if "ull" not in event or "present" in event}
        assert told == {f"Normal Created {created}", f"Normal Started {started}", f"Normal Pulled {image}{present}"}

    played(scenario, agent)

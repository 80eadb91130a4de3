"""Rules between pods: affinity, anti-affinity, topology spread, and what a scheduler prefers."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import bound, node, pod
from tests.lab.controllers.test_scheduler import node_of, scheduler

HOST, RACK = "kubernetes.io/hostname", "rack"
DRA = "no new claims to deallocate"
NO_VICTIMS, HELPLESS = "No preemption victims found for incoming pod", "Preemption is not helpful for scheduling"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


async def cluster(world: World) -> None:
    """Three nodes in two racks: 0 and 1 in a, 2 in b."""
    for number, rack in enumerate("aab"):
        made = node(number)
        made["metadata"]["labels"] |= {HOST: f"node-{number}", RACK: rack}
        await world.create("nodes", made)
    await world.settle()


async def add(world: World, name: str, app: str = "db", **spec: Any) -> str:
    made = pod(name, **spec)
    made["metadata"]["labels"] = {"app": app}
    await world.create("pods", made)
    await world.settle()
    return await node_of(world, name)


def term(app: str = "db", key: str = HOST, **more: Any) -> Object:
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key, **more}


def rule(kind: str, *terms: Object, weight: int = 0) -> Object:
    listed = [{"weight": weight, "podAffinityTerm": entry} for entry in terms] if weight else list(terms)
    return {"affinity": {kind: {PREFERRED if weight else REQUIRED: listed}}}


def spread(mode: str = "DoNotSchedule", key: str = RACK, **more: Any) -> Object:
    selector = {"matchLabels": {"app": "db"}}
    constraint = {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": mode, "labelSelector": selector}
    return {"topologySpreadConstraints": [constraint | more]}


@pytest.mark.parametrize(
    ("spec", "places"),
    [
        (rule("podAntiAffinity", term()), ["node-0", "node-1", "node-2", ""]),
        (rule("podAntiAffinity", term(key=RACK)), ["node-0", "node-2", "", ""]),
        (rule("podAntiAffinity", term(namespaces=["elsewhere"])), ["node-0", "node-1", "node-2", "node-0"]),
        (rule("podAffinity", term()), ["node-0"] * 4),
        (rule("podAffinity", term(key=RACK)), ["node-0", "node-1", "node-0", "node-1"]),
        (rule("podAffinity", term(app="nobody")), [""] * 4),
        (rule("podAffinity", term(), weight=100), ["node-0"] * 4),
        (rule("podAntiAffinity", term(key=RACK), weight=1), ["node-0", "node-2", "node-1", "node-2"]),
        (spread(), ["node-0", "node-2", "node-1", "node-2"]),
        (spread(minDomains=3), ["node-0", "node-2", "", ""]),
        (spread(key="nowhere"), [""] * 4),
        (spread("ScheduleAnyway"), ["node-0", "node-2", "node-1", "node-2"]),
        (spread("ScheduleAnyway", "nowhere"), ["node-0", "node-1", "node-2", "node-0"]),
    ],
)
def test_where_pods_go(spec: Object, places: list[str]) -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        assert [await add(world, name, **spec) for name in "pqrs"] == places

    played(scenario, scheduler)


@pytest.mark.parametrize(
    ("first", "spec", "reason", "hope"),
    [
        (
            {},
            rule("podAntiAffinity", term(key="kubernetes.io/os")),
            "node(s) didn't match pod anti-affinity rules",
            NO_VICTIMS,
        ),
        ({}, rule("podAffinity", term(app="nobody")), "node(s) didn't match pod affinity rules", HELPLESS),
        (
            rule("podAntiAffinity", term(key="kubernetes.io/os")),
            {},
            "node(s) didn't satisfy existing pods anti-affinity rules",
            NO_VICTIMS,
        ),
        (
            {},
            spread(key="nowhere"),
            "node(s) didn't match pod topology spread constraints (missing required label)",
            HELPLESS,
        ),
        (
            {},
            spread(minDomains=9, key="kubernetes.io/os"),
            "node(s) didn't match pod topology spread constraints",
            NO_VICTIMS,
        ),
    ],
)
def test_why_not(first: Object, spec: Object, reason: str, hope: str) -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        assert await add(world, "first", **first)
        await add(world, "p", **spec)
        nodes = "0/3 nodes are available:"
        assert world.events[-1] == f"Warning FailedScheduling {nodes} 3 {reason}. {DRA}, preemption: {nodes} 3 {hope}."

    played(scenario, scheduler)


def test_node_preferences_come_before_the_number_of_pods() -> None:
    term = {"weight": 10, "preference": {"matchExpressions": [{"key": RACK, "operator": "In", "values": ["b"]}]}}

    async def scenario(world: World) -> None:
        await cluster(world)
        for name in "pq":
            assert await add(world, name, affinity={"nodeAffinity": {PREFERRED: [term]}}) == "node-2"
        soft = {"key": "slow", "effect": "PreferNoSchedule"}
        await world.api.patch("nodes", "node-0", {"spec": {"taints": [soft]}})
        await world.settle()
        assert [await add(world, name) for name in "rst"] == ["node-1", "node-1", "node-1"]

    played(scenario, scheduler)


def test_a_claim_for_one_pod_only() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await bound(world, of_claim={"accessModes": ["ReadWriteOncePod"]})
        for name in ("p", "q"):
            await world.create("pods", pod(name, "data"))
            await world.settle()
        reason = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use"
        nodes = "0/3 nodes are available:"
        expected = f"{nodes} 3 {reason} by another pod. {DRA}, preemption: {nodes} 3 {NO_VICTIMS}."
        assert world.events[-1] == f"Warning FailedScheduling {expected}"
        await world.api.delete("pods", "p", "walk", grace_period_seconds=0)
        await world.clock.advance(15)
        assert await node_of(world, "q") == "node-0"

    played(scenario, scheduler)

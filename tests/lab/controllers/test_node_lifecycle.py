from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from aksdisks.lab.agents.kubelet.heartbeat import Heartbeat
from aksdisks.lab.controllers import node_lifecycle
from aksdisks.lab.controllers.node_lifecycle import NodeLifecycle
from aksdisks.lab.controllers.taint_eviction import TaintEviction
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import node, pod


async def cluster(world: World, silent: int = 1, alive: int = 1) -> None:
    """Nodes that say nothing, one pod on the first of them, and nodes that live."""
    for name in ("default", "kube-node-lease"):
        await world.create("namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}})
    for number in range(silent + alive):
        await world.create("nodes", node(number))
        await world.api.patch("nodes", f"node-{number}", {"status": node(number)["status"]}, subresource="status")
        if number >= silent:
            world.beside(Heartbeat(world.api, world.clock, f"node-{number}", nodes=silent + alive).run())
    await world.create("pods", pod("p", nodeName="node-0"))
    await world.run_pods("p")
    world.events.clear()


async def taints(world: World, number: int = 0) -> list[tuple[str, str]]:
    spec = (await world.get("nodes", f"node-{number}", None))["spec"]
    return [(entry["key"].partition("/")[2], entry["effect"]) for entry in spec.get("taints", ())]


async def ready(world: World, resource: str, name: str, namespace: str | None = "walk") -> str:
    conditions = (await world.get(resource, name, namespace))["status"]["conditions"]
    return str(next(entry["status"] for entry in conditions if entry["type"] == "Ready"))


def test_where_many_nodes_renew_less_often_each_is_waited_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        await cluster(world, silent=1, alive=3)
        await world.clock.advance(119)
        assert world.events == []
        await world.clock.advance(2)
        assert world.events[0] == "Normal NodeNotReady Node node-0 status is now: NodeNotReady"

    monkeypatch.setattr(node_lifecycle, "_RENEWALS", 0.1)
    played(scenario, NodeLifecycle, TaintEviction)


def test_a_silent_node_is_lost_and_its_pods_leave_after_their_patience() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.clock.advance(49)
        assert world.events == []
        await world.clock.advance(2)
        assert world.events == [
            "Normal NodeNotReady Node node-0 status is now: NodeNotReady",
            "Warning NodeNotReady Node is not ready",
        ]
        assert await taints(world) == [("unreachable", "NoSchedule"), ("unreachable", "NoExecute")]
        assert await ready(world, "nodes", "node-0", None) == "Unknown"
        assert await ready(world, "pods", "p") == "False"
        await world.clock.advance(298)
        assert "deletionTimestamp" not in (await world.get("pods", "p"))["metadata"]
        await world.clock.advance(3)
        assert world.events[2:] == ["Normal TaintManagerEviction Marking for deletion Pod walk/p"]
        evicted = await world.get("pods", "p")
        assert "deletionTimestamp" in evicted["metadata"]
        reasons = [entry.get("reason") for entry in evicted["status"]["conditions"]]
        assert "DeletionByTaintManager" in reasons

    played(scenario, NodeLifecycle, TaintEviction)


def test_a_node_that_comes_back_keeps_its_pods() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.clock.advance(55)
        heartbeat = asyncio.create_task(Heartbeat(world.api, world.clock, "node-0").run())
        await world.settle()
        heartbeat.cancel()
        assert (await ready(world, "nodes", "node-0", None), await taints(world)) == ("True", [])
        assert world.events[-1] == "Normal TaintManagerEviction Cancelling deletion of Pod walk/p"

    played(scenario, NodeLifecycle, TaintEviction)


CANCELLED = "Normal TaintManagerEviction Cancelling deletion of Pod walk/p"
MARKED = "Normal TaintManagerEviction Marking for deletion Pod walk/p"


async def _tolerates(world: World) -> None:
    tolerations = [*(await world.get("pods", "p"))["spec"]["tolerations"], {"operator": "Exists"}]
    await world.api.patch("pods", "p", {"spec": {"tolerations": tolerations}}, "walk")


async def _deleted(world: World) -> None:
    await world.api.delete("pods", "p", "walk")


async def _gone(world: World) -> None:
    await world.api.delete("pods", "p", "walk", grace_period_seconds=0)


async def _replaced(world: World) -> None:
    await _gone(world)
    await world.create("pods", pod("p", nodeName="node-0"))


@pytest.mark.parametrize(
    ("happens", "told"),
    [(_deleted, MARKED), (_gone, CANCELLED), (_replaced, CANCELLED), (_tolerates, MARKED)],
    ids=["being deleted", "gone", "replaced", "one more toleration does not prolong the shortest"],
)
def test_what_is_told_of_a_pod_that_was_to_be_evicted(happens: Callable[[World], Awaitable[None]], told: str) -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        taint = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
        await world.api.patch("nodes", "node-0", {"spec": {"taints": [taint]}})
        await world.clock.advance(200)
        await happens(world)
        await world.clock.advance(110)
        assert world.events == [told]
        (event,) = (await world.api.list("events", "walk"))[0]
        about = {"kind": "Pod", "apiVersion": "v1", "namespace": "walk", "name": "p"}
        assert event["involvedObject"] == about

    played(scenario, TaintEviction)


def test_a_cordoned_node_is_tainted_until_it_is_not() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.api.patch("nodes", "node-0", {"spec": {"unschedulable": True}})
        await world.settle()
        assert await taints(world) == [("unschedulable", "NoSchedule")]
        await world.api.patch("nodes", "node-0", {"spec": {"unschedulable": None}})
        await world.settle()
        assert await taints(world) == []

    played(scenario, NodeLifecycle)


def test_nodes_are_emptied_one_after_another() -> None:
    async def scenario(world: World) -> None:
        await cluster(world, silent=2)
        await world.clock.advance(51)
        both = [await taints(world, number) for number in range(2)]
        assert sorted(map(len, both)) == [1, 2]
        await world.clock.advance(10)
        assert [len(await taints(world, number)) for number in range(2)] == [2, 2]

    played(scenario, NodeLifecycle)


@pytest.mark.parametrize(("silent", "alive"), [(2, 0), (3, 2)])
def test_nothing_is_evicted_while_all_nodes_or_most_of_a_small_zone_are_lost(silent: int, alive: int) -> None:
    async def scenario(world: World) -> None:
        await cluster(world, silent, alive)
        await world.clock.advance(600)
        evicting = [entry for number in range(silent) for entry in await taints(world, number)]
        expected = [("unreachable", "NoSchedule")] * silent
        assert [entry for entry in evicting if entry[1] == "NoSchedule"] == expected
        # Those of a zone that was well until then are emptied; with no node left, none is.
        assert ("unreachable", "NoExecute") not in evicting or alive
        pods = (await world.get("pods", "p"))["metadata"]
        assert alive or "deletionTimestamp" not in pods

    played(scenario, NodeLifecycle, TaintEviction)


def test_a_node_that_is_removed_is_told_of() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.api.delete("nodes", "node-0")
        await world.settle()
        assert world.events == ["Normal RemovingNode Node node-0 event: Removing Node node-0 from Controller"]

    played(scenario, NodeLifecycle)

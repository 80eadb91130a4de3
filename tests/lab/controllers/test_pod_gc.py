from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aksdisks.lab.controllers.attach_detach import AttachDetach
from aksdisks.lab.controllers.pod_gc import PodGarbage
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import DISKS, DRIVER, bound, node, pod
from tests.work import counted

UNIQUE = f"kubernetes.io/csi/{DRIVER}^{DISKS}/pv"
OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}


async def node_is(world: World, ready: str, *taints: dict[str, Any]) -> None:
    await world.create("nodes", node(0, taints=list(taints)))
    conditions = {"status": {"conditions": [{"type": "Ready", "status": ready}]}}
    await world.api.patch("nodes", "node-0", conditions, subresource="status")


@pytest.mark.parametrize(
    ("ready", "taints", "gone"),
    [("Unknown", [OUT_OF_SERVICE], True), ("Unknown", [], False), ("True", [OUT_OF_SERVICE], False)],
)
def test_a_terminating_pod_is_ended_on_a_lost_node_that_is_out_of_service(ready: str, taints: list, gone: bool) -> None:
    async def scenario(world: World) -> None:
        await node_is(world, ready, *taints)
        await world.create("pods", pod("p", nodeName="node-0"))
        await world.create("pods", pod("stays", nodeName="node-0"))
        await world.run_pods()
        await world.api.delete("pods", "p", "walk")
        world.taken()
        await world.clock.advance(21)
        assert world.taken() == (["patch pods/status p", "delete pods p"] if gone else [])
        assert await world.names("pods") == (["stays"] if gone else ["p", "stays"])

    played(scenario, PodGarbage)


def test_pods_of_a_node_that_is_gone_are_failed_and_deleted_after_a_quarantine() -> None:
    async def scenario(world: World) -> None:
        await node_is(world, "True")
        await world.create("pods", pod("p", nodeName="node-0", terminationGracePeriodSeconds=30))
        await world.run_pods()
        seen: list[Any] = []

        async def follow() -> None:
            async for event in world.api.watch("pods", "walk", resource_version=str(world.store.resource_version)):
                seen.append((event.type, event.object["status"]))

        watching = asyncio.create_task(follow())
        await world.settle()
        await world.api.delete("nodes", "node-0")
        await world.clock.advance(39)
        assert await world.names("pods") == ["p"]
        await world.clock.advance(42)
        watching.cancel()
        assert await world.names("pods") == []
        status = seen[0][1]
        assert status["phase"] == "Failed"
        condition = next(entry for entry in status["conditions"] if entry["type"] == "DisruptionTarget")
        assert (condition["reason"], condition["message"]) == ("DeletionByPodGC", "PodGC: node no longer exists")

    played(scenario, PodGarbage)


def test_out_of_service_sets_a_volume_free_at_once() -> None:
    async def scenario(world: World) -> None:
        await node_is(world, "Unknown")
        await bound(world)
        await world.create("pods", pod("a", "data", nodeName="node-0"))
        await world.run_pods()
        busy = {"name": "busy", "state": {"running": {}}, "ready": True, "image": "i", "imageID": "", "restartCount": 0}
        patch = {"status": {"containerStatuses": [busy]}}
        await world.api.patch("pods", "a", patch, "walk", subresource="status")
        used = {"status": {"volumesInUse": [UNIQUE]}}
        await world.api.patch("nodes", "node-0", used, subresource="status")
        await world.api.delete("pods", "a", "walk")
        await world.clock.advance(3000)
        assert (await world.api.list("volumeattachments"))[0]
        await world.api.patch("nodes", "node-0", {"spec": {"taints": [OUT_OF_SERVICE]}})
        await world.clock.advance(21)
        assert (await world.api.list("volumeattachments"))[0] == []

    played(scenario, PodGarbage, AttachDetach)


def test_a_round_costs_no_more_with_many_nodes() -> None:
    """Lines executed in a round in which nothing is to be done, with pods on few nodes and on many."""
    found: list[int] = []

    async def scenario(world: World) -> None:
        for numbers in (range(3), range(3, 30)):
            for number in numbers:
                await world.create("nodes", node(number))
                await world.create("pods", pod(f"p-{number}", nodeName=f"node-{number}"))
            await world.settle()
            await world.clock.advance(21)
            with counted("aksdisks.lab.controllers.pod_gc") as work:
                await world.clock.advance(20)
            found.append(work.lines)

    played(scenario, PodGarbage)
    assert found[0] > 0
    assert found[1] == found[0]

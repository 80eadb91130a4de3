"""The replica set controller: what happens to a set, and what it writes."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.pods import first_to_delete
from aksdisks.lab.controllers.replicaset import ReplicaSetController
from tests.lab.controllers.helpers import World, played, replica_set, template

Happening = Callable[[World], Awaitable[None]]


def kinds(actions: list[str]) -> list[str]:
    """Actions without the random names of pods."""
    return [action.rpartition(" ")[0] if " pods" in action else action for action in actions]


async def nothing(world: World) -> None:
    await world.settle()


async def all_run(world: World) -> None:
    await world.run_pods()


async def one_is_deleted(world: World) -> None:
    await world.api.delete("pods", (await world.names("pods"))[0], "walk")
    await world.settle()


async def one_fails(world: World) -> None:
    pod = copy.deepcopy((await world.api.list("pods", "walk"))[0][0])
    pod["status"] |= {"phase": "Failed"}
    await world.api.update("pods", pod, subresource="status")
    await world.settle()


async def fewer(world: World) -> None:
    await world.scale("replicasets", "set", 1)


async def one_changes_its_label(world: World) -> None:
    name = (await world.names("pods"))[0]
    await world.api.patch("pods", name, {"metadata": {"labels": {"app": "other"}}}, "walk")
    await world.settle()


STATUS = "update replicasets/status set"


@pytest.mark.parametrize(
    ("replicas", "happens", "expected"),
    [
        (0, nothing, []),
        (2, nothing, []),
        (2, all_run, [STATUS]),
        (1, one_is_deleted, ["create pods", STATUS, STATUS]),
        (1, one_fails, ["create pods", STATUS, STATUS]),
        (3, fewer, ["delete pods", "delete pods", STATUS, STATUS]),
        (1, one_changes_its_label, ["patch pods", "create pods", STATUS, STATUS]),
    ],
)
def test_what_is_written(replicas: int, happens: Happening, expected: list[str]) -> None:
    async def scenario(world: World) -> None:
        await world.create("replicasets", replica_set(replicas))
        await world.settle()
        world.taken()
        await happens(world)
        assert kinds(world.taken()) == expected

    played(scenario, ReplicaSetController)


def test_a_new_set_reports_first_that_it_has_none() -> None:
    async def scenario(world: World) -> None:
        seen: list[Object] = []
        await world.create("replicasets", replica_set(2))
        update = world.api.update

        async def spy(resource: str, obj: Object, *, subresource: str | None = None) -> Object:
            seen.append(obj["status"])
            return await update(resource, obj, subresource=subresource)

        world.api.update = spy  # type: ignore[method-assign]
        await world.settle()
        empty = {"replicas": 0, "terminatingReplicas": 0, "observedGeneration": 1}
        assert seen == [empty, empty | {"replicas": 2, "fullyLabeledReplicas": 2}]
        assert [event.split()[:2] for event in world.events] == [["Normal", "SuccessfulCreate"]] * 2

    played(scenario, ReplicaSetController)


def test_a_matching_orphan_is_adopted() -> None:
    async def scenario(world: World) -> None:
        pod = template({"app": "disk-pod"}) | {"apiVersion": "v1", "kind": "Pod"}
        pod["metadata"] |= {"name": "orphan", "namespace": "walk"}
        await world.create("pods", pod)
        owner = await world.create("replicasets", replica_set(1))
        await world.settle()
        assert world.taken() == ["patch pods orphan", STATUS]
        adopted = await world.get("pods", "orphan")
        assert adopted is not None
        reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "set", "uid": owner["metadata"]["uid"]}
        assert adopted["metadata"]["ownerReferences"] == [reference | {"controller": True, "blockOwnerDeletion": True}]

    played(scenario, ReplicaSetController)


def test_a_refused_pod_is_told_in_an_event_and_a_condition() -> None:
    async def scenario(world: World) -> None:
        await world.create("replicasets", replica_set(1, template=template({"app": "disk-pod"})))
        broken = replica_set(1)
        broken["spec"]["template"]["spec"]["serviceAccountName"] = "missing"
        broken["metadata"]["name"] = "broken"
        await world.create("replicasets", broken)
        await world.settle()
        stored = await world.get("replicasets", "broken")
        assert stored is not None
        (condition,) = stored["status"]["conditions"]
        assert (condition["type"], condition["reason"]) == ("ReplicaFailure", "FailedCreate")
        assert any(event.startswith("Warning FailedCreate Error creating: ") for event in world.events)

    played(scenario, ReplicaSetController)


def test_available_is_later_than_ready_when_asked() -> None:
    async def scenario(world: World) -> None:
        await world.create("replicasets", replica_set(1, minReadySeconds=30))
        await world.settle()
        await world.run_pods()
        counts = []
        for seconds in (0, 29, 2):
            await world.clock.advance(seconds)
            await world.settle()
            stored = await world.get("replicasets", "set")
            assert stored is not None
            counts.append((stored["status"]["readyReplicas"], stored["status"].get("availableReplicas", 0)))
        assert counts == [(1, 0), (1, 0), (1, 1)]

    played(scenario, ReplicaSetController)


def pod(name: str, **more: str) -> Object:
    """`node`, `phase`, `ready` (when), `cost`, `born`."""
    made: Object = {"metadata": {"name": name, "uid": name}, "spec": {}, "status": {}}
    made["metadata"]["creationTimestamp"] = more.get("born", "2026-11-23T03:00:00Z")
    if "node" in more:
        made["spec"]["nodeName"] = more["node"]
    made["status"]["phase"] = more.get("phase", "Running")
    if "ready" in more:
        made["status"]["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": more["ready"]}]
    if "cost" in more:
        made["metadata"]["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": more["cost"]}
    return made


LATE, EARLY = "2026-11-23T03:28:00Z", "2026-11-23T01:00:00Z"


def test_a_pod_that_is_ready_again_within_a_second_begins_anew() -> None:
    async def scenario(world: World) -> None:
        moment = world.clock.now()
        world.clock.now = lambda: moment  # type: ignore[method-assign]
        await world.create("replicasets", replica_set(1, minReadySeconds=30))
        await world.settle()
        await world.run_pods()
        (name,) = await world.names("pods")
        await world.clock.advance(20)
        unready = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
        await world.api.patch("pods", name, unready, "walk", subresource="status")
        await world.settle()
        await world.run_pods()
        available = []
        for seconds in (20, 11):
            await world.clock.advance(seconds)
            available.append((await world.get("replicasets", "set"))["status"].get("availableReplicas", 0))
        assert available == [0, 1]

    played(scenario, ReplicaSetController)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (pod("b"), pod("a", node="x")),
        (pod("b", node="x", phase="Pending"), pod("a", node="x")),
        (pod("b", node="x"), pod("a", node="x", ready=EARLY)),
        (pod("b", node="x", ready=EARLY, cost="-1"), pod("a", node="x", ready=LATE)),
        (pod("b", node="x", ready=LATE), pod("a", node="x", ready=EARLY)),
        (pod("b", node="x", ready=EARLY, born=LATE), pod("a", node="x", ready=EARLY, born=EARLY)),
        (pod("a", node="x", ready=EARLY), pod("b", node="x", ready=EARLY)),
    ],
)
def test_which_pod_goes_first(first: Object, last: Object) -> None:
    now = World().clock.now()
    assert first_to_delete([last, first], [], now) == [first, last]


def test_a_pod_doubled_up_on_a_node_goes_first() -> None:
    a, b, c = (pod(name, node=node, ready=EARLY) for name, node in (("a", "x"), ("b", "y"), ("c", "y")))
    assert first_to_delete([a, b], [a, b, c], World().clock.now()) == [b, a]

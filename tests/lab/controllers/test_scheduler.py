from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from aksdisks.lab.controllers.claim_binding import ClaimBinder
from aksdisks.lab.controllers.node_filters import NodeView, Refusal, refuse
from aksdisks.lab.controllers.scheduler import Scheduler
from aksdisks.lab.versions import Words
from tests.lab.controllers.helpers import World, played, spin
from tests.lab.controllers.storage_objects import ZONE, bound, claim, csi_node, node, pod, storage_class, volume
from tests.work import counted

TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
MARKS = {"pv.kubernetes.io/bind-completed": "yes"}


def scheduler(api: Any, clock: Any, ids: Any) -> Scheduler:
    """The logged API knows nothing of the binding call."""
    api.bind = api._api.bind
    return Scheduler(api, clock, ids)


async def cluster(world: World, nodes: int = 3, **spec: Any) -> None:
    await world.create("storageclasses", storage_class())
    await world.create("storageclasses", storage_class("now", "Immediate"))
    for number in range(nodes):
        await world.create("nodes", node(number, **spec))
    await world.settle()
    world.taken()


async def node_of(world: World, name: str = "p") -> str:
    return str((await world.get("pods", name))["spec"].get("nodeName", ""))


def test_a_volume_that_was_made_elsewhere_sends_its_pod_back() -> None:
    """As a clone's, which is in the zone of its source."""

    async def scenario(world: World) -> None:
        await world.create("storageclasses", storage_class())
        await world.create("nodes", node(0, zone="westeurope-1"))
        await world.create("persistentvolumeclaims", claim())
        await world.create("pods", pod("p", "data"))
        await world.settle()
        await world.create("persistentvolumes", volume(zone="westeurope-2"))
        patch = {"metadata": {"annotations": MARKS}, "spec": {"volumeName": "pv"}}
        await world.api.patch("persistentvolumeclaims", "data", patch, "walk")
        await world.clock.advance(2)
        assert await node_of(world) == ""
        assert world.events[0] == (
            'Warning FailedScheduling running PreBind plugin "VolumeBinding": binding volumes: pv "pv" node affinity '
            'doesn\'t match node "node-0": no matching NodeSelectorTerms'
        )
        await world.create("nodes", node(1, zone="westeurope-2"))
        await world.clock.advance(10)
        assert await node_of(world) == "node-1"

    played(scenario, scheduler)


def test_pods_go_where_the_fewest_are_ties_by_name() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        for name in "abcde":
            await world.create("pods", pod(name))
        await world.settle()
        placed = [await node_of(world, name) for name in "abcde"]
        assert placed == ["node-0", "node-1", "node-2", "node-0", "node-1"]
        assert world.events[0] == "Normal Scheduled Successfully assigned walk/a to node-0"

    played(scenario, scheduler)


def test_a_pod_waits_for_its_claim_on_the_node_chosen() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.create("persistentvolumeclaims", claim())
        await world.create("pods", pod("p", "data"))
        await world.settle()
        assert world.taken() == ["patch pods/status p", "update persistentvolumeclaims data"]
        assert (await world.get("pods", "p"))["status"]["nominatedNodeName"] == "node-0"
        notes = (await world.get("persistentvolumeclaims", "data"))["metadata"]["annotations"]
        assert notes == {"volume.kubernetes.io/selected-node": "node-0"}
        patch = {"metadata": {"annotations": MARKS}, "spec": {"volumeName": "pv"}}
        await world.api.patch("persistentvolumeclaims", "data", patch, "walk")
        await world.clock.advance(2)
        # Its volume is not seen yet.
        assert await node_of(world) == ""
        await world.create("persistentvolumes", volume())
        await world.clock.advance(2)
        assert await node_of(world) == "node-0"
        assert "nominatedNodeName" not in (await world.get("pods", "p"))["status"]

    played(scenario, scheduler)


def test_a_claim_that_is_not_bound_in_time() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.create("persistentvolumeclaims", claim())
        await world.create("pods", pod("p", "data"))
        await world.settle()
        await world.clock.advance(602)
        text = 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'
        assert world.events == [f"Warning FailedScheduling {text}"]
        status = (await world.get("pods", "p"))["status"]
        assert (status["conditions"][0]["reason"], status["conditions"][0]["message"]) == ("SchedulerError", text)

    played(scenario, scheduler)


async def _limit(world: World) -> None:
    for number in range(3):
        await world.create("csinodes", csi_node(number, 0))
    await bound(world)


async def _elsewhere(world: World) -> None:
    await bound(world, zone="westeurope-1")


async def _immediate(world: World) -> None:
    await world.create("persistentvolumeclaims", claim(storage_class="now"))


async def _deleting(world: World) -> None:
    await bound(world)
    await world.api.delete("persistentvolumeclaims", "data", "walk")


async def _lost(world: World) -> None:
    await world.create("persistentvolumeclaims", claim(volumeName="pv"))
    await world.api.patch("persistentvolumeclaims", "data", {"status": {"phase": "Lost"}}, "walk", subresource="status")


async def _static_only(world: World) -> None:
    await world.create("storageclasses", storage_class("local", provisioner="kubernetes.io/no-provisioner"))
    await world.create("persistentvolumeclaims", claim(storage_class="local"))


async def _nothing(_world: World) -> None:
    """A claim that does not exist."""


ALL = "3 Preemption is not helpful for scheduling"
NO_VICTIMS = "3 No preemption victims found for incoming pod"


@pytest.mark.parametrize(
    ("prepare", "reason", "hope"),
    [
        (_nothing, 'persistentvolumeclaim "data" not found', None),
        (_deleting, 'persistentvolumeclaim "data" is being deleted', None),
        (_lost, 'persistentvolumeclaim "data" bound to non-existent persistentvolume "pv"', None),
        (_immediate, "pod has unbound immediate PersistentVolumeClaims", None),
        (_elsewhere, "3 node(s) didn't match PersistentVolume's node affinity", ALL),
        (_static_only, "3 node(s) didn't find available persistent volumes to bind", ALL),
        (_limit, "3 node(s) exceed max volume count", NO_VICTIMS),
    ],
    ids=lambda value: getattr(value, "__name__", "").lstrip("_") or None,
)
def test_why_claims_keep_a_pod_from_every_node(prepare: Callable[[World], Any], reason: str, hope: str | None) -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await prepare(world)
        await world.settle()
        await world.create("pods", pod("p", "data"))
        await world.settle()
        nodes = "0/3 nodes are available:"
        rest = "not found" if hope is None else f"no new claims to deallocate, preemption: {nodes} {hope}."
        assert world.events == [f"Warning FailedScheduling {nodes} {reason}. {rest}"]
        condition = (await world.get("pods", "p"))["status"]["conditions"][0]
        assert (condition["type"], condition["status"], condition["reason"]) == (
            "PodScheduled",
            "False",
            "Unschedulable",
        )

    played(scenario, scheduler)


def test_a_pod_whose_claim_is_made_for_it_waits_for_that() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        template = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
        volumes = [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}]
        await world.create("pods", pod("p", volumes=volumes))
        await world.settle()
        why = 'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-scratch"'
        assert f"0/3 nodes are available: {why}. " in world.events[0]

    played(scenario, scheduler)


BIG = [{"name": "busy", "image": "i", "resources": {"requests": {"cpu": "3"}}}]


@pytest.mark.parametrize(
    ("of_node", "of_pod", "reason"),
    [
        ({"unschedulable": True}, {}, "node(s) were unschedulable"),
        ({"taints": [TAINT]}, {}, "node(s) had untolerated taint(s)"),
        ({"taints": [TAINT]}, {"tolerations": [{"key": "dedicated", "operator": "Exists"}]}, None),
        ({"taints": [TAINT | {"effect": "PreferNoSchedule"}]}, {}, None),
        ({}, {"nodeSelector": {"kubernetes.io/os": "windows"}}, "node(s) didn't match Pod's node affinity/selector"),
        ({}, {"nodeSelector": {"kubernetes.io/os": "linux"}}, None),
        ({}, {"containers": BIG}, "Insufficient cpu"),
    ],
)
def test_what_keeps_a_pod_from_a_node(of_node: dict, of_pod: dict, reason: str | None) -> None:
    async def scenario(world: World) -> None:
        await cluster(world, 1, **of_node)
        await world.create("pods", pod(**of_pod))
        await world.settle()
        assert await node_of(world) == ("node-0" if reason is None else "")
        if reason is not None:
            assert world.events[0].startswith(f"Warning FailedScheduling 0/1 nodes are available: 1 {reason}. ")

    played(scenario, scheduler)


def test_a_pod_that_fits_nowhere_is_scheduled_once_that_changes() -> None:
    async def scenario(world: World) -> None:
        await cluster(world, 1, taints=[TAINT])
        await world.create("pods", pod())
        await world.settle()
        await world.api.patch("nodes", "node-0", {"spec": {"taints": None}})
        await world.clock.advance(2)
        assert await node_of(world) == "node-0"

    played(scenario, scheduler)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_ends_makes_room(phase: str) -> None:
    async def scenario(world: World) -> None:
        await cluster(world, 1)
        for name in ("a", "b"):
            two = {"name": "busy", "image": "i", "resources": {"requests": {"cpu": "2"}}}
            await world.create("pods", pod(name, containers=[two]))
            await world.settle()
        await world.clock.advance(20)
        assert await node_of(world, "b") == ""
        await world.api.patch("pods", "a", {"status": {"phase": phase}}, "walk", subresource="status")
        await world.clock.advance(2)
        assert await node_of(world, "b") == "node-0"

    played(scenario, scheduler)


@pytest.mark.parametrize(
    ("of_volume", "of_node", "fits"),
    [
        ({"topology.kubernetes.io/zone": "a"}, {"topology.kubernetes.io/zone": "a"}, True),
        ({"topology.kubernetes.io/zone": "a"}, {"topology.kubernetes.io/zone": "b"}, False),
        ({"topology.kubernetes.io/zone": "a__b"}, {"topology.kubernetes.io/zone": "b"}, True),
        ({"topology.kubernetes.io/zone": "a"}, {"topology.kubernetes.io/region": "r"}, False),
        ({"topology.kubernetes.io/zone": "a"}, {}, True),
        ({"failure-domain.beta.kubernetes.io/zone": "a"}, {"topology.kubernetes.io/zone": "a"}, True),
        ({"failure-domain.beta.kubernetes.io/zone": "a"}, {"topology.kubernetes.io/zone": "b"}, False),
    ],
)
def test_the_zone_that_a_volume_is_labelled_with(of_volume: dict, of_node: dict, fits: bool) -> None:
    async def scenario(world: World) -> None:
        made = node(0)
        made["metadata"]["labels"] = {ZONE: "", **of_node}
        await world.create("nodes", made)
        await world.api.patch("nodes", "node-0", {"status": made["status"]}, subresource="status")
        await bound(world)
        await world.api.patch("persistentvolumes", "pv", {"metadata": {"labels": of_volume}})
        await world.settle()
        await world.create("pods", pod("p", "data"))
        await world.settle()
        assert await node_of(world) == ("node-0" if fits else "")
        if not fits:
            assert "1 node(s) had no available volume zone. " in world.events[0]

    played(scenario, scheduler)


def test_a_free_volume_is_bound_rather_than_a_new_one_made() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.create("persistentvolumes", volume())
        await world.api.patch("persistentvolumes", "pv", {"status": {"phase": "Available"}}, subresource="status")
        await world.create("persistentvolumeclaims", claim())
        await world.create("pods", pod("p", "data"))
        await world.settle()
        assert world.taken() == ["patch pods/status p", "update persistentvolumes pv"]
        assert (await world.get("persistentvolumes", "pv", None))["spec"]["claimRef"]["name"] == "data"

    played(scenario, scheduler)


ALL = [f"node-{number}" for number in range(9)]


@pytest.mark.parametrize(
    ("of_node", "of_pod", "looked_at"),
    [
        ({}, {}, ALL[2:3]),
        ({}, {"nodeSelector": {"no": "node"}}, ALL[2:] + ALL[:2]),
        ({"taints": [TAINT | {"effect": "PreferNoSchedule"}]}, {}, ALL),
    ],
    ids=["the first that does", "none does", "some are preferred"],
)
def test_a_large_cluster_is_not_looked_through(
    of_node: dict, of_pod: dict, looked_at: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no node is preferred, those with the fewest pods come first, and the first that does is the best."""
    seen: list[str] = []

    def noted(pod: Any, node: NodeView, words: Words) -> Refusal | None:
        seen.append(node.name)
        return refuse(pod, node, words)

    monkeypatch.setattr("aksdisks.lab.controllers.scheduler.refuse", noted)

    async def scenario(world: World) -> None:
        await cluster(world, len(ALL), **of_node)
        for number in range(2):
            await world.create("pods", pod(f"there-{number}", nodeName=ALL[number]))
        await world.settle()
        await world.create("pods", pod("p", **of_pod))
        await world.settle()
        assert seen[: len(ALL)] == looked_at

    played(scenario, scheduler)


def test_a_pod_costs_no_more_in_a_large_cluster() -> None:
    """Lines executed to schedule one pod: on few nodes and on many, beside few pods that wait for claims and many."""
    names = ("scheduler", "scheduling_snapshot", "node_filters", "pod_rules", "volume_filters")
    found: list[int] = []

    async def scenario(world: World) -> None:
        await cluster(world, 0)
        made = count()
        for nodes, waiting in ((range(10), range(10)), (range(10, 50), ()), ((), range(10, 50))):
            for number in nodes:
                await world.create("nodes", node(number))
            for number in waiting:
                await world.create("persistentvolumeclaims", claim(f"data-{number}"))
                await world.create("pods", pod(f"waits-{number}", f"data-{number}"))
            await world.settle()
            for _ in range(2):
                name = f"p-{next(made)}"
                await world.create("pods", pod(name))
                with counted(*(f"aksdisks.lab.controllers.{name}" for name in names)) as work:
                    await world.settle()
                assert await node_of(world, name)
                found.append(work.lines)

    played(scenario, scheduler)
    assert found[1] > 100
    assert max(found[1::2]) <= 1.1 * min(found[1::2]), found


def test_many_pods_that_wait_for_claims_do_not_keep_a_fast_lab_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """At speed 1,000 those that nothing happens to are looked at a thousand times a second together, not each often.

    One whose claim was bound goes on at once, and only that one is looked at for it.
    """
    looks: list[str] = []
    is_bound = ClaimBinder._is_bound

    def noted(self: ClaimBinder, claim: Any, *more: Any) -> bool:
        looks.append(claim["metadata"]["name"])
        return is_bound(self, claim, *more)

    monkeypatch.setattr(ClaimBinder, "_is_bound", noted)

    async def scenario(world: World) -> None:
        world.clock.speed = 1000.0
        await cluster(world)
        for number in range(50):
            await world.create("persistentvolumeclaims", claim(f"data-{number}"))
            await world.create("pods", pod(f"p-{number}", f"data-{number}"))
        await world.settle()
        await world.clock.advance(100)
        looks.clear()
        await world.clock.advance(1000)
        assert 900 <= len(looks) <= 1000
        looks.clear()
        patch = {"metadata": {"annotations": MARKS}, "spec": {"volumeName": "pv"}}
        await world.create("persistentvolumes", volume())
        await world.api.patch("persistentvolumeclaims", "data-7", patch, "walk")
        await spin()
        await world.clock.advance(10)
        assert await node_of(world, "p-7") == "node-1"
        assert looks.count("data-7") == 1

    played(scenario, scheduler)

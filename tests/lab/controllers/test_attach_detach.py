from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.controllers.attach_detach import AttachDetach
from aksdisks.lab.controllers.storage import attachment_name
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import DISKS, DRIVER, bound, node, pod

UNIQUE = f"kubernetes.io/csi/{DRIVER}^{DISKS}/pv"
HANDLE = f"{DISKS}/pv"


async def cluster(world: World) -> None:
    for number in range(2):
        await world.create("nodes", node(number))
        conditions = {"status": node(number)["status"]}
        await world.api.patch("nodes", f"node-{number}", conditions, subresource="status")
    await bound(world)


async def place(world: World, name: str, number: int) -> None:
    await world.create("pods", pod(name, "data", nodeName=f"node-{number}"))
    await world.settle()


async def report(world: World, number: int, status: dict[str, Any]) -> None:
    """Be the disk driver."""
    name = attachment_name(HANDLE, DRIVER, f"node-{number}")
    await world.api.patch("volumeattachments", name, {"status": status}, subresource="status")
    await world.settle()


async def use(world: World, number: int, *names: str) -> None:
    """Be the node agent."""
    status = {"status": {"volumesInUse": list(names) or None}}
    await world.api.patch("nodes", f"node-{number}", status, subresource="status")
    await world.settle()


def test_the_attachment_of_a_volume_has_upstreams_name() -> None:
    # Recorded: golden/walk.jsonl, the article's first volume on its first node.
    group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/MC_rig_aks_westeurope"
    disk = f"{group}/providers/Microsoft.Compute/disks/pvc-f16da6de-f120-4958-84c5-ef64905fbe3b"
    name = attachment_name(disk, DRIVER, "aks-agentpool-22115152-0")
    assert name == "csi-d03323589376fd33fc60e4a8d0a332c4fba53eb6f3f48d8d86acbd26f7faf6a0"


def test_attach_then_report() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "a", 0)
        name = attachment_name(HANDLE, DRIVER, "node-0")
        assert world.taken() == [f"create volumeattachments {name}"]
        made = await world.get("volumeattachments", name, None)
        assert made["spec"] == {
            "attacher": DRIVER,
            "source": {"persistentVolumeName": "pv"},
            "nodeName": "node-0",
        }
        await report(world, 0, {"attached": True})
        assert world.events == ['Normal SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "pv" ']
        assert world.taken() == ["patch nodes/status node-0"]
        reported = (await world.get("nodes", "node-0", None))["status"]["volumesAttached"]
        assert reported == [{"name": UNIQUE, "devicePath": ""}]

    played(scenario, AttachDetach)


async def foreign(world: World, number: int) -> str:
    """An attachment that somebody else makes."""
    name = attachment_name(HANDLE, DRIVER, f"node-{number}")
    spec = {"attacher": DRIVER, "source": {"persistentVolumeName": "pv"}, "nodeName": f"node-{number}"}
    await world.create("volumeattachments", {"metadata": {"name": name}, "spec": spec})
    await world.settle()
    return name


def test_an_attachment_that_no_pod_needs_and_others_made_is_left_alone() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        name = await foreign(world, 0)
        await report(world, 0, {"attached": True})
        await world.clock.advance(1000)
        assert (world.taken(), world.events) == ([], [])
        # Nor does it keep the volume from another node.
        await place(world, "a", 1)
        assert world.taken() == [f"create volumeattachments {attachment_name(HANDLE, DRIVER, 'node-1')}"]
        # Once a pod has needed it, it goes with the pod.
        await place(world, "b", 0)
        assert 'Normal SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "pv" ' in world.events
        world.taken()
        await world.api.delete("pods", "b", "walk", grace_period_seconds=0)
        await world.settle()
        assert f"delete volumeattachments {name}" in world.taken()

    played(scenario, AttachDetach)


def test_an_attachment_that_is_there_at_the_start_goes_when_no_pod_needs_it() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        name = await foreign(world, 0)
        await world.run(AttachDetach)
        assert f"delete volumeattachments {name}" in world.taken()

    played(scenario)


def test_a_second_node_is_told_once_and_gets_the_volume_when_the_first_lets_go() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "a", 0)
        await report(world, 0, {"attached": True})
        await use(world, 0, UNIQUE)
        await place(world, "b", 1)
        await world.clock.advance(300)
        told = 'Multi-Attach error for volume "pv" Volume is already used by pod(s) a'
        assert world.events[1:] == [f"Warning FailedAttachVolume {told}"]
        world.taken()

        await world.api.delete("pods", "a", "walk", grace_period_seconds=0)
        await world.settle()
        assert world.taken() == []
        await use(world, 0)
        first, second = (attachment_name(HANDLE, DRIVER, f"node-{number}") for number in range(2))
        assert world.taken() == [
            "patch nodes/status node-0",
            f"delete volumeattachments {first}",
            f"create volumeattachments {second}",
        ]
        assert "volumesAttached" not in (await world.get("nodes", "node-0", None))["status"]

    played(scenario, AttachDetach)


def test_a_node_that_lets_go_while_its_report_is_written_is_heard() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "a", 0)
        await report(world, 0, {"attached": True})
        await use(world, 0, UNIQUE)
        await world.api.delete("pods", "a", "walk", grace_period_seconds=0)
        await world.settle()
        name = attachment_name(HANDLE, DRIVER, "node-0")
        patch = world.api.patch

        async def meanwhile(resource: str, *what: Any, **more: Any) -> Any:
            if resource == "nodes":
                await patch("nodes", "node-0", {"status": {"volumesInUse": None}}, subresource="status")
            return await patch(resource, *what, **more)

        world.api.patch = meanwhile  # type: ignore[method-assign]
        # What makes the controller report the node again; that write's answer has the node's own report in it.
        await patch("nodes", "node-0", {"status": {"volumesAttached": None}}, subresource="status")
        await patch("volumeattachments", name, {"metadata": {"labels": {"a": "b"}}})
        await world.settle()
        assert (await world.api.list("volumeattachments"))[0] == []

    played(scenario, AttachDetach)


EXCLUSIVE = "Volume is already exclusively attached to one node and can't be attached to another"


async def lost(world: World) -> str:
    """The volume is leaving a node that is out of service, for a pod that waits on another; its attachment."""
    await cluster(world)
    await place(world, "a", 0)
    await report(world, 0, {"attached": True})
    await use(world, 0, UNIQUE)
    taint = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}
    await world.api.patch("nodes", "node-0", {"spec": {"taints": [taint]}})
    name = attachment_name(HANDLE, DRIVER, "node-0")
    await world.api.patch("volumeattachments", name, {"metadata": {"finalizers": ["external-attacher/disk"]}})
    await world.api.delete("pods", "a", "walk", grace_period_seconds=0)
    await place(world, "a", 1)
    world.events.clear()
    world.taken()
    return name


def test_no_multi_attach_is_told_while_the_volume_is_being_detached() -> None:
    async def scenario(world: World) -> None:
        name = await lost(world)
        await world.clock.advance(100)
        await world.api.patch("volumeattachments", name, {"metadata": {"finalizers": None}})
        await world.settle()
        assert world.taken() == [f"create volumeattachments {attachment_name(HANDLE, DRIVER, 'node-1')}"]
        assert world.events == []

    played(scenario, AttachDetach)


@pytest.mark.parametrize(("failed", "seconds"), [(True, 1), (False, 121)])
def test_multi_attach_is_told_once_the_detach_has_failed(failed: bool, seconds: float) -> None:
    async def scenario(world: World) -> None:
        await lost(world)
        if failed:
            await report(world, 0, {"attached": True, "detachError": {"message": "rpc error: no"}})
        await world.clock.advance(seconds)
        text = f'Warning FailedAttachVolume Multi-Attach error for volume "pv" {EXCLUSIVE}'
        assert (world.taken(), world.events) == ([], [text])

    played(scenario, AttachDetach)


def test_no_multi_attach_is_told_while_the_volume_is_being_attached_elsewhere() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "a", 0)
        await place(world, "b", 1)
        assert world.events == []
        await report(world, 0, {"attached": True})
        assert [event.split()[1] for event in world.events] == ["SuccessfulAttachVolume", "FailedAttachVolume"]

    played(scenario, AttachDetach)


@pytest.mark.parametrize(
    ("holders", "text"),
    [
        ({"walk": 2}, "Volume is already used by pod(s) h0, h1"),
        ({}, EXCLUSIVE),
    ],
)
def test_the_words_of_multi_attach(holders: dict[str, int], text: str) -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "h0", 0)
        await place(world, "h1", 0)
        await report(world, 0, {"attached": True})
        await use(world, 0, UNIQUE)
        if not holders:
            for name in ("h0", "h1"):
                await world.api.delete("pods", name, "walk", grace_period_seconds=0)
        await place(world, "b", 1)
        assert world.events[-1] == f'Warning FailedAttachVolume Multi-Attach error for volume "pv" {text}'

    played(scenario, AttachDetach)


def test_an_attach_that_fails_is_told_again_after_a_back_off_until_it_succeeds() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "a", 0)
        await report(world, 0, {"attached": False, "attachError": {"message": "rpc error: no"}})
        text = 'Warning FailedAttachVolume AttachVolume.Attach failed for volume "pv" : rpc error: no'
        assert world.events == [text]
        await world.clock.advance(0.6)
        assert world.events[1:] == [f"{text} x2"]
        await report(world, 0, {"attached": True, "attachError": None})
        assert world.events[2:] == ['Normal SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "pv" ']

    played(scenario, AttachDetach)


def test_an_attach_that_nobody_answers_times_out() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "a", 0)
        await world.clock.advance(121)
        problem = f"timed out waiting for external-attacher of {DRIVER} CSI driver to attach volume {HANDLE}"
        assert world.events == [f'Warning FailedAttachVolume AttachVolume.Attach failed for volume "pv" : {problem}']

    played(scenario, AttachDetach)


@pytest.mark.parametrize(("ready", "deleted"), [("True", False), ("Unknown", True)])
def test_a_volume_in_use_leaves_by_force_only_from_a_node_that_is_not_ready(ready: str, deleted: bool) -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "a", 0)
        await report(world, 0, {"attached": True})
        await use(world, 0, UNIQUE)
        conditions = {"status": {"conditions": [{"type": "Ready", "status": ready}]}}
        await world.api.patch("nodes", "node-0", conditions, subresource="status")
        await world.api.delete("pods", "a", "walk", grace_period_seconds=0)
        await world.settle()
        await world.clock.advance(359)
        assert (await world.api.list("volumeattachments"))[0]
        await world.clock.advance(2)
        assert bool((await world.api.list("volumeattachments"))[0]) != deleted

    played(scenario, AttachDetach)


def test_two_volumes_of_one_disk_share_its_attachment_and_no_second_node_gets_it() -> None:
    """By the disk's unique name, as upstream does; the volume that is told of is that of the pod which waits."""

    async def scenario(world: World) -> None:
        await cluster(world)
        await bound(world, "twin", "pv2", csi={"driver": DRIVER, "volumeHandle": HANDLE})
        await place(world, "a", 0)
        await report(world, 0, {"attached": True})
        await world.create("pods", pod("beside", "twin", nodeName="node-0"))
        await world.create("pods", pod("b", "twin", nodeName="node-1"))
        await world.settle()
        text = 'Multi-Attach error for volume "pv2" Volume is already used by pod(s) a, beside'
        assert world.events[1:] == [f"Warning FailedAttachVolume {text}"]
        first, second = (attachment_name(HANDLE, DRIVER, f"node-{number}") for number in range(2))
        world.taken()
        # What the first volume's pod leaves is still used by the second volume's.
        await world.api.delete("pods", "a", "walk", grace_period_seconds=0)
        await world.clock.advance(1)
        assert world.taken() == []
        await world.api.delete("pods", "beside", "walk", grace_period_seconds=0)
        await world.settle()
        assert world.taken()[-2:] == [f"delete volumeattachments {first}", f"create volumeattachments {second}"]
        made = await world.get("volumeattachments", second, None)
        assert made["spec"]["source"] == {"persistentVolumeName": "pv2"}

    played(scenario, AttachDetach)

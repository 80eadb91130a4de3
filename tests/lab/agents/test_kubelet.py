from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aksdisks.lab.agents.kubelet.image_manager import NodeImages
from aksdisks.lab.agents.kubelet.kubelet import NodeAgent
from aksdisks.lab.agents.kubelet.pod_status import go_duration, image_bytes
from aksdisks.lab.client.interface import ApiError
from aksdisks.lab.scenario import Delays
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import DISKS, DRIVER, bound, node, pod

UNIQUE = f"kubernetes.io/csi/{DRIVER}^{DISKS}/pv"
IMAGE = "vplauzon/get-started:part2-no-redis"
ATTACHED = {"status": {"volumesAttached": [{"name": UNIQUE, "devicePath": ""}]}}


def agent(api: Any, clock: Any, ids: Any) -> NodeAgent:
    return NodeAgent(api, clock, ids, "node-0", Delays())


async def cluster(world: World) -> None:
    await world.create("namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "kube-node-lease"}})
    for number in range(2):
        await world.create("nodes", node(number))
    await bound(world)
    await world.settle()
    world.taken()


async def place(world: World, name: str = "p", number: int = 0, *claims: str) -> dict[str, Any]:
    made = await world.create("pods", pod(name, *claims, nodeName=f"node-{number}"))
    await world.settle()
    return made


async def status(world: World, name: str = "p") -> dict[str, Any]:
    found: dict[str, Any] = (await world.get("pods", name))["status"]
    return found


async def in_use(world: World) -> list[str]:
    return list((await world.get("nodes", "node-0", None))["status"].get("volumesInUse", []))


def test_a_report_that_is_refused_once_is_made_again() -> None:
    """Else the volume would stay in use, and attached, for ever."""

    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "p", 0, "data")
        await world.api.patch("nodes", "node-0", ATTACHED, subresource="status")
        await world.clock.advance(5)
        patch, refusals = world.api.patch, iter([ApiError(500, "InternalError", "etcdserver: request timed out")])

        async def refused(resource: str, *what: Any, **more: Any) -> Any:
            if resource == "nodes" and (error := next(refusals, None)) is not None:
                raise error
            return await patch(resource, *what, **more)

        world.api.patch = refused  # type: ignore[method-assign]
        await world.api.delete("pods", "p", "walk", grace_period_seconds=0)
        await world.settle()
        await world.clock.advance(5)
        assert await in_use(world) == []

    played(scenario, agent)


def test_a_pod_waits_for_its_volume_and_runs() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "p", 0, "data")
        assert world.taken()[:2] == ["patch pods/status p", "patch nodes/status node-0"]
        now = await status(world)
        assert now["containerStatuses"][0] == {
            "name": "busy",
            "state": {"waiting": {"reason": "ContainerCreating"}},
            "lastState": {},
            "ready": False,
            "restartCount": 0,
            "image": IMAGE,
            "imageID": "",
            "started": False,
        }
        kinds = [(entry["type"], entry["status"]) for entry in now["conditions"]]
        assert kinds == [
            ("Initialized", "True"),
            ("Ready", "False"),
            ("ContainersReady", "False"),
            ("PodScheduled", "True"),
        ]
        await world.clock.advance(500)
        assert (await status(world))["phase"] == "Pending"
        assert (world.events, await in_use(world)) == ([], [UNIQUE])

        await world.api.patch("nodes", "node-0", ATTACHED, subresource="status")
        await world.settle()
        await world.clock.advance(5)
        now = await status(world)
        assert (now["phase"], now["podIP"]) == ("Running", "10.244.0.10")
        assert world.events == [
            f'Normal Pulling Pulling image "{IMAGE}"',
            f'Normal Pulled Successfully pulled image "{IMAGE}" in 1.5s (1.5s including waiting). '
            f"Image size: {image_bytes(IMAGE)} bytes.",
            "Normal Created Container created",
            "Normal Started Container started",
        ]

    played(scenario, agent)


def test_an_image_that_no_registry_has_is_tried_again_after_longer_and_longer_pauses() -> None:
    """What else the pod consists of runs meanwhile (K pkg/kubelet/images/image_manager.go)."""
    image, whole = "nosuchimage", "docker.io/library/nosuchimage:latest"
    why = (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{whole}": '
        f'failed to resolve reference "{whole}": {whole}: not found'
    )
    back_off = f'Back-off pulling image "{image}"'

    async def scenario(world: World) -> None:
        await cluster(world)
        made = pod("p", nodeName="node-0")
        made["spec"]["containers"].insert(0, {"name": "absent", "image": image})
        made["spec"]["containers"][1]["image"] = "busybox"
        await world.create("pods", made)
        await world.settle()

        async def told_after(seconds: float) -> list[str]:
            world.events.clear()
            await world.clock.advance(seconds)
            return [event.split()[1] for event in world.events]

        async def waits() -> Any:
            return (await status(world))["containerStatuses"][0]["state"]["waiting"]

        await world.clock.advance(4.1)
        assert world.events[:3] == [
            f'Normal Pulling Pulling image "{image}"',
            f'Warning Failed Failed to pull image "{image}": {why}',
            "Warning Failed Error: ErrImagePull",
        ]
        assert await waits() == {"reason": "ErrImagePull", "message": why}
        now = await status(world)
        assert (now["phase"], "running" in now["containerStatuses"][1]["state"]) == ("Pending", True)
        await world.clock.advance(1)
        assert world.events[-2:] == [f"Normal BackOff {back_off}", "Warning Failed Error: ImagePullBackOff"]
        assert await waits() == {"reason": "ImagePullBackOff", "message": f"{back_off}: ErrImagePull: {why}"}

        pull, wait = ["Pulling", "Failed", "Failed"], ["BackOff", "Failed"]
        assert await told_after(14) == pull  # more than ten seconds after the failure
        assert await told_after(40) == [*wait, *pull, *wait]  # twice that, and then longer
        await world.api.delete("pods", "p", "walk")
        await world.settle()
        await world.clock.advance(5)
        assert await world.get("pods", "p") is None

    played(scenario, agent)


def test_an_image_that_may_not_be_pulled_is_waited_for() -> None:
    """A pull for another pod brings it (K pkg/kubelet/images/image_manager.go, ErrImageNeverPull)."""
    why = f'Container image "{IMAGE}" is not present with pull policy of Never'
    told = [f"Warning ErrImageNeverPull {why}", "Warning Failed Error: ErrImageNeverPull"]

    async def scenario(world: World) -> None:
        await cluster(world)
        made = pod("p", nodeName="node-0")
        made["spec"]["containers"][0] |= {"image": IMAGE, "imagePullPolicy": "Never"}
        await world.create("pods", made)
        await world.settle()
        await world.clock.advance(1.5)
        assert world.events[:4] == [*told, *(f"{line} x2" for line in told)]  # it is no pull: nothing backs off
        [container] = (await status(world))["containerStatuses"]
        assert container["state"] == {"waiting": {"reason": "ErrImageNeverPull", "message": why}}
        other = pod("q", nodeName="node-0")
        other["spec"]["containers"][0]["image"] = IMAGE
        await world.create("pods", other)
        await world.clock.advance(30)
        assert (await status(world))["phase"] == "Running"

    played(scenario, agent)


def test_the_pauses_between_two_pulls_double_up_to_five_minutes_and_are_each_pods_own() -> None:
    class Now:
        seconds = 0.0

        def monotonic(self) -> float:
            return self.seconds

        async def sleep(self, seconds: float) -> None:
            self.seconds += seconds

    clock = Now()
    images = NodeImages(clock, 0.0, ["*:404"])  # type: ignore[arg-type]

    async def pulls(uid: str, seconds: int) -> list[int]:
        pulled: list[int] = []
        for second in range(seconds):
            clock.seconds = second
            said: list[str] = []
            assert await images.ensure(uid, {"image": "x:404"}, lambda *told: said.append(told[1]))  # noqa: B023
            pulled += [second] if "Pulling" in said else []
        return pulled

    assert asyncio.run(pulls("one", 1300)) == [0, 10, 30, 70, 150, 310, 610, 910, 1210]
    assert asyncio.run(pulls("two", 20)) == [0, 10]


def test_a_second_pod_on_the_node_finds_image_and_volume() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.api.patch("nodes", "node-0", ATTACHED, subresource="status")
        await place(world, "p", 0, "data")
        await world.clock.advance(5)
        await place(world, "q", 0, "data")
        await world.clock.advance(1.1)
        assert (await status(world, "q"))["phase"] == "Running"
        present = f'Normal Pulled Container image "{IMAGE}" already present on machine and can be accessed by the pod'
        assert world.events[4] == present

    played(scenario, agent)


@pytest.mark.parametrize(
    ("modes", "told"),
    [
        (["ReadWriteOnce"], []),
        (
            ["ReadWriteOncePod"],
            [
                'Warning FailedMount MountVolume.SetUp failed for volume "pv" : volume uses the ReadWriteOncePod '
                "access mode and is already in use by another pod"
            ],
        ),
    ],
)
def test_a_volume_for_one_pod_keeps_a_second_one_on_the_node_waiting(modes: list[str], told: list[str]) -> None:
    """The scheduler, which would have seen to that, was not asked: the pod names its node."""

    async def scenario(world: World) -> None:
        await world.create(
            "namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "kube-node-lease"}}
        )
        await world.create("nodes", node(0))
        await bound(world, of_claim={"accessModes": modes}, accessModes=modes)
        await world.settle()
        await world.api.patch("nodes", "node-0", ATTACHED, subresource="status")
        await place(world, "first", 0, "data")
        await world.clock.advance(5)
        world.events.clear()
        await place(world, "second", 0, "data")
        await world.clock.advance(0.1)
        assert [event for event in world.events if "Warning" in event] == told
        await world.clock.advance(10)
        assert (await status(world, "second"))["phase"] == ("Pending" if told else "Running")
        await world.api.delete("pods", "first", "walk")
        await world.clock.advance(30)
        assert (await status(world, "second"))["phase"] == "Running"
        assert await in_use(world) == [UNIQUE]

    played(scenario, agent)


def test_pods_of_other_nodes_are_left_alone() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "p", 1, "data")
        assert (world.taken(), await in_use(world)) == ([], [])

    played(scenario, agent)


def test_the_end_of_a_pod_and_then_of_its_volume() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.api.patch("nodes", "node-0", ATTACHED, subresource="status")
        await place(world, "p", 0, "data")
        await world.clock.advance(5)
        world.taken()
        await world.api.delete("pods", "p", "walk")
        await world.settle()
        assert (world.events[-1], world.taken()) == ("Normal Killing Stopping container busy", [])
        await world.clock.advance(1.1)
        assert (world.taken(), await in_use(world)) == (["delete pods p"], [UNIQUE])
        await world.clock.advance(0.6)
        assert (world.taken(), await in_use(world)) == (["patch nodes/status node-0"], [])

    played(scenario, agent)


def test_a_successor_that_comes_in_time_keeps_the_volume() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.api.patch("nodes", "node-0", ATTACHED, subresource="status")
        await place(world, "p", 0, "data")
        await world.clock.advance(5)
        await world.api.delete("pods", "p", "walk", grace_period_seconds=0)
        await place(world, "p", 0, "data")
        world.taken()
        await world.clock.advance(3)
        assert world.taken() == ["patch pods/status p"]
        assert ((await status(world))["phase"], await in_use(world)) == ("Running", [UNIQUE])

    played(scenario, agent)


def test_a_pod_that_never_started_goes_without_a_word() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, "p", 0, "data")
        world.taken()
        await world.api.delete("pods", "p", "walk")
        await world.settle()
        assert world.taken() == ["delete pods p", "patch nodes/status node-0"]
        assert (world.events, await in_use(world)) == ([], [])

    played(scenario, agent)


def test_the_lease_is_renewed_every_ten_seconds() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.clock.advance(31)
        assert world.taken() == ["create leases node-0", "patch leases node-0", "patch leases node-0"]
        assert (await world.get("leases", "node-0", "kube-node-lease"))["spec"]["renewTime"].endswith("Z")

    played(scenario, agent)


def test_of_five_thousand_nodes_each_renews_its_lease_less_often() -> None:
    def one_of_many(api: Any, clock: Any, ids: Any) -> NodeAgent:
        return NodeAgent(api, clock, ids, "node-0", Delays(), nodes=5000)

    async def scenario(world: World) -> None:
        await cluster(world)
        await world.clock.advance(151)
        assert world.taken() == ["create leases node-0", "patch leases node-0", "patch leases node-0"]

    played(scenario, one_of_many)


@pytest.mark.parametrize(("nodes", "reports"), [(1, 2), (100, 2), (3000, 0)])
def test_of_many_nodes_each_reports_its_conditions_less_often(nodes: int, reports: int) -> None:
    """As with leases: what 3,000 nodes write together in a real second is not more than what 300 do."""

    def one_of_many(api: Any, clock: Any, ids: Any) -> NodeAgent:
        return NodeAgent(api, clock, ids, "node-0", Delays(), nodes=nodes)

    async def scenario(world: World) -> None:
        await cluster(world)
        await world.clock.advance(650)
        assert world.taken().count("patch nodes/status node-0") == reports

    played(scenario, one_of_many)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (0.35, "350ms"), (1.5, "1.5s"), (2.0, "2s"), (1.2345, "1.234s"), (62.5, "1m2.5s")]
)
def test_durations_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


def test_pods_of_a_node_that_was_taken_for_lost_are_ready_again() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world)
        await world.clock.advance(5)
        lost = {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}
        await world.api.patch("nodes", "node-0", lost, subresource="status")
        not_ready = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
        await world.api.patch("pods", "p", not_ready, "walk", subresource="status", patch_type="strategic")
        await world.clock.advance(11)
        for of in ((await world.get("nodes", "node-0", None))["status"], await status(world)):
            assert [entry["status"] for entry in of["conditions"] if entry["type"] == "Ready"] == ["True"]

    played(scenario, agent)


def test_an_agent_that_starts_again_takes_over_what_runs() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await world.api.patch("nodes", "node-0", ATTACHED, subresource="status")
        await place(world, "ends", 0, "data")
        await place(world, "stays")
        await world.clock.advance(5)
        await world.stop()
        addresses = {(await status(world, name))["podIP"] for name in ("ends", "stays")}
        await world.api.delete("pods", "ends", "walk")
        stale = {"status": {"volumesInUse": [UNIQUE, f"{UNIQUE}-of-a-pod-that-was-deleted-by-force"]}}
        await world.api.patch("nodes", "node-0", stale, subresource="status")

        await world.run(agent)
        assert await in_use(world) == [UNIQUE]
        assert (await world.get("pods", "ends")) is not None, "its container has a second to stop"
        await place(world, "new")
        await world.clock.advance(5)
        assert (await world.get("pods", "ends"), await in_use(world)) == (None, [])
        assert (await status(world, "new"))["podIP"] not in addresses
        assert f'Normal Pulled Container image "{IMAGE}" already present' in " ".join(world.events)

    played(scenario, agent)

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.agents.csi.resizer import DiskResizer
from aksdisks.lab.agents.kubelet.expansion import NodeExpansion
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.controllers.volume_expand import VolumeExpand
from tests.lab.agents.azure import FakeCompute
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import DISKS, bound, pod, storage_class

MORE = {"spec": {"resources": {"requests": {"storage": "40Gi"}}}}


def resizer(compute: FakeCompute) -> Any:
    def build(api: Any, clock: Any, ids: Any) -> DiskResizer:
        compute.clock = clock
        return DiskResizer(api, clock, ids, compute)

    return build


class Node(Controller):
    """A node agent that does nothing but this."""

    name = "kubelet"
    nodes_in_all = 1

    async def started(self) -> None:
        pods = self.watch("pods", None)
        self.spawn(pods.run())
        recorder = EventRecorder(self.api, self.clock, self.name, host="node-0")
        self.spawn(NodeExpansion(self.api, self.clock, "node-0", pods, recorder, self.nodes_in_all).run())


async def asked(world: World) -> None:
    await world.create("storageclasses", storage_class())
    await bound(world)
    capacity = {"status": {"capacity": {"storage": "25Gi"}}}
    await world.api.patch("persistentvolumeclaims", "data", capacity, "walk", subresource="status")
    await world.settle()
    await world.api.patch("persistentvolumeclaims", "data", MORE, "walk")
    await world.settle()


def test_a_claim_that_asks_for_more_gets_it_once_a_pod_runs() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await asked(world)
        status = (await world.get("persistentvolumeclaims", "data"))["status"]
        assert [condition["type"] for condition in status["conditions"]] == ["Resizing"]
        await world.clock.advance(3)
        assert compute.calls == ["resize pv 40"]
        assert (await world.get("persistentvolumes", "pv", None))["spec"]["capacity"] == {"storage": "40Gi"}
        status = (await world.get("persistentvolumeclaims", "data"))["status"]
        assert [condition["type"] for condition in status["conditions"]] == ["FileSystemResizePending"]
        assert status["capacity"] == {"storage": "25Gi"}

        await world.create("pods", pod("p", "data", nodeName="node-0"))
        await world.run_pods("p")
        await world.clock.advance(61)
        status = (await world.get("persistentvolumeclaims", "data"))["status"]
        assert (status["capacity"], "conditions" in status) == ({"storage": "40Gi"}, False)
        done = 'Normal FileSystemResizeSuccessful MountVolume.NodeExpandVolume succeeded for volume "pv" node-0'
        assert sorted(world.events) == sorted(
            [
                "Normal ExternalExpanding waiting for an external controller to expand this PVC",
                "Normal Resizing External resizer is resizing volume pv",
                "Normal FileSystemResizeRequired Require file system resize of volume on node",
                done,
                done,
            ]
        )

    played(scenario, VolumeExpand, resizer(compute), Node)


def test_a_refused_resize_is_tried_again() -> None:
    compute = FakeCompute()
    compute.refusals = [CloudError(409, "Conflict", "busy")]

    async def scenario(world: World) -> None:
        await asked(world)
        await world.clock.advance(2.5)
        start = 'Warning VolumeResizeFailed resize volume "pv" by resizer "disk.csi.azure.com" failed: rpc error: '
        assert world.events[-1].startswith(start)
        status = (await world.get("persistentvolumeclaims", "data"))["status"]
        assert status["allocatedResourceStatuses"] == {"storage": "ControllerResizeInProgress"}
        assert [condition["type"] for condition in status["conditions"]] == ["Resizing", "ControllerResizeError"]
        problem = (
            f"failed to expand pvc with rpc error: code = Internal desc = failed to resize disk({DISKS}/pv) with error("
        )
        assert status["conditions"][1]["message"].startswith(problem)
        await world.clock.advance(4)
        status = (await world.get("persistentvolumeclaims", "data"))["status"]
        assert [condition["type"] for condition in status["conditions"]] == ["FileSystemResizePending"]
        assert world.events[-1] == "Normal FileSystemResizeRequired Require file system resize of volume on node"

    played(scenario, resizer(compute))


def test_a_second_resize_waits_until_the_node_is_through_with_the_first() -> None:
    """Sizes are rounded up to whole GiB on the disk and the volume; the claim notes what was asked for."""
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await asked(world)
        await world.clock.advance(3)
        more = {"spec": {"resources": {"requests": {"storage": "51000Mi"}}}}
        await world.api.patch("persistentvolumeclaims", "data", more, "walk")
        await world.clock.advance(60)
        assert compute.calls == ["resize pv 40"]
        await world.create("pods", pod("p", "data", nodeName="node-0"))
        await world.run_pods("p")
        await world.clock.advance(63)
        assert compute.calls == ["resize pv 40", "resize pv 50"]
        status = (await world.get("persistentvolumeclaims", "data"))["status"]
        assert (status["capacity"], status["allocatedResources"]) == ({"storage": "40Gi"}, {"storage": "51000Mi"})
        await world.clock.advance(60)
        status = (await world.get("persistentvolumeclaims", "data"))["status"]
        assert status["capacity"] == {"storage": "50Gi"}

    played(scenario, resizer(compute), Node)


def test_a_resize_that_was_cut_short_after_the_volume_grew_is_finished() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await asked(world)
        await world.stop()
        grown = {"spec": {"capacity": {"storage": "40Gi"}}}
        await world.api.patch("persistentvolumes", "pv", grown)
        await world.run(resizer(compute))
        await world.clock.advance(3)
        status = (await world.get("persistentvolumeclaims", "data"))["status"]
        assert status["allocatedResourceStatuses"] == {"storage": "NodeResizePending"}

    played(scenario, resizer(compute))


@pytest.mark.parametrize(("nodes", "claims", "looks"), [(1, 2, 10), (5000, 1, 10), (5000, 4, 3), (5000, 12, 1)])
def test_of_many_nodes_each_reads_its_claims_less_often(nodes: int, claims: int, looks: int) -> None:
    """All nodes together read 100 in a second at most, whatever runs on them; else one look a minute."""
    reads: list[str] = []

    class OneOfMany(Node):
        nodes_in_all = nodes

    async def scenario(world: World) -> None:
        for number in range(claims):
            await bound(world, f"data-{number}", f"pv-{number}")
            await world.create("pods", pod(f"p-{number}", f"data-{number}", nodeName="node-0"))
        await world.run_pods()
        get = world.api.get

        async def noted(resource: str, name: str, namespace: str | None = None) -> Any:
            if resource == "persistentvolumeclaims":
                reads.append(name)
            return await get(resource, name, namespace)

        world.api.get = noted  # type: ignore[method-assign]
        await world.run(OneOfMany)
        await world.clock.advance(605)
        assert len(reads) == looks * claims

    played(scenario)

"""Claims that are restored from snapshots: the provisioner's refusals, and what the driver asks Azure for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.snapshots import CONTENTS, SNAPSHOTS
from tests.lab.agents.azure import FakeCompute
from tests.lab.agents.test_csi import READY, provisioner
from tests.lab.controllers.helpers import World
from tests.lab.controllers.snapshot_objects import HANDLE, content, made, snapped, snapshot, told
from tests.lab.controllers.storage_objects import claim, node, storage_class

SOURCE = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "first"}
HOLD = "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection"
GIB = 2**30
TOLD = "Warning ProvisioningFailed error getting handle for DataSource Type VolumeSnapshot by Name first:"


def azure(gib: int = 25) -> FakeCompute:
    compute = FakeCompute()
    compute.snapshots = {HANDLE: {"id": HANDLE, "properties": {"diskSizeBytes": gib * GIB}}}
    return compute


async def taken(world: World, status: Object, of_content: Object | None = None, **spec: Any) -> None:
    """A snapshot with its content, as its controllers leave them."""
    one = await made(world, snapshot())
    await made(world, content(of=one, **({"sourceVolumeMode": "Filesystem"} | spec)))
    await told(world, "content", **({"snapshotHandle": HANDLE, "readyToUse": True} | (of_content or {})))
    one = copy.deepcopy(await world.api.get(SNAPSHOTS, "first", "walk"))
    one["status"] = {"boundVolumeSnapshotContentName": "content", "readyToUse": True, "restoreSize": "25Gi"} | status
    await world.api.update(SNAPSHOTS, one, subresource="status")


async def asked(world: World, *, zone: str = "", **spec: Any) -> Object:
    await world.create("nodes", node(0, zone=zone))
    await world.create("storageclasses", storage_class())
    wanted = claim(**({"dataSource": SOURCE} | spec))
    wanted["metadata"]["annotations"] = READY
    return await made_claim(world, wanted)


async def made_claim(world: World, wanted: Object) -> Object:
    created = await world.create("persistentvolumeclaims", wanted)
    await world.settle()
    return created


@pytest.mark.parametrize(
    ("size", "zone", "of", "status", "call"),
    [
        ("25Gi", "", 25, {}, "25 Premium_LRS None from old"),
        ("30Gi", "", 25, {}, "30 Premium_LRS None from old"),
        # A snapshot is the region's: its disk is made in the zone of the claim's node.
        ("25Gi", "westeurope-2", 25, {}, "25 Premium_LRS 2 from old"),
        # Of one that was made by hand nobody knows the size: a little more is left to Azure, much more refused there.
        ("25Gi", "", 26, {"restoreSize": None}, "0 Premium_LRS None from old"),
        ("25Gi", "", 76, {"restoreSize": None}, "25 Premium_LRS None from old"),
    ],
)
def test_a_restore_is_a_copy_of_the_snapshot(size: str, zone: str, of: int, status: Object, call: str) -> None:
    compute = azure(of)

    async def scenario(world: World) -> None:
        await taken(world, status)
        wanted = await asked(world, size=size, zone=zone)
        held = await world.get(SNAPSHOTS, "first")
        assert held is not None
        assert HOLD in held["metadata"]["finalizers"]
        await world.clock.advance(2.5)
        name = f"pvc-{wanted['metadata']['uid']}"
        assert compute.calls == [f"create {name} {call}"]
        there = await world.get("persistentvolumes", name, None)
        assert there is not None
        assert there["spec"]["capacity"] == {"storage": size}
        free = await world.get(SNAPSHOTS, "first")
        assert free is not None
        assert HOLD not in free["metadata"].get("finalizers", ())

    snapped(scenario, provisioner(compute))


@pytest.mark.parametrize(
    ("status", "spec", "of_claim", "said"),
    [
        ({"boundVolumeSnapshotContentName": None}, {}, {}, f"{TOLD} snapshot first not bound"),
        ({"boundVolumeSnapshotContentName": "gone"}, {}, {},
         f"{TOLD} error getting snapshotcontent gone for snapshot first"),
        ({}, {"volumeSnapshotRef": {"name": "first", "namespace": "walk", "uid": "other"}}, {},
         f"{TOLD} snapshotcontent content for snapshot first is bound to a different snapshot"),
        ({}, {"driver": "file.csi.azure.com"}, {},
         f"{TOLD} snapshotcontent content for snapshot first is not handled by CSI driver of StorageClass "
         "managed-premium"),
        ({"readyToUse": False}, {}, {}, f"{TOLD} snapshot first is not Ready"),
        ({}, {}, {"size": "24Gi"}, f"{TOLD} requested volume size {24 * GIB} is less than the size {25 * GIB} for the "
         "source snapshot first"),
        ({}, {"sourceVolumeMode": "Block"}, {},
         f"{TOLD} requested volume walk/data modifies the mode of the source volume but does not have permission to do "
         "so. snapshot.storage.kubernetes.io/allow-volume-mode-change annotation is not present on snapshotcontent "
         "content"),
    ],
)  # fmt: skip
def test_what_is_not_restored_is_refused_in_the_provisioners_words(
    status: Object, spec: Object, of_claim: Object, said: str
) -> None:
    compute = azure()

    async def scenario(world: World) -> None:
        await taken(world, status, **spec)
        await asked(world, **of_claim)
        await world.clock.advance(0.5)
        assert world.events == [
            'Normal Provisioning External provisioner is provisioning volume for claim "walk/data"', said
        ]  # fmt: skip
        assert compute.calls == []

    snapped(scenario, provisioner(compute))


async def missing(world: World) -> None:
    """No snapshot of that name."""


async def going(world: World) -> None:
    await taken(world, {})
    await world.api.patch(SNAPSHOTS, "first", {"metadata": {"finalizers": ["a/b"]}}, "walk")
    await world.api.delete(SNAPSHOTS, "first", "walk")


async def without_handle(world: World) -> None:
    await taken(world, {}, {"snapshotHandle": None})


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (missing, f"{TOLD} error getting snapshot first from api server: volumesnapshots.snapshot.storage.k8s.io "
         '"first" not found'),
        (going, f"{TOLD} snapshot first is being deleted"),
        (without_handle, f"{TOLD} snapshot handle first is not available"),
    ],
)  # fmt: skip
def test_snapshots_that_are_not_there_yet_or_no_more(before: Callable[[World], Any], said: str) -> None:
    async def scenario(world: World) -> None:
        await before(world)
        await asked(world)
        await world.clock.advance(0.5)
        assert world.events[-1] == said

    snapped(scenario, provisioner(azure()))


def test_a_snapshot_that_azure_has_lost_is_told_as_the_driver_does() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await taken(world, {})
        await asked(world)
        await world.clock.advance(0.5)
        assert world.events[-1].startswith(
            f"Warning ProvisioningFailed rpc error: code = NotFound desc = GET https://management.azure.com{HANDLE}\n"
        )

    snapped(scenario, provisioner(compute))


def test_a_handle_that_is_no_snapshots_is_told_where_it_is_restored() -> None:
    async def scenario(world: World) -> None:
        await taken(world, {}, {"snapshotHandle": "nonsense"})
        await asked(world)
        await world.clock.advance(0.5)
        assert world.events[-1] == (
            "Warning ProvisioningFailed rpc error: code = NotFound desc = invalid URI: nonsense"
        )

    snapped(scenario, provisioner(FakeCompute()))


def test_another_group_of_that_kind_is_no_snapshot() -> None:
    async def scenario(world: World) -> None:
        await asked(world, dataSource=None, dataSourceRef=SOURCE | {"apiGroup": "backup.example.com"})
        await world.clock.advance(0.5)
        assert world.events[-1] == (
            "Warning ProvisioningFailed the PVC source does not belong to the right APIGroup. Expected "
            "snapshot.storage.k8s.io, Got backup.example.com"
        )

    snapped(scenario, provisioner(azure()))


def test_a_snapshot_is_not_freed_by_a_restore_that_fails() -> None:
    compute = azure()
    compute.refusals = [CloudError(409, "OperationNotAllowed", "No.")]

    async def scenario(world: World) -> None:
        await taken(world, {})
        await asked(world)
        await world.clock.advance(2.5)
        held = await world.get(SNAPSHOTS, "first")
        assert held is not None
        assert HOLD in held["metadata"]["finalizers"]
        assert (await world.api.list(CONTENTS))[0]

    snapped(scenario, provisioner(compute))

"""The snapshot-controller, without the sidecar: what it makes, protects, tells and deletes, in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.snapshot_controller import SnapshotController
from aksdisks.lab.controllers.snapshots import CONTENTS, SNAPSHOTS
from tests.lab.controllers.helpers import World
from tests.lab.controllers.snapshot_objects import (
    begun,
    bound_claim,
    content,
    made,
    snapped,
    snapshot,
    snapshot_class,
    static,
    told,
)
from tests.lab.controllers.storage_objects import DISKS, claim

PREFIX = "snapshot.storage.kubernetes.io"
AS_SOURCE, BOUND = f"{PREFIX}/volumesnapshot-as-source-protection", f"{PREFIX}/volumesnapshot-bound-protection"
IN_MAKING = f"{PREFIX}/pvc-as-source-protection"
DONE = {"readyToUse": True, "creationTime": 1796037792484115000, "restoreSize": 25 * 2**30, "snapshotHandle": "h"}


async def found(world: World, resource: str, name: str) -> Object:
    there = await world.get(resource, name, None if resource == CONTENTS else "walk")
    assert there is not None, name
    return there


def test_a_snapshot_is_bound_and_ready_once_its_content_is() -> None:
    async def scenario(world: World) -> None:
        one = await begun(world)
        name = f"snapcontent-{one['metadata']['uid']}"
        reference = {key: one["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion")}
        there = await found(world, CONTENTS, name)
        assert there["spec"] == {
            "deletionPolicy": "Delete",
            "driver": "disk.csi.azure.com",
            "source": {"volumeHandle": f"{DISKS}/pv"},
            "sourceVolumeMode": "Filesystem",
            "volumeSnapshotClassName": "nightly",
            "volumeSnapshotRef": {"apiVersion": one["apiVersion"], "kind": "VolumeSnapshot", **reference},
        }
        assert there["metadata"]["finalizers"] == [f"{PREFIX}/volumesnapshotcontent-bound-protection"]
        one = await found(world, SNAPSHOTS, "first")
        assert one["status"] == {"boundVolumeSnapshotContentName": name, "readyToUse": False}
        assert one["metadata"]["finalizers"] == [AS_SOURCE, BOUND]
        assert IN_MAKING in (await found(world, "persistentvolumeclaims", "data"))["metadata"]["finalizers"]

        await told(world, name, **DONE | {"readyToUse": False})
        assert (await found(world, SNAPSHOTS, "first"))["status"] == {
            "boundVolumeSnapshotContentName": name,
            "creationTime": "2026-11-30T11:23:12Z",
            "readyToUse": False,
            "restoreSize": "25Gi",
        }
        assert IN_MAKING in (await found(world, "persistentvolumeclaims", "data"))["metadata"]["finalizers"]
        await told(world, name, readyToUse=True)
        assert (await found(world, SNAPSHOTS, "first"))["status"]["readyToUse"] is True
        assert IN_MAKING not in (await found(world, "persistentvolumeclaims", "data"))["metadata"]["finalizers"]
        assert world.events == [
            "Normal CreatingSnapshot Waiting for a snapshot walk/first to be created by the CSI driver.",
            "Normal SnapshotCreated Snapshot walk/first was successfully created by the CSI driver.",
            "Normal SnapshotReady Snapshot walk/first is ready to use.",
        ]

    snapped(scenario, SnapshotController)


CREATION = "Warning SnapshotContentCreationFailed Failed to create snapshot content with error"
INPUT = f"{CREATION} failed to get input parameters to create snapshot first:"
UPDATE = "snapshot controller failed to update"
NO_CLAIM = r'failed to retrieve PVC data from the lister: "persistentvolumeclaim \"data\" not found"'
NO_CLASS = 'volumesnapshotclass.snapshot.storage.k8s.io "nightly" not found'
NO_DEFAULT = "Warning SetDefaultSnapshotClassFailed Failed to set default snapshot class with error"
DELETION_SECRET = {"csi.storage.k8s.io/snapshotter-secret-name": "s"}


@pytest.mark.parametrize(
    ("claims", "classes", "spec", "said"),
    [
        (False, [snapshot_class()], {}, f"{CREATION} {UPDATE} first on API server: cannot get claim from snapshot"),
        ("Pending", [snapshot_class()], {}, f'{INPUT} "the PVC data is not yet bound to a PV, will not attempt to '
         'take a snapshot"'),
        ("going", [snapshot_class()], {}, f"{CREATION} {UPDATE} data on API server: cannot add finalizer on claim "
         "because it is being deleted"),
        ("elsewhere", [snapshot_class()], {}, f'{INPUT} "claim in dataSource not bound or invalid"'),
        ("Bound", [], {}, f"Warning GetSnapshotClassFailed Failed to get snapshot class with error {NO_CLASS}"),
        ("Bound", [snapshot_class(parameters=DELETION_SECRET)], {},
         f'{INPUT} "failed to get name and namespace template from params: either name and namespace for Snapshotter '
         'secrets specified, Both must be specified"'),
        ("Bound", [snapshot_class()], {"volumeSnapshotClassName": None},
         f"{NO_DEFAULT} cannot find default snapshot class"),
        ("Bound", [snapshot_class(default=True), snapshot_class("b", default=True)], {"volumeSnapshotClassName": None},
         f"{NO_DEFAULT} 2 default snapshot classes were found"),
        ("Bound", [snapshot_class(default=True, driver="file.csi.azure.com")], {"volumeSnapshotClassName": None},
         f"{NO_DEFAULT} cannot find default snapshot class"),
        (False, [snapshot_class(default=True)], {"volumeSnapshotClassName": None}, f"{NO_DEFAULT} {NO_CLAIM}"),
    ],
)  # fmt: skip
def test_what_keeps_a_snapshot_from_being_made_is_told_once(
    claims: Any, classes: list[Object], spec: Object, said: str
) -> None:
    async def scenario(world: World) -> None:
        if claims:
            await bound_claim(world, phase="Pending" if claims == "Pending" else "Bound")
        if claims == "going":
            await world.api.delete("persistentvolumeclaims", "data", "walk")
        if claims == "elsewhere":
            other = {"spec": {"claimRef": {"name": "other", "uid": "u"}}}
            await world.api.patch("persistentvolumes", "pv", other)
        for one in classes:
            await made(world, one)
        await made(world, snapshot(**spec))
        await world.clock.advance(20)
        # Of a snapshot that has just got its finalizer upstream tells twice: first, refused, of an empty object.
        first = (await world.api.list("events", "default"))[0]
        assert [event["involvedObject"].get("name") for event in first] == [None] * said.startswith(CREATION)
        assert world.events == [said] * (1 + len(first))
        one = await found(world, SNAPSHOTS, "first")
        assert said.endswith(one["status"]["error"]["message"])
        assert (await world.api.list(CONTENTS))[0] == []

    snapped(scenario, SnapshotController)


def test_what_was_missing_is_tried_again_and_the_error_goes() -> None:
    async def scenario(world: World) -> None:
        await made(world, snapshot_class(default=True))
        await made(world, snapshot(volumeSnapshotClassName=None))
        assert "error" in (await found(world, SNAPSHOTS, "first"))["status"]
        await bound_claim(world)
        await world.clock.advance(10)
        one = await found(world, SNAPSHOTS, "first")
        assert one["spec"]["volumeSnapshotClassName"] == "nightly"
        assert "error" not in one["status"]
        assert world.events[-1].startswith("Normal CreatingSnapshot")

    snapped(scenario, SnapshotController)


def test_the_drivers_error_is_told_in_the_snapshot_and_goes_with_success() -> None:
    error = {"message": "Failed to create snapshot: no", "time": "2026-11-23T03:28:41Z"}

    async def scenario(world: World) -> None:
        one = await begun(world)
        name = f"snapcontent-{one['metadata']['uid']}"
        await told(world, name, error=error, readyToUse=False)
        assert (await found(world, SNAPSHOTS, "first"))["status"]["error"] == error
        await told(world, name, **DONE | {"error": None})
        assert "error" not in (await found(world, SNAPSHOTS, "first"))["status"]

    snapped(scenario, SnapshotController)


@pytest.mark.parametrize(
    ("of", "spec", "said"),
    [
        (None, None, "Warning SnapshotContentMissing VolumeSnapshotContent is missing"),
        (None, {"source": {"volumeHandle": "v"}}, "Warning SnapshotContentMismatch VolumeSnapshotContent is "
         "dynamically provisioned while expecting a pre-provisioned one"),
        (None, {"volumeSnapshotRef": {"name": "other", "namespace": "walk"}},
         "Warning SnapshotContentMisbound VolumeSnapshotContent [content] is bound to a different snapshot"),
        ("another", {}, "Warning SnapshotContentMisbound VolumeSnapshotContent [content] is bound to a different "
         "snapshot"),
    ],
)  # fmt: skip
def test_a_content_made_by_hand_that_does_not_fit(of: str | None, spec: Object | None, said: str) -> None:
    async def scenario(world: World) -> None:
        if spec is not None:
            other = {"metadata": {"uid": of}} if of else None
            await made(world, content(of=other, **spec))
        await made(world, static())
        assert said in world.events
        assert (await found(world, SNAPSHOTS, "first"))["status"]["readyToUse"] is False

    snapped(scenario, SnapshotController)


def test_a_content_made_by_hand_is_bound_once_it_is_there() -> None:
    async def scenario(world: World) -> None:
        await made(world, static())
        await made(world, content())
        await world.clock.advance(4)
        one, there = await found(world, SNAPSHOTS, "first"), await found(world, CONTENTS, "content")
        assert there["spec"]["volumeSnapshotRef"]["uid"] == one["metadata"]["uid"]
        assert one["status"]["boundVolumeSnapshotContentName"] == "content"
        assert one["metadata"]["finalizers"] == [AS_SOURCE, BOUND]
        await told(world, "content", readyToUse=True, creationTime=DONE["creationTime"], snapshotHandle="h")
        one = await found(world, SNAPSHOTS, "first")
        assert one["status"]["readyToUse"] is True
        assert "restoreSize" not in one["status"]

    snapped(scenario, SnapshotController)


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_a_deleted_snapshot_takes_its_content_along_or_leaves_it(policy: str) -> None:
    async def scenario(world: World) -> None:
        one = await begun(world, deletionPolicy=policy)
        name = f"snapcontent-{one['metadata']['uid']}"
        await told(world, name, **DONE)
        await world.api.delete(SNAPSHOTS, "first", "walk")
        await world.settle()
        there = await found(world, CONTENTS, name)
        assert there["metadata"]["annotations"] == {f"{PREFIX}/volumesnapshot-being-deleted": "yes"}
        assert ("deletionTimestamp" in there["metadata"]) is (policy == "Delete")
        assert (await world.get(SNAPSHOTS, "first") is None) is (policy == "Retain")
        if policy == "Delete":
            # The sidecar has deleted Azure's snapshot.
            await world.api.patch(CONTENTS, name, {"metadata": {"finalizers": None}})
            await world.settle()
            assert await world.get(SNAPSHOTS, "first") is None

    snapped(scenario, SnapshotController)


def test_a_snapshot_that_is_being_restored_waits_and_says_so() -> None:
    source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "first"}

    async def scenario(world: World) -> None:
        one = await begun(world)
        await told(world, f"snapcontent-{one['metadata']['uid']}", **DONE)
        await world.create("persistentvolumeclaims", claim("restored", dataSource=source))
        await world.api.delete(SNAPSHOTS, "first", "walk")
        await world.settle()
        assert world.events[-1] == "Warning SnapshotDeletePending Snapshot is being used to restore a PVC"
        assert "deletionTimestamp" not in (await world.api.list(CONTENTS))[0][0]["metadata"]
        bound = {"status": {"phase": "Bound"}}
        await world.api.patch("persistentvolumeclaims", "restored", bound, "walk", subresource="status")
        await world.clock.advance(5)
        assert "deletionTimestamp" in (await world.api.list(CONTENTS))[0][0]["metadata"]

    snapped(scenario, SnapshotController)


def test_a_snapshot_whose_content_was_taken_away_says_so_and_is_made_anew() -> None:
    """As upstream: no longer ready, it is again one that has no content yet."""

    async def scenario(world: World) -> None:
        one = await begun(world)
        name = f"snapcontent-{one['metadata']['uid']}"
        await told(world, name, **DONE)
        await world.api.delete(CONTENTS, name)
        await world.api.patch(CONTENTS, name, {"metadata": {"finalizers": None}})
        await world.settle()
        assert world.events[-2] == "Warning SnapshotContentMissing VolumeSnapshotContent is missing"
        assert (await found(world, SNAPSHOTS, "first"))["status"]["readyToUse"] is False
        assert "status" not in await found(world, CONTENTS, name)

    snapped(scenario, SnapshotController)


def test_a_claim_is_kept_until_the_last_of_its_snapshots_is_made_or_gone() -> None:
    async def scenario(world: World) -> None:
        await bound_claim(world)
        await made(world, snapshot_class())
        first, second = await made(world, snapshot()), await made(world, snapshot("second"))
        await told(world, f"snapcontent-{first['metadata']['uid']}", **DONE)
        await world.api.delete("persistentvolumeclaims", "data", "walk")
        held = (await found(world, "persistentvolumeclaims", "data"))["metadata"]["finalizers"]
        assert IN_MAKING in held
        await world.api.delete(SNAPSHOTS, "second", "walk")
        await world.api.patch(CONTENTS, f"snapcontent-{second['metadata']['uid']}", {"metadata": {"finalizers": None}})
        await world.settle()
        held = (await found(world, "persistentvolumeclaims", "data"))["metadata"]["finalizers"]
        assert IN_MAKING not in held

    snapped(scenario, SnapshotController)

"""The csi-snapshotter and the disk driver's part of snapshots, against a fake Azure, in upstream's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aksdisks.lab.agents.csi.common import RpcError
from aksdisks.lab.agents.csi.snapshot_parameters import SnapshotParameters, metadata, snapshot_parameters
from aksdisks.lab.agents.csi.snapshotter import DiskSnapshotter, FileSnapshotter
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.snapshot_controller import SnapshotController
from aksdisks.lab.controllers.snapshots import CONTENTS, SNAPSHOTS
from aksdisks.lab.ids import Ids
from tests.lab.agents.azure import FakeCompute
from tests.lab.controllers import snapshot_objects
from tests.lab.controllers.helpers import World
from tests.lab.controllers.snapshot_objects import (
    HANDLE,
    content,
    made,
    snapped,
    static,
)
from tests.lab.controllers.storage_objects import DISKS

NOTES = "snapshot.storage.kubernetes.io/volumesnapshot-being"


def snapshotter(compute: FakeCompute) -> Callable[[Any, Clock, Ids], DiskSnapshotter]:
    def start(api: Any, clock: Clock, ids: Ids) -> DiskSnapshotter:
        compute.clock = clock
        return DiskSnapshotter(api, clock, ids, compute)

    return start


def played(compute: FakeCompute, scenario: Callable[[World], Any]) -> None:
    snapped(scenario, SnapshotController, snapshotter(compute))


async def begun(world: World, **of_class: Any) -> str:
    """The name of the content of a snapshot that has just been asked for."""
    one = await snapshot_objects.begun(world, **of_class)
    return f"snapcontent-{one['metadata']['uid']}"


async def there(world: World, name: str) -> Object:
    return await world.api.get(CONTENTS, name)


def refused(code: str = "OperationNotAllowed") -> CloudError:
    return CloudError(409, code, "No.")


def test_a_snapshot_is_made_once_and_told_when_it_is_complete() -> None:
    compute = FakeCompute()
    compute.completion = 0.0

    async def scenario(world: World) -> None:
        name = await begun(world)
        uid = name.removeprefix("snapcontent-")
        assert (await there(world, name))["metadata"]["annotations"] == {f"{NOTES}-created": "yes"}
        await world.clock.advance(2.5)
        handle = f"{compute.group}/providers/Microsoft.Compute/snapshots/snapshot-{uid}"
        assert (await there(world, name))["status"] == {
            "creationTime": 1795404521484115000,
            "readyToUse": False,
            "restoreSize": 25 * 2**30,
            "snapshotHandle": handle,
        }
        assert "annotations" not in (await there(world, name))["metadata"]
        assert compute.made is not None
        assert (compute.made.source_id, compute.made.incremental) == (f"{DISKS}/pv", True)
        assert compute.made.tags == {
            "k8s-azure-created-by": "kubernetes-azure-dd",
            "kubernetes.io-created-for-snapshot-name": "first",
            "kubernetes.io-created-for-snapshot-namespace": "walk",
            "source_volume_id": f"{DISKS}/pv",
        }
        compute.snapshots[handle]["properties"]["completionPercent"] = 100.0
        await world.clock.advance(10)
        assert (await there(world, name))["status"]["readyToUse"] is True
        assert compute.calls == [f"snapshot snapshot-{uid} of pv"]
        assert [event.split()[1] for event in world.events] == ["CreatingSnapshot", "SnapshotCreated", "SnapshotReady"]

    played(compute, scenario)


def test_an_instant_access_snapshot_does_not_wait() -> None:
    compute = FakeCompute()
    compute.completion = 0.0

    async def scenario(world: World) -> None:
        name = await begun(world, parameters={"instantAccessDurationMinutes": "60"})
        await world.clock.advance(2.5)
        assert (await there(world, name))["status"]["readyToUse"] is True

    played(compute, scenario)


def test_what_azure_refuses_is_told_and_tried_again_until_it_passes() -> None:
    compute = FakeCompute()
    compute.refusals = [refused(), refused(), refused("Busy"), None]

    async def scenario(world: World) -> None:
        name = await begun(world)
        await world.clock.advance(2.5)
        assert "annotations" not in (await there(world, name))["metadata"]
        said = (await there(world, name))["status"]["error"]["message"]
        assert said.startswith(
            f"Failed to create snapshot: failed to take snapshot of the volume {DISKS}/pv: "
            r'"rpc error: code = Internal desc = create snapshot error: PUT https://management.azure.com/subscriptions/S'
        )
        assert r"\nRESPONSE 409: 409 Conflict\nERROR CODE: OperationNotAllowed\n" in said
        await world.clock.advance(40)
        assert (await there(world, name))["status"]["readyToUse"] is True
        assert "error" not in (await there(world, name))["status"]
        reasons = [event.split()[1] for event in world.events if "Failed" in event]
        # The second refusal is the first one's words behind others; the third says something else.
        assert reasons == ["SnapshotCreationFailed", *["SnapshotContentCheckandUpdateFailed"] * 2]
        assert len(compute.calls) == 4

    played(compute, scenario)


def test_a_driver_that_does_not_answer_may_still_be_making_it() -> None:
    compute = FakeCompute()
    compute.refusals = [2000.0]

    async def scenario(world: World) -> None:
        name = await begun(world)
        await world.clock.advance(1201)
        found = await there(world, name)
        assert found["metadata"]["annotations"] == {f"{NOTES}-created": "yes"}
        assert "code = DeadlineExceeded desc = context deadline exceeded" in found["status"]["error"]["message"]
        # While nobody knows, a deletion waits.
        await world.api.delete(SNAPSHOTS, "first", "walk")
        await world.settle()
        assert f"{NOTES}-deleted" in (await there(world, name))["metadata"]["annotations"]
        await world.clock.advance(10)
        assert await world.get(CONTENTS, name, None) is None
        assert [call.split()[0] for call in compute.calls] == ["snapshot", "snapshot", "delete"]

    played(compute, scenario)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"speed": "high"}, 'desc = AzureDisk - invalid option speed in VolumeSnapshotClass"'),
        ({"csi.storage.k8s.io/other": "x"}, "failed to remove CSI Parameters of prefixed keys: found unknown parameter "
         'key "csi.storage.k8s.io/other" with reserved namespace csi.storage.k8s.io/'),
        ({"location": "northeurope", "incremental": "false"},
         'desc = could not create snapshot cross region with incremental is false"'),
        ({"csi.storage.k8s.io/snapshotter-secret-name": "${volumesnapshot.name}",
          "csi.storage.k8s.io/snapshotter-secret-namespace": "walk"},
         "failed to get input parameters to create snapshot for content snapcontent-UID: "
         '"cannot get credentials for snapshot content \\"snapcontent-UID\\""'),
    ],
)  # fmt: skip
def test_a_class_that_does_not_do_is_refused_without_asking_azure(parameters: dict[str, str], said: str) -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        name = await begun(world, parameters=parameters)
        uid = name.removeprefix("snapcontent-")
        assert (await there(world, name))["status"]["error"]["message"].endswith(said.replace("UID", uid))
        assert compute.calls == []

    played(compute, scenario)


@pytest.mark.parametrize(("handle", "asked"), [(HANDLE, "delete old"), ("nonsense", "delete nonsense")])
def test_a_content_made_by_hand_is_taken_to_be_ready_unseen(handle: str, asked: str) -> None:
    """The driver does not list snapshots in AKS, so that nobody asks Azure."""
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await made(world, content(source={"snapshotHandle": handle}))
        await made(world, static())
        status = (await there(world, "content"))["status"]
        assert (status["readyToUse"], status["snapshotHandle"]) == (True, handle)
        assert "restoreSize" not in status
        await world.api.delete(SNAPSHOTS, "first", "walk")
        await world.settle()
        await world.clock.advance(3)
        assert compute.calls == [asked]
        assert await world.get(CONTENTS, "content", None) is None

    played(compute, scenario)


def test_azures_refusal_to_delete_is_told_and_tried_again() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        name = await begun(world)
        await world.clock.advance(3)
        compute.refusals = [refused("ScopeLocked"), None]
        await world.api.delete(SNAPSHOTS, "first", "walk")
        await world.settle()
        await world.clock.advance(3)
        assert world.events[-1] == "Warning SnapshotDeleteError Failed to delete snapshot"
        await world.clock.advance(5)
        assert await world.get(CONTENTS, name, None) is None
        assert await world.get(SNAPSHOTS, "first") is None

    played(compute, scenario)


def test_a_content_deleted_by_hand_stays_until_its_snapshot_goes() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        name = await begun(world)
        await world.clock.advance(3)
        await world.api.delete(CONTENTS, name)
        await world.clock.advance(5)
        assert "deletionTimestamp" in (await there(world, name))["metadata"]
        assert "delete" not in "".join(compute.calls)
        await world.api.delete(SNAPSHOTS, "first", "walk")
        await world.settle()
        await world.clock.advance(5)
        assert await world.get(CONTENTS, name, None) is None

    played(compute, scenario)


def test_another_drivers_content_is_left_alone() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await made(world, content(driver="file.csi.azure.com"))
        assert "status" not in await there(world, "content")

    played(compute, scenario)


def test_for_another_region_it_is_made_here_copied_there_and_deleted_here() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        name = await begun(world, parameters={"location": "northeurope", "resourceGroup": "backups"})
        uid = name.removeprefix("snapcontent-")
        await world.clock.advance(7)
        assert compute.calls == [
            f"snapshot local_snapshot-{uid} of pv",
            f"snapshot snapshot-{uid} of local_snapshot-{uid}",
            f"delete local_snapshot-{uid}",
        ]
        assert compute.made is not None
        assert compute.made.location == "northeurope"
        handle = (await there(world, name))["status"]["snapshotHandle"]
        assert handle == f"/subscriptions/S/resourceGroups/backups/providers/Microsoft.Compute/snapshots/snapshot-{uid}"

    played(compute, scenario)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({}, SnapshotParameters()),
        ({"Incremental": "false", "resourceGroup": "g", "subscriptionID": "s", "location": "l"},
         SnapshotParameters("g", "s", "l", incremental=False)),
        ({"incremental": "no"}, SnapshotParameters()),
        ({"tags": "a=b, c = d=e", "userAgent": "x"}, SnapshotParameters(tags={"a": "b", "c": "d=e"})),
        ({"tags": "a=b,c;d=e", "tagValueDelimiter": ";"}, SnapshotParameters(tags={"a": "b,c", "d": "e"})),
        ({"instantAccessDurationMinutes": "300"}, SnapshotParameters(minutes=300)),
        ({"dataAccessAuthMode": "None", "networkAccessPolicy": "DenyAll", "publicNetworkAccess": "Disabled"},
         SnapshotParameters(access={"dataAccessAuthMode": "None", "networkAccessPolicy": "DenyAll",
                                    "publicNetworkAccess": "Disabled"})),
        (metadata("n", "s", "c"), SnapshotParameters(tags={"kubernetes.io-created-for-snapshot-name": "n",
                                                           "kubernetes.io-created-for-snapshot-namespace": "s"})),
    ],
)  # fmt: skip
def test_parameters_are_read_as_the_driver_does(given: dict[str, str], read: SnapshotParameters) -> None:
    assert snapshot_parameters(given) == read


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"instantAccessDurationMinutes": "59"}, "InvalidArgument desc = invalid value(59) for "
         "instantaccessdurationminutes: must be between 60 and 300 minutes"),
        ({"instantAccessDurationMinutes": "1h"}, "InvalidArgument desc = invalid value(1h) for "
         'instantaccessdurationminutes: strconv.ParseInt: parsing "1h": invalid syntax'),
        ({"tags": "a"}, "InvalidArgument desc = tags 'a' are invalid, the format should like: "
         "'key1=value1,key2=value2'"),
        ({"tags": "a/b=c"}, "InvalidArgument desc = tag key 'a/b' contains invalid characters"),
        ({"dataAccessAuthMode": "x"}, "InvalidArgument desc = dataAccessAuthMode(x) is not supported"),
        ({"networkAccessPolicy": "x"}, "InvalidArgument desc = azureDisk - x is not supported NetworkAccessPolicy. "
         "Supported values are [AllowAll AllowPrivate DenyAll]"),
        ({"skuName": "Premium_LRS"}, "Internal desc = AzureDisk - invalid option skuName in VolumeSnapshotClass"),
    ],
)  # fmt: skip
def test_parameters_that_the_driver_refuses(given: dict[str, str], said: str) -> None:
    with pytest.raises(RpcError) as refusal:
        snapshot_parameters(given)
    assert str(refusal.value) == f"rpc error: code = {said}"


def test_a_snapshot_of_a_share_is_refused_in_the_labs_words_and_can_be_deleted() -> None:
    async def scenario(world: World) -> None:
        name = await begun(world, driver="file.csi.azure.com")
        refusal = '"rpc error: code = Unimplemented desc = the lab\'s file driver takes no snapshots of shares"'
        status = (await there(world, name))["status"]
        assert status["readyToUse"] is False and status["error"]["message"].endswith(refusal)
        await made(world, static("old"))
        await made(world, content(driver="file.csi.azure.com", volumeSnapshotRef={"name": "old", "namespace": "walk"}))
        await world.clock.advance(60)
        assert (await world.api.get(SNAPSHOTS, "old", "walk"))["status"]["readyToUse"] is True
        for snapshot in ("first", "old"):
            await world.api.delete(SNAPSHOTS, snapshot, "walk")
        await world.clock.advance(60)
        assert (await world.api.list(CONTENTS))[0] == []
        assert (await world.api.list(SNAPSHOTS))[0] == []

    snapped(scenario, SnapshotController, FileSnapshotter)

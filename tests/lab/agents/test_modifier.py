"""A claim that names another VolumeAttributesClass: what the resizer writes, says, sends, and when it tries again."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.agents.csi.modifier import Modifier
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.interface import Object
from tests.lab.agents.azure import FakeCompute
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import DISKS, bound

BUSY = CloudError(409, "Conflict", "busy")


def modifier(compute: FakeCompute) -> Any:
    def build(api: Any, clock: Any, ids: Any) -> Modifier:
        compute.clock = clock
        return Modifier(api, clock, ids, compute)

    return build


async def attributes_class(world: World, name: str, **parameters: str) -> None:
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": name}}
    given = {"driverName": "disk.csi.azure.com", "parameters": parameters}
    await world.create("volumeattributesclasses", kind | given)


async def asks(world: World, name: str) -> None:
    await world.api.patch("persistentvolumeclaims", "data", {"spec": {"volumeAttributesClassName": name}}, "walk")
    await world.settle()


async def status(world: World) -> Object:
    found: Object = (await world.get("persistentvolumeclaims", "data"))["status"]
    return found


def conditions(found: Object) -> list[tuple[str, str, str]]:
    return [(one["type"], one.get("reason", ""), one["message"]) for one in found.get("conditions", ())]


def test_a_disk_becomes_what_the_class_says() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await bound(world)
        await attributes_class(
            world, "gold", skuName="PremiumV2_LRS", DiskIOPSReadWrite="5000", diskMBpsReadWrite="200"
        )
        await asks(world, "gold")
        found = await status(world)
        assert found["modifyVolumeStatus"] == {"status": "InProgress", "targetVolumeAttributesClassName": "gold"}
        assert conditions(found) == [("ModifyingVolume", "", 'Modifying volume to "gold" is in progress.')]
        await world.clock.advance(3)
        assert compute.calls == ["modify pv PremiumV2_LRS 5000 200"]
        found = await status(world)
        assert found["currentVolumeAttributesClassName"] == "gold"
        assert "modifyVolumeStatus" not in found and "conditions" not in found
        assert (await world.get("persistentvolumes", "pv", None))["spec"]["volumeAttributesClassName"] == "gold"
        assert world.events == [
            "Normal VolumeModify external resizer is modifying volume data with vac gold",
            "Normal VolumeModifySuccessful external resizer modified volume data with vac gold successfully",
        ]
        await world.clock.advance(4000)
        assert len(compute.calls) == 1

    played(scenario, modifier(compute))


def test_what_azure_refuses_is_tried_again_and_its_error_stays_until_it_succeeds() -> None:
    compute = FakeCompute()
    compute.refusals = [BUSY, BUSY]

    async def scenario(world: World) -> None:
        await bound(world)
        await attributes_class(world, "gold", skuName="StandardSSD_LRS")
        await asks(world, "gold")
        await world.clock.advance(2.5)
        found = await status(world)
        assert found["modifyVolumeStatus"]["status"] == "InProgress"
        [going, failed] = conditions(found)
        assert going == ("ModifyingVolume", "", 'Modifying volume to "gold" failed. Waiting for retry.')
        assert failed[:2] == ("ModifyVolumeError", "Internal")
        assert failed[2].startswith(f"PATCH https://management.azure.com{DISKS}/pv\n")
        assert world.events[-1].startswith(
            "Warning VolumeModifyFailed rpc error: code = Internal desc = PATCH https://"
        )
        since = found["conditions"][0]["lastTransitionTime"]
        await world.clock.advance(3)
        found = await status(world)
        assert [one[0] for one in conditions(found)] == ["ModifyingVolume", "ModifyVolumeError"]
        assert found["conditions"][0]["lastTransitionTime"] == since
        await world.clock.advance(6)
        assert len(compute.calls) == 3
        assert "conditions" not in await status(world)

    played(scenario, modifier(compute))


@pytest.mark.parametrize(
    ("parameters", "refusal"),
    [
        ({"DiskIOPSReadWrite": "many"},
         "Failed parsing disk parameters: parse diskiopsreadwrite:many failed with error: "
         'strconv.Atoi: parsing "many": invalid syntax'),
        ({"sku": "Premium_LRS"}, "Failed parsing disk parameters: invalid parameter sku in storage class"),
        ({"skuName": "Gold_LRS"},
         "azureDisk - Gold_LRS is not supported sku/storageaccounttype. Supported values are [Premium_LRS "
         "PremiumV2_LRS Premium_ZRS Standard_LRS StandardSSD_LRS StandardSSD_ZRS UltraSSD_LRS]"),
    ],
)  # fmt: skip
def test_what_can_never_be_is_infeasible_and_rarely_tried(parameters: dict[str, str], refusal: str) -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await bound(world)
        await attributes_class(world, "wrong", **parameters)
        await attributes_class(world, "gold", DiskMBpsReadWrite="200")
        await asks(world, "wrong")
        found = await status(world)
        assert found["modifyVolumeStatus"] == {"status": "Infeasible", "targetVolumeAttributesClassName": "wrong"}
        assert conditions(found)[1] == ("ModifyVolumeError", "InvalidArgument", refusal)
        assert len(world.events) == 2
        assert world.events[1] == f"Warning VolumeModifyFailed rpc error: code = InvalidArgument desc = {refusal}"
        await world.clock.advance(1700)
        assert len(world.events) == 2
        await world.clock.advance(110)
        assert len(world.events) == 4
        await asks(world, "gold")
        await world.clock.advance(3)
        assert compute.calls == ["modify pv - None 200"]
        assert (await status(world))["currentVolumeAttributesClassName"] == "gold"

    played(scenario, modifier(compute))


def test_an_infeasible_change_that_is_taken_back_leaves_the_disk() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await bound(world)
        await attributes_class(world, "wrong", sku="Premium_LRS")
        await asks(world, "wrong")
        await asks(world, "")
        assert world.events[-1] == "Normal VolumeModifyCanceled Cancelled modify."
        assert [one[0] for one in conditions(await status(world))] == ["ModifyVolumeError"]
        await world.clock.advance(4000)
        assert (len(world.events), compute.calls) == (3, [])

    played(scenario, modifier(compute))


def test_a_class_that_is_not_there_waits_for_another_one_to_be_named() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await bound(world)
        await asks(world, "gold")
        assert (await status(world))["modifyVolumeStatus"] == {"status": "Pending"}
        assert world.events == ['Warning VolumeModifyFailed VAC "gold" does not exist.']
        await attributes_class(world, "gold", DiskMBpsReadWrite="200")
        await attributes_class(world, "silver", DiskMBpsReadWrite="150")
        await world.clock.advance(4000)
        assert compute.calls == []
        await asks(world, "silver")
        await world.clock.advance(3)
        assert compute.calls == ["modify pv - None 150"]

    played(scenario, modifier(compute))


def test_what_may_still_be_under_way_is_ended_before_another_class_is_begun() -> None:
    compute = FakeCompute()
    compute.refusals = [300.0]

    async def scenario(world: World) -> None:
        await bound(world)
        await attributes_class(world, "gold", DiskMBpsReadWrite="200")
        await attributes_class(world, "silver", DiskMBpsReadWrite="150")
        await asks(world, "gold")
        await world.clock.advance(240.5)
        assert world.events[-1] == (
            "Warning VolumeModifyFailed rpc error: code = DeadlineExceeded desc = context deadline exceeded. "
            "Still modifying to VAC gold"
        )
        told = 'Modifying volume to "gold" is still in progress.'
        assert conditions(await status(world))[0] == ("ModifyingVolume", "", told)
        await asks(world, "silver")
        await world.clock.advance(10)
        assert compute.calls == [f"modify pv - None {rate}" for rate in (200, 200, 150)]
        assert (await status(world))["currentVolumeAttributesClassName"] == "silver"

    played(scenario, modifier(compute))


def test_a_change_that_was_cut_short_is_finished() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await bound(world)
        await attributes_class(world, "gold", DiskMBpsReadWrite="200")
        await asks(world, "gold")
        await world.stop()
        await attributes_class(world, "silver", DiskMBpsReadWrite="150")
        await asks(world, "silver")
        compute.calls.clear()
        await world.run(modifier(compute))
        await world.clock.advance(6)
        assert compute.calls == ["modify pv - None 200", "modify pv - None 150"]
        assert (await status(world))["currentVolumeAttributesClassName"] == "silver"

    played(scenario, modifier(compute))


def test_a_disk_that_is_gone_is_told_of() -> None:
    compute = FakeCompute()
    compute.missing = {"pv"}

    async def scenario(world: World) -> None:
        await bound(world)
        await attributes_class(world, "gold", DiskMBpsReadWrite="200")
        await asks(world, "gold")
        start = "Warning VolumeModifyFailed rpc error: code = NotFound desc = Volume not found, failed with error: GET "
        assert world.events[-1].startswith(start)
        assert compute.calls == []

    played(scenario, modifier(compute))

"""Disks and snapshots that are deleted twice, and made again under the same name meanwhile; what comes back later."""

from __future__ import annotations

import asyncio
import json

import pytest

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.faults.azure_resources import ResourceFaults
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.ids import Ids
from tests.lab.arm.conftest import InstantClock
from tests.lab.arm.remembering import Remembering

GROUP = "MC_disks_article_westeurope"
BODY = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}


def story(tell):
    async def whole():
        records, clouds = Remembering(), []

        def cloud_of(kept=records):
            clouds.append(Cloud(scenarios.load("regional"), InstantClock(), Ids(len(clouds)), records=kept))
            return clouds[-1]

        try:
            await tell(cloud_of, records)
        finally:
            for cloud in clouds:
                await cloud.close()

    asyncio.run(whole())


async def snapshot(cloud, name):
    creation = {"createOption": "Copy", "sourceResourceId": cloud.disks.get(GROUP, "source").id}
    body = {"location": "westeurope", "properties": {"creationData": creation}}
    await cloud.snapshots.put(GROUP, name, body).done()


@pytest.mark.parametrize("kind", ["disk", "snapshot"])
def test_the_second_of_two_deletions_leaves_what_was_made_in_between(kind):
    async def tell(cloud_of, _records):
        cloud = cloud_of()
        gone = []
        cloud.disks.on_deleted = cloud.snapshots.on_deleted = gone.append

        async def make():
            if kind == "snapshot":
                return await snapshot(cloud, "twice")
            return await cloud.disks.put(GROUP, "twice", BODY).done()

        def delete():
            return cloud.disks.delete(GROUP, "twice") if kind == "disk" else cloud.snapshots.delete(GROUP, "twice")

        await cloud.disks.put(GROUP, "source", BODY).done()
        await make()
        first = delete()
        await cloud.clock.sleep(1)
        second = delete()
        await first.done()
        making = asyncio.create_task(make())
        await second.done()
        await making
        assert len(gone) == 1
        find = cloud.disks.get if kind == "disk" else cloud.snapshots.get
        assert find(GROUP, "twice").provisioning_state == "Succeeded"

    story(tell)


def test_a_deletion_that_a_restart_goes_on_with_means_the_disk_of_then():
    async def tell(cloud_of, records):
        cloud = cloud_of()
        await cloud.disks.put(GROUP, "twice", BODY).done()
        first = cloud.disks.delete(GROUP, "twice")
        await cloud.clock.sleep(1)
        cloud.disks.delete(GROUP, "twice")
        await first.done()
        made = cloud.disks.put(GROUP, "twice", BODY)
        again = cloud_of(records.again())
        again.resume()
        await again.operations.get("DiskOperations", made.id).done()
        await again.clock.sleep(60)
        assert again.disks.get(GROUP, "twice").provisioning_state == "Succeeded"

    story(tell)


@pytest.mark.parametrize("fault", ["disk-gone", "disk-elsewhere"])
def test_a_fault_is_taken_back_after_a_restart(fault):
    async def tell(cloud_of, records):
        faults = Faults()
        cloud = cloud_of()
        ResourceFaults(cloud, faults, records)
        await cloud.disks.put(GROUP, "kept", BODY).done()
        before = cloud.disks.get(GROUP, "kept").to_json()
        faults.on(fault, "disk/kept")

        again_on, kept = Faults(faults.list()), records.again()
        again = cloud_of(kept)
        resource_faults = ResourceFaults(again, again_on, kept)
        found = again.disks.find(before["id"])
        assert (found.managed_by != "") if fault == "disk-elsewhere" else (found is None)
        assert [disk.name for disk in resource_faults.lost()] == (["kept"] if fault == "disk-gone" else [])
        again_on.off(fault)
        after = again.disks.get(GROUP, "kept").to_json()
        after["properties"].pop("LastOwnershipUpdateTime", None)
        assert json.dumps(after) == json.dumps(before)
        # And not a second time: nothing of it is kept any more.
        assert [kind for kind, _ in kept.kept if kind in ("azure/lost-disk", "azure/moved-disk")] == []

    story(tell)


def test_a_machine_that_was_off_is_off_after_a_restart():
    async def tell(cloud_of, records):
        from aksdisks.lab.arm.compute import power

        cloud = cloud_of()
        machine = cloud.machines.all()[1]
        await cloud.machines.change_power([machine.spec.resource_id], power.ACTS["poweroff"]).done()
        again = cloud_of(records.again())
        machines = again.machines
        assert [entry.spec.node_name in machines.powered_off for entry in machines.all()] == [False, True, False]

    story(tell)


def test_a_copy_is_ready_when_its_bytes_are_and_its_source_stays_until_then():
    async def tell(cloud_of, records):
        cloud = cloud_of()
        copied, release = [], asyncio.Event()

        async def copy(source, made, again):
            copied.append((source.name, made.name, again))
            await release.wait()

        cloud.copies.copy = copy
        await cloud.disks.put(GROUP, "source", BODY).done()
        taking = asyncio.create_task(snapshot(cloud, "taken"))
        await cloud.clock.sleep(60)
        deleting = asyncio.create_task(cloud.disks.delete(GROUP, "source").done())
        await cloud.clock.sleep(60)
        assert cloud.snapshots.get(GROUP, "taken").provisioning_state == "Updating"
        assert cloud.disks.find(cloud.disks.get(GROUP, "source").id) is not None
        assert (taking.done(), deleting.done(), copied) == (False, False, [("source", "taken", False)])

        # A lab that ended meanwhile copies again, unless all had been copied.
        after = cloud_of(records.again())
        after.copies.copy = copy
        after.resume()
        await after.clock.sleep(60)
        assert copied[1:] == [("source", "taken", True)]
        release.set()
        await asyncio.gather(taking, deleting)
        assert cloud.snapshots.get(GROUP, "taken").provisioning_state == "Succeeded"
        assert [disk for disk in cloud.disks.all(GROUP) if not disk.os_type] == []
        await after.clock.sleep(60)
        assert after.snapshots.get(GROUP, "taken").provisioning_state == "Succeeded"

    story(tell)

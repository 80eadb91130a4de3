"""What a disk and its attach cost, and where a machine's disks are found: without a look at all machines and disks."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter

import pytest

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.ids import Ids
from tests.lab.arm.compute.test_collection import Remembering
from tests.lab.arm.conftest import InstantClock
from tests.work import counted

GROUP = "MC_disks_article_westeurope"
BODY = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}


def cloud_with(nodes, quota=0, records=None):
    scenario = dataclasses.replace(scenarios.load("regional"), node_count=nodes, disk_quota=quota)
    return Cloud(scenario, InstantClock(), Ids(1), records=records)


async def attached(cloud, name, number):
    """A new disk on the machine of that number."""
    disk = (await cloud.disks.put(GROUP, name, BODY).done())["id"]
    await cloud.machines.attach_detach(_id(cloud, number), {"dataDisksToAttach": [{"diskId": disk}]}).done()


def _id(cloud, number):
    return cloud.machines.all()[number].spec.resource_id


def test_a_disk_costs_no_more_beside_many_others_on_many_machines():
    """Lines executed to make a disk and to attach it to a machine that has none."""
    found = []

    async def story(nodes):
        cloud = cloud_with(nodes)
        for number in range(1, nodes):
            await attached(cloud, f"there-{number}", number)
        machine = _id(cloud, 0)
        with counted() as work:
            disk = (await cloud.disks.put(GROUP, "one", BODY).done())["id"]
            await cloud.machines.attach_detach(machine, {"dataDisksToAttach": [{"diskId": disk}]}).done()
        found.append(work.lines)
        await cloud.close()

    for nodes in (2, 40):
        asyncio.run(story(nodes))
    assert found[0] > 100
    assert found[1] == found[0]


def test_a_disk_is_found_where_it_is_through_all_that_moves_it():
    """Attached, detached, forced away with its machine, lost, and known again after a restart."""

    async def story():
        records = Remembering()
        cloud = cloud_with(4, records=records)

        async def free(name):
            """A machine may have the disk; else the refusal says that another has it."""
            disk = cloud.disks.get(GROUP, name)
            body = {"dataDisksToAttach": [{"diskId": disk.id}]}
            try:
                await cloud.machines.attach_detach(_id(cloud, 0), body).done()
            except CloudError as error:
                assert (error.code, "is already owned by VM" in error.message) == ("ConflictingUserInput", True)
                return False
            body = {"dataDisksToDetach": [{"diskId": disk.id}]}
            await cloud.machines.attach_detach(_id(cloud, 0), body).done()
            return True

        for number, name in enumerate(("a", "b", "c", "d")):
            await attached(cloud, name, min(number + 1, 3))
        assert [await free(name) for name in "abcd"] == [False] * 4
        body = {"dataDisksToDetach": [{"diskId": cloud.disks.get(GROUP, "a").id}]}
        await cloud.machines.attach_detach(_id(cloud, 1), body).done()
        assert await free("a")
        cloud.machines.remove(cloud.machines.all()[2].spec)
        assert await free("b")
        lost = cloud.disks.get(GROUP, "c")
        cloud.machines.lose_disk(lost)
        cloud.disks.restore(lost)
        assert await free("c")
        cloud = cloud_with(4, records=records.again())
        assert [await free(name) for name in "abcd"] == [True, True, True, False]

    asyncio.run(story())


@pytest.mark.parametrize("restarted", [False, True])
def test_the_quota_counts_the_disks_that_are_there_and_no_machines_systems(restarted):
    async def story():
        records = Remembering()
        cloud = cloud_with(3, quota=3, records=records)
        for name in ("a", "b", "c", "a"):
            await cloud.disks.put(GROUP, name, BODY).done()
        if restarted:
            cloud = cloud_with(3, quota=3, records=records.again())
        kinds = Counter(bool(disk.os_type) for disk in cloud.disks.all())
        assert kinds == {True: 3, False: 3}
        with pytest.raises(CloudError, match="Current Usage: 3"):
            cloud.disks.put(GROUP, "d", BODY)
        await cloud.disks.delete(GROUP, "b").done()
        lost = cloud.disks.get(GROUP, "c")
        cloud.machines.lose_disk(lost)
        cloud.machines.remove(cloud.machines.all()[0].spec)
        await cloud.disks.put(GROUP, "d", BODY).done()
        await cloud.disks.put(GROUP, "e", BODY).done()
        with pytest.raises(CloudError, match="Current Usage: 3"):
            cloud.disks.put(GROUP, "f", BODY)
        cloud.disks.restore(lost)
        with pytest.raises(CloudError, match="Current Usage: 4"):
            cloud.disks.put(GROUP, "f", BODY)

    asyncio.run(story())

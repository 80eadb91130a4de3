"""What the disk driver gets from the cloud in process, with time that only the test lets pass."""

from __future__ import annotations

import asyncio
import json

import pytest

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.driver.local import CloudCompute
from aksdisks.lab.arm.driver.refusals import AttachedDiskError, response_error_text
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.lifecycles import IllegalStep
from tests.lab.arm.driver.snapshot_story import snapshot_story

TAGS = {"kubernetes.io-created-for-pv-name": "pvc-1"}
NODES = [machine.node_name for machine in scenarios.load("regional").machines]


@pytest.fixture
def walk(cloud_of):
    """Runs `story(compute, cloud)` in a loop of its own, on the default scenario or another."""

    def run(story, scenario="regional"):
        async def whole():
            cloud = cloud_of(scenarios.load(scenario))
            compute = CloudCompute(cloud)
            try:
                return await story(compute, cloud)
            finally:
                await compute.close()
                await cloud.close()

        return asyncio.run(whole())

    return run


def luns(cloud, node):
    return [(entry["lun"], entry["name"]) for entry in cloud.machines.named(node).data_disks_json()]


def test_a_disk_is_created_attached_detached_and_deleted(walk):
    async def story(compute, cloud):
        started = cloud.clock.monotonic()
        disk_id = await compute.create_disk("pvc-1", 25, "Premium_LRS", TAGS)
        assert disk_id.endswith("/resourceGroups/MC_disks_article_westeurope/providers/Microsoft.Compute/disks/pvc-1")
        assert disk_id == await compute.create_disk("pvc-1", 25, "Premium_LRS", TAGS)
        disk = cloud.disks.find(disk_id.upper())
        assert (disk.tags, disk.network_access_policy, disk.public_network_access) == (TAGS, "DenyAll", "Disabled")
        assert cloud.clock.monotonic() - started == 4

        started = cloud.clock.monotonic()
        assert await compute.attach_disk(NODES[0], disk_id) == 0
        assert cloud.clock.monotonic() - started == 13
        [entry] = cloud.machines.named(NODES[0]).data_disks_json()
        assert (entry["managedDisk"]["id"], entry["caching"]) == (disk_id.lower(), "ReadOnly")
        assert disk.managed_by.endswith("/virtualMachines/aks-agentpool-22115152-vmss_0")
        assert await compute.attach_disk(NODES[0], disk_id) == 0
        await compute.resize_disk(disk_id, 30)
        assert disk.size_gib == 30

        message = f"disk({disk_id}) already attached to node({disk.managed_by}), could not be deleted"
        with pytest.raises(AttachedDiskError) as caught:
            await compute.delete_disk(disk_id)
        assert str(caught.value) == message
        with pytest.raises(AttachedDiskError, match=rf"could not be attached to node\({NODES[1]}\)"):
            await compute.attach_disk(NODES[1], disk_id, disk=await compute.get_disk(disk_id))

        await compute.detach_disk(NODES[0], disk_id)
        await compute.detach_disk(NODES[0], disk_id)
        assert (disk.state, disk.managed_by, luns(cloud, NODES[0])) == ("Unattached", "", [])
        await compute.delete_disk(disk_id)
        await compute.delete_disk(disk_id)
        assert cloud.disks.find(disk_id) is None

    walk(story)


def test_a_snapshot_is_made_restored_and_deleted(walk):
    walk(snapshot_story)


def test_requests_for_one_node_go_out_as_one(walk):
    async def story(compute, cloud):
        disks = [await compute.create_disk(f"pvc-{number}", 4, "Premium_LRS", {}) for number in range(4)]
        started = cloud.clock.monotonic()
        assert await asyncio.gather(*(compute.attach_disk(NODES[0], disk) for disk in disks[:3])) == [0, 1, 2]
        assert cloud.clock.monotonic() - started == 13
        detach = [compute.detach_disk(NODES[0], disk) for disk in disks[:2]]
        await asyncio.gather(*detach, compute.attach_disk(NODES[0], disks[3]))
        assert luns(cloud, NODES[0]) == [(0, "pvc-3"), (2, "pvc-2")]

    walk(story)


def test_a_batch_that_is_refused_fails_for_all_and_the_next_goes_on(walk):
    async def story(compute, cloud):
        disk = await compute.create_disk("pvc-1", 4, "Premium_LRS", {})
        gone = disk.replace("pvc-1", "pvc-2")
        answers = await asyncio.gather(
            compute.attach_disk(NODES[0], disk), compute.attach_disk(NODES[0], gone), return_exceptions=True
        )
        assert [(answer.status, answer.code) for answer in answers] == [(404, "NotFound")] * 2
        assert luns(cloud, NODES[0]) == []
        assert await compute.attach_disk(NODES[0], disk) == 0
        with pytest.raises(CloudError) as caught:
            await compute.attach_disk("stranger", disk)
        assert caught.value.code == "ResourceNotFound"

    walk(story)


def test_nothing_is_left_when_it_closes(walk):
    async def story(compute, cloud):
        disk = await compute.create_disk("pvc-1", 4, "Premium_LRS", {})
        attach = asyncio.create_task(compute.attach_disk(NODES[0], disk))
        while cloud.machines.named(NODES[0]).provisioning_state == "Succeeded":
            await asyncio.sleep(0)
        await compute.close()
        await cloud.close()
        with pytest.raises(asyncio.CancelledError):
            await attach
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert not [name for name in names if name.startswith(("azure", "compute"))]

    walk(story)


def test_the_eighth_disk_is_the_last(walk):
    async def story(compute, _):
        disks = [await compute.create_disk(f"pvc-{number}", 4, "Premium_LRS", {}) for number in range(9)]
        await asyncio.gather(*(compute.attach_disk(NODES[0], disk) for disk in disks[:8]))
        with pytest.raises(CloudError, match="attached to a VM of this size is 8"):
            await compute.attach_disk(NODES[0], disks[8])

    walk(story)


def test_a_lock_keeps_the_driver_from_deleting_as_it_does_everybody(walk):
    async def story(compute, cloud):
        disk = await compute.create_disk("pvc-1", 4, "Premium_LRS", {})
        cloud.locks.put(disk.rpartition("/providers/")[0], "keep", {"properties": {"level": "CanNotDelete"}})
        await compute.attach_disk(NODES[0], disk)
        await compute.detach_disk(NODES[0], disk)
        with pytest.raises(CloudError, match="cannot perform delete operation") as refused:
            await compute.delete_disk(disk)
        assert (refused.value.code, refused.value.request) == ("ScopeLocked", ("DELETE", disk))
        cloud.locks.delete(disk.rpartition("/providers/")[0], "KEEP")
        await compute.delete_disk(disk)
        assert cloud.disks.find(disk) is None

    walk(story)


MINE = scenarios.load("regional").subscription
OTHER = "/subscriptions/00000000-0000-0000-0000-0000000000ff"


@pytest.mark.parametrize(
    ("handle", "refusal"),
    [
        ("data", "invalid URI: data"),
        ("group#account#share", "invalid URI: group#account#share"),
        (f"{MINE}/resourceGroups/g/providers/Microsoft.Compute/disks", f"invalid URI: {MINE}/resourceGroups/g/"),
        (f"{OTHER}/resourceGroups/g/providers/Microsoft.Compute/disks/d", "SubscriptionNotFound"),
        ("/subscriptions/S/resourceGroups/g/providers/Microsoft.Compute/disks/d", "InvalidSubscriptionId"),
        (f"{MINE}/resourceGroups/g/providers/Microsoft.Compute/disks/d", "ResourceGroupNotFound"),
        (
            f"{MINE}/resourceGroups/MC_disks_article_westeurope/providers/Microsoft.Compute/snapshots/d",
            "The Resource 'Microsoft.Compute/disks/d' under resource group 'MC_disks_article_westeurope' was not found",
        ),
    ],
)
def test_what_a_static_volume_may_name_instead_of_a_disk(walk, handle, refusal):
    async def story(compute, _):
        with pytest.raises((CloudError, DriverError)) as raised:
            await compute.get_disk(handle)
        assert refusal in f"{getattr(raised.value, 'code', '')} {raised.value}"
        with pytest.raises((CloudError, DriverError)):
            await compute.resize_disk(handle, 30)

    walk(story)


def test_what_is_no_arm_id_is_deleted_without_a_question(walk):
    async def story(compute, _):
        await compute.delete_disk("group#account#share")
        with pytest.raises(DriverError, match=r"^invalid URI: /subscriptions/S/d$"):
            await compute.delete_disk("/subscriptions/S/d")

    walk(story)


def test_the_driver_prints_a_refusal_as_its_sdk_does():
    error = CloudError(409, "OperationNotAllowed", "No.", target="dataDisks", details=[{"code": "A"}])
    lines = response_error_text(error, "PUT", "/subscriptions/s/x").splitlines()
    assert lines[0] == "PUT https://management.azure.com/subscriptions/s/x"
    assert lines[2:4] == ["RESPONSE 409: 409 Conflict", "ERROR CODE: OperationNotAllowed"]
    inner = {"code": "OperationNotAllowed", "message": "No.", "target": "dataDisks", "details": [{"code": "A"}]}
    assert json.loads("\n".join(lines[5:-1])) == {"error": inner}
    assert lines[1] == lines[4] == lines[-1] == "-" * 80


def test_an_illegal_step_changes_nothing(cloud_of):
    disk = cloud_of(scenarios.load("regional")).disks.all()[0]
    before = disk.to_json()
    with pytest.raises(IllegalStep):
        disk.step("attached", managed_by="/another", now=disk.created)
    assert disk.to_json() == before


def test_a_disk_is_modified_as_far_as_its_sku_allows(walk):
    async def story(compute, cloud):
        disk_id = await compute.create_disk("pvc-1", 25, "Premium_LRS", TAGS, zone="1")
        disk = cloud.disks.find(disk_id)
        for sku, iops, mbps, named in (
            ("", 5000, None, "DiskIOPSReadWrite"),
            ("Standard_LRS", None, 200, "DiskMBpsRe"),
        ):
            where = "parameter is only applicable in UltraSSD_LRS or PremiumV2_LRS disk type"
            with pytest.raises(DriverError, match=f"AzureDisk - {named}.*{where}"):
                await compute.modify_disk(disk_id, sku, iops, mbps)
        began = cloud.clock.monotonic()
        await compute.modify_disk(disk_id, "Premium_LRS", None, None)
        assert cloud.clock.monotonic() == began, "nothing is sent"
        await compute.modify_disk(disk_id, "PremiumV2_LRS", 5000, 200)
        assert (disk.sku, disk.iops, disk.mbps) == ("PremiumV2_LRS", 5000, 200)
        node = next(machine.node_name for machine in cloud.scenario.machines if machine.zone == "1")
        await compute.attach_disk(node, disk_id, "None")
        await compute.modify_disk(disk_id, "", None, 300)
        assert (disk.iops, disk.mbps) == (5000, 300)
        with pytest.raises(CloudError, match="while it is attached to running VM"):
            await compute.modify_disk(disk_id, "Premium_LRS", None, None)
        with pytest.raises(DriverError, match="only applicable in UltraSSD_LRS disk type"):
            await compute.create_disk("pvc-2", 25, "Premium_LRS", TAGS, iops=5000)
        made = cloud.disks.find(await compute.create_disk("pvc-2", 25, "PremiumV2_LRS", TAGS, "1", iops=4000, mbps=250))
        assert (made.iops, made.mbps) == (4000, 250)

    walk(story, "three-zones")

"""The disk driver's Azure over HTTPS gives what it gives in process."""

from __future__ import annotations

import asyncio

import pytest

from aksdisks.lab.arm.driver.refusals import AttachedDiskError, response_error_text
from aksdisks.lab.arm.driver.remote import ArmCompute
from aksdisks.lab.arm.driver.rest import ArmAddress
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.clock import Clock
from tests.lab.arm.driver.snapshot_story import snapshot_story

TAGS = {"kubernetes.io-created-for-pv-name": "pvc-1"}


def address(azure, **changes):
    scenario = azure.scenario
    known = {
        "url": azure.url,
        "authority": azure.url,
        "tenant_id": scenario.tenant_id,
        "client_id": scenario.client_id,
        "client_secret": "the-secret",
        "subscription_id": scenario.subscription_id,
        "node_resource_group": scenario.node_resource_group,
        "location": scenario.location,
        "ca_bundle": azure.ca_bundle,
    }
    return ArmAddress(**(known | changes))


def tell(azure, story, **changes):
    async def whole():
        compute = ArmCompute(address(azure, **changes), Clock(azure.clock.speed))
        try:
            return await story(compute)
        finally:
            await compute.close()

    return asyncio.run(whole())


@pytest.mark.parametrize("scenario", ["regional", "availability-set"])
def test_a_disk_is_created_moved_grown_and_deleted(serve, scenario):
    with serve(scenario) as azure:
        first, second, _ = (machine.node_name for machine in azure.scenario.machines)
        luns = azure.cloud.machines.named

        async def story(compute):
            disk_id = await compute.create_disk("pvc-1", 25, "Premium_LRS", TAGS)
            disk = azure.cloud.disks.find(disk_id)
            assert (disk.tags, disk.size_gib, disk.network_access_policy) == (TAGS, 25, "DenyAll")
            other = await compute.create_disk("pvc-2", 4, "Premium_LRS", TAGS)
            asked = (compute.attach_disk(first, disk_id), compute.attach_disk(first.upper(), other))
            assert await asyncio.gather(*asked) == [0, 1]
            assert disk.managed_by == luns(first).managed_by
            with pytest.raises(AttachedDiskError, match="could not be deleted"):
                await compute.delete_disk(disk_id)
            with pytest.raises(AttachedDiskError) as caught:
                await compute.attach_disk(second, disk_id, disk=await compute.get_disk(disk_id))
            assert caught.value.managed_by == disk.managed_by
            await compute.resize_disk(disk_id, 30)
            assert disk.size_gib == 30
            await asyncio.gather(compute.detach_disk(first, disk_id), compute.detach_disk(first, other))
            await compute.detach_disk(first, disk_id)
            assert luns(first).data_disks == ()
            assert await compute.attach_disk(second, disk_id) == 0
            await compute.detach_disk(second, disk_id)
            await compute.delete_disk(disk_id)
            await compute.delete_disk(disk_id)
            assert azure.cloud.disks.find(disk_id) is None

        tell(azure, story)


def test_a_snapshot_is_made_restored_and_deleted(azure):
    tell(azure, lambda compute: snapshot_story(compute, azure.cloud))


def test_refusals_come_back_as_they_were_made(azure):
    node = azure.scenario.machines[0].node_name

    async def story(compute):
        disk_id = await compute.create_disk("refused", 25, "Premium_LRS", {})
        for made, code in (
            (compute.resize_disk(disk_id + "x", 40), "ResourceNotFound"),
            (compute.get_disk(disk_id + "x"), "ResourceNotFound"),
            (compute.attach_disk("stranger", disk_id), "ResourceNotFound"),
            (compute.attach_disk(node, disk_id + "x"), "NotFound"),
            (compute.create_disk("large", 0, "Premium_LRS", {}), "InvalidParameter"),
        ):
            with pytest.raises(CloudError) as caught:
                await made
            assert caught.value.code == code
        assert caught.value.target == "disk.diskSizeGB"
        return disk_id

    tell(azure, story)


def test_a_failed_operation_is_printed_as_the_answer_that_told_of_it(azure):
    node = azure.scenario.machines[1].node_name

    async def story(compute):
        disk_id = await compute.create_disk("lost", 25, "Premium_LRS", {})
        attach = asyncio.create_task(compute.attach_disk(node, disk_id))
        while azure.cloud.machines.named(node).provisioning_state == "Succeeded":
            await asyncio.sleep(0.001)
        await compute.delete_disk(disk_id)
        await asyncio.to_thread(azure.run, azure.clock.release())
        with pytest.raises(CloudError) as caught:
            await attach
        return caught.value

    with azure.holding(azure.scenario.delays.attach):
        error = tell(azure, story)
    lines = response_error_text(error, "PUT", "/x").splitlines()
    assert lines[0].startswith("GET https://management.azure.com/subscriptions/")
    assert "/providers/Microsoft.Compute/locations/westeurope/operations/" in lines[0]
    assert lines[2:4] == ["RESPONSE 200: 200 OK", "ERROR CODE: NotFound"]
    assert '  "status": "Failed",' in lines


def test_a_token_that_is_refused_is_replaced_once(azure):
    async def story(compute):
        await compute.create_disk("again", 4, "Premium_LRS", {})
        compute.arm._token = "stale"
        await compute.create_disk("again", 4, "Premium_LRS", {})

    tell(azure, story)
    with pytest.raises(CloudError, match="AADSTS7000215") as caught:
        tell(azure, story, client_secret="wrong")
    assert (caught.value.status, caught.value.code) == (401, "invalid_client")

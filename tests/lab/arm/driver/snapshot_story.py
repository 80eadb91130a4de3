"""A snapshot as the disk driver has it made, read, restored and deleted, whichever way it asks."""

from __future__ import annotations

import pytest

from aksdisks.lab.arm.driver.interface import NewSnapshot
from aksdisks.lab.arm.errors import CloudError


async def snapshot_story(compute, cloud):
    disk_id = await compute.create_disk("of", 8, "Premium_LRS", {})
    wanted = NewSnapshot(
        disk_id.replace("/disks/of", "/snapshots/one"), disk_id, {"a": "b"}, access={"networkAccessPolicy": "DenyAll"}
    )
    await compute.create_snapshot(wanted)
    made = await compute.get_snapshot(wanted.id)
    assert made["tags"] == {"a": "b"}
    assert made["properties"]["incremental"] is True
    assert made["properties"]["networkAccessPolicy"] == "DenyAll"
    assert made["properties"]["creationData"]["sourceResourceId"] == disk_id
    restored = await compute.create_disk("restored", 0, "Premium_LRS", {}, source_id=wanted.id)
    assert cloud.disks.find(restored).size_gib == 8
    with pytest.raises(CloudError) as caught:
        await compute.create_snapshot(NewSnapshot(wanted.id + "2", disk_id, {}, location="northeurope"))
    assert caught.value.code == "LocationNotAvailableForResourceType"
    for _ in range(2):
        await compute.delete_snapshot(wanted.id)
    with pytest.raises(CloudError) as caught:
        await compute.get_snapshot(wanted.id)
    assert caught.value.code == "ResourceNotFound"
    await compute.delete_disk(restored)
    await compute.delete_disk(disk_id)

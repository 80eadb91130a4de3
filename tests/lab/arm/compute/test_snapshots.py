"""Snapshots of disks, and disks made of them, through the SDK."""

from __future__ import annotations

import time

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

GROUP = "MC_disks_article_westeurope"
TAGS = {"kubernetes.io-created-for-pv-name": "pvc-1"}


def copy_of(source, **more):
    properties = {"creationData": {"createOption": "Copy", "sourceResourceId": source.id}, **more}
    return {"location": "westeurope", "properties": properties}


@pytest.fixture(scope="module")
def disk(compute):
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 8}
    body = {"location": "westeurope", "sku": {"name": "Premium_LRS"}, "properties": properties}
    return compute.disks.begin_create_or_update(GROUP, "original", body).result()


def test_a_snapshots_life(compute, azure, disk):
    made = compute.snapshots.begin_create_or_update(GROUP, "first", {**copy_of(disk), "tags": TAGS}).result()
    assert made.as_dict() == {
        "name": "first",
        "id": f"{azure.scenario.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Compute/snapshots/first",
        "type": "Microsoft.Compute/snapshots",
        "location": "westeurope",
        "tags": TAGS,
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "properties": {
            "creationData": {
                "createOption": "Copy",
                "sourceResourceId": disk.id,
                "sourceUniqueId": disk.properties.unique_id,
            },
            "diskSizeGB": 8,
            "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
            "incremental": False,
            "networkAccessPolicy": "AllowAll",
            "publicNetworkAccess": "Enabled",
            "timeCreated": made.as_dict()["properties"]["timeCreated"],
            "provisioningState": "Succeeded",
            "diskState": "Unattached",
            "diskSizeBytes": 8 * 1024**3,
            "uniqueId": made.properties.unique_id,
        },
    }
    changed = compute.snapshots.begin_update(GROUP, "FIRST", {"tags": {"a": "b"}}).result()
    assert (changed.id, changed.tags) == (made.id, {"a": "b"})
    assert [entry.name for entry in compute.snapshots.list_by_resource_group(GROUP)] == ["first"]
    assert [entry.id for entry in compute.snapshots.list()] == [made.id]
    compute.snapshots.begin_delete(GROUP, "first").result()
    with pytest.raises(ResourceNotFoundError, match=r"The Resource 'Microsoft.Compute/snapshots/first' under resource"):
        compute.snapshots.get(GROUP, "first")
    compute.snapshots.begin_delete(GROUP, "first").result()


def test_a_snapshot_of_a_provisioned_disk_is_complete_later_than_it_is_there(compute, azure):
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 8}
    body = {"location": "westeurope", "sku": {"name": "PremiumV2_LRS"}, "zones": ["1"], "properties": properties}
    disk = compute.disks.begin_create_or_update(GROUP, "provisioned", body).result()
    with azure.holding(azure.scenario.delays.copy_snapshot):
        made = compute.snapshots.begin_create_or_update(GROUP, "slow", copy_of(disk, incremental=True)).result()
        assert (made.properties.provisioning_state, made.properties.completion_percent) == ("Succeeded", 0.0)
    deadline = time.monotonic() + 10
    while compute.snapshots.get(GROUP, "slow").properties.completion_percent != 100.0:
        assert time.monotonic() < deadline
    compute.snapshots.begin_delete(GROUP, "slow").result()


def test_a_disk_of_a_snapshot_is_at_least_as_large(compute, disk):
    snapshots, disks = compute.snapshots, compute.disks
    whole = snapshots.begin_create_or_update(GROUP, "one", copy_of(disk, incremental=True)).result()
    again = snapshots.begin_create_or_update(GROUP, "two", copy_of(disk, incremental=True)).result()
    family = whole.properties.incremental_snapshot_family_id
    assert family and family == again.properties.incremental_snapshot_family_id
    same = disks.begin_create_or_update(GROUP, "same", copy_of(whole)).result()
    creation = same.properties.creation_data
    assert (same.properties.disk_size_gb, creation.create_option) == (8, "Copy")
    assert (creation.source_resource_id, creation.source_unique_id) == (whole.id, whole.properties.unique_id)
    assert disks.begin_create_or_update(GROUP, "more", copy_of(disk, diskSizeGB=16)).result().disk_size_gb == 16
    with pytest.raises(HttpResponseError, match="The value must be between '8' and"):
        disks.begin_create_or_update(GROUP, "less", copy_of(whole, diskSizeGB=4))
    with pytest.raises(HttpResponseError, match=r"Changing property 'creationData.sourceResourceId' is not allowed"):
        disks.begin_create_or_update(GROUP, "same", copy_of(disk))
    with pytest.raises(HttpResponseError, match="Changing property 'incremental' is not allowed"):
        snapshots.begin_create_or_update(GROUP, "one", copy_of(disk, incremental=False))
    # A copy of something stays when that goes.
    snapshots.begin_delete(GROUP, "one").result()
    assert disks.get(GROUP, "same").properties.disk_state == "Unattached"


@pytest.mark.parametrize(
    ("name", "change", "status", "message"),
    [
        ("x", {"location": ""}, 400, "The location property is required"),
        ("x", {"location": "moon"}, 400, "The provided location 'moon' is not available for resource type"),
        ("x.", {}, 400, "The entity name 'snapshot.name' is invalid"),
        ("x", {"sku": {"name": "UltraSSD_LRS"}}, 400, "of parameter 'snapshot.sku.name' is out of range"),
        ("x", {"properties": {}}, 400, "'snapshot.creationData.createOption' is missing"),
        ("x", {"properties": {"creationData": {"createOption": "Empty"}}}, 400, "The value 'Empty' of parameter"),
        ("x", {"properties": {"creationData": {"createOption": "Copy"}}}, 400, "sourceResourceId' is missing (null)."),
    ],
)
def test_snapshots_that_are_refused(compute, disk, name, change, status, message):
    with pytest.raises(HttpResponseError) as caught:
        compute.snapshots.begin_create_or_update(GROUP, name, copy_of(disk) | change)
    assert caught.value.status_code == status
    assert message in caught.value.error.message


def test_there_must_be_something_to_copy(compute, disk):
    missing = copy_of(disk)
    missing["properties"]["creationData"]["sourceResourceId"] += "-gone"
    for kind in (compute.snapshots, compute.disks):
        with pytest.raises(ResourceNotFoundError, match=r"The Resource 'Microsoft.Compute/disks/original-gone' under"):
            kind.begin_create_or_update(GROUP, "x", missing)

"""Snapshots, contents and classes as controller and driver write them (recorded), and a claim that is changed."""

from datetime import UTC, datetime

import pytest

from aksdisks.model import (
    Claim,
    VolumeAttributesClass,
    VolumeSnapshot,
    VolumeSnapshotClass,
    VolumeSnapshotContent,
    decode,
)

pytestmark = pytest.mark.quick

GROUP = "/subscriptions/s/resourceGroups/MC_disks_article_westeurope/providers/Microsoft.Compute"
SNAPSHOT_ID, DISK_ID = f"{GROUP}/snapshots/snapshot-1", f"{GROUP}/disks/pvc-1"
TAKEN = datetime(2026, 11, 30, 11, 23, 12, tzinfo=UTC)


def test_a_snapshot_says_what_it_is_made_of_what_it_is_bound_to_and_whether_it_is_ready():
    raw = {
        "metadata": {"name": "first", "namespace": "walk"},
        "spec": {"source": {"persistentVolumeClaimName": "data"}, "volumeSnapshotClassName": "csi-azuredisk-vsc"},
        "status": {
            "boundVolumeSnapshotContentName": "snapcontent-1",
            "creationTime": "2026-11-30T11:23:12Z",
            "readyToUse": True,
            "restoreSize": "8Gi",
            "error": {"message": "it was busy", "time": "2026-11-30T11:23:12Z"},
        },
    }
    assert decode("VolumeSnapshot", raw) == VolumeSnapshot(
        name="first", namespace="walk", claim="data", snapshot_class="csi-azuredisk-vsc", content="snapcontent-1",
        taken=TAKEN, ready=True, restore_size="8Gi", error="it was busy", error_at=TAKEN,
    )  # fmt: skip
    by_hand = {"metadata": {"name": "a"}, "spec": {"source": {"volumeSnapshotContentName": "mine"}}}
    assert decode("VolumeSnapshot", by_hand) == VolumeSnapshot(name="a", source_content="mine")


def test_a_content_has_its_time_in_nanoseconds_and_its_size_in_bytes():
    raw = {
        "metadata": {"name": "snapcontent-1"},
        "spec": {
            "deletionPolicy": "Delete",
            "driver": "disk.csi.azure.com",
            "source": {"volumeHandle": DISK_ID},
            "volumeSnapshotClassName": "csi-azuredisk-vsc",
            "volumeSnapshotRef": {"name": "first", "namespace": "walk", "uid": "u"},
        },
        "status": {
            "creationTime": 1796037792000000000,
            "readyToUse": True,
            "restoreSize": 8589934592,
            "snapshotHandle": SNAPSHOT_ID,
        },
    }
    content = decode("VolumeSnapshotContent", raw)
    assert content == VolumeSnapshotContent(
        name="snapcontent-1", driver="disk.csi.azure.com", deletion_policy="Delete", disk_id=DISK_ID,
        snapshot_class="csi-azuredisk-vsc", snapshot="first", snapshot_namespace="walk", snapshot_uid="u",
        ready=True, taken=TAKEN, restore_size=8589934592, snapshot_id=SNAPSHOT_ID,
    )  # fmt: skip
    assert content.snapshot_key == "walk/first"
    assert decode("VolumeSnapshotContent", {"metadata": {"name": "c"}}).snapshot_key == ""


@pytest.mark.parametrize("wrong", ["2026-11-30T11:23:12Z", True, -1, 10**30, 1.5, {}])
def test_a_time_that_is_none_is_read_as_none(wrong):
    assert decode("VolumeSnapshotContent", {"status": {"creationTime": wrong}}).taken is None


def test_classes_of_snapshots_say_which_is_the_default_and_what_becomes_of_azures_snapshots():
    annotations = {"snapshot.storage.kubernetes.io/is-default-class": "true"}
    raw = {"driver": "disk.csi.azure.com", "deletionPolicy": "Retain", "parameters": {"incremental": "true"}}
    made = decode("VolumeSnapshotClass", {"metadata": {"name": "mine", "annotations": annotations}, **raw})
    assert made == VolumeSnapshotClass(
        name="mine", driver="disk.csi.azure.com", deletion_policy="Retain", parameters={"incremental": "true"},
        is_default=True,
    )  # fmt: skip
    assert made.snapshots_disks
    other = decode("VolumeSnapshotClass", {"metadata": {"name": "files"}, "driver": "file.csi.azure.com"})
    assert not other.is_default and not other.snapshots_disks


def test_an_attributes_class_names_its_sku_whatever_the_case_of_the_key():
    raw = {"metadata": {"name": "gold"}, "driverName": "disk.csi.azure.com", "parameters": {"SkuName": "PremiumV2_LRS"}}
    gold = decode("VolumeAttributesClass", raw)
    assert gold == VolumeAttributesClass(name="gold", driver="disk.csi.azure.com", parameters=raw["parameters"])
    assert gold.sku == "PremiumV2_LRS"


def test_a_claim_says_what_it_is_filled_from_and_how_far_a_change_of_its_class_is():
    source = {"kind": "VolumeSnapshot", "name": "first", "apiGroup": "snapshot.storage.k8s.io"}
    raw = {
        "metadata": {"name": "restored"},
        "spec": {
            "dataSource": source,
            "dataSourceRef": {**source, "namespace": "elsewhere"},
            "volumeAttributesClassName": "gold",
        },
        "status": {
            "currentVolumeAttributesClassName": "silver",
            "modifyVolumeStatus": {"status": "InProgress", "targetVolumeAttributesClassName": "gold"},
        },
    }
    assert decode("PersistentVolumeClaim", raw) == Claim(
        name="restored", source_kind="VolumeSnapshot", source_name="first", source_group="snapshot.storage.k8s.io",
        source_namespace="elsewhere", attributes_class="gold", current_attributes_class="silver",
        target_attributes_class="gold", modify_status="InProgress",
    )  # fmt: skip

"""Each verdict on a snapshot with its reason, and what is not known."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aksdisks.model import DiskSnapshot, Unknown, VolumeSnapshot
from aksdisks.model.ownership import Price
from tests.inspection.ownership.rows import ID, content, left, table
from tests.world import GROUP, SPACE, START

NAME_TAG = "kubernetes.io-created-for-snapshot-name"
TAGS = {
    "k8s-azure-created-by": "kubernetes-azure-dd",
    NAME_TAG: "monday",
    "kubernetes.io-created-for-snapshot-namespace": SPACE,
}
MONDAY = VolumeSnapshot(name="monday", namespace=SPACE, uid="uid-monday")
GONE = "VolumeSnapshot walk/monday is gone, and content snapcontent-1 names it still"
LEFT = "the disk driver made it, and neither its disk nor a VolumeSnapshotContent is there"


def snapshot(days=2.0, **changes):
    plain = {"id": f"{GROUP}/snapshots/snapshot-1", "name": "snapshot-1", "size_gib": 25, "tags": TAGS, "source": ID,
             "provisioning_state": "Succeeded",
             "created": START - timedelta(days=days)}  # fmt: skip
    return DiskSnapshot(**plain | changes)


@pytest.mark.parametrize(
    ("parts", "verdict", "because"),
    [
        ({"contents": (content(),), "volume_snapshots": (MONDAY,)}, "kept", "VolumeSnapshot walk/monday is there"),
        ({"contents": (content(snapshot_id=snapshot().id.upper()),), "volume_snapshots": (MONDAY,)},
         "kept", "VolumeSnapshot walk/monday is there"),
        ({"contents": (content(),)}, "released", GONE),
        ({"contents": (content(snapshot_uid="before"),), "volume_snapshots": (MONDAY,)},
         "released", GONE),
        ({"contents": (content(deletion_policy="Retain"),)}, "released", f"{GONE} (policy Retain)"),
        ({"contents": (content(deletion_policy="Delete", deleting=START),)}, "released",
         "VolumeSnapshot walk/monday is gone, and content snapcontent-1 is to be deleted (policy Delete)"),
        ({"contents": (content(),), "volume_snapshots": (replace(MONDAY, deleting=START),)},
         "kept", "VolumeSnapshot walk/monday is being deleted"),
        ({"contents": (content(snapshot_uid=""),)},
         "kept", "content snapcontent-1 is reserved for VolumeSnapshot walk/monday, which is not there yet"),
        ({"contents": (content(),), "volume_snapshots": Unknown("403")},
         "kept", "content snapcontent-1 names it, of VolumeSnapshot walk/monday"),
        ({"contents": Unknown("403")}, "unknown", "VolumeSnapshotContents: 403"),
        ({"disks": (left(),)}, "kept", "disk pvc-azure-managed-disk, of which it was made, is there; no "
         "VolumeSnapshotContent of VolumeSnapshot monday names it any more"),
        ({"disks": (left(),), "azure_snapshots": (snapshot(tags={}),)},
         "kept", "disk pvc-azure-managed-disk, of which it was made, is there"),
        ({}, "orphan", LEFT),
        ({"azure_snapshots": (snapshot(days=0.5),)}, "young", LEFT),
        ({"azure_snapshots": (snapshot(created=None),)}, "unknown", f"{LEFT}; Azure does not say when it was made"),
        ({"azure_snapshots": (snapshot(tags={**TAGS, "aksdisks-snapshot-of": "1"}),)},
         "kept", f"aksdisks made it before it deleted disk {ID.rpartition('/')[2]}"),
        ({"azure_snapshots": (snapshot(tags={**left().tags, "k8s-azure-created-by": "kubernetes-azure-dd"}),)},
         "foreign", "no tag says that it was made for a VolumeSnapshot"),
        ({"azure_snapshots": (snapshot(tags={"source_volume_id": ID}),)}, "orphan", LEFT),
        ({"azure_snapshots": (snapshot(tags={"by": "hand"}),)},
         "foreign", "no tag says that it was made for a VolumeSnapshot"),
        ({"azure_snapshots": (snapshot(tags={**TAGS, "aks-managed-cluster-name": "other"}),)},
         "unknown", "its tag aks-managed-cluster-name names another cluster, other"),
        ({"disks": Unknown("azure is slow")},
         "unknown", "no VolumeSnapshotContent names it; its disk is unknown, because azure is slow"),
    ],
)  # fmt: skip
def test_each_verdict_says_why(parts, verdict, because):
    (row,) = table(**{"azure_snapshots": (snapshot(),), **parts}).snapshots
    assert (row.verdict, row.because) == (verdict, because)
    assert row.price == Price(a_month=25.0, currency="EUR", source="a flat rate")
    told = "contents" in parts or NAME_TAG in row.snapshot.tags
    assert (row.namespace, row.volume_snapshot) == ((SPACE, "monday") if told else ("", ""))


def test_a_snapshot_of_another_resource_group_that_a_content_names_has_a_row_as_well():
    backup = snapshot(id="/subscriptions/s/resourceGroups/backup/providers/Microsoft.Compute/snapshots/s", name="s")
    elsewhere = {backup.id.lower(): backup, "/subscriptions/gone": None, "nonsense": Unknown("'nonsense' is no id")}
    parts = {"contents": (content(snapshot_id=backup.id),), "volume_snapshots": (MONDAY,)}
    rows = table(azure_snapshots=(snapshot(),), snapshots_elsewhere=elsewhere, **parts).snapshots
    assert [(row.snapshot.name, row.verdict, row.because) for row in rows] == [
        ("snapshot-1", "orphan", LEFT),
        ("s", "kept", "VolumeSnapshot walk/monday is there"),
    ]


def test_snapshots_that_cannot_be_read_say_why():
    assert table(azure_snapshots=Unknown("403")).snapshots == Unknown("403")


@pytest.mark.parametrize(("namespace", "names"), [(SPACE, ["snapshot-1"]), ("shop", ["bound"]), (None, None)])
def test_a_namespace_has_its_own(namespace, names):
    bound = snapshot(id=f"{GROUP}/snapshots/bound", name="bound")
    hers = content(snapshot_id=bound.id, snapshot_namespace="shop")
    found = table(azure_snapshots=(snapshot(), bound), contents=(hers,), namespace=namespace).snapshots
    assert [each.snapshot.name for each in found] == (names or ["snapshot-1", "bound"])


def test_a_disk_is_kept_while_a_snapshot_is_copied_from_it():
    (row,) = table(disks=(left(),), azure_snapshots=(snapshot(completion=40.0),)).disks
    because = "snapshot snapshot-1 is still being copied from it"
    assert (row.verdict, row.because) == ("kept", because)
    clone = left("clone", source=ID, provisioning_state="Updating")
    found = {row.id: row.because for row in table(disks=(left(), clone)).disks}
    assert found[ID] == "disk pvc-clone is still being copied from it"
    (row,) = table(disks=(left(),), azure_snapshots=(snapshot(completion=100.0),)).disks
    assert row.verdict == "orphan"


def test_a_disk_is_kept_while_its_snapshot_is_restored_or_is_to_be_taken():
    restored = left("restored", source=snapshot().id, provisioning_state="Updating")
    found = {row.id: row for row in table(disks=(left(), restored), azure_snapshots=(snapshot(),)).disks}
    because = "disk pvc-restored is still being copied from its snapshot snapshot-1"
    assert (found[ID].verdict, found[ID].because) == ("kept", because)
    wanted = content(snapshot_id="", disk_id=ID.upper())
    (row,) = table(disks=(left(),), contents=(wanted,)).disks
    assert (row.verdict, row.because) == ("kept", "VolumeSnapshotContent snapcontent-1 is to be made of it")
    (row,) = table(disks=(left(),), contents=(replace(wanted, deleting=START),)).disks
    assert row.verdict == "orphan"


def test_a_disk_that_is_filled_is_no_orphan():
    (row,) = table(disks=(left(completion=40.0, provisioning_state="Succeeded"),)).disks
    assert (row.verdict, row.because) == ("unknown", "no volume names it, and Azure is filling it: 40 % are there")

"""Beside the table: what has no disk, attachments of which the sides differ, free slots by both counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aksdisks.model import AzureFiles, DiskSnapshot, ShareSource, StorageAccount, Unknown
from aksdisks.model.ownership import Disagreement, NodeSlots
from tests.inspection.ownership.rows import ID, VOLUME, content, left, table
from tests.world import CLAIM, GROUP, SPACE, START, attachment, claim, disk, machine, node, storage_class, volume

KEY = f"{SPACE}/{CLAIM}"
CLASSES = {"classes": (storage_class(), storage_class(name="files", provisioner="file.csi.azure.com"))}
NO_DISK = f"Azure has no disk {ID}"


SHARED = volume(disk_id="", driver="file.csi.azure.com", share=ShareSource(account="f1", share="docs"))
NO_SHARE = AzureFiles(listed=(StorageAccount(name="f1"),), shares={"f1": ()})
NO_CLASS = claim(phase="Pending", volume="", storage_class="nosuch")


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({"claims": (claim(phase="Pending", volume=""),)},
         [(f"PersistentVolumeClaim {KEY}", "it is Pending, and has no volume yet")]),
        ({"claims": (claim(phase="Pending", volume="", storage_class="files"),)},
         [(f"PersistentVolumeClaim {KEY}", "it is Pending, and has no volume yet")]),
        ({"claims": (claim(phase="Pending", volume="", storage_class="nfs", provisioner="nfs.csi.k8s.io"),)}, []),
        ({"volumes": (SHARED,), "files": NO_SHARE}, [(f"PersistentVolume {VOLUME}", "account f1 has no share docs")]),
        ({"volumes": (SHARED,), "files": AzureFiles(elsewhere={"f1": None})},
         [(f"PersistentVolume {VOLUME}", "Azure has no storage account f1")]),
        ({"volumes": (SHARED,), "files": AzureFiles(listed=Unknown("403"), elsewhere={"f1": Unknown("403")})}, []),
        ({"volumes": (SHARED,)}, []),
        ({"volumes": (replace(SHARED, share=ShareSource()),), "files": NO_SHARE},
         [(f"PersistentVolume {VOLUME}", "it names no storage account")]),
        ({"claims": (claim(phase="Pending", volume="", storage_class="gone", provisioner="disk.csi.azure.com"),)},
         [(f"PersistentVolumeClaim {KEY}", "it is Pending, and has no volume yet")]),
        ({"claims": (claim(phase="Lost"),)}, [(f"PersistentVolumeClaim {KEY}", f"its volume {VOLUME} is gone")]),
        ({"claims": (claim(),), "volumes": (volume(),)},
         [(f"PersistentVolume {VOLUME}", NO_DISK), (f"PersistentVolumeClaim {KEY}", f"volume {VOLUME}: {NO_DISK}")]),
        ({"claims": (claim(),), "volumes": (volume(),), "disks": (disk(),)}, []),
        ({"volumes": (volume(disk_id="", driver="disk.csi.azure.com"),)},
         [(f"PersistentVolume {VOLUME}", "it names no disk")]),
        ({"volumes": (volume(disk_id="", driver="file.csi.azure.com"),)}, []),
        ({"claims": (claim(),), "volumes": (volume(),), "disks": Unknown("azure is off")}, []),
        ({"claims": (claim(phase="Lost"),), "unread": ("PersistentVolume",)}, []),
        ({"claims": (NO_CLASS,)},
         [(f"PersistentVolumeClaim {KEY}", "it is Pending, and its class nosuch is not there")]),
        ({"claims": (NO_CLASS,), "unread": ("StorageClass",)}, []),
        ({"namespace": "shop", "volumes": (volume(),)}, []),
    ],
)  # fmt: skip
def test_claims_and_volumes_without_a_disk_say_why(parts, found):
    assert list(table(**CLASSES, **parts).without_disk) == found


MADE = {"created": START - timedelta(hours=1), "ready": True}
SNAPSHOT = DiskSnapshot(id=content().snapshot_id.upper(), name="snapshot-1")
BACKUP = "/subscriptions/s/resourceGroups/backup/providers/Microsoft.Compute/snapshots/Snapshot-1"
ELSEWHERE = {"contents": (content(**MADE, snapshot_id=BACKUP),)}
NO_SNAPSHOT = f"Azure has no snapshot {content().snapshot_id}, of VolumeSnapshot {SPACE}/monday"


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({}, [("VolumeSnapshotContent snapcontent-1", NO_SNAPSHOT)]),
        ({"namespace": SPACE}, [("VolumeSnapshotContent snapcontent-1", NO_SNAPSHOT)]),
        ({"namespace": "shop"}, []),
        ({"azure_snapshots": (SNAPSHOT,)}, []),
        ({"azure_snapshots": Unknown("403")}, []),
        ({"scope": ""}, []),
        ({"contents": Unknown("403")}, []),
        ({"contents": (content(**MADE | {"ready": False}),)}, []),
        ({"contents": (content(**MADE | {"created": START}),)}, []),
        ({"contents": (content(**MADE, deleting=START),)}, []),
        ({"contents": (content(**MADE, driver="ebs.csi.aws.com"),)}, []),
        (ELSEWHERE | {"snapshots_elsewhere": {BACKUP.lower(): replace(SNAPSHOT, id=BACKUP)}}, []),
        (ELSEWHERE | {"snapshots_elsewhere": {BACKUP.lower(): None}},
         [("VolumeSnapshotContent snapcontent-1",
           f"Azure has no snapshot {BACKUP}, of VolumeSnapshot {SPACE}/monday")]),
        (ELSEWHERE | {"snapshots_elsewhere": {BACKUP.lower(): Unknown("403")}},
         [("VolumeSnapshotContent snapcontent-1",
           f"whether Azure has snapshot {BACKUP}, of VolumeSnapshot {SPACE}/monday, is unknown, because 403")]),
        (ELSEWHERE | {"scope": ""}, []),
    ],
)  # fmt: skip
def test_a_content_whose_snapshot_azure_does_not_have_says_so(parts, found):
    assert list(table(**{"contents": (content(**MADE),), **parts}).without_disk) == found


BY_CSI = volume(driver="disk.csi.azure.com")
TWIN = volume("twin", driver=BY_CSI.driver, disk_id=BY_CSI.disk_id)
ON_0 = {"at": disk(), "machines": (machine(0, disk()), machine(1))}


def differing(*attachments, **changes):
    parts = ON_0 | {"volumes": (BY_CSI,)} | changes
    found = table(disks=(parts.pop("at"),), attachments=attachments, **parts)
    return [(each.node, each.kubernetes, each.azure) for each in found.disagreements]


AT_0 = "attached to aks-0 at LUN 0"


@pytest.mark.parametrize(
    ("attachments", "changes", "found"),
    [
        ((attachment(),), {}, []),
        ((attachment(),), {"at": left(), "machines": (machine(0),)},
         [("aks-0", AT_0, "attached to no machine (state Unattached)")]),
        ((), {}, [("aks-0", "no VolumeAttachment", "attached to aks-0")]),
        ((attachment("twin"),), {"volumes": (BY_CSI, TWIN)}, []),
        ((attachment(to=1),), {}, [("aks-0, aks-1", "attached to aks-1 at LUN 0", "attached to aks-0")]),
        ((attachment(to=1, attached=False, lun=None),), {},
         [("aks-0, aks-1", "attaching to aks-1", "attached to aks-0")]),
        ((attachment(attached=False),), {}, []),
        ((attachment(attached=False),), {"at": left(), "machines": (machine(0),)}, []),
        ((attachment(deleting=START),), {}, []),
        ((attachment(deleting=START),), {"at": left(), "machines": (machine(0),)}, []),
        ((attachment(lun=3),), {}, [("aks-0", "attached to aks-0 at LUN 3", "attached to aks-0 at LUN 0")]),
        ((attachment(lun=None),), {}, []),
        ((attachment(),), {"machines": (machine(0),)},
         [("aks-0", AT_0, "the disk's managedBy names aks-0, whose dataDisks do not have it")]),
        ((attachment(),), {"at": left()},
         [("aks-0", AT_0, "the dataDisks of aks-0 have it, and the disk's managedBy names no machine")]),
        ((attachment(),), {"at": disk(managed_by=f"{GROUP}/virtualMachines/other")},
         [("aks-0, other", AT_0, "attached to other")]),
        ((attachment(),), {"at": left(), "machines": Unknown("azure is slow")}, []),
        ((), {"unread": ("VolumeAttachment",)}, []),
        ((), {"volumes": (volume(),)}, []),
        ((attachment(to=1),), {"volumes": (volume(),)},
         [("aks-0, aks-1", "attached to aks-1 at LUN 0", "attached to aks-0")]),
        ((attachment(),), {"at": disk(holders=(machine(0).id, machine(1).id))},
         [("aks-0, aks-1", AT_0, "attached to aks-0, aks-1")]),
        ((attachment(), attachment(to=1, lun=None)), {"at": disk(holders=(machine(0).id, machine(1).id))}, []),
    ],
)  # fmt: skip
def test_an_attachment_that_the_sides_see_differently_is_told_of(attachments, changes, found):
    assert differing(*attachments, **changes) == found


def test_a_machine_of_another_group_does_not_hide_who_has_the_disk_here():
    """managedBy names a machine that was not read; what stands in its place is its name."""
    held = disk(managed_by="/subscriptions/s/resourceGroups/other/providers/Microsoft.Compute/virtualMachines/far")
    found = table(volumes=(BY_CSI,), disks=(held,), machines=(machine(0),)).disagreements
    assert found == (
        Disagreement(disk=VOLUME, volume=VOLUME, node="far", kubernetes="no VolumeAttachment", azure="attached to far"),
    )


def test_free_slots_are_told_by_both_counts():
    nodes = (node(0, disk_slots=4), node(1, disk_slots=None), node(2, disk_slots=1))
    parts = {"nodes": nodes, "attached": {"aks-0": 1}, "machines": (machine(0, disk(), left("foreign")), machine(1))}
    assert table(**parts).slots == (
        NodeSlots(node="aks-0", limit=4, by_kubernetes=3, by_azure=2),
        NodeSlots(node="aks-1", limit=None, by_kubernetes=None, by_azure=None),
        NodeSlots(node="aks-2", limit=1, by_kubernetes=1, by_azure=None),
    )
    unread = table(**parts, unread=("VolumeAttachment",)).slots[0]
    assert unread == NodeSlots(node="aks-0", limit=4, by_kubernetes=None, by_azure=2)
    unasked = table(**{**parts, "machines": Unknown("azure is off")}).slots[0]
    assert unasked == NodeSlots(node="aks-0", limit=4, by_kubernetes=3, by_azure=None)


def test_case_does_not_make_a_disagreement():
    upper = replace(disk(), id=disk().id.upper(), managed_by=disk().managed_by.upper())
    assert differing(attachment(), at=upper) == []

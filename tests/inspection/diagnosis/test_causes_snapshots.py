"""Causes about snapshots, about claims that are filled from them, and about changes of class; on a handmade world."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aksdisks.inspection.diagnosis import Finding, diagnose
from aksdisks.inspection.diagnosis.snapshots import FILLING
from aksdisks.inspection.diagnosis.unseen import unseen
from aksdisks.model import (
    Claim,
    Condition,
    Inventory,
    KubeEvent,
    NotServed,
    Unknown,
    VolumeAttributesClass,
    VolumeSnapshot,
    VolumeSnapshotContent,
)
from tests.inspection.diagnosis.test_causes_provisioning import (
    COPY,
    NOT_ALLOWED,
    PENDING,
    PVC,
    RUNS,
    SNAPSHOT,
    ago,
    found,
    growing,
    making,
    rpc,
    told,
)
from tests.world import CLAIM, SPACE, claim, volume, world

pytestmark = pytest.mark.quick

DRIVER = "disk.csi.azure.com"
NOT_SERVED = NotServed("this cluster does not serve volumesnapshots of snapshot.storage.k8s.io/v1")
SOURCE = claim(phase="Bound", created=ago(9000))
FRESH = VolumeSnapshot(name="backup", namespace=SPACE, uid="uid-backup", claim=CLAIM, created=ago(40))
BOUND = replace(FRESH, content="snapcontent-1")
READY = replace(BOUND, ready=True, taken=ago(30))
GOING = replace(READY, deleting=ago(20), finalizers=("snapshot.storage.kubernetes.io/volumesnapshot-bound-protection",))
KEPT = replace(SOURCE, deleting=ago(3), finalizers=("snapshot.storage.kubernetes.io/pvc-as-source-protection",))
CONTENT = VolumeSnapshotContent(
    name="snapcontent-1", driver=DRIVER, snapshot="backup", snapshot_namespace=SPACE, snapshot_uid="uid-backup"
)
# external-snapshotter pkg/sidecar-controller/snapshot_controller.go around the driver's error
TAKING = "Failed to check and update snapshot content: failed to take snapshot of the volume /s/disks/x: "
QUOTED = (
    r'"rpc error: code = Internal desc = create snapshot error: GET https://x\n-----\nRESPONSE 200: 200 OK\n'
    r"ERROR CODE: "
    r"InternalExecutionError\n-----\n{\n  \"error\": {\n    \"code\": \"InternalExecutionError\",\n    \"message\": "
    r'\"Please retry later.\"\n  },\n  \"name\": \"742dd2c7\"\n}\n-----\n"'
)
CREATION = "Failed to create snapshot content with error "
FROM = "error getting handle for DataSource Type VolumeSnapshot by Name backup: "


def snapshots(*values: VolumeSnapshot, **parts: Any) -> Inventory:
    """Snapshots of a claim whose pod runs."""
    plain: dict[str, Any] = {"pods": (RUNS,), "claims": (SOURCE,), "events": (), "volume_snapshots": values,
                             "volumes": (volume(driver=DRIVER),)}  # fmt: skip
    return world(**plain | parts)


def failing(error: str, **changes: Any) -> VolumeSnapshot:
    return replace(FRESH, error=error, error_at=ago(5), **changes)


def about(inventory: Inventory, kind: str = "VolumeSnapshot") -> Finding | None:
    of_kind = [each for each in diagnose(inventory) if each.object.kind == kind]
    assert len(of_kind) <= 1
    return of_kind[0] if of_kind else None


def restoring(snapshot: VolumeSnapshot | None = None, *messages: str, **parts: Any) -> Inventory:
    """A claim is to be filled from a snapshot."""
    plain = {"of": SNAPSHOT, "claims": (SNAPSHOT,), "volume_snapshots": (snapshot,) if snapshot else ()}
    return making(*messages, **plain | parts)


def of_content(reason: str, message: str) -> KubeEvent:
    event = told(SOURCE, reason, message)
    return replace(event, namespace="default", kind="VolumeSnapshotContent", object="snapcontent-1", object_uid="u")


def going(claims: tuple[Claim, ...] = (SOURCE,), *events: KubeEvent) -> Inventory:
    return snapshots(GOING, claims=claims, events=events)


ROWS = [
    # a snapshot that is taken
    ("snapshot-pending", "wait", "snapshot backup of claim azure-managed-disk is not ready after 40 s; it takes",
     snapshots(FRESH)),
    ("snapshot-pending", "wait", "not ready after 40 s", snapshots(BOUND)),
    ("snapshot-pending", "wait", "not ready after 50 min", snapshots(replace(BOUND, created=ago(3000)))),
    ("snapshot-pending", "problem", "not ready after 2 h", snapshots(replace(BOUND, created=ago(7200)))),
    ("snapshot-pending", "problem", "nothing has begun to make it: the snapshot controller would have",
     snapshots(replace(FRESH, created=ago(900)))),
    ("snapshot-pending", "wait", "snapshot backup is not ready",
     snapshots(replace(FRESH, claim="", source_content="mine"))),
    # one that cannot be taken
    ("snapshot-failed", "problem", "it names no class, and no VolumeSnapshotClass is the default",
     snapshots(failing("Failed to set default snapshot class with error cannot find default snapshot class"))),
    ("snapshot-failed", "problem", "it names no class, and 2 VolumeSnapshotClasses say that they are the default",
     snapshots(failing("Failed to set default snapshot class with error 2 default snapshot classes were found"))),
    ("snapshot-failed", "problem", "cannot be taken: there is no VolumeSnapshotClass gone",
     snapshots(failing('Failed to get snapshot class with error volumesnapshotclass.snapshot.storage.k8s.io "gone" not '
                       'found', snapshot_class="gone"))),
    ("snapshot-failed", "problem", "stands for nothing: its content snapcontent-1 is not there any more",
     snapshots(replace(READY, ready=False, error="VolumeSnapshotContent is missing"))),
    ("snapshot-failed", "problem", "stands for nothing: its content mine is not there",
     snapshots(failing("VolumeSnapshotContent is missing", claim="", source_content="mine"))),
    ("snapshot-failed", "problem", "cannot be taken: Failed to check and update snapshot content: failed to take",
     snapshots(failing(f'{TAKING}"rpc error: code = Internal desc = it is broken"', content="snapcontent-1"))),
    ("snapshot-failed", "problem", "cannot be taken: Please retry later.",
     snapshots(failing(TAKING + QUOTED, content="snapcontent-1", taken=ago(9)))),
    ("snapshot-pending", "wait", "not ready after 40 s",
     snapshots(failing(TAKING + QUOTED, content="snapcontent-1", taken=ago(2)))),
    ("snapshot-pending", "wait", "not ready after 40 s",
     snapshots(failing(TAKING + QUOTED, content="snapcontent-1", taken=ago(9)), events=(
         replace(told(SOURCE, "SnapshotCreated", "created", at=1, normal=True), object_uid="uid-backup"),))),
    ("not-authorized", "problem", "Azure does not take snapshot backup: identity",
     snapshots(failing(TAKING + rpc(NOT_ALLOWED), content="snapcontent-1"))),
    # of nothing, of a claim that goes, of one without a disk
    ("source-missing", "problem", "is to be made of PersistentVolumeClaim nothing, which there is not",
     snapshots(replace(FRESH, claim="nothing"))),
    ("source-missing", "problem", "which there is not",
     snapshots(failing(f'{CREATION}failed to get input parameters to create snapshot backup: "failed to retrieve PVC '
                       'nothing from the lister: ..."', claim="nothing"))),
    ("source-missing", "problem", "which is being deleted",
     snapshots(FRESH, claims=(replace(SOURCE, deleting=ago(3)),))),
    ("source-missing", "wait", "which is not bound itself",
     snapshots(failing(f"{CREATION}the PVC {CLAIM} is not yet bound to a PV, will not attempt to take a snapshot"),
               claims=(PENDING,), pods=())),
    ("source-missing", "problem", "which is of another driver, file.csi.azure.com",
     snapshots(FRESH, volumes=(volume(driver="file.csi.azure.com"),))),
    # one that is deleted
    ("snapshot-protected", "wait", "is being deleted, and claim azure-managed-disk is to be filled from it",
     going((SNAPSHOT,), told(GOING, "SnapshotDeletePending", "Snapshot is being used to restore a PVC"))),
    ("snapshot-protected", "wait", "nothing fills it before a pod mounts it",
     going((replace(SNAPSHOT, selected_node=""), ))),
    ("snapshot-protected", "problem", "which nothing does any more: neither goes on before the claim is deleted",
     going((SNAPSHOT,), told(SNAPSHOT, "ProvisioningFailed", f"{FROM}snapshot backup is being deleted"))),
    ("snapshot-protected", "wait", "its content is being deleted first", going()),
    ("snapshot-protected", "problem", "Azure's snapshot cannot be deleted",
     going((SOURCE,), of_content("SnapshotDeleteError", "Failed to delete snapshot"))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cause", "verdict", "words", "inventory"), [pytest.param(*row, id=f"{row[0]}: {row[2]}"[:80]) for row in ROWS]
)
def test_what_is_found_about_a_snapshot(cause: str, verdict: str, words: str, inventory: Inventory) -> None:
    finding = about(inventory)
    assert finding is not None
    assert (finding.cause, finding.verdict) == (cause, verdict), finding
    assert words in finding.because and finding.evidence and finding.next
    assert all(row.source in ("Kubernetes", "Azure") and row.object and row.says for row in finding.evidence)


OF_CLAIMS = [
    ("source-missing", "problem", "which there is not", restoring()),
    ("source-missing", "problem", "which there cannot be: this cluster does not serve volumesnapshots",
     restoring(volume_snapshots=NOT_SERVED)),
    ("source-missing", "problem", "which is being deleted", restoring(replace(READY, deleting=ago(9)))),
    ("provisioning", "wait", "being made",
     restoring(replace(READY, deleting=ago(9), finalizers=(FILLING,)), volume_snapshot_contents=(CONTENT,))),
    ("source-missing", "problem", "which is of another driver, ebs.csi.aws.com",
     restoring(READY, volume_snapshot_contents=(replace(CONTENT, driver="ebs.csi.aws.com"),))),
    ("source-missing", "problem", "whose content snapcontent-1 there is not",
     restoring(READY, volume_snapshot_contents=())),
    ("source-missing", "problem", "whose content snapcontent-1 is of another snapshot",
     restoring(READY, volume_snapshot_contents=(replace(CONTENT, snapshot_uid="before"),))),
    ("source-missing", "problem", "which is not its own",
     restoring(None, f"{FROM}snapshotcontent snapcontent-1 for snapshot backup is not handled by CSI driver of "
               "StorageClass managed-premium", volume_snapshots=Unknown("403"))),
    ("source-missing", "problem", "which is of another driver, none of CSI",
     making(of=COPY, claims=(COPY, claim("first")), volumes=(volume("first"),))),
    ("snapshot-pending", "wait", "waits for snapshot backup, which is not ready after 40 s", restoring(BOUND)),
    ("snapshot-pending", "wait", "which is not ready; it takes seconds",
     restoring(None, f"{FROM}snapshot backup not bound", volume_snapshots=Unknown("403"))),
    ("snapshot-pending", "problem", "which is not ready after 40 s: no room",
     restoring(failing("no room", content="snapcontent-1"))),
    ("impossible-request", "problem", "requested volume size 1 is less than the size 2 for the source",
     restoring(READY, f"{FROM}requested volume size 1 is less than the size 2 for the source snapshot backup")),
    # a claim that goes while a snapshot of it is taken
    ("claim-protected", "wait", "is being deleted, and snapshot backup of it is being taken",
     snapshots(BOUND, claims=(KEPT,), pods=())),
    ("claim-protected", "wait", "snapshot backup of it is being taken: Please retry later.",
     snapshots(failing(TAKING + QUOTED, content="snapcontent-1"), claims=(KEPT,), pods=())),
    ("claim-protected", "wait", "is being deleted, and a snapshot of it is being taken",
     snapshots(claims=(KEPT,), pods=())),
    # changes of class
    ("modify-pending", "wait", "to be changed to VolumeAttributesClass gold; nothing has begun yet",
     growing(requested="25Gi", attributes_class="gold")),
    ("modify-pending", "wait", "that takes seconds, of the SKU minutes",
     growing(requested="25Gi", attributes_class="gold", current_attributes_class="silver", modify_status="InProgress")),
    ("modify-pending", "wait", "Azure moves its data to the other SKU, which takes hours",
     replace(growing(requested="25Gi", attributes_class="gold", modify_status="InProgress"),
             volumes=(volume(labels={"disk.csi.azure.com/migration-in-progress": "true"}),))),
    ("modify-pending", "wait", "to be changed to VolumeAttributesClass gold",
     replace(growing(requested="25Gi", attributes_class="gold", modify_status="Pending"),
             volume_attributes_classes=(VolumeAttributesClass(name="gold", driver=DRIVER),))),
    ("modify-failed", "problem", "to VolumeAttributesClass gold: there is no such class",
     replace(growing(requested="25Gi", attributes_class="gold", modify_status="Pending"),
             volume_attributes_classes=())),
    ("modify-failed", "problem", "to VolumeAttributesClass gold: it is busy",
     growing(requested="25Gi", attributes_class="gold", modify_status="InProgress",
             conditions=(Condition(type="ModifyVolumeError", status="True", message="it is busy"),))),
    ("no-class", "problem", "asks for VolumeAttributesClass gold, which there is not (did you mean 'golden'?)",
     making('volumeattributesclasses.storage.k8s.io "gold" not found', of=replace(PENDING, attributes_class="gold"),
            volume_attributes_classes=(VolumeAttributesClass(name="golden"),))),
    ("impossible-request", "problem", "VAC gold referenced in PVC is for driver other",
     making("VAC gold referenced in PVC is for driver other which does not match driver name disk.csi.azure.com",
            of=replace(PENDING, attributes_class="gold"))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cause", "verdict", "words", "inventory"), [pytest.param(*row, id=f"{row[0]}: {row[2]}"[:80]) for row in OF_CLAIMS]
)
def test_what_is_found_about_a_claim(cause: str, verdict: str, words: str, inventory: Inventory) -> None:
    finding = found(inventory, PVC)
    assert finding is not None
    assert (finding.cause, finding.verdict) == (cause, verdict), finding
    assert words in finding.because and finding.evidence and finding.next


NEAR = [
    ("a snapshot that is ready", snapshots(READY)),
    ("one that is ready after an error", snapshots(replace(READY, error="it was busy"))),
    ("one whose claim is gone by now", snapshots(READY, claims=(), pods=())),
    ("a claim that has the class that it asks for",
     growing(requested="25Gi", attributes_class="gold", current_attributes_class="gold")),
    ("a claim that asks for no class any more, whose last change failed",
     growing(requested="25Gi", modify_status="Infeasible", current_attributes_class="silver",
             conditions=(Condition(type="ModifyVolumeError", status="True", message="no"),))),
    ("an old refusal of a change that has been made since",
     replace(growing(requested="25Gi", attributes_class="gold", current_attributes_class="gold"),
             events=(told(claim(), "VolumeModifyFailed", "no"),))),
]  # fmt: skip


@pytest.mark.parametrize("inventory", [pytest.param(row[1], id=row[0]) for row in NEAR])
def test_nothing_is_found_about_what_is_well(inventory: Inventory) -> None:
    assert diagnose(inventory) == ()


@pytest.mark.parametrize(
    ("inventory", "cause"),
    [
        pytest.param(restoring(READY, volume_snapshot_contents=(CONTENT,)), "provisioning", id="one that goes on"),
        pytest.param(
            restoring(READY, f"{FROM}snapshot backup is not Ready", volume_snapshot_contents=(CONTENT,)),
            "snapshot-pending", id="one whose snapshot is ready by now",
        ),
        pytest.param(
            making(of=COPY, claims=(COPY, claim("first")), volumes=(volume("first", driver=DRIVER),)),
            "provisioning", id="a clone that goes on",
        ),
        pytest.param(
            replace(
                growing(requested="25Gi", attributes_class="gold", modify_status="InProgress"),
                events=(
                    told(claim(), "VolumeModifyFailed", "no", at=60),
                    told(claim(), "VolumeModify", "external resizer is modifying volume", at=30, normal=True),
                ),
            ),
            "modify-pending", id="a refusal of the class before",
        ),
    ],
)  # fmt: skip
def test_what_looks_like_a_source_that_is_missing_or_a_change_that_failed(inventory: Inventory, cause: str) -> None:
    finding = found(inventory, PVC)
    assert finding is not None and (finding.cause, finding.verdict) == (cause, "wait"), finding


def test_what_may_not_be_read_is_no_source_that_is_gone() -> None:
    denied = Unknown("403")
    for inventory in (restoring(volume_snapshots=denied), restoring(READY, volume_snapshot_contents=denied)):
        finding = found(inventory, PVC)
        assert finding is not None and finding.cause == "provisioning"
    hidden = replace(snapshots(replace(FRESH, claim="nothing"), claims=()), unreadable={"PersistentVolumeClaim": "403"})
    finding = about(hidden)
    assert finding is not None and finding.cause == "snapshot-pending"
    (row,) = unseen(world(pods=(), unreadable={"VolumeSnapshot": "403"}), ())
    assert (row.what, row.because, row.hides) == ("VolumeSnapshot", "403", False)


def test_what_was_read_later_is_asked_for_where_a_snapshot_is_the_source() -> None:
    restore = about(restoring(READY), "PersistentVolumeClaim")
    assert restore is not None and restore.needs == ("contents",)
    pending = growing(requested="25Gi", attributes_class="gold", modify_status="Pending")
    assert [each.needs for each in diagnose(pending)] == [("attributes-classes",)]

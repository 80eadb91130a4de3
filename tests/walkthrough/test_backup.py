"""What runbook 11 compares, on values made by hand: lines cut in the middle, and the two sides of copies."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from aksdisks.errors import InputError
from aksdisks.model import Disk, DiskSnapshot, Unknown, VolumeSnapshot, VolumeSnapshotContent
from aksdisks.parameters import Parameters
from aksdisks.walkthrough.backup import Backup
from aksdisks.walkthrough.backup_views import Lines, Seen
from aksdisks.walkthrough.line_writer import settled
from tests.world import START, claim, volume

FOUR = "line 1\nline 2\nline 3\nline 4\n"
SILENT = Unknown("no command runs in pod p")


@pytest.mark.parametrize(
    ("copy", "holds", "seen"),
    [
        (FOUR[:14], True, "all lines from before, none from after"),
        (FOUR[:21], True, "all lines from before, none from after"),
        (FOUR[:24], True, "all lines from before, none from after"),  # the last one was cut short
        (FOUR, False, "4 lines that are not the first of those written"),  # one from after
        (FOUR[:7], False, "1 line, of 2 lines that were there before"),
        ("", False, "0 lines, of 2 lines that were there before"),
        ("line 1\n" + FOUR[14:21], False, "2 lines that are not the first of those written"),  # one of the middle lacks
        (SILENT, SILENT, "no lines could be compared"),
        (None, None, "no lines could be compared"),
    ],
)
def test_a_copy_is_cut_between_two_moments(copy, holds, seen) -> None:  # type: ignore[no-untyped-def]
    lines = Lines(before=FOUR[:14], until=FOUR[:27], written=FOUR, copy=copy)
    assert (lines.holds, lines.seen) == (holds, seen)


def test_where_nothing_was_on_the_disk_before_nothing_is_shown() -> None:
    assert Lines(before="", until=FOUR, written=FOUR, copy="").holds is False


def test_how_many_lines_each_has() -> None:
    rows = Lines(before=FOUR[:14], until=SILENT, written=FOUR, copy=FOUR[:24]).table().rows
    assert [row[1] for row in rows] == [
        "2 lines", "3 lines and a part of one", "unknown, because no command runs in pod p", "4 lines",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("read", "sure"), [("", ""), ("line 1\n", ""), (FOUR[:14], FOUR[:7]), (FOUR[:17], FOUR[:14]), (FOUR, FOUR[:21])]
)
def test_the_last_line_may_not_be_on_the_disk_yet(read: str, sure: str) -> None:
    assert settled(read) == sure


GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute"
TAGS = {"kubernetes.io-created-for-snapshot-name": "moment", "kubernetes.io-created-for-snapshot-namespace": "shop"}
CONTENT = VolumeSnapshotContent(
    name="snapcontent-1",
    snapshot="moment",
    snapshot_namespace="shop",
    snapshot_id=f"{GROUP}/snapshots/snapshot-1",
    disk_id=f"{GROUP}/disks/pvc-data",
    deletion_policy="Delete",
    ready=True,
    restore_size=25 * 2**30,
)
THERE = DiskSnapshot(
    name="snapshot-1", source=f"{GROUP}/disks/pvc-data", incremental=True, size_gib=25, sku="Standard_ZRS",
    provisioning_state="Succeeded", completion=100.0, tags=TAGS,
)  # fmt: skip
RESTORED = replace(claim("restored"), source_kind="VolumeSnapshot", source_name="moment", volume="pvc-restored")
CLONE = replace(claim("clone"), source_kind="PersistentVolumeClaim", source_name="data", volume="pvc-clone")
ORIGINAL = replace(claim("data"), volume="pvc-data")
COPIES = (
    Disk(name="pvc-restored", source=f"{GROUP}/snapshots/snapshot-1"),
    Disk(name="pvc-clone", source=f"{GROUP}/disks/pvc-data"),
)


def of_claim(disk: Disk, name: str) -> Disk:
    tags = {"kubernetes.io-created-for-pvc-name": name, "kubernetes.io-created-for-pvc-namespace": "shop"}
    return replace(disk, tags=tags)


SEEN = Seen(
    "shop",
    snapshots=(VolumeSnapshot(name="moment", namespace="shop", content="snapcontent-1", ready=True),),
    contents=(CONTENT,),
    claims=(ORIGINAL, RESTORED, CLONE),
    volumes=tuple(volume(name) for name in ("data", "restored", "clone")),
    in_azure=(THERE,),
    disks=(of_claim(COPIES[0], "restored"), of_claim(COPIES[1], "clone")),
)


def test_both_sides_name_the_snapshot_and_the_disk_that_it_is_of() -> None:
    assert SEEN.made() == ({("snapshot-1", "pvc-data")}, {("snapshot-1", "pvc-data")})
    elsewhere = replace(SEEN, in_azure=(replace(THERE, source=f"{GROUP}/disks/another"),))
    assert elsewhere.made() == ({("snapshot-1", "pvc-data")}, {("snapshot-1", "another")})
    text = SEEN.table().text()
    assert "moment, by its tags" in text and "incremental, Standard_ZRS" in text and "Succeeded, 100 % copied" in text


def test_both_sides_name_a_copy_and_what_it_is_of() -> None:
    assert SEEN.copied("restored") == ({("pvc-restored", "snapshot-1")}, {("pvc-restored", "snapshot-1")})
    assert SEEN.copied("clone") == ({("pvc-clone", "pvc-data")}, {("pvc-clone", "pvc-data")})
    assert SEEN.copied("none") == (frozenset(), frozenset())


def test_a_snapshot_that_leaves_is_still_in_azure_until_it_is_gone_on_both_sides() -> None:
    assert SEEN.leaving() == (frozenset(), {"snapshot-1"})
    going = replace(SEEN.snapshots[0], deleting=START)  # type: ignore[index]
    assert replace(SEEN, snapshots=(going,)).leaving() == ({"snapshot-1"}, {"snapshot-1"})
    assert SEEN.none_left is False
    assert replace(SEEN, snapshots=(), contents=(), in_azure=()).none_left is True
    assert replace(SEEN, snapshots=(), contents=()).none_left is False


def test_where_a_side_cannot_be_asked_nothing_is_known() -> None:
    off = Unknown("azure is off")
    blind = replace(SEEN, in_azure=off, disks=off)
    assert [said[1] for said in (blind.made(), blind.copied("clone"), blind.leaving())] == [off, off, off]
    assert replace(blind, snapshots=(), contents=()).none_left is off
    deaf = replace(SEEN, contents=off)
    assert [said[0] for said in (deaf.made(), deaf.copied("restored"), deaf.leaving())] == [off, off, off]
    assert "the snapshot" in blind.table().text()


@pytest.mark.parametrize(
    ("cell", "needs"),
    [
        ("take", r"a pod of backup-original: expected one, found none \(run the cells above first"),
        ("restore", r"snapshot backup-moment: expected one, found none \(run the cells above first"),
        ("restore_smaller", "snapshot backup-moment: expected one"),
        ("delete", "snapshot backup-moment: expected one"),
        ("restore_late", "a deletion of backup-moment: expected one"),
        ("let_go", "a deletion of backup-moment: expected one"),
    ],
)
def test_a_cell_that_is_run_too_early_says_what_it_needs_and_does_nothing(cell: str, needs: str) -> None:
    classes = (SimpleNamespace(name="managed-premium", binding_mode="WaitForFirstConsumer"),)
    session = SimpleNamespace(
        parameters=Parameters(), objects=None, labels={}, run_id="r", cluster=SimpleNamespace(classes=lambda: classes)
    )
    backup = Backup(lambda: session)  # type: ignore[arg-type, return-value]
    backup.given = True
    with pytest.raises(InputError, match=needs):
        getattr(backup, cell)()

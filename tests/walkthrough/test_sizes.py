"""What runbook 10 compares, on values made by hand: sizes by disk, growth in the pod and in Azure, what is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.model import Disk, Unknown
from aksdisks.walkthrough.sizes import FileSystem, Row, Sizes, read_size
from tests.world import claim, disk, pod, volume

OFF = Unknown("azure is off")
SILENT = Unknown("no command runs in pod grow-1")


def row(name: str = "grow", gib: int = 25, file_system: FileSystem = None, **changes: Any) -> Row:
    asked = claim(name, capacity=f"{gib}Gi", requested=f"{gib}Gi")
    made: Disk | Unknown = changes.get("disk", disk(name, size_gib=gib, sku="Premium_LRS"))
    return Row(asked, volume(name, capacity=f"{gib}Gi"), made, changes.get("pod", pod(f"{name}-1", 0)), file_system)


BEFORE = Sizes((row(file_system=24.5), row("set-0")))


def test_what_grew_is_told_by_each_side() -> None:
    after = Sizes((row(gib=30, file_system=29.4), row("set-0")))
    assert after.news(BEFORE) == ({("pvc-grow", 30)}, {("pvc-grow", 30)})
    assert after.more_in_pods(BEFORE) == {("grow", 5)}, "a file system takes a part for itself"
    assert after.more_in_azure(BEFORE) == {("grow", 5), ("set-0", 0)}
    assert after.only("grow").more_in_azure(BEFORE) == {("grow", 5)}
    assert BEFORE.news(BEFORE) == (frozenset(), frozenset())
    # The volume promises it, and Azure has not got it.
    behind = Sizes((row(gib=30, disk=disk("grow", size_gib=25)),))
    assert behind.news(BEFORE) == ({("pvc-grow", 30)}, frozenset())


def test_a_claim_that_is_new_is_no_growth() -> None:
    after = Sizes((*BEFORE.rows, row("set-1", 25)))
    assert after.new_disks(BEFORE) == {("set-1", 25)}
    assert after.more_in_azure(BEFORE) == {("grow", 0), ("set-0", 0)}
    assert BEFORE.new_disks(BEFORE) == frozenset()


def test_the_pod_is_told_by_its_uid_node_and_restarts() -> None:
    again = Sizes((row(pod=pod("grow-1", 0, restarts=1)),))
    assert again.pods == {("grow-1", "uid-grow-1", "aks-0", 1)}
    assert again.pods != BEFORE.only("grow").pods
    assert Sizes((row(pod=None),)).pods == frozenset()


def test_where_one_says_nothing_nothing_is_known() -> None:
    blind = Sizes((row(gib=30, file_system=29.0, disk=OFF),))
    assert (blind.azure, blind.news(BEFORE)[1], blind.more_in_azure(BEFORE)) == (OFF, OFF, OFF)
    assert BEFORE.more_in_azure(blind) is OFF
    mute = Sizes((row(file_system=SILENT),))
    assert (mute.more_in_pods(BEFORE), BEFORE.more_in_pods(mute)) == (SILENT, SILENT)
    assert (mute.readable, Sizes((row(),)).readable, BEFORE.readable) == (True, None, True)


def test_the_table_has_sizes_and_what_is_billed() -> None:
    shown = Sizes((row(), row("set-0", 40, disk=OFF))).table().lines()
    assert shown[0] == ["grow", "25Gi", "25Gi", "25 GiB Premium_LRS", "25Gi", "P4, 0.17 USD a day"]
    assert shown[1] == ["set-0", "40Gi", "40Gi", "unknown, because azure is off", "40Gi", "-"]


BUSYBOX = """Filesystem           1024-blocks    Used Available Capacity Mounted on
/dev/sdc               25613908        24  25597500   0% /buffer
"""


@pytest.mark.parametrize(
    ("printed", "size"),
    [
        (BUSYBOX, 25613908 / 2**20),
        (BUSYBOX.replace("/dev/sdc ", "/dev/disk/by-id/a-long-name\n"), 25613908 / 2**20),
        ("Filesystem 1024-blocks\n", Unknown("df printed 'Filesystem 1024-blocks'")),
        (SILENT, SILENT),
        (None, None),
    ],
)
def test_what_df_prints(printed: str | Unknown | None, size: FileSystem) -> None:
    assert read_size(printed) == size

"""The frames of disks and snapshots are the table of owners where there is one."""

from dataclasses import replace

import pandas
import pytest

from aksdisks.inspection.ownership.table import ownership
from aksdisks.model import Unknown
from aksdisks.model.frames import COLUMNS
from aksdisks.model.ownership import VERDICTS
from tests.inspection.ownership.rows import FlatRate, facts, left
from tests.world import CLAIM, SPACE, claim, disk, machine, pod, volume


def judged(**parts):
    found = facts(**parts)
    return replace(found.inventory, ownership=ownership(found, FlatRate()))


def test_disks_have_a_row_each_with_verdict_price_and_both_sides():
    shown = disk(iops=120, mbps=25, zones=("1", "2"))
    inventory = judged(
        claims=(claim(),), volumes=(volume(),), pods=(pod("a", 0, owner="StatefulSet/web"),), disks=(shown, left("b")),
        machines=(machine(0, shown),),
    )  # fmt: skip
    frame = inventory.frame("disks")
    assert {column: str(kind) for column, kind in frame.dtypes.items()} == dict(COLUMNS["disks"])
    assert frame["verdict"].tolist() == ["orphan", "in-use"]
    columns = ["name", "size_gib", "sku", "tier", "iops", "mbps", "zone", "price_a_month", "currency", "state",
               "machine", "lun", "volume", "claim", "pod", "workload", "verdict"]  # fmt: skip
    name = f"pvc-{CLAIM}"
    assert frame[columns].values.tolist()[1] == [
        name, 25, "Premium_LRS", "P4", 120, 25, "1,2", 25.0, "EUR", "Attached", "vm_0", 0, name, f"{SPACE}/{CLAIM}",
        "a", "StatefulSet/web", "in-use",
    ]  # fmt: skip
    orphan = frame.iloc[0]
    assert (orphan["claim"], orphan["volume"], orphan["owner_changed"]) == ("walk/b", "pvc-b", left("b").owner_changed)
    assert all(pandas.isna(orphan[column]) for column in ("machine", "lun", "pod", "workload", "iops", "unknown"))
    assert set(frame["verdict"]) <= set(VERDICTS)
    assert inventory.frame("tags")["disk"].nunique() == 2


@pytest.mark.parametrize("volumes", [(), (volume(),)])
def test_azure_that_cannot_be_read_is_said(volumes):
    off = Unknown("azure is off")
    frame = judged(disks=off, machines=off, volumes=volumes, claims=(claim(),)).frame("disks")
    assert len(frame) == len(volumes)
    assert (frame.attrs.get("unknown"), frame["unknown"].tolist()) == (
        (None, ["azure is off"]) if volumes else ("azure is off", [])
    )


def test_snapshots_say_why_there_are_none():
    assert judged(azure_snapshots=Unknown("403")).frame("snapshots").attrs == {"unknown": "403"}
    assert judged().frame("snapshots").attrs == {}

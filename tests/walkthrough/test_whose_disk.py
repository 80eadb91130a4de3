"""What runbook 08 compares, on tables made by hand: the two sides apart, by name, and unknown where Azure is."""

from __future__ import annotations

from dataclasses import replace

from aksdisks.model import Unknown
from aksdisks.walkthrough.whose_disk import Seen
from tests import owned
from tests.world import claim, volume

HELD = owned.used("data", 0)
# The same disk after its claim, then its volume was deleted.
RELEASED = owned.owned("data", "released", "claim shop/data is gone", volume=volume("data", phase="Released"))
FREE = owned.owned("data", "orphan", "it was made for claim shop/data")
KEPT = owned.owned("kept", "kept", "claim shop/kept is there", volume=volume("kept"), claim=claim("kept"))
BY_HAND = owned.owned("hand", "foreign", "no tag", space="")


def seen(*rows: owned.OwnedDisk) -> Seen:
    return Seen(replace(owned.ownership(), disks=rows, snapshots=()), "shop")


def test_what_lost_its_volume_and_what_its_machine_are_told_apart() -> None:
    before, released, after = seen(HELD, KEPT), seen(RELEASED, KEPT), seen(FREE, KEPT)
    assert (released.bereft(before), released.let_go(before)) == (frozenset(), {FREE.name})
    assert (after.bereft(before), after.let_go(before)) == ({FREE.name}, {FREE.name})
    # A disk that went with its volume is none that stayed.
    assert (seen(KEPT).bereft(before), seen(KEPT).let_go(before)) == ({FREE.name}, frozenset())
    # Nor is one that the volume still names and Azure no longer has.
    lost = replace(RELEASED, disk=Unknown("Azure has no such disk"))
    assert seen(lost, KEPT).let_go(before) == frozenset()
    assert seen(lost, KEPT).disks == {KEPT.name}


def test_the_verdicts_are_compared_disk_by_disk() -> None:
    now = seen(FREE, KEPT, BY_HAND)
    assert (now.judged("orphan"), now.judged("young")) == ({FREE.name}, frozenset())
    assert now.others == {(KEPT.name, "kept"), (BY_HAND.name, "foreign")}
    assert now.spared == {KEPT.name, BY_HAND.name}


def test_where_azure_says_nothing_nothing_is_known() -> None:
    because = Unknown("azure is off")
    blind = Seen(replace(owned.ownership(), disks=because))
    for said in (blind.others, blind.spared, blind.disks, blind.judged("kept"), blind.let_go(seen(HELD))):
        assert said is because
    assert Seen(because).rows is because
    assert "unknown, because azure is off" in Seen(because).table().text()


def test_the_table_has_reasons_and_prices_and_leaves_the_namespace_out() -> None:
    text = seen(FREE, KEPT).table().text()
    assert text.splitlines()[1].split() == ["verdict", "name", "in", "Azure", "a", "month", "because"]
    assert "it was made for claim data" in text and "shop/" not in text
    assert "5.28 USD" in text and "10.56 USD a month" in text
    assert "Snapshots" not in text
    with_one = Seen(replace(owned.ownership(), disks=(FREE,), snapshots=(owned.snapshot("s", "orphan", "none"),)))
    assert "Snapshots" in with_one.table().text()

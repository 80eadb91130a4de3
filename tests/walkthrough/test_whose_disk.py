"""What runbook 08 compares, on tables made by hand: the two sides apart, by name, and unknown where Azure is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from aksdisks.errors import NotAllowed
from aksdisks.model import Unknown
from aksdisks.parameters import Parameters
from aksdisks.session.disk_removal import Outcome
from aksdisks.views.base import Card
from aksdisks.views.checks import CheckView
from aksdisks.walkthrough.whose_disk import Seen, WhoseDisk
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


def asked(allowed: bool, **parameters: bool) -> SimpleNamespace:
    """A session as far as it is asked whether disks may be made, on a cluster that is no lab."""
    connection = SimpleNamespace(
        settings=SimpleNamespace(faults=None),
        parameters=Parameters(**parameters),  # type: ignore[arg-type]
    )
    return SimpleNamespace(
        connection=connection,
        azure=SimpleNamespace(unknown=None, resource_group="MC"),
        cluster=SimpleNamespace(allowed=lambda _verb, _resource: allowed),
        disruption=SimpleNamespace(in_a_lab=False),
        azure_objects=SimpleNamespace(is_own=lambda _disk: True),
        time_scale=1.0,
        journal=None,
        progress=None,
    )


@pytest.mark.parametrize(
    ("session", "status", "seen"),
    [
        (asked(True), "not applicable", "this is no lab, and the parameter make_disks is false"),
        (asked(False, make_disks=True), "inconclusive", "this identity may not create persistentvolumes"),
        (asked(True, make_disks=True), "inconclusive", "the right Microsoft.Compute/disks/write is missing"),
    ],
)
def test_where_disks_may_not_be_made_nothing_is_claimed(
    monkeypatch: pytest.MonkeyPatch, session: Any, status: str, seen: str
) -> None:
    def refused(_whose: WhoseDisk) -> Card:
        raise NotAllowed("the right Microsoft.Compute/disks/write is missing")

    monkeypatch.setattr(WhoseDisk, "_make", refused)
    whose = WhoseDisk(lambda: session)
    (shown,) = [part for part in whose.prepare().parts if isinstance(part, CheckView)]
    assert (shown.check.status, seen in shown.check.seen) == (status, True), shown.check
    for act in (whose.retain, whose.delete_claim, whose.delete_volume, lambda: whose.restore(whose.look())):
        assert act().title == "Nothing is done here"
    assert isinstance(whose.look().rows, Unknown)
    assert not whose.is_scaled_up()


@pytest.mark.parametrize(("state", "given"), [("deleted", True), ("left", True), ("failed", Unknown("a lock"))])
def test_where_azure_refuses_the_deletion_what_follows_cannot_be_shown(
    monkeypatch: pytest.MonkeyPatch, state: Any, given: Any
) -> None:
    taken = []

    def carry_out(_removal: object, rows: Any) -> list[Outcome]:
        taken.extend(rows)
        return [Outcome(row.id, state, "" if state == "deleted" else "a lock") for row in rows]

    monkeypatch.setattr("aksdisks.session.disk_removal.DiskRemoval.carry_out", carry_out)
    whose: Any = WhoseDisk(lambda: asked(True, make_disks=True))  # type: ignore[arg-type,return-value]
    whose.given = True
    shown = whose.delete(seen(FREE, KEPT, BY_HAND))
    assert [row.name for row in taken] == [FREE.name]
    assert (whose.given, shown.lines[0]) == (given, (FREE.name, "deleted" if state == "deleted" else "a lock"))

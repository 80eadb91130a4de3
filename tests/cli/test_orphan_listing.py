"""What the list of orphans says, in each format, and how the command ends: on values made by hand."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from aksdisks.cli import orphan_deletion
from aksdisks.cli.orphan_listing import Listing, Printer, as_csv, commands, document
from aksdisks.model import Disk, Unknown
from aksdisks.model.ownership import OwnedDisk, Ownership, Price
from aksdisks.session.disk_removal import DiskRemoval, Outcome
from tests.world import GROUP, START, disk, volume

AWAY = Unknown("Azure answers 503: ServiceUnavailable")


def owned(name: str, verdict: Any = "orphan", *, price: float | None = 5.0, currency: str = "USD", **more: Any) -> Any:
    plain = {
        "id": f"{GROUP}/disks/{name}",
        "disk": disk(name, on=None, name=name, id=f"{GROUP}/disks/{name}"),
        "verdict": verdict,
        "because": f"{name} is {verdict}",
        "price": Unknown("no list") if price is None else Price(a_month=price, currency=currency, source="a list"),
    }
    return OwnedDisk(**plain | more)


def listing(*disks: OwnedDisk, unknown: Unknown | None = None, outcomes: tuple[Outcome, ...] = ()) -> Listing:
    table = Ownership(
        taken=START + timedelta(hours=2),
        resource_group="MC_g",
        disks=disks if disks or unknown is None else unknown,
        snapshots=(),
        without_disk=(),
        disagreements=(),
        slots=(),
        grace=60.0,
    )
    return Listing("https://cluster", table, 10.0, outcomes, "" if unknown is None else unknown.because)


def shown(found: Listing, capsys: pytest.CaptureFixture[str], format: str = "table") -> str:
    Printer(format).whole(found)
    return capsys.readouterr().out


def test_the_sum_is_by_currency_and_says_what_has_no_price(capsys: pytest.CaptureFixture[str]) -> None:
    found = listing(owned("a"), owned("b", price=0.1), owned("c", price=2.0, currency="EUR"), owned("d", price=None))
    assert "MC_g: 4 disks may go, 5.10 USD + 2.00 EUR a month and 1 of unknown price" in shown(found, capsys)
    assert [tuple(each.values()) for each in document(found)["totals"]] == [("USD", 5.1), ("EUR", 2.0)]
    assert "MC_g: 1 disk may go, price unknown" in shown(listing(owned("d", price=None)), capsys)


def test_only_orphans_may_go_and_a_volume_is_to_be_deleted_where_there_is_one() -> None:
    verdicts = ("in-use", "kept", "released", "orphan", "young", "foreign", "unknown")
    found = listing(*(owned(each, each, volume=volume() if each == "released" else None) for each in verdicts))
    assert [each.name for each in found.orphans] == ["orphan"]
    assert commands(found.orphans[0]) == (f"az disk delete --ids {GROUP}/disks/orphan",)
    (advised,) = found.advised
    assert commands(advised) == (
        'kubectl patch pv pvc-azure-managed-disk -p \'{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}\'',
        "kubectl delete pv pvc-azure-managed-disk --ignore-not-found",
    )
    assert found.totals() == {"USD": 5.0}


@pytest.mark.parametrize("provisioner", ["", "disk.csi.azure.com"])
def test_a_volume_made_by_hand_takes_its_disk_along_only_where_it_names_its_provisioner(provisioner: str) -> None:
    released = owned("released", "released", volume=volume(by_hand=True, provisioner=provisioner))
    last = commands(released)[-1]
    assert last.startswith("kubectl delete pv" if provisioner else f"az disk delete --ids {GROUP}/disks/released")
    assert any("reclaimpolicy" in each.lower() for each in commands(released)) == bool(provisioner)


def test_what_could_not_be_judged_could_be_an_orphan_unless_a_volume_names_it() -> None:
    others = owned("d", "unknown", of_another=True)
    found = listing(owned("a", "unknown"), owned("b", "unknown", volume=volume()), owned("c", "kept"), others)
    assert found.unseen == (("disk a", "a is unknown"),)
    assert listing(unknown=AWAY).unseen == (("Azure's disks", AWAY.because),)
    assert document(listing(unknown=AWAY))["orphans"] == []
    # A volume that names a disk does not tell that no other disk is there.
    by_a_volume = listing(owned("b", "unknown", volume=volume()), unknown=AWAY)
    assert by_a_volume.unseen == (("Azure's disks", AWAY.because),)


def test_how_long_a_disk_is_unused_is_time_of_the_cluster_since_it_was_made_or_detached() -> None:
    made = owned("a")
    detached = replace(made, disk=replace(made.disk, owner_changed=START + timedelta(hours=1)))
    nobody_says = replace(made, disk=Disk())
    found = listing(made, detached, nobody_says)
    assert [found.unused(each) for each in found.orphans] == [72000.0, 36000.0, None]


def test_a_spreadsheet_takes_no_name_for_a_formula() -> None:
    hostile = replace(owned("a"), because='=HYPERLINK("http://x")', id="/x/+cmd")
    outcome = Outcome(hostile.id, "left", "@SUM(A1)")
    text = as_csv(listing(hostile, outcomes=(outcome,)))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["because"], row["name"]) == ('\'=HYPERLINK("http://x")', "'+cmd")
    assert (row["outcome"], row["outcome_because"]) == ("left", "'@SUM(A1)")
    assert row["price_a_month"] == "5.0" and text.count("\r\n") == 2


def test_a_terminal_acts_on_nothing_that_is_somebody_else_s(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = owned("a", because="\x1b[2Jgone", id=f"{GROUP}/disks/a; rm -rf \x1b]0;x\x07")
    for format in ("table", "json"):
        out = shown(listing(hostile), capsys, format)
        assert not {"\x1b", "\x07"} & set(out), format
    assert "--ids '/subscriptions" in shown(listing(hostile), capsys)  # one word for the shell
    assert json.loads(shown(listing(hostile), capsys, "json"))["orphans"][0]["because"] == "\x1b[2Jgone"


@dataclass
class Ended(DiskRemoval):
    """A deletion whose end is known."""

    outcomes: tuple[Outcome, ...] = ()

    def carry_out(self, _orphans: Any) -> Iterator[Outcome]:
        return iter(self.outcomes)


@pytest.mark.parametrize(
    ("states", "unseen", "code"),
    [
        pytest.param(["deleted", "left"], False, 0, id="deleted, or no orphan any more"),
        pytest.param(["deleted", "failed"], True, 1, id="failed"),
        pytest.param(["begun"], False, 1, id="nobody saw the end"),
        pytest.param(["deleted"], True, 3, id="something was not seen"),
        pytest.param([], True, 3, id="nothing to delete, and something was not seen"),
        pytest.param([], False, 0, id="nothing to delete"),
    ],
)
def test_the_exit_code_tells_what_became_of_them(states: list[Any], unseen: bool, code: int) -> None:
    outcomes = [Outcome(f"/x/{number}", state) for number, state in enumerate(states)]
    given = [*(owned(str(number)) for number in range(len(states))), *([owned("u", "unknown")] if unseen else ())]
    nobody: Any = None
    removal = Ended(nobody, nobody, nobody, outcomes=tuple(outcomes))
    assert orphan_deletion.delete(listing(*given), removal, "MC_g", Printer("json")) == code

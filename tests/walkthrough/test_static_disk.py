"""What runbook 09 compares, on values made by hand: one disk, the volumes that name it, and who has it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aksdisks.model import Disk, Unknown
from aksdisks.model.checks import Holds
from aksdisks.parameters import Parameters
from aksdisks.views.checks import CheckView
from aksdisks.walkthrough.static_disk import Sides, StaticDisk
from tests.world import disk, machine, node, pod, volume

OFF = Unknown("azure is off")
FREE = disk("static", on=None, name="static", unique_id="1", state="Unattached")
HELD = disk("static", on=0, name="static", unique_id="1", state="Attached")
NAMED = volume("static", disk_id=HELD.id)


def sides(found: Any = HELD, volumes: Any = (NAMED,), machines: Any = None, **more: Any) -> Sides:
    holders = (machine(0, HELD), machine(1)) if machines is None else machines
    return Sides(found, holders, volumes, (pod("static-1", 0),), **more)


def test_what_each_side_says_of_the_disk() -> None:
    used = sides()
    name = NAMED.disk_name
    assert used.bound == {name}
    assert used.places == ({(name, "aks-0")}, {("static", "aks-0")})
    assert sides(machines=(machine(0),)).places[1] == frozenset()
    lines = used.table().lines()
    assert [line[0] for line in lines] == ["disk in Azure", "volume that names it"]
    assert used.words == "Attached; volumes that name it: 1"


@pytest.mark.parametrize(
    ("now", "free"),
    [
        (sides(FREE, ()), True),
        (sides(FREE), False),
        (sides(HELD, ()), False),
        (sides(None, ()), False),
        (sides(OFF, ()), OFF),
    ],
)
def test_when_the_disk_is_nobodys(now: Sides, free: Holds) -> None:
    assert now.free == free


@pytest.mark.parametrize(
    ("now", "kubernetes", "azure"),
    [
        (sides(FREE, ()), 1, 1),
        (sides(FREE), 0, 1),
        (sides(HELD, ()), 1, 0),
        (sides(None, ()), 1, 0),
        # Of the same name, and another one.
        (sides(disk("static", on=None, name="static", unique_id="2"), ()), 1, 0),
    ],
)
def test_what_stayed_when_its_volume_went(now: Sides, kubernetes: int, azure: int) -> None:
    before = sides()
    bereft, let_go = now.bereft(before), now.let_go(before)
    assert not isinstance(bereft, Unknown) and not isinstance(let_go, Unknown)
    assert (len(bereft), len(let_go)) == (kubernetes, azure)


def test_where_azure_says_nothing_nothing_is_known() -> None:
    blind = sides(OFF, machines=OFF, made=OFF)
    assert (blind.places[1], blind.identity, blind.let_go(sides()), sides().let_go(blind)) == (OFF, OFF, OFF, OFF)
    assert sides(machines=OFF).places[1] is OFF
    assert blind.words == "unknown; volumes that name it: 1"
    assert "azure is off" in blind.table().text()


def static(*nodes: Any, sku: str = "Premium_LRS", given: Holds = True) -> StaticDisk:
    cluster = SimpleNamespace(
        nodes=lambda: nodes,
        classes=lambda: (SimpleNamespace(name="managed-premium", sku=sku),),
    )
    azure = SimpleNamespace(location=lambda: "westeurope", group="/g", disks=lambda: ())
    session: Any = SimpleNamespace(cluster=cluster, azure=azure, parameters=Parameters())
    made = StaticDisk(lambda: session)
    made.given = given
    return made


ZONED = [node(number, disk_zone=f"westeurope-{zone}") for number, zone in enumerate((1, 2, 2))]


@pytest.mark.parametrize(
    ("made", "zones", "sku"),
    [
        (static(node(0), node(1)), (), "Premium_LRS"),
        (static(*ZONED), ("2",), "Premium_LRS"),
        (static(*ZONED, sku="Premium_ZRS"), (), "Premium_ZRS"),
        (static(*ZONED, node(3, disk_zone="westeurope-1", schedulable=False), sku=""), ("2",), "StandardSSD_LRS"),
    ],
)
def test_the_disk_is_made_where_most_nodes_may_have_it(made: StaticDisk, zones: tuple[str, ...], sku: str) -> None:
    wanted: Disk = made._wanted()
    assert (wanted.zones, wanted.sku, wanted.size_gib, wanted.location) == (zones, sku, 25, "westeurope")


@pytest.mark.parametrize(("given", "status"), [(None, "not applicable"), (Unknown("no right"), "inconclusive")])
def test_where_none_may_be_made_nothing_is_done(given: Holds, status: str) -> None:
    made = static(given=given)
    for act in (made.make_disk, made.volume, made.bind, made.delete_claim, made.delete_volume):
        assert act().title == "Nothing is done here"
    for shown in (made.again().parts[-1], made.second_volume()):
        assert isinstance(shown, CheckView)
        assert shown.check.status == status
    assert isinstance(made.look().disk, Unknown)
    assert not made.is_twin_gone()

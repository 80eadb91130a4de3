"""What runbook 12 compares: what is told, and what disks and Services say."""

from __future__ import annotations

import pytest

from aksdisks.model import ReplicatedStore, Unknown
from aksdisks.walkthrough.replicated_views import Held, Sides, held

STORE = ReplicatedStore(name="store", term=2, generation=2, acknowledged=(("a", 1), ("b", 2)))
ROLES = {"store-0": "primary", "store-1": "replica"}
SERVICES = {"store-primary": ("store-0",), "store-replicas": ("store-1",)}
WHY = Unknown("no command runs in pod store-1: (403)")


def sides(**changes: object) -> Sides:
    disks: dict[str, Held] = {"store-0": ("a 1", "b 2"), "store-1": ("a 1", "b 2")}
    plain: dict[str, Held] = {"plain-0": ("a 1", "b 2"), "plain-1": ()}
    found: dict[str, object] = {"roles": ROLES, "services": SERVICES, "disks": disks, "plain": plain}
    return Sides(STORE, **{**found, **changes})  # type: ignore[arg-type]


def test_what_is_told_is_what_is_found() -> None:
    now = sides()
    assert (now.labelled, now.told, now.acknowledged) == (now.led_to, now.found, now.on_primary)
    assert now.newest() == now.on_primary
    assert now.plain_shares_nothing == (True, "writes on its disks: 2, 0")
    assert now.readable is True


@pytest.mark.parametrize(
    "disk", [("a 1",), ("b 2", "a 1"), ("a 1", "c 3")], ids=["one is missing", "another order", "another write"]
)
def test_a_disk_that_differs_is_seen(disk: tuple[str, ...]) -> None:
    now = sides(disks={"store-0": ("a 1", "b 2"), "store-1": disk})
    assert now.told != now.found


def test_a_service_that_leads_elsewhere_is_seen() -> None:
    now = sides(services={"store-primary": ("store-1",), "store-replicas": ("store-0",)})
    assert now.labelled != now.led_to


@pytest.mark.parametrize(("text", "readable"), [(None, None), (WHY, WHY), ("a 1\n", True)])
def test_disks_that_cannot_be_read(text: str | Unknown | None, readable: object) -> None:
    assert sides(disks={"store-0": ("a 1",), "store-1": held(text)}).readable == readable


def test_where_nothing_was_made_nothing_is_known() -> None:
    now = Sides()
    assert all(
        isinstance(each, Unknown) for each in (now.labelled, now.led_to, now.told, now.acknowledged, now.readable)
    )
    assert now.plain_shares_nothing == (None, "nothing was made here")

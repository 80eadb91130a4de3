"""The ownership table of notebooks: one content as text, HTML and frame; sums that are those of what is shown."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from aksdisks.model import Unknown
from aksdisks.model.ownership import NodeSlots, Price
from aksdisks.views.ownership import OwnershipTable, Sum, price, size, slots
from tests.owned import SHARES, owned, ownership, used
from tests.views.page import Page


def test_text_and_html_say_the_same_and_fetch_nothing() -> None:
    table = OwnershipTable(ownership())
    page = Page(table.html())
    assert page.fetched == []
    words = " ".join(" ".join(page.read).split())
    for word in table.text().split():
        if not set(word) <= {"-"}:
            assert word in words, word
    for raw in ("object at", "None", "Unknown(", "Decimal"):
        assert raw not in table.text()


def test_the_sums_are_those_of_the_prices_as_they_are_shown() -> None:
    third = Price(a_month=1.005, currency="USD", source="a list")
    disks = tuple(owned(f"d{number}", "orphan", "left", space="s", price=third) for number in range(3))
    table = OwnershipTable(ownership(disks=disks, snapshots=()))
    shown = Decimal(price(table.disks.rows[0]).removesuffix(" USD"))
    assert table.sums() == {("s", "orphan"): Sum(3, {"USD": 3 * shown}, 0)}
    assert f"3 orphan: {3 * shown} USD a month" in table.text()


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        ([], "nothing"),
        ([5.28, 1000], "1,005.28 USD a month"),
        ([5.28, None], "5.28 USD a month, 1 of unknown price"),
        ([None, None], "2 of unknown price"),
    ],
)
def test_a_sum_says_of_how_many_the_price_is_unknown(prices: list[float | None], said: str) -> None:
    assert str(Sum.of({"price_a_month": each, "currency": "USD"} for each in prices)) == said


def test_what_was_not_seen_is_said_and_framed() -> None:
    off = Unknown("azure is off")
    for table in (OwnershipTable(off), OwnershipTable(ownership(disks=off))):
        assert "(not seen)\nunknown, because azure is off" in table.text()
        frame = table.frame()
        assert (len(frame), frame.attrs) == (0, {"title": "Disks", "unknown": "azure is off"})


def test_the_frame_has_the_rows_that_are_shown() -> None:
    table = OwnershipTable(ownership())
    frame = table.frame()
    assert list(frame["name"]) == [row["name"] for row in table.disks.rows]
    assert frame["price_a_month"].isna().sum() == 2


def test_beside_the_disks_stands_only_what_there_is() -> None:
    bare = ownership(without_disk=(), disagreements=(), slots=())
    assert [part.title for part in OwnershipTable(bare).parts()] == ["Disks", "Snapshots"]
    assert [part.title for part in OwnershipTable(ownership()).parts()] == [
        "Disks", "Snapshots", "Claims and volumes without a disk or share",
        "Attachments that the two sides see differently", "Nodes that take few more disks",
    ]  # fmt: skip
    assert [row[0] for row in slots(ownership()).rows] == ["aks-0", "aks-1"]
    for shares in (SHARES, Unknown("azure is off")):
        parts = OwnershipTable(replace(bare, shares=shares)).parts()
        assert [part.title for part in parts] == ["Disks", "Snapshots", "Shares"]


def test_shares_stand_in_the_table_with_their_account_and_in_the_sums() -> None:
    table = OwnershipTable(ownership(shares=SHARES))
    assert "orphan   pvc-2  f1       5 GiB Standard_LRS" in table.text()
    assert str(table.sums()["shop", "in-use"]) == "5.28 USD a month, 2 of unknown price"
    assert table.sums()["", "orphan"].count == 1


@pytest.mark.parametrize(
    ("limit", "by_kubernetes", "by_azure", "nearly_full"),
    [
        (8, 1, 5, True),
        (8, 2, 2, False),
        (64, 6, 20, True),
        (64, 7, 7, False),
        (8, None, 0, True),
        (8, None, None, False),
    ],
)
def test_a_node_is_nearly_full_by_the_side_that_counts_more(
    limit: int, by_kubernetes: int | None, by_azure: int | None, nearly_full: bool
) -> None:
    found = NodeSlots(node="aks-0", limit=limit, by_kubernetes=by_kubernetes, by_azure=by_azure)
    assert found.nearly_full == nearly_full


def test_a_size_that_is_unknown_is_said() -> None:
    (row,) = OwnershipTable(ownership(disks=(replace(used("x", 0), disk=Unknown("off")),), snapshots=())).disks.rows
    assert size(row) == "?"

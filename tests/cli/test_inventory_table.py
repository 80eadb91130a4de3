"""The inventory's table for people: as wide as the terminal, nothing cut, nothing that a terminal would act on."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from aksdisks.cli.inventory_table import table
from aksdisks.cli.terminal import TerminalConsole
from aksdisks.model.ownership import VERDICTS
from tests.owned import SHARES, owned, ownership, used

ESCAPE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e"


def printed(
    width: int = 120, namespace: str | None = None, unseen: Any = None, color: bool = False, **parts: Any
) -> str:
    out = io.StringIO()
    console = TerminalConsole(file=out, width=width, force_terminal=color, no_color=not color)
    console.print(table(ownership(**parts), namespace, unseen or {}, width))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_name_is_cut(width: int) -> None:
    name = "data-with-a-rather-long-name-" + "x" * 60
    text = printed(width, disks=(used(name, 0), owned("left", "orphan", "left " * 40, space="billing")))
    assert max(map(len, text.splitlines())) <= width
    # A folded name stands in one column, line below line.
    column = "".join(line[2 : 2 + (width - 20) * 2 // 5].strip() for line in text.splitlines())
    assert f"pvc-{name}" in column
    assert "…" not in text


def test_verdicts_come_in_the_order_in_which_somebody_may_act_with_what_they_cost() -> None:
    text = printed()
    heads = re.findall(rf"^({'|'.join(VERDICTS)})  (.*)$", text, re.MULTILINE)
    assert [verdict for verdict, _ in heads] == list(VERDICTS)
    assert dict(heads)["orphan"] == "1 disk, 1 snapshot: 6.53 USD a month"
    assert dict(heads)["in-use"] == "2 disks: 5.28 USD a month, 1 of unknown price"
    assert text.splitlines()[-1] == "all namespaces: 8 disks, 2 snapshots: 34.18 USD a month, 2 of unknown price"


def test_what_stands_beside_the_disks_and_what_was_not_seen_is_said() -> None:
    words = " ".join(printed(unseen={"Pod": "no right to list pods"}).split())
    for said in (
        "Claims and volumes without a disk or share object because PersistentVolumeClaim shop/waits it is Pending",
        "pvc-kept pvc-kept aks-1 attached unattached",
        "Nodes that take few more disks node slots free by Kubernetes free by Azure aks-0 8 1 0",
        "not seen Pod: no right to list pods",
        "billing orphan 1 5.28 USD a month",
        "shop orphan 1 1.25 USD a month young 1 5.28 USD a month released 1 5.28 USD a month kept 2 6.53 USD",
        "snapshot snapshot-1 shop/nightly Unattached 1.25 USD 25 GiB Standard_LRS of pvc-data",
    ):
        assert said in words, said


def test_shares_stand_among_the_others_of_their_verdict() -> None:
    text = printed(shares=SHARES)
    words = " ".join(text.split())
    assert "orphan 1 disk, 1 snapshot, 1 share: 6.53 USD a month, 1 of unknown price" in words
    assert "share docs shop/docs account f1 unknown 5 GiB Standard_LRS Hot SMB Deployment/web" in words
    assert text.splitlines()[-1].startswith("all namespaces: 8 disks, 2 snapshots, 2 shares: ")


def test_an_empty_namespace_is_said_to_be_empty() -> None:
    nothing: Any = {"disks": (), "snapshots": (), "without_disk": (), "disagreements": (), "slots": ()}
    assert printed(namespace="shop", **nothing) == "namespace shop: no disk, no snapshot and no share"
    last = printed(unseen={"Azure's disks": "no right"}, **nothing).splitlines()[-1]
    assert last == "all namespaces: no disk, no snapshot and no share, as far as could be seen"


def test_nothing_is_there_that_a_terminal_would_act_on() -> None:
    text = printed(disks=(owned("x", "foreign", f"a\nb{ESCAPE}", space=ESCAPE, workload=ESCAPE),))
    assert "2J" in text and not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)


def test_markup_of_the_console_in_a_name_is_text() -> None:
    assert "[red]x[/]" in printed(disks=(owned("x", "foreign", "[red]x[/]", space="[bold]"),))


def test_colours_are_those_of_a_terminal_alone() -> None:
    assert "\x1b[1;31morphan" in printed(color=True) and "\x1b" not in printed()


def test_of_one_verdict_two_hundred_are_shown_and_the_rest_counted() -> None:
    text = printed(disks=tuple(used(f"d{number}", 0) for number in range(205)))
    assert text.count("StatefulSet/db") == 200
    assert "and 5 more (--format csv, html or json)" in text

"""Cells that judge, run on worlds in which their statement does not hold or cannot be known."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from aksdisks.inspection.diagnosis.catalogue import catalogue
from aksdisks.lab.fault_catalogue import KINDS
from aksdisks.model import Inventory, Unknown
from aksdisks.runner import shipped
from aksdisks.views.look import Look
from aksdisks.walkthrough.stuck import TROUBLES
from aksdisks.walkthrough.walk import Walk
from tests.world import claim, machine, world

EMPTY: dict[str, Any] = {"pods": (), "claims": (), "volumes": (), "attachments": (), "events": ()}
BEFORE: dict[str, Any] = EMPTY | {"disks": (), "machines": (machine(0), machine(1))}


def judged(runbook: str, cell: str, now: Inventory, **names: Look) -> Any:
    """What a cell shows for a walk that looks and sees `now`."""
    walk = Walk(SimpleNamespace(parameters=SimpleNamespace(stateful_replicas=1), namespace="walk"))  # type: ignore[arg-type]
    walk.claims(*"1234")
    walk.look = lambda _scope="": Look(now, bool)  # type: ignore[method-assign]
    (path,) = [path for path in shipped.runbooks() if path.stem == runbook]
    (found,) = [each for each in nbformat.read(path, as_version=4).cells if each.id == cell]
    *lines, last = found.source.splitlines()
    scope = {"walk": walk, "after": Look(now, bool), **names}
    exec("\n".join(lines), scope)
    return eval(last, scope).parts[-1].check


@pytest.mark.parametrize(
    ("before", "status", "seen"),
    [
        pytest.param(BEFORE, "passed", "Kubernetes: 1, Azure: the same 1", id="new on both sides"),
        pytest.param({}, "inconclusive", "claims were there before this runbook looked: azure-managed", id="all there"),
        pytest.param(
            BEFORE | {"disks": world().disks},
            "failed",
            "on 25; Azure: none; expected 1",
            id="Azure had the disk before",
        ),
    ],
)
def test_03_judges_that_disks_are_new(before: dict[str, Any], status: str, seen: str) -> None:
    check = judged("03-stateful-set", "claim-3", world(), before=Look(world(**before), bool))
    assert (check.status, seen in check.seen) == (status, True), check.seen


def test_05_knows_nothing_of_disks_where_azure_says_nothing() -> None:
    more = Look(world(claims=(claim(), claim("b"))), bool)
    for disks, status in ((Unknown("azure is off"), "inconclusive"), (world().disks, "passed"), ((), "failed")):
        now = world(disks=disks)
        check = judged("05-limits", "try-it", now, after=more)
        assert check.status == status, check.text()


def test_00_maps_every_runbook_and_gives_each_fact_a_source() -> None:
    runbooks = shipped.runbooks()
    cells = {cell.id: cell.source for cell in nbformat.read(runbooks[0], as_version=4).cells}
    linked = re.findall(r"\]\(([\w-]+\.ipynb)\)", cells["map"])
    assert set(linked) == {path.name for path in runbooks[1:]}
    facts, sources = cells["facts"].split("\nSources: ")
    rows = re.findall(r"^\| \*\*(\w+)\*\* \|(.*)", facts, flags=re.MULTILINE)
    assert [name for name, _ in rows] == ["Writers", "Nodes", "Zones", "Latency", "Price", "Backup"]
    cited = [set(re.findall(r"\d", "".join(re.findall(r"\[(\d(?:, \d)*)\]", row)))) for _, row in rows]
    assert all(cited) and set().union(*cited) == set(re.findall(r"\[(\d)\] ", sources))
    assert len(re.findall(r"\]\(https://[^)\s]+\)", sources)) >= len(re.findall(r"\[\d\] ", sources))
    assert set(re.findall(r"\]\(([\w-]+\.ipynb)\)", facts)) <= set(linked)


def test_07_names_every_cause_and_makes_faults_of_the_lab() -> None:
    """Eight are made; the others stand in the table, with links to their pages."""
    (path,) = [path for path in shipped.runbooks() if path.stem == "07-stuck"]
    cells = nbformat.read(path, as_version=4).cells
    table = next(cell.source for cell in cells if cell.id == "refusal-text")
    linked = re.findall(r"\[([a-z0-9-]+)\]\(\.\./docs/causes\.md#\1\)", table)
    made = [trouble.cause for trouble in TROUBLES]
    assert sorted([*linked, *made]) == sorted(catalogue())
    pages = (path.parents[1] / "docs" / "causes.md").read_text(encoding="utf-8")
    assert all(f"\n## {cause}\n" in pages for cause in linked)
    assert len(made) == 8 and {trouble.fault for trouble in TROUBLES} <= set(KINDS)
    claims = [cell.source for cell in cells if re.fullmatch(r"claim-\d", cell.id)]
    assert [int(re.findall(r"solve\((\d)\)", source)[0]) for source in claims] == list(range(1, 9))

"""What a terminal shows of a run's end, whatever its width."""

from __future__ import annotations

from pathlib import Path

import pytest

from aksdisks.checks import Check, check
from aksdisks.console import Reporter, show_parameters
from aksdisks.evidence import RunbookResult, RunResult
from aksdisks.model import Unknown
from aksdisks.parameters import Parameters

CHECKS: tuple[Check, ...] = (
    check("It runs", True, "1 of 1"),
    check("It was tried", None, "not tried yet"),
    check("It fits", False, "3 of 2"),
    check("It is told", Unknown("no answer"), "nothing"),
)


@pytest.mark.parametrize("columns", ["30", "80"])
def test_the_summary_lists_what_did_not_pass_and_cuts_no_name(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    books = (
        RunbookResult("03-stateful-set", "failed", 12.24, checks=CHECKS),
        RunbookResult("05-limits", "failed", 31.0, problem="cell 5: WaitTimeout: 5 pods"),
    )
    Reporter(quiet=True).summary(RunResult("r", "lab", "failed", "", None, {}, {}, books), tmp_path)
    assert capsys.readouterr().out.splitlines() == [
        "runbook          status  checks         seconds",
        "03-stateful-set  failed  1 of 3 checks     12.2",
        "05-limits        failed  0 of 0 checks     31.0",
        "failed        It fits: 3 of 2",
        "inconclusive  It is told: nothing; unknown, because no answer",
        "05-limits: cell 5: WaitTimeout: 5 pods",
        f"failed: {tmp_path}",
    ]


def test_a_parameter_is_told_with_where_it_came_from_and_its_meaning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show_parameters(Parameters(size="30Gi", context=""), {"size": "-p", "context": "/etc/mine.yaml"})
    said = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    at = said.index("size = 30Gi  (-p)")
    assert said[at + 1 : at + 4] == [
        "    the size of every claim; bytes, as a",
        "    quantity; a quantity above 0, such",
        "    as 25Gi; default: 25Gi",
    ]
    assert "context = (empty)  (mine.yaml)" in said

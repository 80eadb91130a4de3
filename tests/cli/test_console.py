"""What a terminal shows of a run's end, whatever its width."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Group

from aksdisks.cli.console import ConsoleReporter, show_parameters
from aksdisks.evidence.result import CauseFound, RunbookResult, RunResult
from aksdisks.inspection.diagnosis import ObjectRef, Step
from aksdisks.model import Unknown
from aksdisks.model.checks import Check, check
from aksdisks.parameters import Parameters
from aksdisks.waiting import Waiting

NEXT = Step("kubectl get pods", "who uses it")
CHECKS: tuple[Check, ...] = (
    check("It runs", True, "1 of 1"),
    check("It was tried", None, "not tried yet"),
    check("It fits", False, "3 of 2"),
    check("It is told", Unknown("no answer"), "nothing"),
)


FOUND = (
    *(
        CauseFound("shared-claim", "problem", ObjectRef("Pod", "shop", name), "all pods share [one] claim\x1b", (NEXT,))
        for name in "ab"
    ),
    CauseFound("attach-slow", "wait", ObjectRef("Pod", "shop", "c"), "its disk is on its way"),
)


@pytest.mark.parametrize("columns", ["30", "80"])
def test_the_summary_lists_what_did_not_pass_and_cuts_no_name(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    books = (
        RunbookResult("03-stateful-set", "failed", 12.24, checks=CHECKS),
        RunbookResult(
            "05-limits",
            "failed",
            31.0,
            problem="cell 5: WaitTimeout: 5 pods",
            findings=FOUND,
            unseen=("Azure's disks: 403",),
        ),
    )
    ConsoleReporter(quiet=True).summary(RunResult("r", "lab", "failed", "", None, {}, {}, books), tmp_path)
    assert capsys.readouterr().out.splitlines() == [
        "runbook          status  checks         seconds",
        "03-stateful-set  failed  1 of 3 checks     12.2",
        "05-limits        failed  0 of 0 checks     31.0",
        "total            failed  1 of 3 checks     43.2",
        "failed        It fits: 3 of 2",
        "inconclusive  It is told: nothing; unknown, because no answer",
        "05-limits: cell 5: WaitTimeout: 5 pods",
        "problem       05-limits: shared-claim: all pods share [one] claim\ufffd",
        "              of Pod a, Pod b",
        "              next: kubectl get pods",
        "wait          05-limits: attach-slow: its disk is on its way",
        "              of Pod c",
        "not seen      05-limits: Azure's disks: 403",
        f"failed: {tmp_path / 'index.html'}",
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


WAIT = Waiting("4 pods of app disk-pod", "1 of 4 ready; disk-deploy-1 Running, disk-deploy-2 Pending", 12.0, 900.0)
CAUSE = "pod disk-deploy-2: all pods share one claim, so one disk; it is on node-1, where disk-deploy-1 runs"


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (
            "80",
            [
                "02-scale-out: Claim 1",
                "12 of 900 s: waiting for 4 pods of app disk-pod",
                "last seen: 1 of 4 ready; disk-deploy-1 Running, disk-deploy-2 Pending",
                "cause: pod disk-deploy-2: all pods share one claim, so one disk; it is on ",
                "node-1, where disk-deploy-1 runs",
            ],
        ),
        (
            "40",
            [
                "02-scale-out: Claim 1",
                "12 of 900 s: waiting for 4 pods of app ",
                "disk-pod",
                "last seen: 1 of 4 ready; disk-deploy-1 ",
                "Running, disk-deploy-2 Pending",
                "cause: pod disk-deploy-2: all pods share",
                "one claim, so one disk; it is on node-1,",
                "where disk-deploy-1 runs",
            ],
        ),
    ],
)
def test_a_terminal_shows_live_what_is_waited_for(
    columns: str, lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"COLUMNS": columns, "NO_COLOR": "1", "FORCE_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    reporter = ConsoleReporter(quiet=False)
    reporter.runbook("02-scale-out")
    reporter.step("Claim 1")
    reporter.progress(replace(WAIT, cause=CAUSE))
    reporter.finished(RunbookResult("02-scale-out", "passed", 1.0))
    shown = capsys.readouterr().err
    assert "\x1b[3" not in shown, "NO_COLOR"
    # Each line of the last frame stands behind the spinner or below it.
    frame = shown.rpartition("02-scale-out: Claim 1")[2].replace("\r", "")
    for line in lines[1:3]:
        assert line.strip()[:30] in frame
    capsys.readouterr()
    reporter.err.print(Group(*reporter._lines(replace(WAIT, cause=CAUSE))))
    assert [line.rstrip("\n") for line in capsys.readouterr().err.splitlines()] == [line.ljust(0) for line in lines]


def test_a_log_has_a_line_of_a_long_wait_now_and_then_and_its_cause_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr("aksdisks.cli.console.time", SimpleNamespace(monotonic=lambda: now[0]))
    reporter = ConsoleReporter(quiet=False)
    reporter.runbook("02-scale-out")
    for second in range(1, 40):
        now[0] += 1.0
        reporter.progress(replace(WAIT, elapsed=float(second), seen="1 of 4 ready", cause=CAUSE if second > 20 else ""))
    reporter.progress("")
    waits = "02-scale-out: waiting for 4 pods of app disk-pod"
    assert capsys.readouterr().err.splitlines() == [
        "   0.0 s  02-scale-out: starting",
        f"  15.0 s  {waits}, 15 of 900 s; last seen: 1 of 4 ready",
        f"  21.0 s  {waits}, 21 of 900 s; last seen: 1 of 4 ready; cause: {CAUSE}",
        f"  36.0 s  {waits}, 36 of 900 s; last seen: 1 of 4 ready; cause: {CAUSE}",
    ]

"""How checks become a runbook's status, and runbooks a run's exit code."""

import pytest

from aksdisks.checks import Check, Status
from aksdisks.evidence import RunResult, roll_up
from aksdisks.execution import Execution


@pytest.mark.parametrize(
    ("statuses", "rolled_up"),
    [
        (["passed", "passed"], "passed"),
        (["passed", "not applicable"], "passed"),
        (["not applicable"], "not applicable"),
        (["passed", "inconclusive"], "inconclusive"),
        (["inconclusive", "not run"], "not run"),
        (["not run", "failed", "passed"], "failed"),
        ([], "inconclusive"),
    ],
)
def test_the_worst_status_wins(statuses: list[str], rolled_up: str) -> None:
    assert roll_up(statuses) == rolled_up


@pytest.mark.parametrize(
    ("checks", "problem", "status"),
    [
        (["passed"], "", "passed"),
        ([], "", "inconclusive"),
        (["passed"], "cell 3: ValueError: no", "failed"),
        (["passed"], "the kernel died", "failed"),
        (["passed"], "cell 3: NotReachable: https://x", "inconclusive"),
        (["failed"], "cell 3: NotReachable: https://x", "failed"),
    ],
)
def test_a_runbook_that_ended_early_has_not_passed(checks: list[str], problem: str, status: str) -> None:
    results = [Check("statement", Status(check), "seen") for check in checks]
    assert Execution(checks=results, problem=problem, completed=not problem).status == status


@pytest.mark.parametrize(
    ("status", "teardown", "code"),
    [
        ("passed", "passed", 0),
        ("passed", "failed", 1),
        ("passed", "inconclusive", 3),
        ("not applicable", "passed", 0),
        ("not applicable", "failed", 1),
        ("failed", "passed", 1),
        ("not run", "passed", 1),
        ("inconclusive", "passed", 3),
        ("interrupted", "failed", 130),
    ],
)
def test_exit_codes(status: str, teardown: str, code: int) -> None:
    result = RunResult("r", "lab", status, "", None, {}, {}, (), teardown={"status": teardown})
    assert result.exit_code == code

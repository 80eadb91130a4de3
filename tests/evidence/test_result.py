"""How the statuses of checks, runbooks and teardown become one status and exit code of a run."""

import pytest

from aksdisks.evidence.result import RunResult, conclude, roll_up


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
    ("status", "teardown", "problems", "final", "code"),
    [
        ("passed", "passed", [], "passed", 0),
        ("passed", "failed", [], "failed", 1),
        ("passed", "inconclusive", [], "inconclusive", 3),
        ("passed", "passed", ["a page"], "failed", 1),
        ("not applicable", "passed", [], "not applicable", 0),
        ("not applicable", "failed", [], "failed", 1),
        ("failed", "inconclusive", [], "failed", 1),
        ("not run", "passed", [], "not run", 1),
        ("inconclusive", "passed", [], "inconclusive", 3),
        ("inconclusive", "failed", [], "failed", 1),
        ("refused", "passed", ["a page"], "refused", 2),
        ("interrupted", "failed", ["a page"], "interrupted", 130),
    ],
)
def test_one_status_tells_of_runbooks_teardown_and_what_failed_beside_them(
    status: str, teardown: str, problems: list[str], final: str, code: int
) -> None:
    result = conclude(RunResult("r", "lab", status, "", teardown={"status": teardown}), problems)
    assert (result.status, result.exit_code, result.problem) == (final, code, "; ".join(problems))

"""What a run proved: the results of its runbooks, rolled up into one status and one exit code, as run.json has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from aksdisks.checks import Check

Status = Literal["passed", "failed", "inconclusive", "not run", "not applicable"]

# Worst first; "not applicable" counts as neither and shows only where nothing else does.
_SEVERITY: tuple[Status, ...] = ("failed", "not run", "inconclusive", "passed", "not applicable")

# The form of run.json; a program refuses to read a later one.
VERSION = 1

_EXIT_CODES = {"passed": 0, "not applicable": 0, "failed": 1, "not run": 1, "inconclusive": 3, "interrupted": 130}


@dataclass(frozen=True)
class RunbookResult:
    """One runbook: `seconds` of wall time, file names relative to the run's folder, why it ended early if it did."""

    name: str
    status: Status
    seconds: float = 0.0
    notebook: str | None = None
    html: str | None = None
    checks: tuple[Check, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class RunResult:
    """A whole run, as run.json tells it. Times are RFC 3339 in UTC; `teardown` says what was removed or stayed.

    `identity`: server, version and resource group of the target; `disks`: how many the resource group had before the
    run and after it.
    """

    run: str
    target: str
    status: str
    started: str
    finished: str | None
    parameters: dict[str, Any]
    versions: dict[str, str]
    runbooks: tuple[RunbookResult, ...]
    teardown: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=dict)
    disks: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    def with_problem(self, problem: str) -> RunResult:
        """The same run, failed by something beside its runbooks; an interrupted one stays interrupted."""
        status = self.status if self.status == "interrupted" else "failed"
        return replace(self, status=status, problem="; ".join(filter(None, (self.problem, problem))))

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 3 inconclusive, 130 interrupted; a run whose teardown left something has failed."""
        left = self.status == "passed" and self.teardown.get("status") == "failed"
        return 1 if left else _EXIT_CODES[self.status]

    def document(self) -> dict[str, Any]:
        """The content of run.json; a `problem` stands only where there is one."""
        document = {"version": VERSION, **asdict(self)}
        for part in (document, *document["runbooks"]):
            if not part["problem"]:
                del part["problem"]
        return document


def roll_up(statuses: Sequence[str]) -> Status:
    """The worst of `statuses`: failed over not run over inconclusive over passed over not applicable.

    Nothing to roll up is inconclusive: a runbook that checked nothing has proved nothing.
    """
    return min(statuses, key=_SEVERITY.index, default="inconclusive")  # type: ignore[arg-type]


def exit_code(checks: Sequence[Check]) -> int:
    """The exit code that checks come to."""
    return _EXIT_CODES[roll_up([check.status for check in checks])]

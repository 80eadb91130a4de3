"""What a run tells while it lasts, one method for each event; a class that shows some overrides those."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aksdisks.evidence.result import RunbookResult, RunResult
from aksdisks.model.checks import Check
from aksdisks.waiting import Waiting


class Reporter:
    """Hears of a run's progress and of its outcome, and shows nothing itself.

    The run calls it from threads of its own. A method that raises ends the run, which then cleans up as after any
    other error.
    """

    def say(self, text: str) -> None:
        """A line for people, such as that the cluster does not answer."""

    def warn(self, text: str) -> None:
        """A line that must be seen: a delivery failed."""

    def runbook(self, name: str) -> None:
        """A runbook starts, or the clean-up."""

    def step(self, heading: str) -> None:
        """A code cell under `heading` starts."""

    def progress(self, said: Waiting | str) -> None:
        """A look at a wait, another line for people, or an empty text when the wait is over."""

    def answers(self, answers: Iterable[Check], *, aside: bool = False) -> None:
        """Checks: the result, or `aside`, on the way to it."""

    def finished(self, result: RunbookResult) -> None:
        """A runbook ended."""

    def summary(self, result: RunResult, folder: Path) -> None:
        """The run ended; its evidence is in the folder, where that exists."""

    def left_behind(self, text: str) -> None:
        """What stays on the target, and the command that removes it."""

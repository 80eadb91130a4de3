"""Results as values: the check of a claim and the refusal of an act; views show them, the runner reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aksdisks.model.unknown import Unknown

MIME_TYPE = "application/vnd.aksdisks.check+json"
"""A check reaches the runner as a notebook output of this type: {"statement", "status", "seen"}."""


class Status(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not applicable"
    NOT_RUN = "not run"


_MARKS = {
    Status.PASSED: "✔", Status.FAILED: "✘", Status.INCONCLUSIVE: "?", Status.NOT_APPLICABLE: "○", Status.NOT_RUN: "-",
}  # fmt: skip


Holds = bool | Unknown | None
"""True or false; a value that says why it is unknown; None where the statement does not apply."""


@dataclass(frozen=True)
class Check:
    """A statement, how it came out, and what was seen; in evidence also the id of the `cell` that shows it."""

    statement: str
    status: Status
    seen: str
    cell: str = field(default="", compare=False)

    @classmethod
    def from_dict(cls, form: Mapping[str, str], cell: str = "") -> Check:
        """The check that travelled in this form, in this cell; raises ValueError for a status that is none."""
        return cls(form["statement"], Status(form["status"]), form["seen"], cell)

    def to_dict(self) -> dict[str, str]:
        """The form in which it travels: a notebook does not say of a cell which one it is."""
        return {"statement": self.statement, "status": self.status, "seen": self.seen}

    @property
    def mark(self) -> str:
        """Its status in one character."""
        return _MARKS[self.status]

    def text(self) -> str:
        """The check in two lines."""
        return f"{self.mark} {self.status}: {self.statement}\n  seen: {self.seen}"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """Its plain text, and the form in which the runner reads it; HTML is the views' part."""
        return {"text/plain": self.text(), MIME_TYPE: self.to_dict()}


def check(statement: str, holds: Holds, seen: object) -> Check:
    """Judge a statement; `seen` says what was found, whatever the verdict."""
    if holds is None:
        return Check(statement, Status.NOT_APPLICABLE, str(seen))
    if isinstance(holds, bool):
        return Check(statement, Status.PASSED if holds else Status.FAILED, str(seen))
    return Check(statement, Status.INCONCLUSIVE, f"{seen}; unknown, because {holds.because}")


@dataclass(frozen=True)
class Refusal:
    """What was asked for in vain: the check that it was refused, and the answer in the API's own words."""

    check: Check
    request: str
    answer: str


def refusal(
    statement: str, expected: type[Exception], act: Callable[..., object], *args: object, **named: object
) -> Refusal:
    """Try what must be refused: an `expected` error is the pass, shown as a value; any other error is raised."""
    try:
        act(*args, **named)
    except expected as refused:
        # Of a Kubernetes answer the first line is the sentence; a dump of both objects may follow it.
        request, _, answer = str(refused).partition("\n")[0].partition(": ")
        # What an event refuses has no status of HTTP's.
        code = f"{getattr(refused, 'status', 0) or ''} {getattr(refused, 'reason', '')}".strip()
        return Refusal(check(statement, True, f"refused: {code or type(refused).__name__}"), request, answer)
    return Refusal(check(statement, False, "it was accepted"), "", "accepted")

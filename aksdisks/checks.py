"""Results as values: the check of a claim and the refusal of an act, shown by notebooks and read by the runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import Any, Protocol, runtime_checkable

MIME_TYPE = "application/vnd.aksdisks.check+json"
"""A check reaches the runner as a notebook output of this type: {"statement", "status", "seen"}."""


class Status(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not applicable"


MARKS = {
    Status.PASSED: ("✔", "#258a4d"),
    Status.FAILED: ("✘", "#d64541"),
    Status.INCONCLUSIVE: ("?", "#a37017"),
    Status.NOT_APPLICABLE: ("○", "#7a7a7a"),
}
"""Mark and colour of each status; the colours are mid-tones, legible on light and on dark pages."""


@runtime_checkable
class SaysWhy(Protocol):
    """A value that stands for what could not be known, such as `model.Unknown`."""

    @property
    def because(self) -> str:
        """Why it is not known."""
        ...  # pragma: no cover


Holds = bool | SaysWhy | None
"""True or false; a value that says why it is unknown; None where the statement does not apply."""


@dataclass(frozen=True)
class Check:
    """A statement, how it came out, and what was seen."""

    statement: str
    status: Status
    seen: str

    def as_dict(self) -> dict[str, str]:
        """The form in which the check travels to the runner and into run.json."""
        return {"statement": self.statement, "status": self.status.value, "seen": self.seen}

    @classmethod
    def from_dict(cls, form: Mapping[str, str]) -> Check:
        """The check that travelled in this form; raises ValueError for a status that is none."""
        return cls(form["statement"], Status(form["status"]), form["seen"])

    def text(self) -> str:
        """The check in two lines."""
        return f"{MARKS[self.status][0]} {self.status}: {self.statement}\n  seen: {self.seen}"

    def html(self) -> str:
        """The same as one box with a coloured edge."""
        mark, colour = MARKS[self.status]
        return (
            f'<div style="border-left:4px solid {colour};padding:.3em .8em;margin:.5em 0">'
            f'<b style="color:{colour}">{mark} {self.status}</b> &ensp;{escape(self.statement)}'
            f'<br><span style="opacity:.75">seen: {escape(self.seen)}</span></div>'
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/plain": self.text(), "text/html": self.html(), MIME_TYPE: self.as_dict()}


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

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        quote = (
            f'<div style="margin:.5em 0"><span style="opacity:.65">{escape(self.request)}</span>'
            f"<br>&ldquo;{escape(self.answer)}&rdquo;</div>"
        )
        shown = {
            "text/plain": f"{self.request}\n  {self.answer}\n{self.check.text()}",
            "text/html": quote + self.check.html(),
        }
        return {**shown, MIME_TYPE: self.check.as_dict()}


def refusal(
    statement: str, expected: type[Exception], act: Callable[..., object], *args: object, **named: object
) -> Refusal:
    """Try what must be refused: an `expected` error is the pass, shown as a value; any other error is raised."""
    try:
        act(*args, **named)
    except expected as refused:
        # Of a Kubernetes answer the first line is the sentence; a dump of both objects may follow it.
        request, _, answer = str(refused).partition("\n")[0].partition(": ")
        code = f"{getattr(refused, 'status', '')} {getattr(refused, 'reason', '')}".strip()
        return Refusal(check(statement, True, f"refused: {code or type(refused).__name__}"), request, answer)
    return Refusal(check(statement, False, "it was accepted"), "", "accepted")

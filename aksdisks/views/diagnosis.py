"""Findings as a reader sees them: a card for each cause, with whom it keeps, what shows it and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aksdisks.inspection.diagnosis import Evidence, Finding, RuledOut, Step
from aksdisks.inspection.diagnosis.catalogue import catalogue
from aksdisks.views.base import Card, Stack
from aksdisks.views.markup import View

VERDICTS = {"problem": "A problem", "wait": "Wait", "expected": "As it should be"}
RISKS = {"none": "", "restarts": "restarts pods", "data": "risks data"}
# A claim and its pods share a cause, and so do the pods of a workload: the first few show what it is.
_MOST = 6


@dataclass(frozen=True)
class CauseCard(View):
    """The findings of one cause and verdict; evidence and next steps are those of the first.

    `namespace`: the one that all is in, whose name is left out; empty where it has to be said.
    """

    findings: Sequence[Finding]
    namespace: str = ""

    @property
    def verdict(self) -> str:
        """`problem`, `wait` or `expected`."""
        return self.findings[0].verdict

    @property
    def headline(self) -> str:
        """The verdict in words."""
        sure = "" if all(each.confidence == "certain" for each in self.findings) else ", likely"
        return f"{VERDICTS[self.verdict]}{sure}"

    @property
    def cause(self) -> str:
        """The id of the cause."""
        return self.findings[0].cause

    @property
    def title(self) -> str:
        """What the catalogue calls it."""
        known = catalogue().get(self.cause)
        return known.title if known else ""

    def reasons(self) -> Iterator[tuple[str, str]]:
        """(objects, why): objects of which the same is said stand together."""
        together: dict[str, list[str]] = {}
        for each in self.findings:
            together.setdefault(self._here(each.because), []).append(self._here(str(each.object)))
        for number, (because, objects) in enumerate(together.items()):
            if number == _MOST:
                yield f"and {len(together) - _MOST} more", "of which the same is to be said"
                return
            more = f" and {len(objects) - _MOST} more" if len(objects) > _MOST else ""
            yield ", ".join(objects[:_MOST]) + more, because

    @property
    def evidence(self) -> Sequence[Evidence]:
        """What both sides say of the first of them."""
        first = self.findings[0].evidence
        return [Evidence(row.source, self._here(row.object), self._here(_line(row.says))) for row in first]

    @property
    def ruled_out(self) -> Sequence[RuledOut]:
        """What looks alike and is not it."""
        return [RuledOut(each.cause, self._here(each.because)) for each in self.findings[0].ruled_out]

    @property
    def also(self) -> Sequence[str]:
        """The ids of less specific causes that fit as well."""
        return self.findings[0].also

    @property
    def next(self) -> Sequence[tuple[Step, str]]:
        """What to do, and what it risks in words (empty: nothing)."""
        return [(step, RISKS[step.risk]) for step in self.findings[0].next]

    def text(self) -> str:
        """Everything indented below the verdict."""
        lines = [f"{self.headline}: {self.cause}" + (f" ({self.title})" if self.title else "")]
        lines += [f"  {objects}: {because}" for objects, because in self.reasons()]
        lines += [f"  {row.source} says: {row.object}: {row.says}" for row in self.evidence]
        lines += [f"  not {each.cause}: {each.because}" for each in self.ruled_out]
        lines += [f"  also: {', '.join(self.also)}"] if self.also else []
        for step, risk in self.next:
            lines += [f"  next: {step.command}", f"    {f'{risk}: ' if risk else 'shows '}{step.proves}"]
        return "\n".join([*lines, f"  more: aksdisks explain {self.cause}"])

    def _here(self, text: str) -> str:
        """A text without the name of the namespace that all is in."""
        return text.replace(f" {self.namespace}/", " ") if self.namespace else text


def causes(findings: Sequence[Finding], namespace: str | None = None) -> Stack:
    """A card for each cause, problems first; `namespace` is the one that was looked at (None: several)."""
    together: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        together.setdefault((each.verdict, each.cause), []).append(each)
    cards = [CauseCard(alike, namespace or "") for alike in together.values()]
    return Stack(cards or [Card("Nothing to explain")])


def _line(text: str) -> str:
    """A message in one line."""
    return " ".join(text.split())

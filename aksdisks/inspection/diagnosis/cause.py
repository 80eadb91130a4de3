"""What a cause is: its id, its rule, its place among the others, and the page that tells people of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from aksdisks.inspection.diagnosis.case import Case, Subject
from aksdisks.inspection.diagnosis.findings import Confidence, Evidence, Need, Step, Verdict
from aksdisks.inspection.pages import Page

HEADINGS = ("What it is", "How it is recognised", "What it is not", "Next", "Links")
"""The headings of a cause's page, in their order."""


@dataclass(frozen=True, slots=True)
class Match:
    """That a cause fits a case: one sentence on this case, its evidence, what to do next.

    `verdict` and `needs` where they are not the cause's own, such as a wait that takes too long.
    """

    because: str
    evidence: tuple[Evidence, ...]
    next: tuple[Step, ...]
    confidence: Confidence = "certain"
    verdict: Verdict | None = None
    needs: tuple[Need, ...] | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """That a cause looks as if it fitted a case and does not, because …"""

    because: str


Rule = Callable[[Case], Match | Not | None]
"""None: it has nothing to do with the case."""


@dataclass(frozen=True, kw_only=True)
class Cause(Page):
    """One cause of the catalogue; the module that holds it is its file.

    `verdict` is what it means for a person: a problem, a wait that ends by itself, or what is expected. Where several
    causes fit a case, one in `over` of another gives way to it, and `fallback` ones give way to all that are not.
    `kinds` are those of the cases that it can fit at all: most objects are well, and many.
    `of_pod`: it is about the pod whatever its volumes are, so it is found once for a pod. `needs` is what may tell
    more once this cause was found without it: Azure's disks and machines, workloads, contents of snapshots,
    attributes classes, the driver's pods on nodes.
    """

    verdict: Verdict
    rule: Rule
    kinds: tuple[Subject, ...] = ("Pod", "PersistentVolumeClaim", "PersistentVolume")
    over: tuple[str, ...] = ()
    fallback: bool = False
    of_pod: bool = False
    needs: tuple[Need, ...] = ()
    headings: ClassVar[tuple[str, ...]] = HEADINGS

    @property
    def rank(self) -> str:
        """Its verdict."""
        return self.verdict

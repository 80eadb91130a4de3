"""What a rule is: its id, its level, what it is asked about, and the page that tells people of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from aksdisks.inspection.lint.documents import Path
from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.findings import Level
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.world import World
from aksdisks.inspection.pages import Page

HEADINGS = ("What it is", "Why it hurts", "Instead", "Not meant", "Opposed by", "Links")
"""The headings of a rule's page, in their order."""
NOBODY = "No check"
"""How the text under `Opposed by` begins where no popular linter asks for the opposite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """That a rule applies: one sentence on this object, the place of it, and what would change it.

    `on` is where `place` and `edits` are if not in the object that the rule was asked about. `patchable`: whether the
    API server takes the edits of an object that exists. `commands` stand in the place of edits where no change of the
    manifest alone helps. `level` where it is not the rule's own, such as what is likely and not certain.
    """

    because: str
    place: Path = ()
    edits: tuple[Edit, ...] = ()
    patchable: bool = True
    commands: tuple[str, ...] = ()
    on: Manifest | None = None
    level: Level | None = None


Judge = Callable[[World, Manifest], Iterable[Hit]]
"""What a rule finds about one object of its kinds; it reads and changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Rule(Page):
    """One rule of the catalogue; the module that holds it is its file.

    `kinds` are those of the objects that `judge` is asked about. `cluster_only`: it needs a cluster's nodes or drivers.
    """

    level: Level
    judge: Judge
    kinds: tuple[str, ...]
    cluster_only: bool = False
    headings: ClassVar[tuple[str, ...]] = HEADINGS

    @property
    def rank(self) -> str:
        """Its level."""
        return self.level

    @property
    def opposed_by(self) -> tuple[str, ...]:
        """Which popular linters ask for the opposite, a line each."""
        text = self.sections["Opposed by"].strip()
        return () if text.startswith(NOBODY) else tuple(line.strip() for line in text.splitlines())

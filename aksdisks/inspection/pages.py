"""A page with fixed headings that tells people of a cause or a rule; command line, site and tests all read it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Page(ABC):
    """A docstring: a first line, then headings, each with its text indented below it."""

    id: str
    page: str
    headings: ClassVar[tuple[str, ...]]

    @property
    def title(self) -> str:
        """The first line of its page."""
        return self.page.strip().partition("\n")[0].rstrip(".")

    @property
    def sections(self) -> Mapping[str, str]:
        """Heading and text of its page; a heading is a line of `headings`, its text is indented below it."""
        parts = re.split(rf"(?m)^({'|'.join(self.headings)})$", self.page)
        return {heading: text.strip("\n") for heading, text in zip(parts[1::2], parts[2::2], strict=True)}

    @property
    def docs(self) -> str:
        """The first address among its links; empty where it has none."""
        match = re.search(r"https://\S+", self.sections.get("Links", ""))
        return match[0].rstrip(".,)") if match else ""

    @property
    @abstractmethod
    def rank(self) -> str:
        """How bad it is, in a word."""

    def text(self) -> str:
        """Its page as a terminal shows it, under its id and rank."""
        return f"{self.id} ({self.rank})\n{self.page.strip()}\n"

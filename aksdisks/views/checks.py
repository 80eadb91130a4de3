"""How a check and a refusal are shown: beside both forms of a view, the one in which a check reaches the runner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aksdisks.model.checks import MIME_TYPE, Check, Refusal
from aksdisks.views.markup import View, macro


@dataclass(frozen=True)
class CheckView(View):
    """A check in one box with a coloured edge."""

    check: Check

    def text(self) -> str:
        """The check in two lines."""
        return self.check.text()

    def html(self) -> str:
        """The box."""
        return macro("check", self.check)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {**super()._repr_mimebundle_(), MIME_TYPE: self.check.to_dict()}


@dataclass(frozen=True)
class RefusalView(View):
    """What was asked for in vain, the answer, and the check that it was refused."""

    refusal: Refusal

    def text(self) -> str:
        """What was asked, the answer, the check."""
        return f"{self.refusal.request}\n  {self.refusal.answer}\n{self.refusal.check.text()}"

    def html(self) -> str:
        """The same three."""
        return macro("refusal", self.refusal)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {**super()._repr_mimebundle_(), MIME_TYPE: self.refusal.check.to_dict()}

"""What is shown in two forms at once, plain text and self-contained HTML; the latter from the package's templates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

_VIEWS = "views.html.j2"
# What no XML can hold, however it is written: one in a pod's message would make junit.xml unreadable. Halves of
# characters, which stand for the bytes of a file's name that are not UTF-8, cannot be printed either.
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF))
# What turns the text behind it around, so that a line reads as something else than it is.
_TURNS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\N{REPLACEMENT CHARACTER}")
# What a terminal acts on instead of showing it: also DEL and the eight-bit controls.
_SHOWN = dict.fromkeys((*_CONTROLS, 13, *range(127, 160)), "\N{REPLACEMENT CHARACTER}") | _TURNS
_IN_MARKUP: dict[int, str | None] = {**_CONTROLS, **_TURNS}


class View(ABC):
    """Whatever is shown in two forms at once; Jupyter chooses."""

    @abstractmethod
    def text(self) -> str:
        """Plain text."""

    def html(self) -> str:
        """HTML that needs nothing from elsewhere, by the macro of this class's name."""
        return macro(type(self).__name__.lower(), self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/plain": self.text(), "text/html": self.html()}


def printable(text: str) -> str:
    """A text of somebody else's for a terminal: what would move its cursor, or colour it, is only marked."""
    return text.translate(_SHOWN)


def unturned(text: str) -> str:
    """A text of somebody else's for a page or a spreadsheet: what would turn it around is only marked."""
    return text if text.isprintable() else text.translate(_TURNS)


def macro(name: str, *given: object) -> str:
    """What a macro of views.html.j2 makes of the values given."""
    return str(getattr(templates().get_template(_VIEWS).module, name)(*given))


def warm() -> None:
    """Compile the template before it is needed: that takes longer than filling it."""
    templates().get_template(_VIEWS)


@cache
def templates() -> Environment:
    """The package's templates; all that is put into one is escaped."""
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    def finished(value: Any) -> Any:
        if hasattr(value, "__html__"):
            return value
        text = str(value)
        # The standard library's spelling of a quote, in which outputs are recorded; markupsafe has another.
        return Markup(escape(text if text.isprintable() else text.translate(_IN_MARKUP)))

    loader = PackageLoader("aksdisks")
    environment = Environment(loader=loader, autoescape=True, keep_trailing_newline=True, finalize=finished)
    environment.policies["json.dumps_kwargs"] = {}  # else keys would be sorted
    return environment

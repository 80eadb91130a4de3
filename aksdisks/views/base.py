"""The shapes a view is made of: one content, shown as plain text and as self-contained HTML; nothing here fetches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import takewhile
from typing import Any, Protocol

# Mid-tones: legible on light and on dark pages.
_GREEN, _AMBER, _RED, _BLUE, _GREY = "#258a4d", "#a37017", "#d64541", "#357fc0", "#7a7a7a"
_WORDS = {
    **dict.fromkeys(("Running", "Bound", "Attached", "Ready", "new", "passed"), _GREEN),
    **dict.fromkeys(("ContainerCreating", "Pending", "Unattached", "Terminating", "Released", "inconclusive"), _AMBER),
    **dict.fromkeys(("NotReady", "Lost", "gone", "failed", "not judged"), _RED),
}
"""Words that carry a colour wherever they fill a cell."""
_LINE = "1px solid rgba(128,128,128,.35)"
_FRAME = f"border:{_LINE};border-radius:4px"
_CODE = "font-family:monospace;background:rgba(128,128,128,.14);padding:.15em .45em;border-radius:3px"
_TABLE = '<table style="border-collapse:collapse;margin:0;font-size:.9em;background:transparent">'
_CELL = "text-align:left;padding:.25em .8em .25em 0;vertical-align:top;background:transparent"
_LONG = 8
"""Texts of more lines than this are folded."""
_SCREEN = 34
"""Longer values may be broken into lines, so that wide tables fit a page."""


class View(Protocol):
    """Whatever is shown in two forms at once; Jupyter chooses. Checks are views too."""

    def text(self) -> str:
        """Plain text."""
        ...  # pragma: no cover

    def html(self) -> str:
        """HTML that needs nothing from elsewhere."""
        ...  # pragma: no cover

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/plain": self.text(), "text/html": self.html()}


@dataclass(frozen=True)
class Table(View):
    """Rows under a title; a value that is unknown says why, an empty table says so."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""
    empty: str = "none"

    def text(self) -> str:
        """Columns as wide as their longest value."""
        lines = [[cell(value) for value in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.columns, *lines, strict=True)]
        head = [list(self.columns), ["-" * width for width in widths]] if any(self.columns) else []
        ruled = ["  ".join(v.ljust(w) for v, w in zip(line, widths, strict=True)).rstrip() for line in head + lines]
        return "\n".join(filter(None, [self.title, *(ruled if lines else [f"({self.empty})"]), self.note]))

    def html(self) -> str:
        """A table that scrolls inside itself when it is too wide."""
        head = "".join(f'<th style="{_CELL};border-bottom:2px solid {_GREY}">{escape(c)}</th>' for c in self.columns)
        head = f"<tr>{head}</tr>" if any(self.columns) else ""
        body = "".join(f"<tr>{''.join(_td(cell(value)) for value in row)}</tr>" for row in self.rows)
        table = f"{_TABLE}{head}{body}</table>" if self.rows else _faint(f"({self.empty})")
        return _box(_heading(self.title) + table + _faint(self.note))

    def frame(self) -> Any:
        """The rows as a pandas DataFrame, to go on with."""
        import pandas

        return pandas.DataFrame([list(row) for row in self.rows], columns=list(self.columns))


@dataclass(frozen=True)
class Card(View):
    """A title; what is said about it, line by line with a name each; a file's content; what a person would type."""

    title: str
    lines: Sequence[tuple[str, str]] = ()
    content: str = ""
    typed: str = ""

    def text(self) -> str:
        """Everything indented below the title."""
        said = [f"{name}: {what}" for name, what in self.lines] + self.content.rstrip().splitlines()
        typed = [f"$ {self.typed}"] if self.typed else []
        return "\n".join([self.title, *(f"  {line}" for line in said + typed)])

    def html(self) -> str:
        """Explanations in a frame, files and commands as code."""
        lines = "".join(f"<div>{_faint(f'{name}:', 'span')} {escape(what)}</div>" for name, what in self.lines)
        block = f"{_FRAME};padding:.6em .9em;margin:.3em 0;overflow-x:auto;line-height:1.35"
        content = _folded(f'<pre style="{block}">{escape(self.content.rstrip())}</pre>') if self.content else ""
        typed = f'<code style="{_CODE}">$ {escape(self.typed)}</code>' if self.typed else ""
        inner = _heading(self.title) + lines + content + typed
        return f'<div style="{_FRAME};padding:.4em .9em;margin:.5em 0">{inner}</div>' if lines else _box(inner)


@dataclass(frozen=True)
class Link:
    """One link of a chain: what it is, its name, its state in a few words, and whose word that is."""

    kind: str
    name: str
    state: str
    azure: bool = False


@dataclass(frozen=True)
class Chains(View):
    """Objects that hang on one another, a row for each chain; all chains have the same kinds of link."""

    title: str
    chains: Sequence[Sequence[Link]]

    def text(self) -> str:
        """A branch below a branch; what a chain shares with the one above it is not repeated."""
        lines = [self.title]
        above: list[Link] = []
        for chain in map(list, self.chains):
            same = chain[1:] == above[1:]
            links = [f"{link.kind} {link.name} ({link.state})" for link in (chain[:1] if same else chain)]
            links += [f"the same {', '.join(link.kind for link in chain[1:])}"] if same else []
            lines += [f"{'   ' * (depth - 1)}{'└─ ' if depth else ''}{link}" for depth, link in enumerate(links)]
            above = chain
        return "\n".join(lines)

    def html(self) -> str:
        """Boxes joined by arrows, a colour for Kubernetes and one for Azure; what several chains share stands once."""
        # Frontends shade every second row, which here are parts of one picture.
        row = '<tr style="background:transparent">'
        rows = "".join(f"{row}{''.join(self._cells(number))}</tr>" for number in range(len(self.chains)))
        return _box(f"{_heading(self.title)}{_TABLE}{rows}</table>")

    def _cells(self, number: int) -> Iterator[str]:
        for column, link in enumerate(self.chains[number]):
            if number and self.chains[number - 1][column] == link:
                continue
            below = [chain[column] for chain in self.chains[number:]]
            rows = len(list(takewhile(link.__eq__, below)))
            cell_ = f'<td rowspan="{rows}" style="{_CELL};border:0;vertical-align:middle'
            yield f'{cell_};color:{_GREY};font-size:1.3em">→</td>' if column else ""
            yield f'{cell_}">{_link(link)}</td>'


@dataclass(frozen=True)
class Stack(View):
    """Several things shown as one; the one check among them, if any, still reaches the runner."""

    parts: Sequence[View]

    def text(self) -> str:
        """One below the other."""
        return "\n\n".join(part.text() for part in self.parts)

    def html(self) -> str:
        """One below the other."""
        return "".join(part.html() for part in self.parts)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        bundle: dict[str, Any] = {}
        for part in self.parts:
            bundle |= part._repr_mimebundle_()
        return bundle | {"text/plain": self.text(), "text/html": self.html()}


def cell(value: object) -> str:
    """A value as it stands in a table: yes and no for truth, a dash for nothing, the reason for what is unknown."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None or value == "" else str(value)


def _heading(title: str) -> str:
    return f'<div style="font-weight:600;margin:.2em 0 .35em">{escape(title)}</div>' if title else ""


def _folded(block: str) -> str:
    """A block that has to be unfolded where it is long; how long says the line that unfolds it."""
    lines = len(block.splitlines())
    summary = f'<summary style="cursor:pointer;opacity:.7">{lines} lines</summary>'
    return f"<details>{summary}{block}</details>" if lines > _LONG else block


def _faint(text: str, tag: str = "div") -> str:
    return f'<{tag} style="opacity:.7;font-size:.9em">{escape(text)}</{tag}>' if text else ""


def _box(inner: str) -> str:
    """The frame of every view: it scrolls by itself, so that a page never does sideways."""
    return f'<div style="overflow-x:auto;margin:.5em 0">{inner}</div>'


def _td(value: str) -> str:
    colour = f";color:{_WORDS[value]};font-weight:600" if value in _WORDS else ""
    width = ";white-space:nowrap" if len(value) <= _SCREEN else ";min-width:22em" if len(value) > 60 else ""
    return f'<td style="{_CELL};border-bottom:{_LINE}{width}{colour}">{escape(value)}</td>'


def _link(link: Link) -> str:
    colour = _BLUE if link.azure else _GREEN
    box = f"{_FRAME};border-top:3px solid {colour};padding:.3em .6em;max-width:15em;overflow-wrap:anywhere"
    kind = f'<span style="color:{colour};font-size:.85em">{escape(link.kind)}</span>'
    return f'<div style="{box};white-space:normal">{kind}<br><b>{escape(link.name)}</b>{_faint(link.state)}</div>'

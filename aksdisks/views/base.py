"""The shapes a view is made of: one content, shown as plain text and as self-contained HTML; nothing here fetches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import takewhile
from typing import Any, Protocol

GREEN, AMBER, RED, BLUE, GREY = "#2e9e5b", "#c08a1e", "#d64541", "#3a86c8", "#8a8a8a"
"""Mid-tones: legible on light and on dark pages."""

LINE = "1px solid rgba(128,128,128,.35)"
CODE = "font-family:monospace;background:rgba(128,128,128,.14);padding:.15em .45em;border-radius:3px"

WORDS = {
    **dict.fromkeys(("Running", "Bound", "Attached", "new", "passed", "allowed", "Ready"), GREEN),
    **dict.fromkeys(("ContainerCreating", "Pending", "Unattached", "inconclusive", "Terminating", "Released"), AMBER),
    **dict.fromkeys(("gone", "failed", "refused", "Warning", "NotReady", "Lost"), RED),
}
"""Words that carry a colour wherever they fill a cell."""


class Shown(Protocol):
    """Whatever can be shown both ways: views and checks."""

    def text(self) -> str:
        """Plain text."""
        ...  # pragma: no cover

    def html(self) -> str:
        """HTML that needs nothing from elsewhere."""
        ...  # pragma: no cover


class View:
    """Base of the views: Jupyter asks for both forms at once."""

    def text(self) -> str:
        """Plain text."""
        raise NotImplementedError

    def html(self) -> str:
        """HTML that needs nothing from elsewhere."""
        raise NotImplementedError

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
        lines = [list(map(cell, row)) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.columns, *lines, strict=True)]
        head = [list(self.columns), ["-" * width for width in widths]] if any(self.columns) else []
        ruled = [*head, *lines] if lines else []
        body = ["  ".join(v.ljust(w) for v, w in zip(line, widths, strict=True)).rstrip() for line in ruled]
        return "\n".join(filter(None, [self.title, *(body or [f"({self.empty})"]), self.note]))

    def html(self) -> str:
        """A table that scrolls inside itself when it is too wide."""
        if not self.rows:
            return box(
                heading(self.title) + f'<span style="opacity:.75">({escape(self.empty)})</span>' + small(self.note)
            )
        head = "".join(f'<th style="{_CELL};border-bottom:2px solid {GREY}">{escape(c)}</th>' for c in self.columns)
        head = f"<tr>{head}</tr>" if any(self.columns) else ""
        body = "".join(f"<tr>{''.join(_td(cell(value)) for value in row)}</tr>" for row in self.rows)
        return box(heading(self.title) + f"{_TABLE}{head}{body}</table>" + small(self.note))

    def frame(self) -> Any:
        """The rows as a pandas DataFrame, to go on with."""
        import pandas

        return pandas.DataFrame([list(row) for row in self.rows], columns=list(self.columns))


@dataclass(frozen=True)
class Command(View):
    """What was done, and the command that a person would have typed for it."""

    done: str
    commands: Sequence[str]
    note: str = ""

    def text(self) -> str:
        """The commands after a prompt sign."""
        return "\n".join(filter(None, [self.done, *(f"  $ {command}" for command in self.commands), self.note]))

    def html(self) -> str:
        """The commands as code."""
        typed = "".join(
            f'<div style="margin:.3em 0"><code style="{CODE}">$ {escape(c)}</code></div>' for c in self.commands
        )
        return box(f"<div>{escape(self.done)}</div>{typed}{small(self.note)}")


@dataclass(frozen=True)
class Manifest(View):
    """An object as YAML, with the command that would apply it."""

    title: str
    yaml: str
    command: str

    def text(self) -> str:
        """The YAML, indented below the title."""
        body = "\n".join(f"  {line}" for line in self.yaml.rstrip().splitlines())
        return f"{self.title}\n{body}\n  $ {self.command}"

    def html(self) -> str:
        """The YAML as it would stand in a file."""
        frame = f"border:{LINE};border-radius:4px;padding:.6em .9em;margin:.3em 0;overflow-x:auto;line-height:1.35"
        return box(
            f'{heading(self.title)}<pre style="{frame}">{escape(self.yaml.rstrip())}</pre>'
            f'<code style="{CODE}">$ {escape(self.command)}</code>'
        )


@dataclass(frozen=True)
class Card(View):
    """One thing explained: a title, and lines that each have a name."""

    title: str
    lines: Sequence[tuple[str, str]]

    def text(self) -> str:
        """The lines below the title."""
        return "\n".join([self.title, *(f"  {name}: {said}" for name, said in self.lines)])

    def html(self) -> str:
        """A framed box; the names stand out of the way of what is said."""
        body = "".join(
            f'<div style="margin:.2em 0"><span style="opacity:.65">{escape(name)}:</span> {escape(said)}</div>'
            for name, said in self.lines
        )
        frame = f"border:{LINE};border-radius:4px;padding:.4em .9em;margin:.5em 0"
        return f'<div style="{frame}">{heading(self.title)}{body}</div>'


@dataclass(frozen=True)
class Link:
    """One link of a chain: what it is, its name, and its state in a few words."""

    kind: str
    name: str
    state: str


@dataclass(frozen=True)
class Chains(View):
    """Objects that hang on one another, a row for each chain; all chains have the same kinds of link."""

    title: str
    chains: Sequence[Sequence[Link]]
    note: str = ""

    def text(self) -> str:
        """A branch below a branch."""
        lines: list[str] = []
        above: Sequence[Link] = ()
        for chain in self.chains:
            same = len(chain) > 1 and chain[1:] == above[1:]
            links = [f"{link.kind} {link.name} ({link.state})" for link in (chain[:1] if same else chain)]
            links += [f"the same {', '.join(link.kind for link in chain[1:])}"] if same else []
            lines += [f"{'   ' * (depth - 1)}{'└─ ' if depth else ''}{link}" for depth, link in enumerate(links)]
            above = chain
        return "\n".join(filter(None, [self.title, *(lines or ["(none)"]), self.note]))

    def html(self) -> str:
        """Boxes joined by arrows, a colour for Kubernetes and one for Azure; what several chains share stands once."""
        rows = "".join(f"<tr>{''.join(self._cells(number))}</tr>" for number in range(len(self.chains)))
        return box(heading(self.title) + (f"{_TABLE}{rows}</table>" if rows else "(none)") + small(self.note))

    def _cells(self, number: int) -> Iterator[str]:
        chain = self.chains[number]
        above = self.chains[number - 1] if number else ()
        for column, link in enumerate(chain):
            if list(above[column : column + 1]) == [link]:
                continue
            below = takewhile(lambda other: other[column] == link, self.chains[number:])  # noqa: B023 - used up at once
            yield _link(link, rows=sum(1 for _ in below), arrow=column > 0)


@dataclass(frozen=True)
class Stack(View):
    """Several things shown as one; the one check among them, if any, still reaches the runner."""

    parts: Sequence[Shown]

    def text(self) -> str:
        """One below the other."""
        return "\n\n".join(part.text() for part in self.parts)

    def html(self) -> str:
        """One below the other."""
        return "".join(part.html() for part in self.parts)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        bundle: dict[str, Any] = {}
        for part in self.parts:
            bundle |= getattr(part, "_repr_mimebundle_", dict)()
        return bundle | {"text/plain": self.text(), "text/html": self.html()}


_TABLE = '<table style="border-collapse:collapse;margin:0;font-size:.9em;background:transparent">'
_CELL = "text-align:left;padding:.25em .8em .25em 0;vertical-align:top;background:transparent"
_AZURE_KINDS = ("disk", "machine")


def cell(value: object) -> str:
    """A value as it stands in a table: yes and no for truth, a dash for nothing, the reason for what is unknown."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    because = getattr(value, "because", None)
    return f"unknown: {because}" if because is not None else str(value)


def heading(title: str) -> str:
    """A view's title."""
    return f'<div style="font-weight:600;margin:.2em 0 .35em">{escape(title)}</div>' if title else ""


def small(note: str) -> str:
    """A remark below a view."""
    return f'<div style="opacity:.75;font-size:.9em;margin-top:.35em">{escape(note)}</div>' if note else ""


def box(inner: str) -> str:
    """The frame of every view: it scrolls by itself, so that a page never does sideways."""
    return f'<div style="overflow-x:auto;margin:.5em 0">{inner}</div>'


def _td(value: str) -> str:
    colour = f";color:{WORDS[value]};font-weight:600" if value in WORDS else ""
    wrap = ";min-width:22em" if len(value) > 60 else ";white-space:nowrap" if len(value) <= 34 else ""
    return f'<td style="{_CELL};border-bottom:{LINE}{wrap}{colour}">{escape(value)}</td>'


def _link(link: Link, *, rows: int, arrow: bool) -> str:
    colour = BLUE if link.kind in _AZURE_KINDS else GREEN
    span = f'rowspan="{rows}" ' if rows > 1 else ""
    middle = f"{_CELL};border:0;vertical-align:middle"
    return (f'<td {span}style="{middle};color:{GREY};font-size:1.3em">→</td>' if arrow else "") + (
        f'<td {span}style="{middle}"><div style="border:{LINE};border-top:3px solid {colour};border-radius:4px;'
        f'padding:.3em .6em;margin:.15em 0;max-width:15em;overflow-wrap:anywhere;white-space:normal">'
        f'<span style="color:{colour};font-size:.85em">{escape(link.kind)}</span><br><b>{escape(link.name)}</b><br>'
        f'<span style="opacity:.75;font-size:.9em">{escape(link.state)}</span></div></td>'
    )

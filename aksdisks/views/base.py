"""The shapes a view is made of: one content, shown as plain text and as self-contained HTML; nothing here fetches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from aksdisks.model.records import TEXT, Records, Row
from aksdisks.views.markup import View

Layout = Mapping[str, str | Callable[[Row], object]]
"""A table's columns: their titles, and below each a column of the records or what a function makes of a row."""


@dataclass(frozen=True)
class Table(View):
    """Rows under a title; a value that is unknown says why, an empty table says so.

    `records`: the rows of the DataFrame that `frame` gives; None where they are those that are shown.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""
    empty: str = "none"
    records: Records | None = None

    @classmethod
    def of(cls, title: str, records: Records, layout: Layout, *, note: str = "", empty: str = "none") -> Table:
        """The table that shows records in a layout; all that stands in it is made of them, row by row."""
        rows = [[row[what] if isinstance(what, str) else what(row) for what in layout.values()] for row in records.rows]
        return cls(title, tuple(layout), rows, note, empty, records)

    def lines(self) -> list[list[str]]:
        """The rows as they are shown."""
        return [[cell(value) for value in row] for row in self.rows]

    def text(self) -> str:
        """Columns as wide as their longest value."""
        lines = self.lines()
        widths = [max(map(len, column)) for column in zip(self.columns, *lines, strict=True)]
        head = [list(self.columns), ["-" * width for width in widths]] if any(self.columns) else []
        ruled = ["  ".join(v.ljust(w) for v, w in zip(line, widths, strict=True)).rstrip() for line in head + lines]
        return "\n".join(filter(None, [self.title, *(ruled if lines else [f"({self.empty})"]), self.note]))

    def frame(self) -> Any:
        """The pandas DataFrame of the records that the table shows: values as they are, not as they are shown.

        Where they are an inventory's, its columns and units are those of `Inventory.frame`, with those that the view
        adds. Types are nullable (string, Int64, Float64, boolean, datetime64[ns, UTC]), what is missing is `pandas.NA`.
        `attrs` has the `title` and, where something is not known, the reason as `unknown`.
        """
        records = self.records
        return _framed(self.rows, self.columns, self.title) if records is None else records.frame(title=self.title)


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


@dataclass(frozen=True)
class Link:
    """One link of a chain: what it is, its name, its state in a few words, and whether Azure says so.

    `waits`: it is not, or not yet, what the links around it need: a pod that does not run, a disk that nobody holds.
    """

    kind: str
    name: str
    state: str
    azure: bool = False
    waits: bool = False


@dataclass(frozen=True)
class Chains(View):
    """Objects that hang on one another, a row for each chain; all chains are of one length."""

    title: str
    chains: Sequence[Sequence[Link]]

    def text(self) -> str:
        """A branch below a branch; what a chain shares with the one above it is not repeated."""
        lines = [self.title]
        above: list[Link] = []
        for chain in map(list, self.chains):
            same = same_as_above(chain, above)
            links = [f"{link.kind} {link.name} ({link.state})" for link in (chain[:1] if same else chain)]
            links += [same] if same else []
            lines += [f"{'   ' * (depth - 1)}{'└─ ' if depth else ''}{link}" for depth, link in enumerate(links)]
            above = chain
        return "\n".join(lines)

    def frame(self) -> Any:
        """A pandas DataFrame with a row for each chain: for each kind its name, and its state as `pod state`."""
        kinds = dict.fromkeys(link.kind for chain in self.chains for link in chain)
        columns = [column for kind in kinds for column in (kind, f"{kind} state")]
        rows = [
            dict.fromkeys(columns) | {text: value for link in chain for text, value in _columns(link)}
            for chain in self.chains
        ]
        return Records(dict.fromkeys(columns, TEXT), rows).frame(title=self.title)

    def cells(self, number: int) -> Iterator[tuple[int, Link, int]]:
        """(column, link, rows that it spans) of one chain; what the chain above spans is left out."""
        for column, link in enumerate(self.chains[number]):
            if number == 0 or self.chains[number - 1][column] != link:
                below = [chain[column] for chain in self.chains[number:]]
                yield column, link, len(list(takewhile(link.__eq__, below)))

    def shared(self, number: int) -> str:
        """What a chain shares with the one above it, in words; empty where it shares nothing."""
        return same_as_above(self.chains[number], self.chains[number - 1]) if number else ""


@dataclass(frozen=True)
class Stack(View):
    """Several things shown as one; the one check among them, if any, still reaches the runner."""

    parts: Sequence[View]

    def text(self) -> str:
        """One below the other."""
        return "\n\n".join(part.text() for part in self.parts)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        bundle: dict[str, Any] = {}
        for part in self.parts:
            bundle |= part._repr_mimebundle_()
        return bundle | {"text/plain": self.text(), "text/html": self.html()}


def _columns(link: Link) -> Iterator[tuple[str, str]]:
    yield link.kind, link.name
    yield f"{link.kind} state", link.state


def same_as_above(chain: Sequence[Link], above: Sequence[Link]) -> str:
    """`the same claim, disk`, where all but the first link is what the chain above has; else empty."""
    same = list(chain[1:]) == list(above[1:])
    return f"the same {', '.join(link.kind for link in chain[1:])}" if same else ""


def _framed(rows: Sequence[Sequence[object]], columns: Sequence[str], title: str) -> Any:
    """The pandas DataFrame of rows as they are shown; a column without a title is named by its number."""
    import pandas

    names = [column or f"column {number}" for number, column in enumerate(columns, 1)]
    frame = pandas.DataFrame([list(row) for row in rows], columns=names).convert_dtypes()
    frame.attrs = {"title": title}
    return frame


def cell(value: object) -> str:
    """A value as it stands in a table: yes and no for truth, a dash for nothing, the reason for what is unknown."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None or value == "" else str(value)

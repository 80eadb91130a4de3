"""How an inventory leaves the program: as a table for people, or alone on stdout as CSV, JSON or one HTML page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from aksdisks.cli.terminal import ClusterPrinter, indented
from aksdisks.errors import StillUnknown
from aksdisks.model import Inventory, Unknown
from aksdisks.model.ownership import VERDICTS, Ownership, Verdict
from aksdisks.model.records import Records, Row
from aksdisks.views import base
from aksdisks.views.ownership import OwnershipTable, Sum, beside, holder, last, price, size
from aksdisks.views.ownership_documents import as_csv, document, unseen

_STYLES: Mapping[str, str] = {
    "orphan": "bold red",
    "young": "yellow",
    "released": "yellow",
    "kept": "green",
    "unknown": "bold magenta",
    "foreign": "cyan",
    "in-use": "green",
}
# What the table shows of a verdict; the other formats have all.
_MOST = 200
_PRICE = 12
_GAP = 2


class Printer(ClusterPrinter):
    """Writes an inventory to stdout in one format."""

    def __init__(self, format: str) -> None:
        """`format`: table, csv, json or html."""
        super().__init__()
        self.format = format

    def inventory(self, found: Inventory, target: str) -> int:
        """All of it, and the exit code; `target` is the API server's URL.

        Raises StillUnknown where nobody can say whose anything is.
        """
        ownership = found.ownership
        if isinstance(ownership, Unknown):
            raise StillUnknown("whose the disks are", seconds=None, because=ownership.because)
        not_seen = unseen(found)
        if self.format == "table":
            self.out.print(table(ownership, found.namespace, not_seen, self.out.width))
        elif self.format == "csv":
            self.document(as_csv(OwnershipTable(ownership)))
        elif self.format == "json":
            self.document(json.dumps(document(found, ownership, target), indent=2) + "\n")
        else:
            from aksdisks.views.ownership_page import page

            self.document(page(ownership, namespace=found.namespace, target=target, unseen=not_seen))
        return 3 if not_seen else 0


def table(ownership: Ownership, namespace: str | None, not_seen: Mapping[str, str], width: int) -> RenderableType:
    """A block for each verdict, those first that somebody may act on; below them what does not fit, and the sums."""
    shown = OwnershipTable(ownership)
    parts: list[RenderableType] = []
    for verdict in VERDICTS:
        rows = [[row for row in found.rows if row["verdict"] == verdict] for found in _kinds(shown).values()]
        if any(rows):
            parts += [_head(verdict, rows), *_rows([*chain(*rows)], width), Text()]
    for each in beside(ownership):
        parts += [Text(each.title, "bold"), _grid(each), Text()]
    for what, because in not_seen.items():
        parts += [Text.assemble(("not seen", _STYLES["unknown"]), f"  {_line(what)}: {_line(because)}"), Text()]
    return Group(*parts, *_sums(shown, namespace, ", as far as could be seen" if not_seen else ""))


def _kinds(shown: OwnershipTable) -> Mapping[str, Records]:
    return {"disk": shown.disks, "snapshot": shown.snapshots, "share": shown.shares}


def _head(verdict: Verdict, rows: Sequence[Sequence[Row]]) -> Text:
    counts = map(_counted, rows, ("disk", "snapshot", "share"))
    return Text.assemble((verdict, _STYLES[verdict]), f"  {', '.join(filter(None, counts))}: {Sum.of(chain(*rows))}")


def _rows(rows: list[Row], width: int) -> Iterator[RenderableType]:
    """Of each disk, snapshot or share its cells and, over the whole width, the reason of its verdict."""
    left = width - _PRICE - 3 * _GAP - 2
    widths = (left * 2 // 5, left * 3 // 10, left - left * 2 // 5 - left * 3 // 10, _PRICE)
    for row in rows[:_MOST]:
        cells = Table.grid(padding=(0, _GAP, 0, 0))
        for each in widths:
            cells.add_column(width=each, overflow="fold", justify="right" if each == _PRICE else "left")
        name, *others = _cells(row)
        cells.add_row(_lines(*name, style="bold"), *(_lines(*each) for each in others))
        yield from indented(cells, Text(_line(row["because"]), "dim"))
    if len(rows) > _MOST:
        yield from indented(Text(f"and {len(rows) - _MOST} more (--format csv, html or json)", "dim"))


def _cells(row: Row) -> Iterator[tuple[str | None, str | None]]:
    """Of each column what stands first, and below it; in the place of a claim a snapshot has its VolumeSnapshot."""
    if "source" in row:
        yield f"snapshot {row['name']}", size(row)
        yield row["volume_snapshot"], f"of {last(row['source']) or 'no disk'}"
        yield row["state"], ""
    elif "account" in row:
        yield f"share {row['name']}", " ".join(filter(None, (size(row), row["protocol"])))
        yield row["claim"], row["workload"]
        yield f"account {row['account']}", ""
    else:
        yield row["name"], size(row)
        yield row["claim"], row["workload"]
        yield ", ".join(filter(None, (row["state"], f"zone {row['zone']}" if row["zone"] else ""))), holder(row)
    yield price(row), ""


def _lines(first: str | None, below: str | None, style: str = "") -> Text:
    return Text("\n").join(Text(_line(each), how) for each, how in ((first, style), (below, "")) if each)


def _grid(shown: base.Table) -> RenderableType:
    grid = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for column in shown.columns:
        grid.add_column(column, overflow="fold")
    for line in shown.lines():
        grid.add_row(*map(Text, line))
    return Group(*indented(grid))


def _sums(shown: OwnershipTable, namespace: str | None, but: str) -> Iterator[RenderableType]:
    """What each namespace's cost, by verdict, and all together; `but` is what has to be said of it."""
    where = f"namespace {namespace}" if namespace else "all namespaces"
    if not shown.rows:
        yield Text(f"{where}: no disk, no snapshot and no share{but}")
        return
    grid = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for title in ("namespace", "verdict", "count", "cost"):
        grid.add_column(title, overflow="fold", justify="right" if title == "count" else "left")
    above = None
    for (name, verdict), found in shown.sums().items():
        first = "" if name == above else name or "none"
        grid.add_row(Text(first), Text(verdict, _STYLES[verdict]), f"{found.count}", str(found))
        above = name
    yield from (*indented(grid), Text())
    counts = [_counted(found.rows, kind) for kind, found in _kinds(shown).items()]
    for source in shown.price_sources:
        yield Text(f"prices: {_line(source)}", "dim")
    said = ", ".join(filter(None, (counts[0] or "no disk", *counts[1:])))
    yield Text(f"{where}: {said}: {Sum.of(shown.rows)}{but}")


def _counted(rows: Iterable[Row], word: str) -> str:
    count = len(list(rows))
    return f"{count} {word}{'s' if count > 1 else ''}" if count else ""


def _line(text: str) -> str:
    """A text in one line."""
    return " ".join(text.split())

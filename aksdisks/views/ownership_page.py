"""The ownership table as one page that opens offline: it fetches nothing, and is a plain table without JavaScript."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from aksdisks.model.inventory import Chain
from aksdisks.model.ownership import VERDICTS, OwnedDisk, OwnedShare, Ownership, Verdict
from aksdisks.model.records import Row
from aksdisks.model.unknown import known
from aksdisks.quantities import show_gib
from aksdisks.views.base import Link
from aksdisks.views.markup import templates
from aksdisks.views.ownership import OwnershipTable, Sum, beside, last, place, price, slots
from aksdisks.views.tables import links

FIRST = 1000
"""So many rows stand in the page itself; a script adds the others, which would keep a browser busy all at once."""
_MOST_BARS = 12


class Column(NamedTuple):
    """A column of the page: its title, what it shows of a row, the number that it is sorted by, if it is one.

    `narrow`: what stands in it is never broken into lines.
    """

    title: str
    shown: Callable[[Row], object]
    number: str = ""
    narrow: bool = False


class Line(NamedTuple):
    """A row of the page: its name, its other columns as (kind, text, number to sort by), the facts and the chain below.

    A kind is `number`, `narrow`, or empty.
    """

    row: Row
    name: object
    cells: Sequence[tuple[str, object, object]]
    facts: Sequence[tuple[str, object]]
    chain: Sequence[Link]

    @classmethod
    def of(cls, row: Row, columns: Sequence[Column], chain: Iterable[Link] = ()) -> Line:
        """The line of a row of records; its first two columns are its name and its verdict."""
        cells = []
        for _, shown, number, narrow in columns[2:]:
            kind = "number" if number else "narrow" if narrow else ""
            cells.append((kind, shown(row) or "", row[number] if number else None))
        return cls(row, columns[0].shown(row), cells, list(_facts(row)), list(chain))


def _day(row: Row) -> str:
    return _time(row["created"])[:10]


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


_SIZE = Column("size", lambda row: show_gib(row["size_gib"]), "size_gib")
_PRICE = Column("a month", price, "price_a_month")
_CREATED = Column("created", _day, narrow=True)
DISKS = (
    Column("disk", lambda row: row["name"]),
    Column("verdict", lambda row: row["verdict"]),
    Column("claim", lambda row: row["claim"]),
    Column("workload", lambda row: row["workload"]),
    Column("state", place),
    Column("SKU", lambda row: row["sku"], narrow=True),
    _SIZE,
    _PRICE,
    _CREATED,
)
SNAPSHOTS = (
    Column("snapshot", lambda row: row["name"]),
    Column("verdict", lambda row: row["verdict"]),
    Column("VolumeSnapshot", lambda row: row["volume_snapshot"]),
    Column("of disk", lambda row: last(row["source"])),
    Column("state", lambda row: row["state"]),
    Column("SKU", lambda row: row["sku"], narrow=True),
    _SIZE,
    _PRICE,
    _CREATED,
)
SHARES = (
    Column("share", lambda row: row["name"]),
    Column("verdict", lambda row: row["verdict"]),
    Column("claim", lambda row: row["claim"]),
    Column("workload", lambda row: row["workload"]),
    Column("account", lambda row: row["account"]),
    Column("SKU", lambda row: row["sku"], narrow=True),
    _SIZE,
    _PRICE,
)
_FACTS: Mapping[str, Callable[[Row], object]] = {
    "tier": lambda row: row.get("tier"),
    "IOPS": lambda row: row.get("iops"),
    "MB/s": lambda row: row.get("mbps"),
    "zone": lambda row: row.get("zone"),
    "node": lambda row: row.get("node"),
    "incremental": lambda row: {True: "yes", False: "no"}.get(row.get("incremental")),  # type: ignore[arg-type]
    "complete": lambda row: None if row.get("completion") is None else f"{row['completion']:.0f} %",
    "protocol": lambda row: row.get("protocol"),
    "created": lambda row: _time(row.get("created")),
    "last change": lambda row: _time(row.get("modified")),
    "last owner change": lambda row: _time(row.get("owner_changed")),
    "price": lambda row: row["price_source"] if row["price_a_month"] is None else "",
    "not read": lambda row: row.get("unknown"),
    "id": lambda row: row["id"],
}


_Shown = tuple[str, str, tuple[Column, ...], list[Line]]
"""A table of the page: its id, its title, its columns and lines."""


@dataclass(frozen=True)
class Bar:
    """What a namespace's disks cost a month: a part for each verdict, in hundredths of the longest bar."""

    namespace: str
    cost: str
    parts: Sequence[tuple[Verdict, float, float, str]]


def page(ownership: Ownership, *, namespace: str | None, target: str, unseen: Mapping[str, str]) -> str:
    """The whole page; `namespace` is the one whose disks it has (None: all), `target` the API server's URL.

    `unseen` is what was not read, and why.
    """
    table = OwnershipTable(ownership)
    owned = {each.id: each for each in known(ownership.disks)}
    disks = [Line.of(row, DISKS, chain(owned[row["id"]])) for row in table.disks.rows]
    snapshots = [Line.of(row, SNAPSHOTS) for row in table.snapshots.rows]
    of_shares = {each.id: each for each in known(ownership.shares)}
    shares = [Line.of(row, SHARES, chain(of_shares[row["id"]])) for row in table.shares.rows]
    tables: list[_Shown] = [("disks", "Disks", DISKS, disks), ("snapshots", "Snapshots", SNAPSHOTS, snapshots)]
    tables += [("shares", "Shares", SHARES, shares)] if table.has_shares else []
    script = (files("aksdisks") / "templates/inventory/rows.js").read_text(encoding="utf-8")
    sums = table.sums()
    currencies = sorted({currency for each in sums.values() for currency in each.costs})
    return (
        templates()
        .get_template("inventory/index.html.j2")
        .render(
            namespace=namespace,
            target=target,
            ownership=ownership,
            at=_time(ownership.taken),
            unseen=unseen,
            total=Sum.of(table.rows),
            sources=table.price_sources,
            tables=tables,
            first=FIRST,
            verdicts=_counts(table),
            namespaces=Counter(row.get("namespace") or "" for row in table.rows),
            charts=[(currency, list(bars(sums, currency))) for currency in currencies],
            sums=sums,
            beside=[*beside(ownership), slots(ownership)],
            script=script,
            hash=b64encode(sha256(script.encode()).digest()).decode(),
        )
    )


def chain(owned: OwnedDisk | OwnedShare) -> Iterator[Link]:
    """Every pod, then what they share: claim, volume, disk and machine, or share and account."""
    first, *others = owned.pods or (None,)
    whole = Chain(first, owned.claim, owned.volume)
    if isinstance(owned, OwnedDisk):
        whole = replace(whole, attachment=owned.attachment, disk=owned.disk, machine=owned.machine, lun=owned.lun)
    else:
        whole = replace(whole, share=owned.share)
    pod, *shared = links(whole)
    yield from (pod, *(links(replace(whole, pod=each))[0] for each in others), *shared)


def bars(sums: Mapping[tuple[str, Verdict], Sum], currency: str) -> Iterator[Bar]:
    """The dearest namespaces first; those beyond the twelfth are one bar."""
    costs: defaultdict[str, dict[Verdict, Decimal]] = defaultdict(dict)
    for (namespace, verdict), found in sums.items():
        if found.costs.get(currency):
            costs[namespace or "no namespace"][verdict] = found.costs[currency]
    order = sorted(costs, key=lambda name: (-sum(costs[name].values()), name))
    if others := order[_MOST_BARS:]:
        order = [*order[:_MOST_BARS], f"{len(others)} other namespaces"]
        for verdict in VERDICTS:
            costs[order[-1]][verdict] = sum((costs[name].get(verdict, Decimal(0)) for name in others), Decimal(0))
    longest = max((sum(each.values()) for each in costs.values()), default=Decimal(1))
    for name in order:
        yield Bar(name, f"{sum(costs[name].values()):,.2f} {currency}", list(_parts(costs[name], longest)))


def _parts(costs: Mapping[Verdict, Decimal], longest: Decimal | int) -> Iterator[tuple[Verdict, float, float, str]]:
    at = 0.0
    for verdict in VERDICTS:
        if cost := costs.get(verdict):
            wide = float(100 * cost / longest)
            yield verdict, at, wide, f"{cost:,.2f}"
            at += wide


def _facts(row: Row) -> Iterator[tuple[str, object]]:
    for name, told in _FACTS.items():
        if (value := told(row)) not in (None, ""):
            yield name, value


def _counts(table: OwnershipTable) -> dict[Verdict, int]:
    counts = Counter(row["verdict"] for row in table.rows)
    return {verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]}

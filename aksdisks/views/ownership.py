"""Whose the disks are, as text, HTML and DataFrame: a row for each with its verdict, and what all of them cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from aksdisks.model.ownership import VERDICTS, NodeSlots, Ownership, Verdict
from aksdisks.model.ownership_rows import disk_rows, share_rows, snapshot_rows
from aksdisks.model.records import Records, Row
from aksdisks.model.unknown import NotAsked, Unknown
from aksdisks.quantities import show_gib
from aksdisks.views.base import Layout, Stack, Table
from aksdisks.views.markup import View


def size(row: Row) -> str:
    """`25 GiB Premium_LRS P4`."""
    return " ".join(filter(None, (show_gib(row["size_gib"]), row["sku"], row.get("tier"))))


def holder(row: Row) -> str:
    """`aks-pool_1 LUN 0`: the machine that holds a disk, and where on it; empty where none does."""
    lun = "" if row["lun"] is None else f" LUN {row['lun']}"
    return f"{row['machine']}{lun}" if row["machine"] else ""


def place(row: Row) -> str:
    """`Attached, aks-pool_1 LUN 0`: what Azure says of a disk's state, and who holds it."""
    return ", ".join(filter(None, (row["state"], holder(row))))


def last(id_: str | None) -> str:
    """The last part of an ARM id: the name of what it is of."""
    return (id_ or "").rpartition("/")[2]


def price(row: Row) -> str:
    """`5.28 USD`, or `unknown`."""
    return "unknown" if row["price_a_month"] is None else f"{row['price_a_month']:,.2f} {row['currency']}"


DISKS: Layout = {
    "verdict": "verdict",
    "disk": "name",
    "size": size,
    "state": place,
    "claim": "claim",
    "workload": "workload",
    "a month": price,
    "because": "because",
}
SNAPSHOTS: Layout = {
    "verdict": "verdict",
    "snapshot": "name",
    "size": size,
    "VolumeSnapshot": "volume_snapshot",
    "of disk": lambda row: last(row["source"]),
    "a month": price,
    "because": "because",
}
SHARES: Layout = {
    "verdict": "verdict",
    "share": "name",
    "account": "account",
    "size": size,
    "claim": "claim",
    "workload": "workload",
    "a month": price,
    "because": "because",
}


@dataclass(frozen=True)
class Sum:
    """How many disks, snapshots or shares there are of one kind, what they cost a month, and of how many nobody knows.

    `costs` has a sum for each currency.
    """

    count: int
    costs: Mapping[str, Decimal]
    unpriced: int

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Sum:
        """The sum of rows; each price is rounded as it is shown, so that who adds them up finds the same."""
        count, unpriced = 0, 0
        costs: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in rows:
            count += 1
            if row["price_a_month"] is None:
                unpriced += 1
            else:
                costs[row["currency"]] += Decimal(f"{row['price_a_month']:.2f}")
        return cls(count, costs, unpriced)

    def __str__(self) -> str:
        costs = " + ".join(f"{cost:,.2f} {currency}" for currency, cost in self.costs.items())
        but = f"{self.unpriced} of unknown price" if self.unpriced else ""
        return ", ".join(filter(None, (f"{costs} a month" if costs else "", but))) or "nothing"


@dataclass(frozen=True)
class OwnershipTable(View):
    """The table of `aksdisks inventory`: disks, snapshots, shares, and beside them what does not fit together.

    `ownership`: of an inventory that was read with it; where it is unknown, only the reason is shown.
    """

    ownership: Ownership | Unknown

    @cached_property
    def disks(self) -> Records:
        """A row for each disk, in the table's order: by verdict, claim and name."""
        return disk_rows(self.ownership.disks if isinstance(self.ownership, Ownership) else self.ownership)

    @cached_property
    def snapshots(self) -> Records:
        """The same of the snapshots."""
        return snapshot_rows(self.ownership.snapshots if isinstance(self.ownership, Ownership) else self.ownership)

    @cached_property
    def shares(self) -> Records:
        """The same of the shares of Azure Files."""
        return share_rows(self.ownership.shares if isinstance(self.ownership, Ownership) else self.ownership)

    @property
    def has_shares(self) -> bool:
        """Whether there is something to say of shares: many clusters have none."""
        owned = self.ownership.shares if isinstance(self.ownership, Ownership) else ()
        return bool(owned) or (isinstance(owned, Unknown) and not isinstance(owned, NotAsked))

    @property
    def rows(self) -> list[Row]:
        """Disks, snapshots and shares."""
        return [*self.disks.rows, *self.snapshots.rows, *self.shares.rows]

    @property
    def price_sources(self) -> list[str]:
        """Whose the prices are."""
        return sorted({row["price_source"] for row in self.rows if row["price_a_month"] is not None})

    def sums(self) -> dict[tuple[str, Verdict], Sum]:
        """By namespace (empty: of none) and verdict, in the order of namespaces' names and of VERDICTS."""
        found: defaultdict[tuple[str, Verdict], list[Row]] = defaultdict(list)
        for row in self.rows:
            found[row.get("namespace") or "", row["verdict"]].append(row)
        order = sorted(found, key=lambda key: (key[0], VERDICTS.index(key[1])))
        return {key: Sum.of(found[key]) for key in order}

    def parts(self) -> list[Table]:
        """The tables of which it is made; those beside the disks only where they have rows."""
        disks = table_of("Disks", self.disks, DISKS)
        if isinstance(self.ownership, Unknown):
            return [disks]
        shares = [table_of("Shares", self.shares, SHARES)] if self.has_shares else []
        return [disks, table_of("Snapshots", self.snapshots, SNAPSHOTS), *shares, *beside(self.ownership)]

    def text(self) -> str:
        """One table below the other."""
        return Stack(self.parts()).text()

    def html(self) -> str:
        """The same as HTML."""
        return Stack(self.parts()).html()

    def frame(self) -> Any:
        """The pandas DataFrame of the disks: the columns of `Inventory.frame("disks")`, in the order that is shown."""
        return self.disks.frame(title="Disks")


def beside(ownership: Ownership) -> list[Table]:
    """What stands beside the disks, as far as there is any: no disk, two opinions, few slots."""
    tables = [
        Table("Claims and volumes without a disk or share", ("object", "because"), ownership.without_disk),
        Table(
            "Attachments that the two sides see differently",
            ("disk", "volume", "node", "Kubernetes says", "Azure says"),
            [(each.disk, each.volume, each.node, each.kubernetes, each.azure) for each in ownership.disagreements],
        ),
        Table("Nodes that take few more disks", *_slots(each for each in ownership.slots if each.nearly_full)),
    ]
    return [table for table in tables if table.rows]


def slots(ownership: Ownership) -> Table:
    """How many more disks each node takes, as both sides count them."""
    return Table("Free disk slots", *_slots(ownership.slots))


def _slots(nodes: Iterable[NodeSlots]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    columns = ("node", "slots", "free by Kubernetes", "free by Azure")
    return columns, [(each.node, each.limit, each.by_kubernetes, each.by_azure) for each in nodes]


def table_of(title: str, found: Records, layout: Layout) -> Table:
    """The table of one kind of thing in a layout, with how many there are of each verdict and what they cost."""
    counts = Counter(row["verdict"] for row in found.rows)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    note = str(Unknown(found.unknown)) if found.unknown else f"{said}: {Sum.of(found.rows)}" if said else ""
    return Table.of(title, found, layout, note=note, empty="not seen" if found.unknown else "none")

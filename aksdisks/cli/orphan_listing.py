"""How orphaned disks leave the program: as a table for people, or alone on stdout as JSON or CSV."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from shlex import quote
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from aksdisks.cli.terminal import ClusterPrinter, TerminalConsole
from aksdisks.inspection.diagnosis.rows import duration
from aksdisks.model import Disk, Unknown
from aksdisks.model.ownership import OwnedDisk, Ownership, Price
from aksdisks.model.ownership_rows import DISKS, disk_rows
from aksdisks.quantities import show_gib
from aksdisks.session.disk_removal import Outcome
from aksdisks.views.ownership_documents import csv_text, moment, plain
from aksdisks.waiting import Waiting

SCHEMA = "aksdisks/orphans/v1"
_STYLES = {"deleted": "green", "begun": "yellow", "left": "yellow", "failed": "bold red", "not reached": "dim"}
# How often a long wait has a line; real seconds.
_SAY_EVERY = 15.0


@dataclass(frozen=True)
class Listing:
    """What may go, of one look at a cluster; `scale` is cluster seconds in a real one.

    `outcomes`: what became of disks, also of those that an earlier deletion had begun with. `unlisted`: why Azure's
    disks could not be listed; empty where they were. Volumes tell of some all the same, and never of an orphan.
    """

    target: str
    ownership: Ownership
    scale: float
    outcomes: tuple[Outcome, ...] = ()
    unlisted: str = ""

    @property
    def orphans(self) -> tuple[OwnedDisk, ...]:
        """The disks that may go."""
        return self._of("orphan")

    @property
    def advised(self) -> tuple[OwnedDisk, ...]:
        """Disks whose claim is gone and whose volume is not: who wants them to go deletes the volume."""
        return self._of("released")

    @property
    def young(self) -> tuple[OwnedDisk, ...]:
        """Disks that are orphans once they are old enough."""
        return self._of("young")

    @property
    def unseen(self) -> tuple[tuple[str, str], ...]:
        """What could not be judged, so that it could be an orphan, and why.

        No disk that a volume names is one, nor a disk of another cluster, by its tags: that is for others to judge.
        """
        if self.unlisted:
            return (("Azure's disks", self.unlisted),)
        open_ = (each for each in self._of("unknown") if each.volume is None and not each.of_another)
        return tuple((f"disk {each.name}", each.because) for each in open_)

    @cached_property
    def ended(self) -> Mapping[str, Outcome]:
        """What became of each disk, by its id."""
        return {each.disk: each for each in self.outcomes}

    def totals(self) -> Mapping[str, float]:
        """What the orphans cost a month, by currency."""
        sums: defaultdict[str, float] = defaultdict(float)
        for each in self.orphans:
            if isinstance(each.price, Price):
                sums[each.price.currency] += each.price.a_month
        return dict(sums)

    def unused(self, owned: OwnedDisk) -> float | None:
        """For how many cluster seconds nothing has had it; None where Azure does not say."""
        times = [] if isinstance(owned.disk, Unknown) else [owned.disk.created, owned.disk.owner_changed]
        last = max(filter(None, times), default=None)
        return None if last is None else max(0.0, (self.ownership.taken - last).total_seconds() * self.scale)

    def _of(self, verdict: str) -> tuple[OwnedDisk, ...]:
        disks = self.ownership.disks
        return () if isinstance(disks, Unknown) else tuple(each for each in disks if each.verdict == verdict)


def commands(owned: OwnedDisk) -> tuple[str, ...]:
    """What a person would type to let a disk go: with its volume, where there is one that takes the disk along."""
    if owned.volume is None:
        return (f"az disk delete --ids {quote(owned.id)}",)
    name = quote(owned.volume.name)
    if owned.volume.nobody_deletes:
        return f"kubectl delete pv {name} --ignore-not-found", f"az disk delete --ids {quote(owned.id)}"
    policy = '\'{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}\''
    return f"kubectl patch pv {name} -p {policy}", f"kubectl delete pv {name} --ignore-not-found"


def document(listing: Listing) -> dict[str, Any]:
    """The JSON document: sizes in GiB, ages in seconds of the cluster, prices a month."""
    return {
        "schema": SCHEMA,
        "target": listing.target,
        "at": moment(listing.ownership.taken),
        "resource_group": listing.ownership.resource_group,
        "grace_seconds": listing.ownership.grace,
        "orphans": [_row(listing, each) for each in listing.orphans],
        "advised": [_row(listing, each) for each in listing.advised],
        "totals": [{"currency": name, "price_a_month": round(sum_, 2)} for name, sum_ in listing.totals().items()],
        "outcomes": [{"disk": each.disk, **_ended(each)} for each in listing.outcomes],
        "unseen": [{"what": what, "because": because} for what, because in listing.unseen],
    }


_ENDED: Mapping[str, Callable[[Outcome], Any]] = {
    "outcome": lambda outcome: outcome.state,
    "outcome_because": lambda outcome: outcome.because,
    "snapshot": lambda outcome: outcome.snapshot or None,
}


_OWN = ("unused_seconds", "commands")
"""What a row has beside the columns of an inventory's."""


def _row(listing: Listing, owned: OwnedDisk) -> dict[str, Any]:
    (row,) = disk_rows((owned,)).rows
    unused = listing.unused(owned)
    more = {"unused_seconds": None if unused is None else round(unused), "commands": list(commands(owned))}
    outcome = listing.ended.get(owned.id)
    return {**plain(row), **more, **(_ended(outcome) if outcome else {})}


def _ended(outcome: Outcome) -> dict[str, Any]:
    return {name: read(outcome) for name, read in _ENDED.items()}


def as_csv(listing: Listing) -> str:
    """A line for each disk."""
    columns = [*DISKS, *_OWN, *(_ENDED if listing.outcomes else ())]
    return csv_text(columns, (_row(listing, owned) for owned in (*listing.orphans, *listing.advised)))


def table(listing: Listing) -> RenderableType:
    """For people: each disk with its reason and its command, what volumes keep, what was not seen, and the sum."""
    parts: list[RenderableType] = []
    for owned in (*listing.orphans, *listing.advised):
        parts += [*_block(listing, owned), Text()]
    for what, because in listing.unseen:
        parts += [Text.assemble(("unknown", "bold magenta"), f"  {what}: {because}"), Text()]
    return Group(*parts, _sum(listing))


def _block(listing: Listing, owned: OwnedDisk) -> Iterator[RenderableType]:
    disk = owned.disk if isinstance(owned.disk, Disk) else Disk()
    price, unused = owned.price, listing.unused(owned)
    facts = [
        f"{show_gib(disk.size_gib)} {disk.sku}".strip(),
        f"{price.a_month:.2f} {price.currency} a month" if isinstance(price, Price) else "price unknown",
        *([f"unused for {duration(unused)}"] if unused is not None else ()),
    ]
    head = Text.assemble((owned.verdict, "bold red" if owned.verdict == "orphan" else "yellow"), "  ")
    yield head.append(owned.name, "bold")
    for line in (", ".join(facts), owned.because):
        yield Padding(Text(line), (0, 0, 0, 2), expand=False)
    for line in commands(owned):  # unbroken: they are copied
        yield Text(f"  {line}", style="cyan", no_wrap=True, overflow="ignore")


def _sum(listing: Listing) -> Text:
    count, group = len(listing.orphans), listing.ownership.resource_group or "the node resource group"
    if not count:
        seen = ", as far as could be seen" if listing.unseen else ""
        young = len(listing.young)
        and_young = f"; {young} {'is' if young == 1 else 'are'} younger than the grace" if young else ""
        return Text(f"{group}: nothing may go{seen}{and_young}")
    costs = [f"{sum_:.2f} {currency}" for currency, sum_ in listing.totals().items()]
    unpriced = sum(isinstance(each.price, Unknown) for each in listing.orphans)
    but = f" and {unpriced} of unknown price" if unpriced else ""
    what = f"{' + '.join(costs)} a month{but}" if costs else "price unknown"
    return Text(f"{group}: {count} {'disk' if count == 1 else 'disks'} may go, {what}", style="bold")


class Printer(ClusterPrinter):
    """Writes the list to stdout in one format, all else to stderr."""

    def __init__(self, format: str) -> None:
        """`format`: table, json or csv."""
        super().__init__()
        self.format = format
        self._said = 0.0

    def progress(self, said: Waiting | str) -> None:
        """That a request is tried again; now and then what is waited for."""
        now = time.monotonic()
        if isinstance(said, str) or now - self._said >= _SAY_EVERY:
            self._said = now
            super().progress(said)

    def before(self, listing: Listing) -> None:
        """What is asked about."""
        self._live.print(table(listing), crop=False)

    def outcome(self, each: Outcome) -> Outcome:
        """What became of a disk, as soon as that is known; of documents it is a part as well."""
        line = Text.assemble((each.state, _STYLES[each.state]), f"  {each.disk.rpartition('/')[2]}")
        line.append(f": {each.because}" if each.because else "")
        line.append(f" (snapshot {each.snapshot.rpartition('/')[2]})" if each.snapshot else "")
        self._live.print(line, soft_wrap=True)
        return each

    @property
    def _live(self) -> TerminalConsole:
        return self.out if self.format == "table" else self.err

    def whole(self, listing: Listing) -> None:
        """The list, with what became of each disk; what is not ASCII in JSON is escaped, and so are all controls."""
        if self.format == "json":
            self.document(json.dumps(document(listing), indent=2) + "\n")
        elif self.format == "csv":
            self.document(as_csv(listing))
        elif not listing.outcomes:
            self.out.print(table(listing), crop=False)
        else:
            counts = {state: sum(each.state == state for each in listing.outcomes) for state in _STYLES}
            self.out.print(", ".join(f"{count} {state}" for state, count in counts.items() if count))

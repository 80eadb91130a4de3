"""How large claims are: what they ask for, what both sides say, and what `df` says in their pods; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aksdisks.inspection.comparison import Said, minus
from aksdisks.model import Claim, Disk, Pod, Unknown, Volume
from aksdisks.model.checks import Holds
from aksdisks.prices import cost_per_day, disk_tier
from aksdisks.quantities import gib, show_gib
from aksdisks.views.base import Table

_POSIX_LINE = re.compile(r"\s(\d+)\s+\d+\s+\d+\s+\d+%\s+/\S*\s*$")
_KIB_IN_GIB = 2**20

FileSystem = float | Unknown | None
"""GiB, why it is unknown, or None where it was not asked for or the image has no `df`."""


@dataclass(frozen=True)
class Row:
    """One claim with its volume, its disk and its pod, as far as there are any."""

    claim: Claim
    volume: Volume | None
    disk: Disk | Unknown | None
    pod: Pod | None
    file_system: FileSystem

    def cells(self) -> tuple[object, ...]:
        """The row as it is shown."""
        disk = self.disk if isinstance(self.disk, Disk) else None
        volume = self.volume.capacity if self.volume else None
        size = f"{show_gib(disk.size_gib)} {disk.sku}" if disk else self.disk
        return self.claim.name, self.claim.requested, volume, size, self.claim.capacity, _bill(disk)


@dataclass(frozen=True)
class Sizes:
    """Claims at one moment, by name; disks go by name."""

    rows: tuple[Row, ...]

    def table(self, title: str = "Sizes") -> Table:
        """A row a claim; a size travels from left to right."""
        columns = ("claim", "asks for", "volume", "disk in Azure", "has", "billed as")
        return Table(title, columns, [row.cells() for row in self.rows])

    @property
    def kubernetes(self) -> Said:
        """(disk, GiB) as volumes promise."""
        return frozenset((row.volume.disk_name, gib(row.volume.capacity)) for row in self.rows if row.volume)

    @property
    def azure(self) -> Said:
        """(disk, GiB) as Azure has them."""
        return self._azure(lambda disk: (disk.name, disk.size_gib))

    @property
    def pods(self) -> Said:
        """(pod, uid, node, restarts) of those that use the claims."""
        pods = [row.pod for row in self.rows if row.pod]
        return frozenset((pod.name, pod.uid, pod.node, pod.restarts) for pod in pods)

    @property
    def readable(self) -> Holds:
        """Whether `df` can be run in the pods; None, for not applicable, where the image has none."""
        return None if all(row.file_system is None for row in self.rows) else True

    def only(self, name: str) -> Sizes:
        """The claim of this name alone."""
        return Sizes(tuple(row for row in self.rows if row.claim.name == name))

    def news(self, before: Sizes) -> tuple[Said, Said]:
        """(disk, GiB) as they are now and were not before, as Kubernetes says and as Azure says."""
        return minus(self.kubernetes, before.kubernetes), minus(self.azure, before.azure)

    def new_disks(self, before: Sizes) -> Said:
        """(claim, GiB) of claims that were not there before, as Azure says."""
        there = {row.claim.name for row in before.rows}
        return Sizes(tuple(row for row in self.rows if row.claim.name not in there))._by_claim()

    def more_in_pods(self, before: Sizes) -> Said:
        """(claim, whole GiB more) as `df` says: a file system takes a part of each GiB for itself."""
        then, now = ({row.claim.name: row.file_system for row in each.rows} for each in (before, self))
        return _growth(then, now)

    def more_in_azure(self, before: Sizes) -> Said:
        """(claim, GiB more) as Azure says."""
        then, now = before._by_claim(), self._by_claim()
        if isinstance(then, Unknown) or isinstance(now, Unknown):
            return then if isinstance(then, Unknown) else now
        return _growth(dict(then), dict(now))

    def _by_claim(self) -> Said:
        return self._azure(lambda disk: (self._claim_of(disk), disk.size_gib))

    def _claim_of(self, disk: Disk) -> str:
        return next(row.claim.name for row in self.rows if row.disk is disk)

    def _azure(self, what: Callable[[Disk], object]) -> Said:
        for row in self.rows:
            if isinstance(row.disk, Unknown):
                return row.disk
        return frozenset(what(row.disk) for row in self.rows if isinstance(row.disk, Disk))


def read_size(printed: str | Unknown | None) -> FileSystem:
    """The size in what `df -P -k` printed of one file system; unknown where that has none."""
    if not isinstance(printed, str):
        return printed
    found = _POSIX_LINE.search(printed)
    return int(found[1]) / _KIB_IN_GIB if found else Unknown(f"df printed {printed.strip()[-80:]!r}")


def _growth(before: Mapping[str, FileSystem], after: Mapping[str, FileSystem]) -> Said:
    """(name, whole GiB more) of what is in both; unknown where one of them is."""
    found = set()
    for name in before.keys() & after.keys():
        then, now = before[name], after[name]
        if isinstance(then, Unknown) or isinstance(now, Unknown):
            return then if isinstance(then, Unknown) else now if isinstance(now, Unknown) else Unknown("")
        if then is not None and now is not None:
            found.add((name, round(now - then)))
    return frozenset(found)


def _bill(disk: Disk | None) -> str:
    """The tier and the price of a disk; empty for none."""
    if disk is None or disk.size_gib is None:
        return ""
    tier, cost = disk_tier(disk.sku, disk.size_gib), cost_per_day(disk.sku, disk.size_gib)
    return ", ".join(filter(None, [tier, f"{cost:.2f} USD a day" if cost else ""]))

"""What runbook 11 compares: both sides' snapshots and copies of disks, and the lines on a disk and on its copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from aksdisks.errors import InputError
from aksdisks.inspection.comparison import Said
from aksdisks.model import (
    Claim,
    Disk,
    DiskSnapshot,
    Unknown,
    Volume,
    VolumeSnapshot,
    VolumeSnapshotContent,
    known,
)
from aksdisks.model.checks import Holds
from aksdisks.views.base import Table
from aksdisks.walkthrough.claims import ABOVE
from aksdisks.walkthrough.line_writer import Text

T = TypeVar("T")
OF_SNAPSHOT = "kubernetes.io-created-for-snapshot-"
"""How the tags begin that name the VolumeSnapshot which Azure's was made for (facts H)."""


@dataclass(frozen=True)
class Seen:
    """The snapshot and the copies at one moment, of this run's namespace alone; disks and snapshots go by name."""

    namespace: str
    snapshots: tuple[VolumeSnapshot, ...] | Unknown
    contents: tuple[VolumeSnapshotContent, ...] | Unknown
    claims: tuple[Claim, ...]
    volumes: tuple[Volume, ...]
    in_azure: tuple[DiskSnapshot, ...] | Unknown
    disks: tuple[Disk, ...] | Unknown

    def made(self) -> tuple[Said, Said]:
        """(snapshot in Azure, disk that it is of), as Kubernetes' contents say, and as Azure does."""
        return (
            _said(self.contents, lambda each: (_last(each.snapshot_id), _last(each.disk_id))),
            _said(self.in_azure, lambda each: (each.name, _last(each.source))),
        )

    def copied(self, claim: str) -> tuple[Said, Said]:
        """(disk of a claim, what it is a copy of), as the claim's source says, and as Azure's disk does."""
        of_claim = only(self.disks, lambda each: each.claim_name == claim)
        return self._copies(claim), _said(of_claim, lambda each: (each.name, _last(each.source)))

    def leaving(self) -> tuple[Said, Said]:
        """The snapshots that are being deleted, by their name in Azure, and those that Azure has."""
        going = {each.content for each in known(self.snapshots) if each.deleting}
        contents = self.snapshots if isinstance(self.snapshots, Unknown) else self.contents
        leaving = only(contents, lambda each: each.name in going)
        return _said(leaving, lambda each: _last(each.snapshot_id)), _said(self.in_azure, lambda each: each.name)

    @property
    def none_left(self) -> Holds:
        """Whether neither side has a snapshot any more."""
        for said in (self.snapshots, self.contents, self.in_azure):
            if isinstance(said, Unknown):
                return said
        return not (self.snapshots or self.contents or self.in_azure)

    def table(self) -> Table:
        """The snapshot, line by line, as each side has it."""
        content = next(iter(known(self.contents)), VolumeSnapshotContent())
        there = next(iter(known(self.in_azure)), DiskSnapshot())
        percent = "" if there.completion is None else f", {there.completion:g} % copied"
        size = "" if content.restore_size is None else content.restore_size / 2**30
        rows = (
            ("the snapshot", _last(content.snapshot_id), there.name),
            ("of the disk", _last(content.disk_id), _last(there.source)),
            ("GiB", f"{size:g}" if size else "", there.size_gib),
            ("made for", content.snapshot, f"{_last(made_for(there))}, by its tags"),
            ("ready", "yes" if content.ready else "no", f"{there.provisioning_state}{percent}"),
            ("kept as", content.deletion_policy, f"{'incremental' if there.incremental else 'full'}, {there.sku}"),
        )
        return Table("The same snapshot, seen from both sides", ("", "Kubernetes", "Azure"), rows)

    def volume_of(self, claim: str) -> Volume:
        """The volume of a claim; raises InputError where there is none."""
        bound = {each.name: each.volume for each in self.claims}
        for volume in self.volumes:
            if volume.name == bound.get(claim):
                return volume
        raise InputError(object=f"the volume of claim {claim}", expected="one", found="none", hint=ABOVE)

    def _copies(self, name: str) -> Said:
        claim = next((each for each in self.claims if each.name == name and each.volume), None)
        if claim is None:
            return frozenset()
        disk = self.volume_of(name).disk_name
        if claim.source_kind == "PersistentVolumeClaim":
            return frozenset({(disk, self.volume_of(claim.source_name).disk_name)})
        if isinstance(self.contents, Unknown):
            return self.contents
        of = [_last(each.snapshot_id) for each in self.contents if each.snapshot == claim.source_name]
        return frozenset((disk, snapshot) for snapshot in of)


@dataclass(frozen=True)
class Lines:
    """What was written to the original's file at three moments, and what a copy of it has."""

    before: Text  # of what was there when the snapshot was asked for: what was on the disk for sure
    until: Text  # when it was ready
    written: Text  # in the end
    copy: Text

    @property
    def holds(self) -> Holds:
        """Whether the copy is a prefix of what was written, cut between the two moments."""
        for text in (self.before, self.until, self.copy):
            if not isinstance(text, str):
                return text
        before, until, copy = str(self.before), str(self.until), str(self.copy)
        return bool(before) and copy.startswith(before) and until.startswith(copy)

    @property
    def seen(self) -> str:
        """What that is judged by."""
        if self.holds is True:
            return "all lines from before, none from after"
        if not isinstance(self.holds, bool):
            return "no lines could be compared"
        until, copy = str(self.until), str(self.copy)
        if not until.startswith(copy):
            return f"{_count(copy)} that are not the first of those written"
        return f"{_count(copy)}, of {_count(str(self.before))} that were there before"

    def table(self) -> Table:
        """How many lines each has."""
        rows = [
            ("on the disk before it was asked for", _count(self.before)),
            ("in the copy of the snapshot", _count(self.copy)),
            ("written until it was ready", _count(self.until)),
            ("written in all", _count(self.written)),
        ]
        return Table("One file", ("", "holds"), rows)


def only(found: tuple[T, ...] | Unknown, holds: Callable[[T], bool]) -> tuple[T, ...] | Unknown:
    """Those of which it holds; unknown where they are."""
    return found if isinstance(found, Unknown) else tuple(filter(holds, found))


def made_for(snapshot: DiskSnapshot) -> str:
    """`namespace/name` of the VolumeSnapshot that it was made for, by the driver's tags."""
    return "/".join(snapshot.tags.get(OF_SNAPSHOT + tag, "") for tag in ("namespace", "name"))


def _said(found: Iterable[Any] | Unknown, make: Callable[[Any], object]) -> Said:
    return found if isinstance(found, Unknown) else frozenset(map(make, found))


def _last(id_: str) -> str:
    return id_.rpartition("/")[2]


def _count(text: Text) -> str:
    """How many lines; a last one that was cut short counts as a part."""
    if not isinstance(text, str):
        return "not read" if text is None else f"unknown, because {text.because}"
    *whole, rest = text.split("\n")
    return f"{len(whole)} line{'' if len(whole) == 1 else 's'}" + (" and a part of one" if rest else "")

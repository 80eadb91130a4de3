"""What a replica's disk holds, what of it counts, and what has to be copied to it: pure rules.

A disk has a folder for each term, and in it a file for each write, named by the write's generation; a line is what
such a file holds: the write's id, a space, its value. Files are only ever added to a folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Lines = tuple[str, ...]
"""The writes of a log by generation: the first has generation 1."""

_FOUND = re.compile(r"(\d+)/(\d{8}) (.*)")


@dataclass(frozen=True, slots=True)
class Disk:
    """The logs of one replica's disk by term, each up to its first gap."""

    logs: Mapping[int, Lines] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Disk:
        """Read what the commands of `disks` print: `TERM/GENERATION LINE`, a line for each file."""
        found: dict[int, dict[int, str]] = {}
        for line in text.splitlines():
            if match := _FOUND.fullmatch(line):
                found.setdefault(int(match[1]), {})[int(match[2])] = match[3]
        return cls({term: _up_to_gap(log) for term, log in found.items()})


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What was acknowledged: the first `generation` lines of a log, by their digest."""

    generation: int = 0
    digest: str = ""

    def is_in(self, log: Lines) -> bool:
        """Whether a log holds exactly these lines, whatever follows them."""
        return len(log) >= self.generation and (not self.generation or digest(log[: self.generation]) == self.digest)


@dataclass(frozen=True, slots=True)
class Copy:
    """What makes a disk's log of a term equal to the primary's.

    `carried`: that many of the first files are linked from the folder of term `source` on the same disk; `missing`:
    what is written anew, by generation.
    """

    source: int
    carried: int
    missing: tuple[tuple[int, str], ...]


def digest(log: Sequence[str]) -> str:
    """The SHA-256 of lines, in hexadecimal digits."""
    return hashlib.sha256("\n".join(log).encode()).hexdigest()


def best(disk: Disk, acknowledged: Acknowledged) -> tuple[int, Lines] | None:
    """The term and the log to go on from: of those that hold all that is acknowledged, the longest, then the newest.

    None where no log of the disk does. Where nothing is acknowledged an empty disk will do: term 0 and no lines.
    """
    logs = {**disk.logs} or {0: ()}
    whole = [(len(log), term) for term, log in logs.items() if acknowledged.is_in(log)]
    return (max(whole)[1], logs[max(whole)[1]]) if whole else None


def fits(disk: Disk, term: int, log: Lines) -> bool:
    """Whether a disk's log of this term is a beginning of the primary's: all that files being added can lead to."""
    found = disk.logs.get(term, ())
    return found == log[: len(found)]


def copy(disk: Disk, term: int, log: Lines) -> Copy | None:
    """What a disk lacks of the primary's log of this term; None where it lacks nothing."""
    found = disk.logs.get(term, ())
    if found == log:
        return None
    alike = {source: _alike(other, log) for source, other in disk.logs.items() if source != term}
    source = max(alike, key=lambda each: (alike[each], each), default=0)
    carried = max(alike.get(source, 0), len(found))
    missing = tuple((generation, log[generation - 1]) for generation in range(carried + 1, len(log) + 1))
    return Copy(source, alike.get(source, 0), missing)


def pending(writes: Iterable[Mapping[str, str]], log: Lines) -> tuple[Lines, tuple[str, ...]]:
    """The lines to add for what the spec wants written, and the ids whose value on the disk is another."""
    on_disk = {line.partition(" ")[0]: line for line in log}
    wanted = {write["id"]: f"{write['id']} {write['value']}" for write in writes}
    added = tuple(line for id_, line in wanted.items() if id_ not in on_disk)
    return added, tuple(id_ for id_, line in wanted.items() if on_disk.get(id_, line) != line)


def _up_to_gap(log: Mapping[int, str]) -> Lines:
    whole: list[str] = []
    while (line := log.get(len(whole) + 1)) is not None:
        whole.append(line)
    return tuple(whole)


def _alike(one: Lines, other: Lines) -> int:
    """How many of their first lines are the same."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))

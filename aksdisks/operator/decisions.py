"""Who is the primary, and which snapshots are made and deleted: pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from aksdisks.model import Unknown
from aksdisks.operator.logs import Acknowledged, Disk, Lines, best, fits

Role = Literal["primary", "replica", ""]
_NOT_READY = Unknown("the pod is not ready")


@dataclass(frozen=True, slots=True)
class Replica:
    """A pod of a store as it was seen, with its resourceVersion.

    `disk`: what it holds, where the pod is ready; `term`: the term that the pod was last told of.
    """

    name: str
    role: Role
    ready: bool
    disk: Disk | Unknown = _NOT_READY
    version: str = ""
    uid: str = ""
    term: int = 0

    @property
    def ordinal(self) -> int:
        """The number in the pod's name."""
        return int(self.name.rpartition("-")[2])


@dataclass(frozen=True, slots=True)
class Keep:
    """The primary stays; `log` is what its disk holds in the present term."""

    primary: Replica
    log: Lines


@dataclass(frozen=True, slots=True)
class Promote:
    """A new term begins with this primary, from its log of term `source`."""

    primary: Replica
    source: int
    log: Lines


@dataclass(frozen=True, slots=True)
class Nobody:
    """No pod can be the primary now, or nobody knows; nothing is written until that changes."""

    reason: str
    message: str


def primary(replicas: Sequence[Replica], term: int, acknowledged: Acknowledged) -> Keep | Promote | Nobody:
    """Who is the primary, of a store whose present term and acknowledged writes are these.

    The one that has the label stays, as long as it is ready and its log of this term holds all that is acknowledged
    and is what the others' logs of this term begin with. Else the ready replica whose disk holds all of that and most
    besides; among its equals one that has a role already, and then the lowest number. Never one that lacks a write.
    """
    labelled = [each for each in replicas if each.role == "primary" and each.ready]
    if len(labelled) == 1:
        (now,) = labelled
        if isinstance(now.disk, Unknown):
            return Nobody("PrimaryUnreadable", now.disk.because)
        log = now.disk.logs.get(term, ())
        if term and acknowledged.is_in(log) and all(_fits(each, term, log) for each in replicas):
            return Keep(now, log)
    candidates = []
    for each in replicas:
        found = None if isinstance(each.disk, Unknown) or not each.ready else best(each.disk, acknowledged)
        if found is not None:
            standing = ("", "replica", "primary").index(each.role)
            candidates.append((len(found[1]), standing, -each.ordinal, Promote(each, *found)))
    if candidates:
        return max(candidates, key=lambda candidate: candidate[:3])[3]
    if not any(each.ready for each in replicas):
        return Nobody("NoReplicaReady", "no pod is ready")
    return Nobody("WritesMissing", _lacking(replicas, acknowledged))


def due(snapshots: Sequence[tuple[str, float, bool]], every: float) -> bool:
    """Whether a snapshot is to be made, by those that are there: as name, age and whether it is ready.

    None as long as one is not ready: it may become so yet, and where none ever does they are not to pile up.
    """
    return all(ready for _, _, ready in snapshots) and min((age for _, age, _ in snapshots), default=every) >= every


def late(snapshots: Sequence[tuple[str, float, bool]], every: float) -> str:
    """What is wrong with snapshots that are not ready when the next one would be due, in words; empty for nothing."""
    return ", ".join(f"snapshot {name} is not ready" for name, age, ready in snapshots if not ready and age >= every)


def to_delete(snapshots: Sequence[tuple[str, float, bool]], keep: int) -> tuple[str, ...]:
    """Of snapshots, as name, age and whether it is ready, those that are older than the newest `keep` ready ones."""
    ready = sorted(((age, name) for name, age, is_ready in snapshots if is_ready))
    if len(ready) <= keep:
        return ()
    oldest_kept = ready[keep - 1][0]
    return tuple(sorted(name for name, age, _ in snapshots if age > oldest_kept))


def _fits(replica: Replica, term: int, log: Lines) -> bool:
    return isinstance(replica.disk, Unknown) or fits(replica.disk, term, log)


def _lacking(replicas: Iterable[Replica], acknowledged: Acknowledged) -> str:
    """What each ready pod holds, in a line."""
    said = []
    for each in replicas:
        if isinstance(each.disk, Unknown):
            said.append(f"{each.name}: {each.disk.because}")
        else:
            held = max((len(log) for log in each.disk.logs.values()), default=0)
            said.append(f"{each.name}: {held} {'writes' if held != 1 else 'write'}")
    return f"no ready pod's disk holds the {acknowledged.generation} acknowledged writes ({'; '.join(said)})"

"""A diagnosis that follows a cluster: by watches of what it is made of, judged again when something changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace

from aksdisks.errors import NotReachable
from aksdisks.inspection.diagnosis.asking import Asked, Question, is_going, is_there, silence
from aksdisks.inspection.diagnosis.findings import Diagnosis, Finding, ObjectRef, Unseen
from aksdisks.inspection.diagnosis.reading import KINDS, SNAPSHOTS, Found, inventory_of, judge
from aksdisks.kube.watch import Watcher
from aksdisks.model import Change as Seen
from aksdisks.model import Inventory, Unknown

# A wait becomes a problem by time alone: it is looked at this often, in cluster seconds, and in real ones at the most
# and at the least. Beside the pods' changes Azure is asked with each look that needs it: it has no watch.
_LOOK_EVERY, _SHORTEST, _LONGEST = 5.0, 0.2, 10.0
_WATCHED = (*KINDS, SNAPSHOTS)

Rows = tuple[tuple[ObjectRef, Finding | None, Finding | None], ...]
"""Objects with what was found of them before and what is found now; None: nothing, they are well."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is found now, and in what it differs from before; `elapsed` is cluster seconds since the first look."""

    diagnosis: Diagnosis
    elapsed: float
    rows: Rows
    unseen: tuple[Unseen, ...]

    @property
    def well(self) -> bool:
        """Whether nothing is a problem or waits, and nothing that could not be seen might."""
        waits = any(each.verdict == "wait" for each in self.diagnosis.findings)
        return self.diagnosis.exit_code == 0 and not waits


def follow(asked: Asked, what: Question, timeout: float, tell: Callable[[Change], None]) -> int:
    """Tell what is found and each change of a verdict or a cause, until all is well: the exit code.

    0 once nothing is a problem or waits, 3 where that cannot be known for want of rights, 1 when `timeout`, in cluster
    seconds, has passed, and where the cluster does not answer. Raises as `Asked.diagnosis`, and NotAllowed where a
    watch is refused.
    """
    before: Mapping[tuple[ObjectRef, str], Finding] | None = None
    unseen: tuple[Unseen, ...] = ()
    began = time.monotonic()
    with closing(_looks(asked, what)) as looks:
        for found in looks:
            elapsed = (time.monotonic() - began) * asked.time_scale
            if found is not None:
                now = {(each.object, each.volume): each for each in found.findings}
                change = Change(found, elapsed, _rows(before or {}, now), _new(found.unseen, unseen))
                if before is None or change.rows or change.unseen:
                    tell(change)
                before, unseen = now, found.unseen
                if change.well:
                    return 0
                if not any(each.verdict in ("problem", "wait") for each in found.findings):
                    return found.exit_code
            if elapsed >= timeout:
                break
    return 1


def _rows(before: Mapping[tuple[ObjectRef, str], Finding], now: Mapping[tuple[ObjectRef, str], Finding]) -> Rows:
    """What changed, what is still found first, in the order of the findings."""
    keys = [*now, *(key for key in before if key not in now)]
    pairs = [(ref, before.get((ref, volume)), now.get((ref, volume))) for ref, volume in keys]
    return tuple(pair for pair in pairs if _said(pair[1]) != _said(pair[2]))


def _said(finding: Finding | None) -> tuple[str, str] | None:
    return (finding.verdict, finding.cause) if finding else None


def _new(unseen: tuple[Unseen, ...], before: tuple[Unseen, ...]) -> tuple[Unseen, ...]:
    known = {each.what for each in before}
    return tuple(each for each in unseen if each.what not in known)


@dataclass
class _Values:
    """The values of each kind as the watches tell them."""

    kinds: dict[str, dict[str, object]] = field(default_factory=dict)

    def apply(self, change: Seen) -> None:
        """One change."""
        values = self.kinds.setdefault(change.kind, {})
        key = change.value.uid or change.value.key
        if change.type == "DELETED":
            values.pop(key, None)
        else:
            values[key] = change.value

    def found(self, unread: Mapping[str, Unknown]) -> Found:
        """All of them; of what may not be read, why."""
        return {**{kind: tuple(self.kinds.get(kind, {}).values()) for kind in _WATCHED}, **unread}


def _looks(asked: Asked, what: Question) -> Generator[Diagnosis | None]:
    """What is found, again after a change and now and then; None where nothing was looked at."""
    try:
        first, found = asked.diagnosis(what)
        yield found
        namespace = first.namespace
        unread = {kind: Unknown(because) for kind, because in first.unreadable.items()}
        if isinstance(first.volume_snapshots, Unknown):
            unread[SNAPSHOTS] = first.volume_snapshots
        with asked.cluster.watch([kind for kind in _WATCHED if kind not in unread], namespace or "") as watcher:
            yield from _again(asked, replace(what, namespace=namespace), unread, watcher)
    except NotReachable as error:
        yield silence(asked.cluster.server, error)


def _again(asked: Asked, what: Question, unread: Mapping[str, Unknown], watcher: Watcher) -> Iterator[Diagnosis | None]:
    values, changed = _Values(), True
    for change in watcher.initial:
        values.apply(change)
    pause = min(max(_LOOK_EVERY / asked.time_scale, _SHORTEST), _LONGEST)
    looked = time.monotonic()
    for seen in watcher:
        if seen is not None:
            values.apply(seen)
            changed = True
        since = time.monotonic() - looked
        # A burst of changes is one look, and a look takes no more than a part of the time.
        if (changed and since >= _SHORTEST) or since >= pause:
            began = time.monotonic()
            inventory = inventory_of(values.found(unread), what.namespace, asked.time_scale, what.about)
            yield _look(asked, what.about, inventory)
            changed, looked = False, 2 * time.monotonic() - began
        elif seen is None:
            yield None


def _look(asked: Asked, about: ObjectRef | None, inventory: Inventory) -> Diagnosis | None:
    """What is found; None where the object goes or is gone: it is none that is well, and another may follow it."""
    if about is not None and not is_there(inventory, about):
        return None
    found = judge(inventory, asked.cluster, asked.azure, about)[1]
    if about is not None and not found.findings and is_going(inventory, about):
        return None
    return found

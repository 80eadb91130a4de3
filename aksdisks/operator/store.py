"""One store brought to what its spec wants, as far as one look at it allows: again and again, from any state.

What was seen is read anew each time, the store before its pods, and every change is made on condition of it: so an
operator that died at any point, or another that acts at the same time, leaves nothing that the next look cannot go on
from. docs/operator.md has the reasons for the order of the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from aksdisks.errors import AksdisksError, ApiError, Conflict, NotAllowed, NotFound
from aksdisks.manifests.replicated_store import claim_name
from aksdisks.model import Unknown
from aksdisks.operator.decisions import Keep, Nobody, Promote, Replica, due, late, primary, to_delete
from aksdisks.operator.disks import Disks
from aksdisks.operator.logs import Acknowledged, Copy, Disk, Lines, copy, pending
from aksdisks.operator.objects import Objects, Raw
from aksdisks.operator.status import Findings, status_of

AGAIN, SOON, LATER = 0.0, 1.0, 10.0
"""When a store is looked at again although nothing tells of a change; real seconds."""


class LostLease(Exception):  # noqa: N818 - named for what happened, as the library's errors are
    """Raised instead of a change, once another operator may act."""


@dataclass(frozen=True, slots=True)
class View:
    """A store, and after it its pods with their disks, as they were seen; `refused`: why its spec cannot be had."""

    raw: Raw
    replicas: tuple[Replica, ...]
    refused: str = ""

    @property
    def name(self) -> str:
        """The store's name."""
        return str(self.raw["metadata"]["name"])

    @property
    def term(self) -> int:
        """How often a primary was chosen."""
        return int((self.raw.get("status") or {}).get("term", 0))

    @property
    def acknowledged(self) -> Acknowledged:
        """What was acknowledged."""
        status = self.raw.get("status") or {}
        return Acknowledged(int(status.get("generation", 0)), str(status.get("digest", "")))

    @property
    def ready(self) -> tuple[Replica, ...]:
        """The pods that are ready."""
        return tuple(each for each in self.replicas if each.ready)


class Stores:
    """Brings the stores of a namespace to what their specs want."""

    def __init__(
        self,
        objects: Objects,
        disks: Callable[[str], Disks],
        check: Callable[[], None],
        time_scale: float = 1.0,
        map_all: Callable[..., Any] | None = None,
    ) -> None:
        """`disks`: those of pods that mount them at this path; `check` raises LostLease once another may act.

        `map_all`: as `map`; without it the disks of several pods are read and written at once.
        """
        self._objects = objects
        self._disks = disks
        self._check = check
        self._scale = time_scale
        self._map = map_all or ThreadPoolExecutor(max_workers=8, thread_name_prefix="disk").map

    def reconcile(self, name: str) -> float:
        """Go as far as one look at a store allows; the real seconds until the next look is due at the latest.

        Raises LostLease, and what the API answers; Conflict where others changed what this look saw.
        """
        raw = self._objects.store(name)
        if raw is None:
            return LATER
        self._check()
        refused = ""
        try:
            self._objects.make_children(raw)
        except ApiError as error:
            if isinstance(error, Conflict) or error.status >= 500:
                raise
            refused = error.message  # what is there already is looked after all the same
        view = self._look(raw, refused)
        decision = primary(view.replicas, view.term, view.acknowledged)
        if isinstance(decision, Promote):
            return self._promote(view, decision)
        if isinstance(decision, Nobody):
            return self._report(view, Findings(nobody=decision))
        return self._write(view, decision)

    def _look(self, raw: Raw, refused: str) -> View:
        replicas, disks = self._objects.replicas(raw["metadata"]["name"]), self._disks(raw["spec"]["mountPath"])
        ready = [each.name for each in replicas if each.ready]
        found = dict(zip(ready, self._map(disks.read, ready), strict=True))
        seen = tuple(replace(each, disk=found.get(each.name, each.disk)) for each in replicas)
        return View(raw, seen, refused)

    def _promote(self, view: View, wanted: Promote) -> float:
        """Begin a term: nobody else has the label, or can get it, before it is set."""
        term, new = view.term + 1, wanted.primary
        self._check()
        for each in view.replicas:
            if each.name != new.name:
                self._objects.change_pod(each, "" if each.role == "primary" else each.role, term)
        raw = self._objects.change_status(view.raw, {"term": term, "primary": new.name})
        if wanted.log:
            disks = self._disks(view.raw["spec"]["mountPath"])
            found = disks.write(new.name, term, Copy(wanted.source, len(wanted.log), ()))
            if isinstance(found, Unknown) or found.logs.get(term, ()) != wanted.log:
                why = found.because if isinstance(found, Unknown) else "its log was not carried into the new term"
                return self._report(replace(view, raw=raw), Findings(nobody=Nobody("PromotionFailed", why)))
        self._check()
        if self._objects.change_pod(new, "primary", term):
            self._tell(raw, "Promoted", f"Pod {new.name} is the primary of term {term}")
        return AGAIN

    def _write(self, view: View, kept: Keep) -> float:
        """Write what is pending to the primary, bring the replicas to what it holds then, and acknowledge that."""
        added, other_values = pending(view.raw["spec"].get("writes") or (), kept.log)
        log: Lines | Unknown = self._append(view, kept, added) if added else kept.log
        if isinstance(log, Unknown):
            return self._report(view, Findings(kept.primary, kept.log, behind=(log.because,)))
        others = [each for each in view.ready if each.name != kept.primary.name]
        self._check()
        found = list(self._map(lambda each: self._bring(view, each, log), others))
        behind = tuple(each.because for each in found if isinstance(each, Unknown))
        whole = [each for each, disk in zip(others, found, strict=True) if not isinstance(disk, Unknown)]
        for each in whole:
            if (each.role, each.term) != ("replica", view.term):
                self._objects.change_pod(each, "replica", view.term)
        findings = Findings(kept.primary, log, tuple(whole), behind, other_values)
        next_snapshot = self._snapshots(view, findings)
        wait = self._report(view, findings)
        self._forget(view, kept.primary, *whole)
        return min(wait, next_snapshot)

    def _append(self, view: View, kept: Keep, added: Lines) -> Lines | Unknown:
        """Add lines to the primary's log; the log then, which another operator may have added to."""
        self._check()
        first = len(kept.log) + 1
        missing = tuple(enumerate(added, first))
        disk = self._disks(view.raw["spec"]["mountPath"]).write(kept.primary.name, view.term, Copy(0, 0, missing))
        log = disk if isinstance(disk, Unknown) else disk.logs.get(view.term, ())
        if isinstance(log, Unknown) or log[: len(kept.log)] == kept.log:
            return log
        return Unknown(f"the disk of pod {kept.primary.name} no longer holds what it did")

    def _bring(self, view: View, each: Replica, log: Lines) -> Disk | Unknown:
        """Copy to a replica what it lacks of the log; its disk then, or why it does not hold all of it."""
        if isinstance(each.disk, Unknown):
            return each.disk
        wanted = copy(each.disk, view.term, log)
        if wanted is None:
            return each.disk
        disk = self._disks(view.raw["spec"]["mountPath"]).write(each.name, view.term, wanted)
        if isinstance(disk, Unknown) or disk.logs.get(view.term) == log:
            return disk
        return Unknown(f"pod {each.name} does not hold all of the primary's writes yet")

    def _forget(self, view: View, *replicas: Replica) -> None:
        """Remove the logs of former terms from disks that hold all of the present one's."""
        for each in replicas:
            if isinstance(each.disk, Disk) and any(term < view.term for term in each.disk.logs):
                self._disks(view.raw["spec"]["mountPath"]).forget(each.name, view.term)

    def _snapshots(self, view: View, findings: Findings) -> float:
        """Take the snapshot that is due, delete those beyond `keep`; real seconds until the next one is due."""
        schedule = view.raw["spec"].get("snapshots")
        if schedule is None or findings.primary is None:
            return LATER
        every = schedule["everySeconds"] / self._scale
        try:
            there = self._objects.snapshots(view.name)
            told = [(each.name, each.age, each.ready) for each in there]
            findings.no_snapshots = late(told, every)
            if view.acknowledged.generation and due(told, every):
                self._check()
                name = f"{view.name}-{findings.clock(every)}"
                if self._objects.take_snapshot(view.raw, name, claim_name(view.name, findings.primary.name)):
                    self._tell(view.raw, "SnapshotTaken", f"Snapshot {name} of pod {findings.primary.name}")
            going = to_delete(told, schedule["keep"])
            for each in there:
                if each.name in going:
                    self._objects.delete_snapshot(each)
            findings.snapshots = len(there) - len(going)
        except NotFound:
            findings.no_snapshots = "the cluster has no snapshots (snapshot.storage.k8s.io/v1)"
        except (ApiError, NotAllowed) as error:
            findings.no_snapshots = error.message
        else:
            return max(SOON, min((every - each.age for each in there), default=SOON))
        return LATER

    def _report(self, view: View, findings: Findings) -> float:
        """Write the status, and with it the acknowledgement, where they changed; seconds until the next look."""
        findings.refused_spec = view.refused
        wanted = status_of(view.raw, findings)
        if wanted != (view.raw.get("status") or {}):
            self._check()
            self._objects.change_status(view.raw, wanted)
        return SOON if findings.unsettled else LATER

    def _tell(self, raw: Raw, reason: str, message: str) -> None:
        with suppress(AksdisksError):  # an event is for people; nothing depends on it
            self._objects.tell(raw, reason, message)

"""The deletion of orphaned disks: each is looked at again, noted, saved if wanted, deleted once, seen to be gone."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from aksdisks.azure.calls import Answer
from aksdisks.azure.compute import Azure, same
from aksdisks.azure.refusals import in_words
from aksdisks.errors import StillUnknown, WaitTimeout
from aksdisks.inspection.ownership.snapshot_verdicts import SAVED_TAG
from aksdisks.inspection.second_look import look_again, under_way
from aksdisks.kube.client import Cluster
from aksdisks.model import Disk, DiskSnapshot, Unknown
from aksdisks.model.decoding import find
from aksdisks.model.ownership import OwnedDisk
from aksdisks.session.journal import Journal
from aksdisks.waiting import Progress, silent, wait

State = Literal["deleted", "begun", "left", "failed", "not reached"]
# How often a change is asked for that Azure turns down for now, and how long after a try it is looked whether it was
# done all the same; cluster seconds.
_TRIES, _LOST = 4, 60.0
# For Azure to make a snapshot, and to delete a disk; cluster seconds.
_READY, _GONE = 3600.0, 600.0
# No lab is so fast that its answers take no time; real seconds.
_SHORTEST = 2.0
_LONGEST_PAUSE = 120.0
# Azure's longest name of a snapshot.
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one disk, by its id: `left` is no orphan any more, `failed` still one; the reason of either.

    `begun`: Azure has accepted the deletion, and nobody waited for its end. `snapshot` is the id of the one that was
    made before.
    """

    disk: str
    state: State
    because: str = ""
    snapshot: str = ""


class _NotDeletedError(Exception):
    def __init__(self, state: State, because: str) -> None:
        super().__init__(because)
        self.state, self.because = state, because


def journal_of(state_dir: Path, azure: Azure) -> Journal:
    """The journal of a node resource group's deletions."""
    return Journal(state_dir, f"{azure.subscription}-{azure.resource_group}".lower(), folder="orphans")


def snapshot_id(disk: Disk) -> str:
    """The id of the snapshot that is made of a disk before its deletion, beside the disk.

    It is the same for a disk that is still as it was, so that a snapshot which was begun is found again; another one
    once the disk was attached, because what was written since is not in the first.
    """
    as_it_is = f"{disk.unique_id} {disk.owner_changed}"
    digest = hashlib.sha256(as_it_is.encode()).hexdigest()[:12]
    provider = disk.id.rsplit("/", 2)[0]
    return f"{provider}/snapshots/{disk.name[: _LONGEST_NAME - len(digest) - 1]}-{digest}"


@dataclass
class DiskRemoval:
    """Deletes disks whose verdict is `orphan`, one after another, as long as nobody asks it to end.

    `save`: a snapshot is made of each before. `scale` is cluster seconds in a real one. What a disk cannot be deleted
    for does not keep others from it.
    """

    cluster: Cluster
    azure: Azure
    journal: Journal
    save: bool = False
    scale: float = 1.0
    interrupted: Callable[[], bool] = lambda: False
    progress: Progress = silent

    def unfinished(self) -> Iterator[Outcome]:
        """What became of deletions that were asked for before, and whose end was not seen: those that were done.

        Raises InputError where the journal cannot be written.
        """
        begun: dict[str, dict[str, Any]] = {}
        for entry in self.journal.entries():
            begun.pop(entry.get("unique_id", ""), None)
            if entry["act"] == "delete":
                begun[entry["unique_id"]] = entry
        for entry in begun.values():
            if self.interrupted():
                return
            disk = Disk(id=entry["disk"], name=entry["disk"].rpartition("/")[2], unique_id=entry["unique_id"])
            try:
                done = self._is_gone(disk, _LOST)
            except _NotDeletedError:
                return
            if not done and not isinstance(self.azure.find(disk.id), dict):
                continue  # nobody can say
            self._note("deleted" if done else "still there", disk, snapshot=entry["snapshot"])
            if done:
                yield Outcome(disk.id, "deleted", "it was asked for before", entry["snapshot"])

    def carry_out(self, orphans: Sequence[OwnedDisk]) -> Iterator[Outcome]:
        """What becomes of each, in their order; raises InputError where the journal cannot be written."""
        for each in orphans:
            yield self._remove(each)

    def _remove(self, owned: OwnedDisk) -> Outcome:
        seen, saved = owned.disk, ""
        try:
            if isinstance(seen, Unknown) or owned.verdict != "orphan":
                raise _NotDeletedError("left", f"its verdict is {owned.verdict}: {owned.because}")
            if self.interrupted():
                raise _NotDeletedError("not reached", "interrupted before")
            saved = self._save(seen) if self.save else ""
            self._delete(seen, saved)
        except _NotDeletedError as error:
            return Outcome(owned.id, error.state, error.because, saved)
        return Outcome(owned.id, "deleted", "", saved)

    def _save(self, seen: Disk) -> str:
        """Make a snapshot, or find the one that was begun, and wait until it is ready; gives its id."""
        id_, why = snapshot_id(seen), ""
        for _ in range(_TRIES):
            found = self.azure.find(id_)
            if isinstance(found, Unknown):
                raise _NotDeletedError("failed", f"whether its snapshot is there is {found}")
            if found is not None:
                break
            self._check(seen, id_)
            self._note("snapshot", seen, snapshot=id_)
            answer = self.azure.act("PUT", id_, self._wanted(seen))
            why = self._turned_down(answer, seen)
            if not why:
                break
            self._pause(answer)
        else:
            raise _NotDeletedError("failed", why)
        self._wait_ready(seen, id_)
        return id_

    def _wanted(self, disk: Disk) -> dict[str, Any]:
        """What Azure is asked for: a snapshot that nobody can download, with the disk's tags and its own keys."""
        raw = self.azure.find(disk.id)
        encryption = find(raw, "properties.encryption", {})
        own_keys = {"encryption": encryption} if find(encryption, "diskEncryptionSetId") else {}
        return {
            "location": disk.location,
            "tags": {**disk.tags, SAVED_TAG: disk.unique_id},
            "properties": {
                "creationData": {"createOption": "Copy", "sourceResourceId": disk.id},
                "incremental": True,
                "networkAccessPolicy": "DenyAll",
                "publicNetworkAccess": "Disabled",
                **own_keys,
            },
        }

    def _wait_ready(self, seen: Disk, id_: str) -> None:
        def ready(found: tuple[dict[str, Any], ...]) -> bool:
            return any(not under_way(DiskSnapshot.of(raw)) for raw in found)

        def percent(found: tuple[dict[str, Any], ...]) -> str:
            made = [DiskSnapshot.of(raw) for raw in found]
            parts = [f", {each.completion:.0f} %" if each.completion is not None else "" for each in made]
            states = [f"{each.provisioning_state}{part}" for each, part in zip(made, parts, strict=True)]
            return "".join(states) or "not there"

        name = id_.rpartition("/")[2]
        seen_ready = self._follow(id_, f"snapshot {name} to be ready", ready, _READY, percent)
        if not seen_ready:
            why = "interrupted" if self.interrupted() else f"not ready within {_READY:.0f} s"
            raise _NotDeletedError("failed", f"snapshot {name}: {why}; the next time it is waited for again")
        ((raw,),) = seen_ready
        made = DiskSnapshot.of(raw)
        of = raw["properties"]["creationData"].get("sourceUniqueId", seen.unique_id)
        if not same(made.source, seen.id) or (made.tags.get(SAVED_TAG), of) != (seen.unique_id, seen.unique_id):
            raise _NotDeletedError("left", f"snapshot {name} is not of this disk")
        if made.provisioning_state != "Succeeded":
            hint = f"az snapshot delete --ids {id_}"
            raise _NotDeletedError("failed", f"snapshot {name} is {made.provisioning_state}; next: {hint}")

    def _delete(self, seen: Disk, saved: str) -> None:
        """Ask for the deletion, once more only where the disk is seen to be as it was; wait until it is gone."""
        why = ""
        for _ in range(_TRIES):
            if not self._check(seen, saved, asked=bool(why)):
                break
            self._note("delete", seen, snapshot=saved)
            answer = self.azure.act("DELETE", seen.id)
            why = self._turned_down(answer, seen)
            if why:
                self._pause(answer)
            operation = answer.operation if isinstance(answer, Answer) else ""
            if self._is_gone(seen, _LOST if why else _GONE, operation):
                break
            if not why:
                raise _NotDeletedError("begun", f"Azure accepted it, and its end was not seen within {_GONE:.0f} s")
        else:
            raise _NotDeletedError("failed", why)
        self._note("deleted", seen, snapshot=saved)

    def _check(self, seen: Disk, snapshot: str, *, asked: bool = False) -> bool:
        """Whether the disk is as it was; False where its deletion was `asked` for and is done."""
        found = look_again(self.cluster, self.azure, seen, snapshot)
        if asked and found.state in ("gone", "re-made"):
            return False
        if found.state != "same":
            raise _NotDeletedError("failed" if found.state == "unseen" else "left", found.because)
        return True

    def _turned_down(self, answer: Answer | Unknown, seen: Disk) -> str:
        """Why Azure has not begun what it was asked for, if that may pass; empty where it has."""
        if isinstance(answer, Answer) and answer.accepted:
            return ""
        why = in_words(answer) if isinstance(answer, Answer) else answer.because
        if answer.lasting:
            self._note("refused", seen, because=why)
            attached = isinstance(answer, Answer) and (answer.status, answer.code) == (409, "OperationNotAllowed")
            raise _NotDeletedError("left" if attached else "failed", why)
        self.progress(f"{seen.name}: {why}; it is looked at again")
        return why

    def _is_gone(self, seen: Disk, seconds: float, operation: str = "") -> bool:
        """Whether the disk goes within so many cluster seconds; another that has its id by then is not this one."""

        def gone(found: tuple[dict[str, Any], ...]) -> bool:
            if all(Disk.of(raw).unique_id != seen.unique_id for raw in found):
                return True
            if why := self.azure.failure(operation):
                self._note("refused", seen, because=why)
                raise _NotDeletedError("failed", why)
            return False

        if self._follow(seen.id, f"disk {seen.name} to be deleted", gone, seconds, lambda _: "it is there"):
            return True
        if self.interrupted():
            raise _NotDeletedError("begun", "interrupted; Azure was asked to delete it")
        return False

    def _follow(
        self,
        id_: str,
        awaited: str,
        holds: Callable[[tuple[dict[str, Any], ...]], bool],
        seconds: float,
        describe: Callable[[tuple[dict[str, Any], ...]], str],
    ) -> list[tuple[dict[str, Any], ...]]:
        """The state of a disk or a snapshot that holds; none where the time is up, or somebody asks to end."""
        states = takewhile(lambda _: not self.interrupted(), self.azure.follow(id_))
        limit = max(_SHORTEST, seconds / self.scale)
        options: dict[str, Any] = {"describe": describe, "progress": self.progress, "scale": self.scale}
        try:
            return [wait(awaited, states, holds, seconds=limit, **options)]
        except (StillUnknown, WaitTimeout):
            return []

    def _pause(self, answer: Answer | Unknown) -> None:
        """Wait as long as Azure asks for."""
        ends = time.monotonic() + min(_LONGEST_PAUSE, (isinstance(answer, Answer) and answer.pause) or 0.0)
        while time.monotonic() < ends and not self.interrupted():
            time.sleep(0.1)

    def _note(self, act: str, disk: Disk, **more: str) -> None:
        times = {"created": str(disk.created or ""), "owner_changed": str(disk.owner_changed or "")}
        self.journal.write(act, disk=disk.id, unique_id=disk.unique_id, **times, **more)

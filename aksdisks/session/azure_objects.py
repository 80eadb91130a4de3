"""Disks and snapshots that a run makes in Azure itself: noted before, tagged with the run, removed by that tag."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aksdisks.azure.calls import Answer
from aksdisks.azure.compute import same
from aksdisks.azure.refusals import in_words
from aksdisks.errors import AksdisksError, ApiError, Conflict, NotAllowed, NotReachable, Refused
from aksdisks.inspection.connection import Target
from aksdisks.model import Disk, DiskSnapshot, Unknown
from aksdisks.session.journal import Journal
from aksdisks.waiting import listed, wait

RUN_TAG, NAMESPACE_TAG = "aksdisks-run", "aksdisks-namespace"
"""The tags with the run's id and its namespace; the label's name, with its slash, is none that Azure takes."""

AzureObject = Disk | DiskSnapshot
# For Azure to make a disk, or to copy a snapshot into one; cluster seconds.
_MADE = 600.0
# The lab's speed does not shorten this machine's own work; real seconds.
_SHORTEST = 30.0
_TRIES, _PAUSE, _LONGEST_PAUSE = 5, 0.5, 30.0  # real seconds


class AzureObjects:
    """The disks and snapshots of one run that no claim of it removes.

    Each is in the run's journal before Azure is asked for it, and carries the run's tag from its first moment on: so
    whoever cleans up knows it, also after a kill, and touches no other.
    """

    def __init__(self, connection: Target, run_id: str, namespace: str, journal: Journal) -> None:
        self._connection = connection
        self._azure = connection.azure
        self._run_id = run_id
        self._namespace = namespace
        self._tags = {RUN_TAG: run_id, NAMESPACE_TAG: namespace}
        self._journal = journal

    def make_disk(
        self,
        name: str,
        like: Disk,
        *,
        size_gib: int | None = None,
        tags: Mapping[str, str] | None = None,
        snapshot: DiskSnapshot | None = None,
    ) -> Disk:
        """Make a disk of this name where `like` is, and of its SKU: empty, or of a snapshot; wait until it is there.

        `size_gib`: None for as large as `like`. Raises Refused where none may be made, and for the name of a disk that
        the run did not make; ApiError, NotAllowed or NotReachable where Azure refuses; and what a wait raises.
        """
        if not may_make(self._connection):
            raise Refused(object=f"disk {name}", expected="that disks may be made here", found="make_disks: false")
        id_ = f"{like.id.rpartition('/')[0]}/{name}"
        source = {"createOption": "Copy", "sourceResourceId": snapshot.id} if snapshot else {"createOption": "Empty"}
        body = {
            "location": like.location,
            "sku": {"name": like.sku},
            "tags": {**(tags or {}), **self._tags},
            "properties": {"creationData": source, "diskSizeGB": size_gib or like.size_gib},
        }
        if like.zones:
            body["zones"] = list(like.zones)
        self._check_free(id_)
        self._journal.write("azure", object=id_)
        self._change("PUT", id_, body)
        return self._made(id_)

    def adopt(self, disk: Disk) -> None:
        """Take over a disk that the driver made for a claim of the run: from now on it is removed by its tag.

        Raises Refused for a disk that was made for another namespace's claim; ApiError, NotAllowed or NotReachable
        where Azure refuses.
        """
        if disk.claim_namespace != self._namespace:
            expected = f"one of namespace {self._namespace}"
            raise Refused(object=f"disk {disk.name}", expected=expected, found=f"of {disk.claim or 'no claim'}")
        self._journal.write("azure", object=disk.id)
        self._change("PATCH", disk.id, {"tags": {**disk.tags, **self._tags}})

    def is_own(self, found: AzureObject) -> bool:
        """Whether the run made it, by its tag."""
        return found.tags.get(RUN_TAG) == self._run_id

    def found(self) -> tuple[AzureObject, ...] | Unknown:
        """The run's own disks and snapshots that are there; none, unasked, where the run can have made none.

        In a lab the journal knows; on a cluster it may be another machine's, and the parameter `make_disks` is asked.
        """
        may_have = self._connection.parameters.make_disks and self._azure.unknown is None
        if not may_have and not any(entry["act"] == "azure" for entry in self._journal.entries()):
            return ()
        return self._among(self._azure.disks())

    def follow(self) -> Iterator[tuple[AzureObject, ...] | Unknown | None]:
        """The run's own disks and snapshots, again and again: what `waiting.wait` reads."""
        return (disks if disks is None else self._among(disks) for disks in self._azure.follow_disks())

    def delete(self, found: AzureObject) -> None:
        """Ask Azure to delete one of the run's.

        Raises Refused for another's; ApiError, NotAllowed or NotReachable where Azure refuses.
        """
        if not self.is_own(found):
            raise Refused(object=described(found), expected=f"one that run {self._run_id} made", found="another's")
        self._journal.write("delete", object=found.id)
        self._change("DELETE", found.id)

    def _among(self, disks: tuple[Disk, ...] | Unknown) -> tuple[AzureObject, ...] | Unknown:
        """The run's own among these disks, and among all snapshots."""
        snapshots = self._azure.snapshots()
        if isinstance(disks, Unknown) or isinstance(snapshots, Unknown):
            return disks if isinstance(disks, Unknown) else snapshots
        found: tuple[AzureObject, ...] = (*disks, *snapshots)
        return tuple(filter(self.is_own, found))

    def _change(self, method: str, id_: str, body: Mapping[str, Any] | None = None) -> None:
        """Ask Azure for a change, again where it says that it may pass: each of ours may be asked for twice."""
        asked, why = f"{method} {'/'.join(id_.split('/')[-2:])}", ""
        for attempt in range(_TRIES):
            answer = self._azure.act(method, id_, body)
            if isinstance(answer, Answer) and answer.accepted:
                return
            why = f"{asked}: {in_words(answer) if isinstance(answer, Answer) else answer.because}"
            if answer.lasting:
                raise _error(why, answer)
            self._connection.progress(f"{why}; again")
            pause = (isinstance(answer, Answer) and answer.pause) or 0.0
            time.sleep(min(max(pause, _PAUSE * 2**attempt), _LONGEST_PAUSE))
        raise NotReachable(why)

    def _check_free(self, id_: str) -> None:
        """Raise Refused where a disk of this id is there that is not the run's."""
        disks = self._azure.disks()
        if isinstance(disks, Unknown):
            raise NotAllowed(f"the disks that are there cannot be read: {disks.because}")
        if any(same(disk.id, id_) and not self.is_own(disk) for disk in disks):
            found = "one that this run did not make"
            raise Refused(object=f"disk {id_.rpartition('/')[2]}", expected="none", found=found)

    def _made(self, id_: str) -> Disk:
        def done(disks: Iterable[Disk]) -> list[Disk]:
            return [disk for disk in disks if same(disk.id, id_) and disk.provisioning_state == "Succeeded"]

        scale, states = self._connection.settings.time_scale, self._azure.follow_disks()
        found: Any = wait(
            f"disk {id_.rpartition('/')[2]} to be made",
            states,
            lambda disks: bool(done(disks)),
            seconds=max(_SHORTEST, _MADE / scale),
            describe=lambda disks: listed([disk.provisioning_state for disk in disks if same(disk.id, id_)]),
            progress=self._connection.progress,
            scale=scale,
        )
        return done(found)[0]


def _error(why: str, answer: Answer | Unknown) -> AksdisksError:
    """The error of ours for what Azure refuses for good."""
    if isinstance(answer, Unknown) or answer.status in (401, 403):
        return NotAllowed(why)
    kind = Conflict if answer.status == 409 else ApiError
    return kind(why, status=answer.status, reason=answer.code)


def may_make(connection: Target) -> bool:
    """Whether runs may make some here: in a lab, elsewhere where the parameter `make_disks` says so."""
    return connection.settings.faults is not None or connection.parameters.make_disks


def described(found: AzureObject) -> str:
    """`disk NAME` or `snapshot NAME`."""
    return f"{'disk' if isinstance(found, Disk) else 'snapshot'} {found.name}"

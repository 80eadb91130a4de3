"""The removal of one run's objects: by label, in order, waited for, reported.

Disks of claims go with their volumes, snapshots in Azure with their contents. What the run made in Azure itself, and
what carries its label outside namespaces, is deleted here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aksdisks.errors import AksdisksError, NotAllowed, NotFound, NotReachable, StillUnknown
from aksdisks.inspection.run_objects import run_objects
from aksdisks.manifests import LEASE, RUN_LABEL
from aksdisks.model import Named, Unknown, Volume, VolumeSnapshotContent, known
from aksdisks.session.azure_objects import described
from aksdisks.session.definitions import KIND as DEFINITION
from aksdisks.session.namespaced_run import NamespacedRun
from aksdisks.session.removal_lines import (
    belongs,
    content_lines,
    deleted,
    handles,
    is_held,
    object_line,
    retained_lines,
    share_lines,
    shares,
    volume_lines,
    with_disk,
)
from aksdisks.waiting import listed, wait

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CleanUp:
    """What a clean-up did, in lines such as `Deployment disk-deploy`; `kept` is what stays by intent, with the reason.

    `problems` are what should be gone and is not, `uncertain` what may be left: nobody could say.
    """

    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    cluster_seconds: float = 0.0

    @property
    def complete(self) -> bool | Unknown:
        """True when nothing of the run is left but what was asked to be retained; unknown where that is uncertain."""
        if self.uncertain and not self.problems:
            return Unknown("; ".join(self.uncertain))
        return not self.problems


@dataclass
class Removal:
    """The removal of a run from a namespace: idempotent, and it goes on after a step that failed.

    `whole`: the Lease of the namespace goes too, and the namespace itself where the run made it (its label says
    so); `ends` is when all of it has to be done, by time.monotonic.
    """

    run: NamespacedRun
    ends: float
    whole: bool = True
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    uncertain: list[str] = field(default_factory=list)
    _cause: str | None = None

    def carry_out(self) -> CleanUp:
        """Mend what the run broke, remove workloads and claims, wait for all that follows, remove the namespace."""
        began = time.monotonic()
        self._mend()  # first: nothing goes from a machine that is off
        if problem := self.run.connection.problem():
            # Each step would find the same, after retries of its own.
            return CleanUp(problems=tuple(self.problems), uncertain=(problem,))
        made = self._step(self._made_by_run)
        volumes = self._step(self._volumes, made) or ()
        contents = self._step(self._contents, made) or ()
        found = self._step(self._objects, made) or ()
        self._step(self._note, "clean up", volumes, contents)
        self._step(self._remove_others)
        self._step(self._delete_labelled, found)
        self._step(self._gone, "Pod", "the run's pods to end")
        self._step(self._gone, "PersistentVolumeClaim", "the run's claims to go")
        self._step(self._snapshots_gone, [each.name for kind, each in found if kind == "VolumeSnapshot"])
        self._step(self._azure_free)
        self._step(self._delete_volumes, volumes)
        self._step(self._volumes_gone, volumes)
        self._step(self._disks_gone, volumes)
        self._step(self._shares_gone, volumes)
        self._step(self._contents_gone, contents)
        self._step(self._azure_gone)
        self._step(self._delete_cluster_wide)
        if self.whole:
            self._step(self._remove_namespace if made else self._release, found)
        if not self.problems and not self.uncertain:
            self._step(self._note, "cleaned")
        seconds = round((time.monotonic() - began) * self.run.time_scale, 1)
        removed, kept, problems = tuple(self.removed), tuple(self.kept), tuple(self.problems)
        return CleanUp(removed, kept, problems, tuple(self.uncertain), seconds)

    def plan(self) -> CleanUp:
        """What `carry_out` would remove and keep, as things are now, in the same lines; nothing changes."""
        made = self._step(self._made_by_run)
        volumes = self._step(self._volumes, made) or ()
        found = self._step(self._objects, made) or ()
        contents = self._step(self._contents, made) or ()
        wide = [each for each in self._step(self._cluster_wide) or () if each[0] != "PersistentVolume"]
        going, in_azure = self._going(volumes), deleted(volumes)
        self._keep(volumes)
        self.kept += retained_lines(contents)
        lines = {"disks": volume_lines("disk", with_disk(in_azure)), "shares": share_lines(shares(in_azure))}
        unasked = {what: self._unasked(what) for what in lines if lines[what]}
        self.kept += filter(None, unasked.values())
        space = f"Namespace {self.run.namespace}" if made else self._step(self._lease) or ""
        own = [each for each in found if self._own(each[1])]
        self.removed += [f"Namespace {each.name}" for each in self._step(self.run.other_namespaces) or ()]
        others = [each for each in found if each not in own]
        self.removed += [*map(object_line, own), *volume_lines("volume", going)]
        self.removed += [line for what, why in unasked.items() if not why for line in lines[what]]
        self.removed += content_lines(contents)
        self.removed += [*map(described, known(self.run.azure_objects.found())), *map(object_line, wide)]
        self.removed += [
            *map(object_line, others),
            *([space] if space else []),
            *map(str, self.run.disruption.broken()),
        ]
        return CleanUp(tuple(self.removed), tuple(self.kept), tuple(self.problems), tuple(self.uncertain))

    def _mend(self) -> None:
        for done in self.run.disruption.mend():
            if isinstance(done, str):
                self.removed.append(done)
            else:
                self.problems.append(str(done))

    def _step(self, step: Callable[..., T], *given: Any) -> T | None:
        try:
            return step(*given)
        except NotReachable as error:
            self.uncertain += [str(error)] if str(error) not in self.uncertain else []
        except AksdisksError as error:
            self.problems.append(str(error))
        return None

    def _note(self, act: str, volumes: Sequence[Named] = (), contents: Sequence[Named] = ()) -> None:
        names: dict[str, list[str]] = {"volumes": [each.name for each in volumes]}
        names["contents"] = [each.name for each in contents]
        self.run.journal.write(act, namespace=self.run.namespace, **names)

    def _made_by_run(self) -> bool:
        try:
            return self.run.made(self.run.cluster.find("Namespace", self.run.namespace))
        except NotAllowed:
            return False  # whoever made it may look at it

    def _volumes(self, made: bool | None) -> tuple[Volume, ...]:
        """The volumes of the run's claims, also of claims that are gone already: by claimRef, journal and label."""
        claims = {claim.uid for claim in self.run.cluster.claims(self.run.namespace, self.run.selector)}
        noted, first = self.run.journal.going("volumes"), self.run.namespace
        spaces = {each.name for each in self.run.other_namespaces()} | ({first} if made else set())
        return tuple(
            volume
            for volume in self.run.cluster.volumes()
            if volume.claim_uid in claims
            or volume.claim_namespace in spaces
            or (volume.claim_namespace.startswith(first) and volume.name in noted)
            or self._own(volume)
        )

    def _contents(self, made: bool | None) -> tuple[VolumeSnapshotContent, ...]:
        """The contents of the run's snapshots, also of those that are gone already: by reference, or as noted."""
        cluster, space = self.run.cluster, self.run.namespace
        try:
            snapshots = {each.uid for each in cluster.list("VolumeSnapshot", space, self.run.selector)}
            found = cluster.list("VolumeSnapshotContent")
        except NotFound:
            return ()
        except NotAllowed as error:
            self._not_told({"VolumeSnapshot": error.message})
            return ()
        noted = self.run.journal.going("contents")
        return tuple(
            each
            for each in found
            if each.snapshot_uid in snapshots or (each.snapshot_namespace == space and (made or each.name in noted))
        )

    def _objects(self, made: bool | None) -> tuple[tuple[str, Named], ...]:
        """What the run made, with its kind; in a namespace that the run made also what others put there."""
        found = run_objects(self.run.cluster, self.run.namespace, "" if made else self.run.selector)
        if not made:  # else what is not told goes with the namespace
            self._not_told(found.unlisted)
        return found.objects

    def _cluster_wide(self) -> tuple[tuple[str, Named], ...]:
        """What the run made outside namespaces, with its kind."""
        found = self.run.cluster_objects.found()
        self._not_told(found.unlisted)
        return found.objects

    def _not_told(self, unlisted: Mapping[str, str]) -> None:
        """Note which kinds could not be listed, of those that the run's journal names: it made none of the others."""
        noted = self.run.journal.kinds()
        lines = [f"objects of kind {kind} may be left: {why}" for kind, why in unlisted.items() if kind in noted]
        self.uncertain += [line for line in lines if line not in self.uncertain]

    def _own(self, found: Named) -> bool:
        return found.labels.get(RUN_LABEL) == self.run.run_id

    def _remove_others(self) -> None:
        """Remove the namespaces that the run made beside its first one, with all that is in them."""
        for each in self.run.other_namespaces():
            self.run.remove("Namespace", each.name, each.uid)
            self._wait_for_namespace(each.name)

    def _delete_labelled(self, found: Iterable[tuple[str, Named]]) -> None:
        for kind, each in found:
            if self._own(each):
                try:
                    if self.run.remove(kind, each.name, each.uid):
                        self.removed.append(object_line((kind, each)))
                except AksdisksError as error:
                    self.problems.append(str(error))

    def _delete_cluster_wide(self) -> None:
        """Delete what the run made outside namespaces, once nothing of it is left inside, and wait until it is gone."""
        for kind, each in self._cluster_wide():
            try:
                if kind == DEFINITION:
                    used = self.run.cluster_objects.definitions.release(each.name)
                    (self.kept if used else self.removed).append(object_line((kind, each)) + (used and f" ({used})"))
                elif self.run.remove(kind, each.name, each.uid):
                    self._wait(f"the run's {kind} to go", self.run.cluster.follow(kind, selector=self.run.selector))
                    self.removed.append(object_line((kind, each)))
            except AksdisksError as error:
                self.problems.append(str(error))

    def _delete_volumes(self, volumes: Iterable[Volume]) -> None:
        """Delete the volumes that the run made or let go itself: their disks are its own, too, by their tag."""
        for each in filter(self._own, volumes):
            self.run.remove("PersistentVolume", each.name, each.uid)

    def _going(self, volumes: Iterable[Volume]) -> tuple[Volume, ...]:
        """The volumes that follow their claims, and those that the run deletes itself."""
        return tuple(volume for volume in volumes if volume.reclaim_policy == "Delete" or self._own(volume))

    def _gone(self, kind: str, words: str) -> None:
        self._wait(words, self.run.cluster.follow(kind, self.run.namespace, self.run.selector))

    def _snapshots_gone(self, names: Sequence[str]) -> None:
        """Wait until the run's VolumeSnapshots are gone; one that a claim waited for has not been told of its end."""
        for name in names:
            self.run.look_again(name)
        if names:
            self._gone("VolumeSnapshot", "the run's snapshots to go")

    def _unasked(self, what: str) -> str:
        """The line that says that Azure was not asked for these, because it is off; empty where it is on."""
        return f"{what}: {self.run.azure.unknown}" if self.run.connection.parameters.azure == "off" else ""

    def _keep(self, volumes: Sequence[Volume]) -> None:
        """Note what stays by intent: retained volumes and their disks."""
        going = self._going(volumes)
        kept = [volume for volume in volumes if volume not in going]
        self.kept += [f"volume {each.name} of {each.claim} (reclaim policy {each.reclaim_policy})" for each in kept]
        self.kept += [f"disk {each.disk_name} (its volume is retained)" for each in with_disk(kept)]
        self.kept += [f"{line} (its volume is retained)" for line in share_lines(shares(kept))]

    def _volumes_gone(self, volumes: Sequence[Volume]) -> None:
        self._keep(volumes)
        names = {volume.name for volume in self._going(volumes)}
        if names:
            states = self.run.cluster.follow("PersistentVolume")
            self._wait("the run's volumes to go", states, lambda volume: volume.name in names)
            self.removed += volume_lines("volume", self._going(volumes))

    def _contents_gone(self, contents: Sequence[VolumeSnapshotContent]) -> None:
        """Wait until the contents are gone, and Azure lists none of their snapshots."""
        self.kept += retained_lines(contents)
        going = [each for each in contents if each.deletion_policy == "Delete"]
        names, made = {each.name for each in going}, handles(going)
        if not names:
            return
        states = self.run.cluster.follow("VolumeSnapshotContent")
        self._wait("the contents of the run's snapshots to go", states, lambda content: content.name in names)
        self.removed += [f"content {name}" for name in sorted(names)]
        lines = [f"snapshot {name}" for name in made]
        listings = self.run.azure.follow_snapshots()
        self._gone_in_azure("snapshots", lines, listings, lambda snapshot: snapshot.name in made)

    def _disks_gone(self, volumes: Sequence[Volume]) -> None:
        """Wait until Azure lists none of the volumes' disks."""
        going = with_disk(deleted(volumes))
        listings = self.run.azure.follow_disks()
        self._gone_in_azure("disks", volume_lines("disk", going), listings, lambda disk: belongs(disk, going))

    def _shares_gone(self, volumes: Sequence[Volume]) -> None:
        """Wait until Azure has none of the volumes' shares."""
        azure, going = self.run.azure, shares(deleted(volumes))
        ids = [each.id(azure.subscription, azure.resource_group) for each in going]
        self._gone_in_azure("shares", share_lines(going), azure.follow_shares(ids) if ids else ())

    def _gone_in_azure(self, what: str, lines: list[str], states: Any, going: Callable[[Any], bool] = bool) -> None:
        """Wait until Azure lists nothing of these that is `going`; it is asked for as long as it gives no answer."""
        if not lines:
            return
        if unasked := self._unasked(what):
            self.kept.append(unasked)
            return
        answer, because = self.run.azure.unknown, ""
        try:
            if answer is None:
                self._wait(f"the run's {what} to go", states, going)
            else:
                because = answer.because
        except StillUnknown as error:
            because = error.because
        if because:
            self.uncertain.append(f"{listed(lines, 20)} may be left: {because}")
        else:
            self.removed += lines

    def _azure_free(self) -> None:
        """Wait until no machine holds the run's own disks: without their volumes nobody may be left to detach them."""
        own = self.run.azure_objects
        if own.found():
            with suppress(StillUnknown):  # then the next step says so
                self._wait("the run's own disks to be detached", own.follow(), is_held)

    def _azure_gone(self) -> None:
        """Delete the run's own disks and snapshots in Azure, and wait until they are gone."""
        own, found = self.run.azure_objects, self.run.azure_objects.found()
        if found == ():
            return
        try:
            for each in known(found):
                own.delete(each)
            self._wait("the run's own disks and snapshots to go", own.follow())
        except StillUnknown as error:
            self.uncertain.append(f"disks and snapshots that the run made may be left: {error.because}")
        else:
            self.removed += map(described, known(found))

    def _lease(self) -> str:
        """The line of the Lease, where the run holds it."""
        return f"Lease {LEASE}" if self.run.lease.holder()[0] == self.run.run_id else ""

    def _release(self, _found: object) -> None:
        if lease := self._lease():
            self.run.lease.release()
            self.removed.append(lease)

    def _remove_namespace(self, others: Iterable[tuple[str, Named]]) -> None:
        found = self.run.cluster.find("Namespace", self.run.namespace)
        if found is not None:
            self.run.remove("Namespace", self.run.namespace, found["metadata"]["uid"])
            self._wait_for_namespace(self.run.namespace)
            self.removed[-1:-1] = [line for line in map(object_line, others) if line not in self.removed]

    def _wait_for_namespace(self, name: str) -> None:
        states = self.run.cluster.follow("Namespace", selector=self.run.selector)
        self._wait(f"namespace {name} to go", states, lambda space: space.name == name)
        self.removed.append(f"Namespace {name}")

    def _wait(self, words: str, states: Any, going: Callable[[Any], bool] = bool) -> None:
        """Wait until nothing that is `going` is left, within what the clean-up has of its time."""

        def left(found: tuple[Any, ...]) -> list[str]:
            return [each.name for each in found if going(each)]

        wait(
            words,
            states,
            lambda found: not left(found),
            seconds=max(0.0, self.ends - time.monotonic()),
            describe=lambda found: listed(left(found)),
            progress=self.run.connection.progress,
            on_timeout=self._found_out,
            scale=self.run.time_scale,
        )

    def _found_out(self) -> str:
        """Why something stays. Once the time is up it is asked once: what is left to wait for waits for the same."""
        if self._cause is None:
            found = self.run.cause()
            if time.monotonic() < self.ends:
                return found
            self._cause = found
        return self._cause

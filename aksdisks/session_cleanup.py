"""The removal of one run's objects: by label, in order, waited for, reported; disks are never deleted by us."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aksdisks.azure import Azure
from aksdisks.cluster import Cluster
from aksdisks.errors import AksdisksError, Conflict
from aksdisks.manifests import RUN_LABEL
from aksdisks.model import Disk, Named, Unknown, Volume, known
from aksdisks.session_journal import Journal
from aksdisks.waiting import Progress, wait


@dataclass(frozen=True, slots=True)
class CleanUp:
    """What a clean-up did, in lines such as `Deployment disk-deploy`; `kept` is what stays by intent, with the reason.

    `problems` are what should be gone and is not; `seconds` are of cluster time.
    """

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    problems: tuple[str, ...]
    seconds: float

    @property
    def complete(self) -> bool:
        """True when nothing of the run is left but what was asked to be retained."""
        return not self.problems


class Removal:
    """One run's removal from one namespace: idempotent, and it goes on after a step that failed."""

    def __init__(
        self,
        cluster: Cluster,
        azure: Azure | Unknown,
        namespace: str,
        run_id: str,
        *,
        journal: Journal,
        with_namespace: bool,
        seconds: float,
        time_scale: float,
        progress: Progress,
    ) -> None:
        """`with_namespace`: remove the namespace too, if it carries the run's label; `seconds` (real) is for all."""
        self._cluster = cluster
        self._azure = azure
        self._namespace = namespace
        self._run_id = run_id
        self._selector = f"{RUN_LABEL}={run_id}"
        self._journal = journal
        self._with_namespace = with_namespace
        self._began = time.monotonic()
        self._deadline = self._began + seconds
        self._scale = time_scale
        self._progress = progress
        self._removed: list[str] = []
        self._kept: list[str] = []
        self._problems: list[str] = []

    def run(self) -> CleanUp:
        """Remove workloads and claims, wait for pods, claims, volumes and disks, then remove the namespace."""
        made = self._step(self._made_by_run) or False
        volumes = self._step(lambda: self._volumes(made)) or ()
        disks = self._step(lambda: self._disks(volumes)) or ()
        names = [volume.name for volume in volumes]
        self._step(lambda: self._journal.write("clean up", namespace=self._namespace, volumes=names))
        for kind in ("StatefulSet", "Deployment", "PersistentVolumeClaim"):
            self._step(lambda kind=kind: self._delete_labelled(kind))  # type: ignore[misc]
        for kind, words in (("Pod", "the run's pods to end"), ("PersistentVolumeClaim", "the run's claims to go")):
            self._step(lambda kind=kind, words=words: self._gone(kind, words))  # type: ignore[misc]
        self._step(lambda: self._volumes_gone(volumes))
        self._step(lambda: self._disks_gone(volumes, disks))
        if made and self._with_namespace:
            self._step(self._remove_namespace)
        if not self._problems:
            self._step(lambda: self._journal.write("cleaned", namespace=self._namespace))
        seconds = (time.monotonic() - self._began) * self._scale
        return CleanUp(tuple(self._removed), tuple(self._kept), tuple(self._problems), seconds)

    def _step(self, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except AksdisksError as error:
            self._problems.append(str(error))
            return None

    def _made_by_run(self) -> bool:
        found = self._cluster.find("Namespace", self._namespace)
        return found is not None and (found["metadata"].get("labels") or {}).get(RUN_LABEL) == self._run_id

    def _volumes(self, made: bool) -> tuple[Volume, ...]:
        """The volumes of the run's claims, also of claims that are gone already: by claimRef and by the journal."""
        claims = {claim.uid for claim in self._cluster.claims(self._namespace, self._selector)}
        noted = self._journal.volumes()
        return tuple(
            volume
            for volume in self._cluster.volumes()
            if volume.claim_uid in claims
            or (volume.claim_namespace == self._namespace and (made or volume.name in noted))
        )

    def _disks(self, volumes: Sequence[Volume]) -> tuple[Disk, ...]:
        if not volumes:
            return ()
        disks = self._azure.disks() if isinstance(self._azure, Azure) else self._azure
        if isinstance(disks, Unknown):
            self._kept.append(f"disks: {disks}")
            return ()
        return tuple(disk for disk in disks if _belongs(disk, volumes))

    def _delete_labelled(self, kind: str) -> None:
        for found in self._cluster.list(kind, self._namespace, self._selector):
            try:
                if found.uid and self._cluster.delete(kind, found.name, self._namespace, uid=found.uid):
                    self._removed.append(f"{kind} {found.name}")
            except Conflict:
                continue  # deleted and made anew by somebody else at this moment: not ours any more

    def _gone(self, kind: str, words: str) -> None:
        states = self._cluster.follow(kind, self._namespace, self._selector)
        self._wait(words, states, lambda found: [each.name for each in found])

    def _volumes_gone(self, volumes: Sequence[Volume]) -> None:
        going = {volume.name for volume in volumes if volume.reclaim_policy == "Delete"}
        self._kept += [
            f"volume {volume.name} of {volume.claim} (reclaim policy {volume.reclaim_policy})"
            for volume in volumes
            if volume.name not in going
        ]
        if not going:
            return
        states = self._cluster.follow("PersistentVolume")

        def left(found: Sequence[Volume]) -> list[str]:
            return [volume.name for volume in found if volume.name in going]

        self._wait("the run's volumes to go", states, left)
        self._removed += [f"volume {name}" for name in sorted(going)]

    def _disks_gone(self, volumes: Sequence[Volume], disks: Sequence[Disk]) -> None:
        retained = [volume for volume in volumes if volume.reclaim_policy != "Delete"]
        self._kept += [
            f"disk {disk.name} ({disk.sku}, its volume is retained)" for disk in disks if _belongs(disk, retained)
        ]
        going = {disk.id.lower() for disk in disks if not _belongs(disk, retained)}
        if not going or not isinstance(self._azure, Azure):
            return

        def left(found: tuple[Disk, ...] | Unknown) -> list[str]:
            return [disk.name for disk in known(found) if disk.id.lower() in going]

        final = self._wait("the run's disks to go", self._azure.follow_disks(), left)
        if isinstance(final, Unknown):
            self._kept.append(f"disks: {final}")
        else:
            self._removed += [f"disk {disk.name}" for disk in disks if disk.id.lower() in going]

    def _remove_namespace(self) -> None:
        found = self._cluster.find("Namespace", self._namespace)
        if found is None:
            return
        self._cluster.delete("Namespace", self._namespace, uid=found["metadata"]["uid"])
        states = self._cluster.follow("Namespace", selector=self._selector)

        def left(found: Sequence[Named]) -> list[str]:
            return [space.name for space in found if space.name == self._namespace]

        self._wait("the run's namespace to go", states, left)
        self._removed.append(f"Namespace {self._namespace}")

    def _wait(self, words: str, states: Any, left: Callable[[Any], list[str]]) -> Any:
        """Wait until nothing is `left`, within what the clean-up has of its time."""
        return wait(
            words,
            states,
            lambda found: not left(found),
            seconds=max(0.0, self._deadline - time.monotonic()),
            describe=lambda found: ", ".join(left(found)) or "none left",
            progress=self._progress,
            scale=self._scale,
        )


def _belongs(disk: Disk, volumes: Iterable[Volume]) -> bool:
    """Whether a disk is one of the volumes': by the volume's handle, else by the tags that the driver wrote."""
    return any(disk.id.lower() == volume.disk_id.lower() or disk.volume == volume.name for volume in volumes)

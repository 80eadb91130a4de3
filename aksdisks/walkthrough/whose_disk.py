"""Whose a disk is: an orphan and bystanders of the run's own making, what is judged of them, deleted and restored."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from aksdisks import manifests
from aksdisks.azure.compute import same
from aksdisks.errors import InputError, NotAllowed
from aksdisks.inspection.comparison import Said, minus
from aksdisks.inspection.ownership import read_ownership
from aksdisks.manifests import Manifest
from aksdisks.manifests.disks import changed_claim, static_volume
from aksdisks.model import Claim, Disk, Unknown, known
from aksdisks.model.checks import check
from aksdisks.model.ownership import OwnedDisk, Ownership, Verdict
from aksdisks.session.disk_removal import DiskRemoval
from aksdisks.session.session import Session
from aksdisks.views.base import Card, Layout, Stack
from aksdisks.views.checks import CheckView
from aksdisks.views.markup import View
from aksdisks.views.ownership import OwnershipTable, price, table_of
from aksdisks.walkthrough import proof, waits
from aksdisks.walkthrough.claims import ABOVE, kubectl
from aksdisks.walkthrough.permission import making_disks

DAY = 86400.0

_LOST, _KEPT, _BACK = "whose-lost", "whose-kept", "whose-back"
_KEPT_CLAIM = manifests.stateful_claim(0, _KEPT)
_RETAIN = {"persistentVolumeReclaimPolicy": "Retain"}
_SMALL = 4  # GiB: the smallest that is billed
# As another cluster would tag its disk (aksdisks/inspection/ownership/verdicts.py has the tags that name one).
_ELSEWHERE = {
    "kubernetes.io-created-for-pvc-namespace": "shop",
    "kubernetes.io-created-for-pvc-name": "orders",
    "k8s-azure-cluster-name": "another",
}


@dataclass(frozen=True)
class Seen:
    """The table at one moment, of what was made here alone; disks go by name."""

    ownership: Ownership | Unknown
    namespace: str = ""

    def table(self) -> Stack:
        """What `aksdisks inventory` shows of them, less what is the same for all; names without the run's namespace."""
        found = OwnershipTable(self.ownership)
        layout: Layout = {
            "verdict": "verdict",
            "name": "name",
            "in Azure": "state",
            "a month": price,
            "because": lambda row: row["because"].replace(f"{self.namespace}/", ""),
        }
        tables = [table_of("Disks", found.disks, layout), table_of("Snapshots", found.snapshots, layout)]
        return Stack(tables if tables[1].rows else tables[:1])

    def judged(self, verdict: Verdict) -> Said:
        """The disks that have this verdict."""
        return self._of(lambda row: row.verdict == verdict)

    @property
    def spared(self) -> Said:
        """The disks that are no orphans."""
        return self._of(lambda row: row.verdict != "orphan")

    @property
    def others(self) -> Said:
        """The same, each with its verdict."""
        rows = self.rows
        return (
            rows if isinstance(rows, Unknown) else frozenset((r.name, r.verdict) for r in rows if r.verdict != "orphan")
        )

    @property
    def disks(self) -> Said:
        """Those that Azure has."""
        return self._of(lambda row: isinstance(row.disk, Disk))

    def bereft(self, before: Seen) -> Said:
        """Those that a volume named before and none does now, as Kubernetes says."""
        named = [seen._of(lambda row: row.volume is not None) for seen in (before, self)]
        return minus(*named)

    def let_go(self, before: Seen) -> Said:
        """Those that are there, that a machine held before and none does now, as Azure says."""
        free = [seen._of(lambda r: isinstance(r.disk, Disk) and not r.disk.managed_by) for seen in (self, before)]
        return minus(*free)

    @property
    def rows(self) -> tuple[OwnedDisk, ...] | Unknown:
        """The rows of the disks."""
        return self.ownership if isinstance(self.ownership, Unknown) else self.ownership.disks

    def _of(self, holds: Callable[[OwnedDisk], bool]) -> Said:
        rows = self.rows
        return rows if isinstance(rows, Unknown) else frozenset(row.name for row in rows if holds(row))


class WhoseDisk(proof.OneNote):
    """Makes an orphan, and beside it what looks like one; `given`: whether that may be done here."""

    def __init__(self, session: Callable[[], Session]) -> None:
        """`session` gives the open session, or raises."""
        super().__init__()
        self._session = session
        self._disk: Disk | None = None
        self._volume: Manifest = {}
        self.made: frozenset[tuple[str, str]] = frozenset()

    def prepare(self) -> Stack:
        """Check that disks may be made here, and if so make all that this is about, with a note on the first disk."""
        self.given, seen = making_disks(self._session())
        shown: list[View] = []
        if self.given is True:
            try:
                shown.append(self._make())
            except NotAllowed as error:
                self.given, seen = Unknown(error.message), "not allowed"
        return Stack([*shown, CheckView(check("Disks may be made, and deleted, here", self.given, seen))])

    def look(self, grace: float = DAY) -> Seen:
        """Whose the disks are that were made here, now; `grace` in cluster seconds."""
        if self.given is not True:
            return Seen(Unknown("nothing was made here"))
        session = self._session()
        found = read_ownership(session.cluster, session.azure, None, time_scale=session.time_scale, grace=grace)
        table = found.ownership
        if isinstance(table, Unknown):
            return Seen(table)
        disks, snapshots = table.disks, table.snapshots
        if not isinstance(disks, Unknown):
            disks = tuple(row for row in disks if self._is_ours(row))
        if not isinstance(snapshots, Unknown):
            snapshots = tuple(row for row in snapshots if session.azure_objects.is_own(row.snapshot))
        beside: dict[str, Any] = dict.fromkeys(("without_disk", "disagreements", "slots"), ())
        return Seen(replace(table, disks=disks, snapshots=snapshots, **beside), session.namespace)

    def retain(self) -> Card:
        """Let a volume outlive its claim: its reclaim policy becomes Retain."""
        if self.given is not True:
            return _nothing()
        session, disk = self._session(), self._chosen()
        if not self._volume:
            self._volume = session.cluster.get("PersistentVolume", self._claim(_LOST).volume)
            session.azure_objects.adopt(disk)
            metadata = {"name": self._retained(), "labels": session.labels}
            session.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": _RETAIN})
        typed = f"kubectl patch pv {self._retained()} -p '{json.dumps({'spec': _RETAIN})}'"
        return Card(f"The volume of claim {_LOST} is to be retained", typed=typed)

    def delete_claim(self) -> Card:
        """Delete the workload and the claim, and wait until the volume is released and its disk detached."""
        if self.given is not True:
            return _nothing()
        session, name = self._session(), self._retained()
        session.delete("Deployment", _LOST)
        session.delete("PersistentVolumeClaim", _LOST)
        waits.ended(session, _LOST)
        session.wait_for(
            "PersistentVolume",
            lambda found: all(each.phase == "Released" for each in found if each.name == name),
            f"volume {name} to be released",
            labelled=False,
        )
        waits.detached(session, self._chosen().name)
        return Card(f"Claim {_LOST} is gone", typed=kubectl(session.namespace, f"delete deploy/{_LOST} pvc/{_LOST}"))

    def delete_volume(self) -> Card:
        """Delete the volume, and wait until it is gone; its disk stays."""
        if self.given is not True:
            return _nothing()
        session, name = self._session(), self._retained()
        session.delete("PersistentVolume", name)
        session.wait_for(
            "PersistentVolume",
            lambda found: name not in [each.name for each in found],
            f"volume {name} to go",
            labelled=False,
        )
        return Card(f"Volume {name} is gone", typed=f"kubectl delete pv {name}")

    def delete(self, seen: Seen) -> Card:
        """Delete the orphan that was seen, and no other; a snapshot of it is made before."""
        if self.given is not True:
            return _nothing()
        session, own = self._session(), self._session().azure_objects
        rows = known(seen.rows)
        orphans = [
            row for row in rows if row.verdict == "orphan" and isinstance(row.disk, Disk) and own.is_own(row.disk)
        ]
        how: dict[str, Any] = {"save": True, "scale": session.time_scale, "progress": session.progress}
        removal = DiskRemoval(session.cluster, session.azure, session.journal, **how)
        lines = []
        for outcome in removal.carry_out(orphans):
            name, snapshot = outcome.disk.rpartition("/")[2], outcome.snapshot.rpartition("/")[2]
            lines += [(name, outcome.because or outcome.state), ("its snapshot", snapshot or "none")]
            if outcome.state == "failed":  # Azure refused it: of what follows nothing can be shown
                self.given = Unknown(outcome.because)
        group = rows[0].id.split("/")[4] if rows else session.azure.resource_group
        return Card("The orphan", lines, typed=f"aksdisks orphans --delete --snapshot --yes-delete-from {group}")

    def restore(self, seen: Seen) -> Card:
        """Make a disk of the orphan's snapshot, a volume and a claim that name it, and a pod that mounts the claim."""
        if self.given is not True:
            return _nothing()
        session, own = self._session(), self._session().azure_objects
        table = seen.ownership
        snapshots = [row.snapshot for row in known(table if isinstance(table, Unknown) else table.snapshots)]
        if not snapshots:
            raise InputError(object="a snapshot of the orphan", expected="one", found="none", hint=ABOVE)
        disk = own.make_disk(self._name("back"), self._chosen(), snapshot=snapshots[-1])
        of_class, old = session.parameters.storage_class, "azureDisk" in self._volume["spec"]
        volume = static_volume(disk.name, disk, (session.namespace, _BACK), of_class, session.labels, in_tree=old)
        claim = changed_claim(manifests.another_claim(session.objects, _BACK), volume=disk.name)
        session.apply(volume, claim, manifests.another_deployment(session.objects, _BACK))
        pod = waits.running(session, _BACK)
        self._read_note(session, pod)
        group, source = disk.resource_group, snapshots[-1].name
        typed = f"az disk create -g {group} -n {disk.name} --source {source}"
        return Card(f"Pod {pod} runs with disk {disk.name}", typed=typed)

    def delete_attached(self) -> None:
        """Ask Azure to delete the restored disk while a machine holds it; raises Conflict with Azure's words."""
        session = self._session()
        (disk,) = [each for each in known(session.azure.disks()) if each.name == self._name("back")]
        session.azure_objects.delete(disk)

    def is_scaled_up(self) -> bool:
        """Whether the set that was scaled to 0 has its pod again."""
        return self.given is True and any(pod.ready for pod in self._session().pods(_KEPT))

    def _make(self) -> Card:
        """Two workloads with a disk each, of which one is then scaled to 0, and two disks beside them, made by hand."""
        session, objects, make = self._session(), self._session().objects, self._session().azure_objects.make_disk
        if self._disk is None:
            lost = manifests.another_claim(objects, _LOST), manifests.another_deployment(objects, _LOST)
            session.apply(*lost, manifests.another_stateful_set(objects, _KEPT, 1))
            pod = waits.running(session, _LOST)
            waits.running(session, _KEPT)
            like, kept = self._disk_of(_LOST), self._disk_of(_KEPT_CLAIM)
            by_hand = make(self._name("by-hand"), like, size_gib=_SMALL)
            other = make(self._name("elsewhere"), like, size_gib=_SMALL, tags=_ELSEWHERE)
            self._write_note(session, pod)
            session.scale("StatefulSet", _KEPT, 0)
            waits.ended(session, _KEPT)
            waits.detached(session, kept.name)
            self.made = frozenset({(kept.name, "kept"), (by_hand.name, "foreign"), (other.name, "unknown")})
            self._disk = like
        typed = f"az disk create -g {self._chosen().resource_group} --size-gb {_SMALL} -n"
        lines = [
            (_LOST, "a Deployment with a claim, and a note on its disk"),
            (_KEPT, "a StatefulSet that was scaled to 0: its claim stays"),
            ("by hand", f"{typed} {self._name('by-hand')}"),
            ("of another cluster, by its tags", f"{typed} {self._name('elsewhere')} --tags …"),
        ]
        return Card("Four disks", lines, typed=kubectl(session.namespace, f"scale statefulset {_KEPT} --replicas=0"))

    def _is_ours(self, row: OwnedDisk) -> bool:
        """Whether a row is of a disk that was made here: by its volume's claim, or by the run's tag."""
        session, volume = self._session(), row.volume
        if isinstance(row.disk, Disk) and session.azure_objects.is_own(row.disk):
            return True
        names = (_LOST, _KEPT_CLAIM, _BACK)
        return volume is not None and volume.claim_namespace == session.namespace and volume.claim_name in names

    def _name(self, what: str) -> str:
        return f"aksdisks-{self._session().run_id}-{what}"

    def _chosen(self) -> Disk:
        if self._disk is None:
            raise InputError(object="the disk to be left behind", expected="one", found="none", hint=ABOVE)
        return self._disk

    def _retained(self) -> str:
        """The name of the volume that is retained. Raises InputError where none is."""
        if not self._volume:
            raise InputError(object="a volume that is retained", expected="one", found="none", hint=ABOVE)
        return str(self._volume["metadata"]["name"])

    def _claim(self, name: str) -> Claim:
        return next(each for each in self._session().claims() if each.name == name)

    def _disk_of(self, claim: str) -> Disk:
        """The disk of a bound claim. Raises NotAllowed where Azure does not show it."""
        session, volume = self._session(), self._claim(claim).volume
        id_ = next(each.disk_id for each in session.cluster.volumes() if each.name == volume)
        disks = session.azure.disks()
        for disk in known(disks):
            if same(disk.id, id_):
                return disk
        raise NotAllowed(f"disk {id_}: {disks if isinstance(disks, Unknown) else 'Azure does not list it'}")


def _nothing() -> Card:
    return Card("Nothing is done here", [("why", "see the check above: no disks may be made, and deleted, here")])

"""All that verdicts are made of, found by key: thousands of disks cost no search each; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from aksdisks.inspection.index import ENDED, Index, grouped
from aksdisks.inspection.second_look import needed_by
from aksdisks.model import (
    DISK_DRIVERS,
    FILE_DRIVERS,
    Attachment,
    Claim,
    Disk,
    DiskSnapshot,
    Machine,
    Pod,
    Unknown,
    Volume,
    VolumeSnapshotContent,
    Workload,
    handle_key,
    id_key,
    known,
)


def is_outside(id_: str, scope: str) -> bool:
    """Whether an id is not one of a resource group, by the group's id; False where the group is not known."""
    return bool(scope) and not id_key(id_).startswith(f"{id_key(scope)}/")


def snapshots_of(contents: Iterable[VolumeSnapshotContent]) -> tuple[str, ...]:
    """The handles of the disk driver's contents that were taken and are to stay."""
    return tuple(each.snapshot_id for each in contents if is_taken(each))


def is_taken(content: VolumeSnapshotContent) -> bool:
    """Whether a content is the disk driver's, and has to have a snapshot in Azure."""
    return content.driver in DISK_DRIVERS and content.ready and bool(content.snapshot_id) and not content.deleting


def holders(disk: Disk) -> tuple[str, ...]:
    """The ids of the machines that have a disk, by the disk; of a shared one several."""
    return disk.holders or ((disk.managed_by,) if disk.managed_by else ())


def _named(machine: Machine | None, id_: str) -> str:
    return machine.node or machine.name if machine else id_.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Facts(Index):
    """An inventory, and what only the question whose a disk is needs.

    `volumes` and `attachments` are the whole cluster's, also where the inventory is a namespace's. `scope` is the node
    resource group's id, empty where that is not known. `elsewhere` has, by `id_key`, the disks outside of it that
    volumes name, `snapshots_elsewhere` the snapshots outside of it that contents name: None where Azure has none.
    `cluster` is the managed cluster's name, empty where Azure has it nowhere.
    `grace` is in cluster seconds.
    """

    volumes: tuple[Volume, ...]
    attachments: tuple[Attachment, ...]
    scope: str
    elsewhere: Mapping[str, Disk | Unknown | None] = field(default_factory=dict)
    contents: tuple[VolumeSnapshotContent, ...] | Unknown = ()
    snapshots: tuple[DiskSnapshot, ...] | Unknown = ()
    snapshots_elsewhere: Mapping[str, DiskSnapshot | Unknown | None] = field(default_factory=dict)
    cluster: str | Unknown = ""
    grace: float = 86400.0

    def unread(self, *kinds: str) -> str:
        """Why the first of these kinds that could not be read could not be; empty where all of them were."""
        found = ((kind, self.inventory.unreadable.get(kind)) for kind in kinds)
        return next((f"{kind}s cannot be read: {because}" for kind, because in found if because), "")

    def disk_of(self, volume: Volume) -> Disk | Unknown | None:
        """The disk that a volume names; None where Azure has none of that id."""
        key = id_key(volume.disk_id)
        if key in self.elsewhere:
            return self.elsewhere[key]
        return self.inventory.disks if isinstance(self.inventory.disks, Unknown) else self.disks_by_id.get(key)

    def is_elsewhere(self, id_: str) -> bool:
        """Whether an id is of another resource group than the nodes'."""
        return is_outside(id_, self.scope)

    def claim_of(self, volume: Volume) -> Claim | None:
        """The claim that a volume is bound to, or that names it; None too where one of that name was made anew."""
        found = self.claims.get(volume.claim) or self._naming.get(volume.name)
        remade = found and volume.claim_uid and found.uid and found.uid != volume.claim_uid
        return None if remade else found

    def ended_pods_of(self, claim: Claim) -> tuple[Pod, ...]:
        """The pods that mounted a claim, and have ended."""
        return tuple(pod for pod in self.mounting_pods.get(claim.key, ()) if pod.phase in ENDED)

    def attachments_of(self, volume: Volume) -> tuple[Attachment, ...]:
        """A volume's attachments."""
        return tuple(self._attachments.get(volume.name, ()))

    def holder(self, disk: Disk) -> Machine | Unknown | None:
        """The machine that has a disk by Azure: as its managedBy says, else as a machine's dataDisks say.

        None where no machine has it, and where managedBy names one outside of the node resource group.
        """
        if isinstance(self.inventory.machines, Unknown):
            return self.inventory.machines if holders(disk) else None
        if ids := holders(disk):
            return next((found for id_ in ids if (found := self.machines_by_id.get(id_key(id_)))), None)
        return self._holders.get(id_key(disk.id))

    def nodes_of(self, disk: Disk) -> set[str]:
        """The nodes that have a disk by Azure; of a machine that was not read its name. Of a shared disk several."""
        if ids := holders(disk):
            return {_named(self.machines_by_id.get(id_key(id_)), id_) for id_ in ids}
        machine = self.holder(disk)
        return {_named(machine, machine.id)} if isinstance(machine, Machine) else set()

    def lun(self, machine: Machine, disk_id: str) -> int | None:
        """Where a disk sits on a machine, as the machine's dataDisks say; None where they do not have it."""
        return self._luns.get((machine.id, id_key(disk_id)))

    def volumes_of(self, id_: str) -> tuple[Volume, ...]:
        """The volumes that name a disk, one with a claim first."""
        return tuple(sorted(self._volumes.get(id_key(id_), ()), key=lambda each: (each.phase != "Bound", each.name)))

    def volumes_of_share(self, key: str) -> tuple[Volume, ...]:
        """The volumes that name a share, by its `account/share`, likewise."""
        return tuple(sorted(self._shares.get(key, ()), key=lambda each: (each.phase != "Bound", each.name)))

    @cached_property
    def inline(self) -> Mapping[str, list[Pod]]:
        """The pods that mount a share without a claim and have not ended, by the share's name."""
        return grouped((n, pod) for pod in self.inventory.pods if pod.phase not in ENDED for n in pod.inline_shares)

    @cached_property
    def snapshots_of_shares(self) -> Mapping[str, VolumeSnapshotContent]:
        """The contents whose snapshots are in a share, by its `account/share`."""
        found = (each for each in known(self.contents) if each.driver in FILE_DRIVERS)
        return {handle_key(each.snapshot_id or each.disk_id): each for each in found}

    @cached_property
    def volumes_by_name(self) -> Mapping[str, Volume]:
        """All volumes."""
        return {each.name: each for each in self.volumes}

    @cached_property
    def claims_by_uid(self) -> Mapping[str, Claim]:
        """The claims by uid."""
        return {each.uid: each for each in self.inventory.claims if each.uid}

    @cached_property
    def workloads(self) -> Mapping[tuple[str, str], Workload]:
        """The workloads by namespace and `Kind/name`."""
        return {(each.namespace, each.reference): each for each in known(self.inventory.workloads)}

    @cached_property
    def mounting(self) -> Mapping[str, list[Workload]]:
        """The workloads whose pods mount a claim by name, by `namespace/name` of the claim; without ReplicaSets."""
        made = (each for each in known(self.inventory.workloads) if not each.owner or each.kind == "StatefulSet")
        return grouped((f"{each.namespace}/{name}", each) for each in made for name in each.claims)

    @cached_property
    def sets(self) -> Mapping[str, list[tuple[str, Workload]]]:
        """Of each namespace its StatefulSets, with what the names of their claims begin with: `template-set-`."""
        found = (each for each in known(self.inventory.workloads) if each.kind == "StatefulSet")
        return grouped(
            (each.namespace, (f"{template}-{each.name}-", each)) for each in found for template in each.claim_templates
        )

    @cached_property
    def needing(self) -> Mapping[str, str]:
        """By the key of a disk why it is needed for now: a copy of it is made, or is to be made."""
        of = needed_by(known(self.inventory.disks), known(self.snapshots), known(self.contents))
        return dict(reversed([(id_key(id_), why) for id_, why in of]))

    @cached_property
    def _holders(self) -> Mapping[str, Machine]:
        return {id_key(held.disk_id): each for each in known(self.inventory.machines) for held in each.data_disks}

    @cached_property
    def _luns(self) -> Mapping[tuple[str, str], int]:
        machines = known(self.inventory.machines)
        return {(each.id, id_key(held.disk_id)): held.lun for each in machines for held in each.data_disks}

    @cached_property
    def _shares(self) -> Mapping[str, list[Volume]]:
        return grouped((each.share.key, each) for each in self.volumes if each.share and each.share.key)

    @cached_property
    def _naming(self) -> Mapping[str, Claim]:
        return {each.volume: each for each in self.inventory.claims if each.volume}

    @cached_property
    def _attachments(self) -> Mapping[str, list[Attachment]]:
        return grouped((each.volume, each) for each in self.attachments)

    @cached_property
    def _volumes(self) -> Mapping[str, list[Volume]]:
        return grouped((id_key(each.disk_id), each) for each in self.volumes if each.disk_id)

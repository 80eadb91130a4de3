"""Both sides at one moment: all that was read, and the chains that join it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from aksdisks.model.azure import Disk, Machine
from aksdisks.model.classes import StorageClass, VolumeAttributesClass
from aksdisks.model.frames import frame
from aksdisks.model.kubernetes import Attachment, Claim, KubeEvent, Node, Pod, Volume
from aksdisks.model.ownership import Ownership
from aksdisks.model.shares import AzureFiles, FileShare
from aksdisks.model.unknown import NotAsked, Unknown
from aksdisks.model.volume_snapshots import VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent
from aksdisks.model.workloads import Workload

if TYPE_CHECKING:
    from pandas import DataFrame


_NOT_ASKED = NotAsked("nothing needed them")
_NOT_JUDGED = NotAsked("nothing asked whose the disks are")


@dataclass(frozen=True, slots=True)
class Chain:
    """What a pod's data hangs on, as far as it goes: a missing link is None, one that could not be read Unknown.

    A volume of Azure Files hangs on a share: it has no attachment, no disk and no machine.
    """

    pod: Pod | None
    claim: Claim | None
    volume: Volume | None = None
    attachment: Attachment | None = None
    disk: Disk | Unknown | None = None
    machine: Machine | Unknown | None = None
    lun: int | Unknown | None = None
    share: FileShare | Unknown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Both sides at one moment: Kubernetes' objects of a namespace, and the node resource group's disks and VMs.

    `namespace` is None where all were read. `volumes` are those of the namespace's claims (by claimRef, so released
    ones too; of all namespaces: all volumes), `attachments` those of the volumes, `volume_snapshot_contents` those of
    its VolumeSnapshots; what the cluster does not serve of them is NotServed. Nodes, disks and machines are the
    whole cluster's, and so is `attached`, how many disks Kubernetes counts on each node. `chains` has one for each pod
    and claim, then one for each claim that no pod mounts. `unreadable` has the kinds that could not be read, with the
    reason: where it holds one, no objects of that kind means nothing. `ownership` is whose each disk is, where that was
    asked for; `driver_pods` are the drivers' on nodes, where a diagnosis asked. `files` are the storage accounts and
    the shares that the volumes name, of Azure Files. `time_scale` is cluster seconds in a real one.
    """

    taken: datetime
    namespace: str | None
    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...]
    claims: tuple[Claim, ...]
    volumes: tuple[Volume, ...]
    attachments: tuple[Attachment, ...]
    events: tuple[KubeEvent, ...]
    classes: tuple[StorageClass, ...]
    disks: tuple[Disk, ...] | Unknown
    machines: tuple[Machine, ...] | Unknown
    resource_group: str
    attached: Mapping[str, int] = field(default_factory=dict)
    workloads: tuple[Workload, ...] | Unknown = _NOT_ASKED
    volume_snapshots: tuple[VolumeSnapshot, ...] | Unknown = _NOT_ASKED
    volume_snapshot_contents: tuple[VolumeSnapshotContent, ...] | Unknown = _NOT_ASKED
    volume_snapshot_classes: tuple[VolumeSnapshotClass, ...] | Unknown = _NOT_ASKED
    volume_attributes_classes: tuple[VolumeAttributesClass, ...] | Unknown = _NOT_ASKED
    driver_pods: tuple[Pod, ...] | Unknown = _NOT_ASKED
    files: AzureFiles | Unknown = _NOT_ASKED
    ownership: Ownership | Unknown = _NOT_JUDGED
    unreadable: Mapping[str, str] = field(default_factory=dict)
    time_scale: float = 1.0
    chains: tuple[Chain, ...] = ()

    def frame(self, name: str) -> DataFrame:
        """A pandas DataFrame of one kind of thing, such as `pods`, `claims`, `volumes`, `disks` or `chains`.

        `disks`, `snapshots` and `shares` are the rows of `ownership`, with verdict and price; without it `disks` are
        those of the node resource group, with what Azure alone says.

        Its names, columns and types are those of `aksdisks.model.frames.COLUMNS`: string, boolean, Int64, Float64 and
        datetime64[ns, UTC]. One row for each, in the inventory's order. Sizes are in GiB. What is missing, such as the
        node of a pod that has none, is NA (NaT of times). What could not be read is a frame without rows whose
        `attrs["unknown"]` says why; of a chain's links that are unknown the column `unknown` does. Raises InputError
        for another name.
        """
        return frame(self, name)

"""Whose a disk is: a disk, a snapshot or a share, all that it hangs on in Kubernetes, a verdict, and its price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aksdisks.model.azure import Disk, DiskSnapshot, Machine
from aksdisks.model.kubernetes import Attachment, Claim, Pod, Volume
from aksdisks.model.shares import FileShare, StorageAccount
from aksdisks.model.unknown import NotAsked, Unknown

_NOT_ASKED = NotAsked("nothing needed the shares")
Verdict = Literal["in-use", "kept", "released", "orphan", "young", "foreign", "unknown"]
VERDICTS: tuple[Verdict, ...] = ("orphan", "young", "released", "kept", "unknown", "foreign", "in-use")
"""In the order in which rows are listed: what somebody may want to act on first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a disk or a snapshot costs a month, in `currency`; `source` says whose price that is, and of which day."""

    a_month: float
    currency: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Used:
    """What volumes name in Azure, by its id, and what hangs on it.

    `volume` is the PersistentVolume that names it, `claim` the claim that this volume is bound to, or that names the
    volume, `pods` those that mount the claim and have not ended, `workload` (`Kind/name`) what owns them, up to a
    Deployment, StatefulSet, Job, CronJob or custom resource.
    """

    id: str
    volume: Volume | None = None
    claim: Claim | None = None
    pods: tuple[Pod, ...] = ()
    workload: str = ""


@dataclass(frozen=True, kw_only=True)
class UsedDisk(Used):
    """An Azure disk, and what hangs on it.

    `disk` is Unknown where a volume names a disk that could not be read; `id` is there all the same.
    """

    disk: Disk | Unknown
    attachment: Attachment | None = None
    machine: Machine | Unknown | None = None


@dataclass(frozen=True, kw_only=True)
class OwnedDisk(UsedDisk):
    """An Azure disk, whose it is, and why one thinks so; `of_another`: its tags name another cluster."""

    verdict: Verdict
    because: str
    lun: int | Unknown | None = None
    price: Price | Unknown
    of_another: bool = False

    @property
    def name(self) -> str:
        """The last part of its id."""
        return self.id.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class UsedShare(Used):
    """A share of Azure Files and its account, and what hangs on it; Unknown where they could not be read."""

    name: str
    account_name: str
    share: FileShare | Unknown
    account: StorageAccount | Unknown


@dataclass(frozen=True, kw_only=True)
class OwnedShare(UsedShare):
    """A share, whose it is, and why one thinks so."""

    verdict: Verdict
    because: str
    price: Price | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedSnapshot:
    """An Azure snapshot and whose it is: `kept` while its disk or a VolumeSnapshot's content is there.

    `namespace` and `volume_snapshot` are those of the VolumeSnapshot that it was made for, by its content or its tags.
    """

    snapshot: DiskSnapshot
    verdict: Verdict
    because: str
    namespace: str = ""
    volume_snapshot: str = ""
    price: Price | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """An attachment that the two sides see differently: what Kubernetes says of it, and what Azure says."""

    disk: str
    volume: str
    node: str
    kubernetes: str
    azure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSlots:
    """How many more disks a node takes: by its driver's count less Kubernetes' attachments, and less Azure's disks.

    A number is None where that side does not say.
    """

    node: str
    limit: int | None
    by_kubernetes: int | None
    by_azure: int | None

    @property
    def free(self) -> int | None:
        """The smaller of both counts, as far as they are known: what both sides would take."""
        return min((each for each in (self.by_kubernetes, self.by_azure) if each is not None), default=None)

    @property
    def nearly_full(self) -> bool:
        """Whether it takes at most one more disk, or a tenth of its limit."""
        return self.free is not None and self.free <= max(1, (self.limit or 0) // 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """The whole table at one moment, and what stands beside it.

    `shares` are those of Azure Files, where they were asked for. `without_disk` are claims and volumes that have no
    disk or share, and contents of VolumeSnapshots that have no snapshot in Azure (`Kind namespace/name`), with the
    reason. `grace` is the age in cluster seconds below which what nothing names is `young`.
    """

    taken: datetime
    resource_group: str
    disks: tuple[OwnedDisk, ...] | Unknown
    snapshots: tuple[OwnedSnapshot, ...] | Unknown
    without_disk: tuple[tuple[str, str], ...]
    disagreements: tuple[Disagreement, ...]
    slots: tuple[NodeSlots, ...]
    grace: float
    shares: tuple[OwnedShare, ...] | Unknown = _NOT_ASKED

"""Frozen values that travel between the stages, with where each stands in Kubernetes' JSON; `Unknown` is one."""

# `_at` makes a new field at each call, as `field` itself does.
# ruff: noqa: RUF009

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

T = TypeVar("T")
DISK_DRIVERS = ("disk.csi.azure.com", "kubernetes.io/azure-disk")


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be read, and why: checks on it are inconclusive, never failed. It is falsy."""

    because: str

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"unknown, because {self.because}"


def known(value: tuple[T, ...] | Unknown) -> tuple[T, ...]:
    """The values, or none of them where they are unknown: for loops that need no verdict."""
    return () if isinstance(value, Unknown) else value


def _at(places: str, default: Any = "") -> Any:
    """A field that is only looked up: dotted places in the raw object, of which the first that is filled counts.

    The default, when none is, tells the type: None means a time, an empty tuple a list.
    """
    return field(default_factory=lambda: default, metadata={"places": places, "default": default})


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What every Kubernetes object has; by itself an object of which only its existence matters."""

    name: str = _at("metadata.name")
    namespace: str = _at("metadata.namespace")
    uid: str = _at("metadata.uid")
    created: datetime | None = _at("metadata.creationTimestamp", None)
    deleting: datetime | None = _at("metadata.deletionTimestamp", None)
    labels: Mapping[str, str] = _at("metadata.labels", {})
    finalizers: tuple[str, ...] = _at("metadata.finalizers", ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Named):
    """A PersistentVolumeClaim; `volume` is empty until bound, `capacity` a Kubernetes quantity."""

    phase: str = _at("status.phase", "Pending")
    storage_class: str = _at("spec.storageClassName")
    capacity: str = _at("status.capacity.storage")
    volume: str = _at("spec.volumeName")
    access_modes: tuple[str, ...] = _at("spec.accessModes", ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(Named):
    """A PersistentVolume; `disk_id` is the CSI handle or 2019's azureDisk.diskURI, empty for other kinds."""

    phase: str = _at("status.phase", "Pending")
    capacity: str = _at("spec.capacity.storage")
    storage_class: str = _at("spec.storageClassName")
    reclaim_policy: str = _at("spec.persistentVolumeReclaimPolicy", "Retain")
    claim_namespace: str = _at("spec.claimRef.namespace")
    claim_name: str = _at("spec.claimRef.name")
    claim_uid: str = _at("spec.claimRef.uid")
    disk_id: str = _at("spec.csi.volumeHandle spec.azureDisk.diskURI")
    access_modes: tuple[str, ...] = _at("spec.accessModes", ())
    zones: tuple[str, ...]

    @property
    def claim(self) -> str:
        """`namespace/name` of the claim that it is bound to or reserved for, as kubectl shows it."""
        return f"{self.claim_namespace}/{self.claim_name}" if self.claim_name else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment(Named):
    """A VolumeAttachment: Kubernetes' wish and word that a volume is attached to a node."""

    node: str = _at("spec.nodeName")
    volume: str = _at("spec.source.persistentVolumeName")
    attached: bool = _at("status.attached", False)
    lun: int | None
    attach_error: str = _at("status.attachError.message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(Named):
    """A Kubernetes node; `disk_slots` is CSINode's allocatable count, None where the driver does not say."""

    ready: bool
    schedulable: bool
    provider_id: str = _at("spec.providerID")
    disk_zone: str
    size: str
    disk_slots: int | None
    taints: tuple[Taint, ...]


@dataclass(frozen=True, slots=True)
class Taint:
    """A node's taint."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod(Named):
    """A pod; `status` is kubectl's STATUS column, `claims` the claims that it mounts, `owner` `Kind/name`."""

    status: str
    ready: bool
    containers: int
    containers_ready: int
    restarts: int
    node: str = _at("spec.nodeName")
    claims: tuple[str, ...]
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeEvent(Named):
    """An event of either API; `kind` and `object` are what it is about, times are whole seconds or better.

    The scheduler's have eventTime instead of first and last, and no count.
    """

    type: str = _at("type", "Normal")
    reason: str = _at("reason")
    message: str = _at("message note")
    component: str = _at("reportingComponent source.component")
    kind: str = _at("involvedObject.kind regarding.kind")
    object: str = _at("involvedObject.name regarding.name")
    object_uid: str = _at("involvedObject.uid regarding.uid")
    count: int = _at("count series.count", 1)
    first: datetime | None = _at("firstTimestamp eventTime metadata.creationTimestamp", None)
    last: datetime | None = _at(
        "lastTimestamp series.lastObservedTime firstTimestamp eventTime metadata.creationTimestamp", None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageClass(Named):
    """A StorageClass; `sku` is its parameter skuname or storageaccounttype, whatever the key's case."""

    provisioner: str = _at("provisioner")
    sku: str
    reclaim_policy: str = _at("reclaimPolicy", "Delete")
    binding_mode: str = _at("volumeBindingMode", "Immediate")

    @property
    def makes_disks(self) -> bool:
        """True for classes of the disk driver, today's or 2019's."""
        return self.provisioner in DISK_DRIVERS


@dataclass(frozen=True, slots=True)
class Change:
    """One watch event with the time it arrived, in seconds with milliseconds since the watch began (not scaled)."""

    at: float
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    kind: str
    value: Named

    @property
    def name(self) -> str:
        """The changed object's name."""
        return self.value.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """An Azure managed disk; `managed_by` is the id of the machine that holds it, empty when unattached."""

    id: str
    name: str
    resource_group: str
    size_gib: int | None
    sku: str
    tier: str
    state: str
    managed_by: str
    tags: Mapping[str, str]
    created: datetime | None

    @property
    def claim(self) -> str:
        """`namespace/name` of the claim that it was made for, by its tags (facts: CSI docs/driver-parameters.md)."""
        namespace = self.tags.get("kubernetes.io-created-for-pvc-namespace", "")
        name = self.tags.get("kubernetes.io-created-for-pvc-name", "")
        return f"{namespace}/{name}" if name else ""

    @property
    def volume(self) -> str:
        """The PersistentVolume that it was made for, by its tags."""
        return self.tags.get("kubernetes.io-created-for-pv-name", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDisk:
    """A place on a machine where a disk sits, in Azure's words; `leaving` while it is detached."""

    lun: int
    disk_id: str
    leaving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """An Azure machine: a scale set's instance (`kind` vmss) or a virtual machine (`kind` vm)."""

    id: str
    name: str
    node: str
    kind: Literal["vmss", "vm"]
    size: str
    data_disks: tuple[DataDisk, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """What a pod's data hangs on, as far as it goes: a missing link is None, one that could not be read Unknown."""

    pod: Pod | None
    claim: Claim | None
    volume: Volume | None = None
    attachment: Attachment | None = None
    disk: Disk | Unknown | None = None
    machine: Machine | Unknown | None = None
    lun: int | Unknown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Both sides at one moment: Kubernetes' objects of one namespace, and the node resource group's disks and VMs.

    `volumes` are those of the namespace's claims (by claimRef, so released ones too), `attachments` those of the
    volumes; nodes, disks and machines are the whole cluster's. `chains` has one per pod and claim, then one for each
    claim that no pod mounts.
    """

    taken: datetime
    namespace: str
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
    chains: tuple[Chain, ...] = ()

"""Frozen values that travel between the stages; `Unknown(because)` is one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim; `volume` is empty until bound, sizes are Kubernetes quantities."""

    namespace: str
    name: str
    uid: str
    phase: str
    storage_class: str
    requested: str
    capacity: str
    volume: str
    access_modes: tuple[str, ...]
    selected_node: str
    created: datetime | None
    deleting: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Volume:
    """A PersistentVolume; `disk_id` is the CSI handle or 2019's azureDisk.diskURI, empty for other kinds."""

    name: str
    uid: str
    phase: str
    capacity: str
    storage_class: str
    reclaim_policy: str
    claim_namespace: str
    claim_name: str
    claim_uid: str
    driver: str
    disk_id: str
    access_modes: tuple[str, ...]
    zones: tuple[str, ...]
    created: datetime | None
    deleting: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()

    @property
    def claim(self) -> str:
        """`namespace/name` of the claim that it is bound to or reserved for, as kubectl shows it."""
        return f"{self.claim_namespace}/{self.claim_name}" if self.claim_name else ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A VolumeAttachment: Kubernetes' wish and word that a volume is attached to a node."""

    name: str
    attacher: str
    node: str
    volume: str
    attached: bool
    lun: int | None
    attach_error: str
    detach_error: str
    created: datetime | None
    deleting: datetime | None = None


@dataclass(frozen=True, slots=True)
class Disk:
    """An Azure managed disk; `managed_by` is the id of the machine that holds it, empty when unattached."""

    id: str
    name: str
    resource_group: str
    location: str
    size_gib: int | None
    sku: str
    tier: str
    state: str
    managed_by: str
    provisioning_state: str
    zones: tuple[str, ...]
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


@dataclass(frozen=True, slots=True)
class DataDisk:
    """A place on a machine where a disk sits, in Azure's words."""

    lun: int
    name: str
    disk_id: str
    caching: str
    size_gib: int | None
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """An Azure machine: a scale set's instance (`kind` vmss) or a virtual machine (`kind` vm)."""

    id: str
    name: str
    node: str
    kind: Literal["vmss", "vm"]
    size: str
    provisioning_state: str
    zones: tuple[str, ...]
    data_disks: tuple[DataDisk, ...]


@dataclass(frozen=True, slots=True)
class Taint:
    """A node's taint."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class Node:
    """A Kubernetes node; `disk_slots` is CSINode's allocatable count, None where the driver does not say."""

    name: str
    ready: bool
    schedulable: bool
    provider_id: str
    zone: str
    disk_zone: str
    size: str
    kubelet: str
    disk_slots: int | None
    volumes_in_use: tuple[str, ...]
    volumes_attached: tuple[str, ...]
    taints: tuple[Taint, ...]
    labels: Mapping[str, str]
    created: datetime | None


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod; `status` is kubectl's STATUS column, `claims` the claims that it mounts, `owner` `Kind/name`."""

    namespace: str
    name: str
    uid: str
    phase: str
    status: str
    ready: bool
    containers: int
    containers_ready: int
    restarts: int
    node: str
    ip: str
    claims: tuple[str, ...]
    owner: str
    created: datetime | None
    started: datetime | None
    deleting: datetime | None = None
    conditions: Mapping[str, datetime | None] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def scheduled(self) -> datetime | None:
        """When a node was chosen, in whole seconds; None while none is."""
        return self.conditions.get("PodScheduled") if self.node else None


@dataclass(frozen=True, slots=True)
class KubeEvent:
    """An event of either API; `kind` and `object` are what it is about, times are whole seconds or better."""

    namespace: str
    name: str
    uid: str
    type: str
    reason: str
    message: str
    component: str
    kind: str
    object: str
    object_uid: str
    count: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class StorageClass:
    """A StorageClass; `sku` is its parameter skuname or storageaccounttype, whatever the key's case."""

    name: str
    provisioner: str
    sku: str
    reclaim_policy: str
    binding_mode: str
    expandable: bool
    is_default: bool
    parameters: Mapping[str, str]

    @property
    def makes_disks(self) -> bool:
        """True for classes of the disk driver, today's or 2019's."""
        return self.provisioner in ("disk.csi.azure.com", "kubernetes.io/azure-disk")


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment or StatefulSet, reduced to its numbers and its run label."""

    kind: str
    namespace: str
    name: str
    uid: str
    replicas: int
    ready: int
    run: str
    created: datetime | None


@dataclass(frozen=True, slots=True)
class Plain:
    """An object of which only its existence matters, such as a Namespace."""

    namespace: str
    name: str
    uid: str
    created: datetime | None
    deleting: datetime | None
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One watch event with the time it arrived, in seconds with milliseconds since the watch began (not scaled)."""

    at: float
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    kind: str
    value: Claim | Volume | Attachment | Node | Pod | KubeEvent | StorageClass | Workload | Plain

    @property
    def name(self) -> str:
        """The changed object's name."""
        return self.value.name


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

    @property
    def missing(self) -> str:
        """The first link that is not there, by name; empty for a whole chain. Unknown links are not missing."""
        links = ("pod", "claim", "volume", "attachment", "disk", "machine")
        return next((link for link in links if getattr(self, link) is None), "")

    @property
    def unknown(self) -> Unknown | None:
        """The first link that could not be read."""
        return next((link for link in (self.disk, self.machine, self.lun) if isinstance(link, Unknown)), None)


@dataclass(frozen=True, slots=True)
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

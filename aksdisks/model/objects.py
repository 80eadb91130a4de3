"""Frozen values that travel between the stages; each field says where it stands in what an API answered.

    phase: str = _at("status.phase", "Pending")     # .status.phase; "Pending" where that is missing or empty
    message: str = _at("message note")              # .message, else .note, else ""
    created: datetime | None = _time("metadata.creationTimestamp")
    status: str = _read(_pod_status, "")            # whatever the function makes of the whole object

`Pod.of(raw)` reads them all, from Kubernetes' JSON or an object of Azure's SDK; `Pod(name="a")` makes one by hand, in
which the defaults stand for what is left out.
"""

# `_at` and the like make a new field at each call, as `field` itself does.
# ruff: noqa: RUF009

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal, Self, TypeVar

from aksdisks.quantities import parse_time

T = TypeVar("T")
DISK_DRIVERS = ("disk.csi.azure.com", "kubernetes.io/azure-disk")
_DISK_ZONE = "topology.disk.csi.azure.com/zone"
_ZONES = (_DISK_ZONE, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be read, and why: checks on it are inconclusive, never failed. It is falsy."""

    because: str

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"unknown, because {self.because}"


@dataclass(frozen=True, slots=True)
class NotPermitted(Unknown):
    """What this identity has no right to read."""


def known(value: tuple[T, ...] | Unknown) -> tuple[T, ...]:
    """The values, or none of them where they are unknown: for loops that need no verdict."""
    return () if isinstance(value, Unknown) else value


def _find(raw: Any, places: str, default: Any = None) -> Any:
    """What stands at the first of these places (dotted, with spaces between) that is filled, else the default.

    Of an enumeration of the SDK's, its value.
    """
    for place in places.split():
        value = raw
        for part in place.split("."):
            value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
        if value:
            return getattr(value, "value", value)
    return default


def _read(read: Callable[[Any], Any], default: Any = None) -> Any:
    """A field that `read` makes of the raw object; `default` is for a value made by hand."""
    return field(default_factory=lambda: default, metadata={"read": read})


def _at(places: str, default: Any = "") -> Any:
    """A field that stands as it is at the first filled one of these places; a list becomes a tuple."""

    def read(raw: Any) -> Any:
        found = _find(raw, places, default)
        return tuple(found) if isinstance(found, list) else found

    return _read(read, default)


def _time(places: str) -> Any:
    """A field that stands there as a time; None without one."""
    return _read(lambda raw: parse_time(_find(raw, places)))


def _label(*keys: str) -> Any:
    """A field that is the first filled one of an object's labels."""
    return _read(lambda raw: next(filter(None, map(_find(raw, "metadata.labels", {}).get, keys)), ""), "")


class _Decoded:
    """What can be read from a raw object, field by field."""

    __slots__ = ()

    @classmethod
    def of(cls, raw: Any) -> Self:
        """The value that a raw object stands for."""
        return cls(**{each.name: each.metadata["read"](raw) for each in fields(cls) if each.metadata})  # type: ignore[arg-type]


def _is_ready(raw: Any) -> bool:
    conditions = _find(raw, "status.conditions", ())
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _containers(raw: Any) -> Any:
    return _find(raw, "status.containerStatuses", ())


def _admitted_zones(raw: Any) -> tuple[str, ...]:
    terms = _find(raw, "spec.nodeAffinity.required.nodeSelectorTerms", ())
    rules = [rule for term in terms for rule in term.get("matchExpressions") or ()]
    zones = [rule.get("values") or () for rule in rules if rule.get("key") in _ZONES and rule.get("operator") == "In"]
    return tuple(dict.fromkeys(zone for values in zones for zone in values))


def _disk_id(raw: Any) -> str:
    csi = _find(raw, "spec.csi.driver")
    return str(_find(raw, "spec.azureDisk.diskURI" if csi not in DISK_DRIVERS else "spec.csi.volumeHandle", ""))


def _noted_lun(raw: Any) -> int | None:
    """What the driver noted in the attachment's metadata."""
    lun = str(_find(raw, "status.attachmentMetadata.LUN", ""))
    return int(lun) if lun.isdigit() else None


def _disk_slots(raw: Any) -> int | None:
    drivers = [each for each in _find(raw, "csiNode.spec.drivers", ()) if each.get("name") in DISK_DRIVERS]
    counts = [(driver.get("allocatable") or {}).get("count") for driver in drivers]
    old = _find(raw, "status.allocatable", {}).get("attachable-volumes-azure-disk")
    return next((count for count in counts if count is not None), int(old) if old else None)


def _pod_status(raw: Any) -> str:
    """kubectl's STATUS column: deletion first, then the first container's reason, then the pod's."""
    if _find(raw, "metadata.deletionTimestamp"):
        return "Unknown" if _find(raw, "status.reason") == "NodeLost" else "Terminating"
    reasons = [_find(each, "state.waiting.reason state.terminated.reason") for each in _containers(raw)]
    return next(filter(None, reasons), "") or str(_find(raw, "status.reason status.phase", "Pending"))


def _mounted_claims(raw: Any) -> tuple[str, ...]:
    names = [_find(mounted, "persistentVolumeClaim.claimName") for mounted in _find(raw, "spec.volumes", ())]
    return tuple(filter(None, names))


def _owner(raw: Any) -> str:
    owners = [each for each in _find(raw, "metadata.ownerReferences", ()) if each.get("controller")]
    return f"{owners[0]['kind']}/{owners[0]['name']}" if owners else ""


def _sku(raw: Any) -> str:
    """A class's parameter; the case of its name does not count."""
    parameters = {key.lower(): value for key, value in _find(raw, "parameters", {}).items()}
    return str(_find(parameters, "skuname storageaccounttype", ""))


def _held_disks(raw: Any) -> tuple[DataDisk, ...]:
    disks = map(DataDisk.of, _find(raw, "storage_profile.data_disks", ()))
    return tuple(sorted(disks, key=lambda disk: disk.lun))


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(_Decoded):
    """What every Kubernetes object has; by itself an object of which only its existence matters."""

    name: str = _at("metadata.name")
    namespace: str = _at("metadata.namespace")
    uid: str = _at("metadata.uid")
    created: datetime | None = _time("metadata.creationTimestamp")
    deleting: datetime | None = _time("metadata.deletionTimestamp")
    labels: Mapping[str, str] = _at("metadata.labels", {})
    finalizers: tuple[str, ...] = _at("metadata.finalizers", ())

    @property
    def key(self) -> str:
        """`namespace/name`, as client-go's caches name an object; its name alone where it stands in no namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


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
    """A PersistentVolume; `disk_id` is the disk driver's handle or 2019's azureDisk.diskURI, empty for other drivers'.

    `zones` are those that its node affinity admits.
    """

    phase: str = _at("status.phase", "Pending")
    capacity: str = _at("spec.capacity.storage")
    storage_class: str = _at("spec.storageClassName")
    reclaim_policy: str = _at("spec.persistentVolumeReclaimPolicy", "Retain")
    claim_namespace: str = _at("spec.claimRef.namespace")
    claim_name: str = _at("spec.claimRef.name")
    claim_uid: str = _at("spec.claimRef.uid")
    disk_id: str = _read(_disk_id, "")
    access_modes: tuple[str, ...] = _at("spec.accessModes", ())
    zones: tuple[str, ...] = _read(_admitted_zones, ())

    @property
    def claim(self) -> str:
        """`namespace/name` of the claim that it is bound to or reserved for, as kubectl shows it."""
        return f"{self.claim_namespace}/{self.claim_name}" if self.claim_name else ""

    @property
    def disk_name(self) -> str:
        """The name of its disk: the last part of the id."""
        return self.disk_id.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment(Named):
    """A VolumeAttachment: Kubernetes' wish and word that a volume is attached to a node."""

    node: str = _at("spec.nodeName")
    volume: str = _at("spec.source.persistentVolumeName")
    attached: bool = _at("status.attached", False)
    lun: int | None = _read(_noted_lun)
    attach_error: str = _at("status.attachError.message")
    driver: str = _at("spec.attacher")


@dataclass(frozen=True, slots=True)
class Taint(_Decoded):
    """A node's taint."""

    key: str = _at("key")
    value: str = _at("value")
    effect: str = _at("effect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(Named):
    """A Kubernetes node; its CSINode, where it has one, is read as its member `csiNode`.

    `disk_slots` is the CSINode's allocatable count, else 2019's allocatable attachable-volumes-azure-disk; None where
    the driver does not say.
    """

    ready: bool = _read(_is_ready, False)
    schedulable: bool = _read(lambda raw: not _find(raw, "spec.unschedulable"), True)
    provider_id: str = _at("spec.providerID")
    disk_zone: str = _label(_DISK_ZONE)
    size: str = _label("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
    disk_slots: int | None = _read(_disk_slots)
    taints: tuple[Taint, ...] = _read(lambda raw: tuple(map(Taint.of, _find(raw, "spec.taints", ()))), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod(Named):
    """A pod; `status` is kubectl's STATUS column, `claims` the claims that it mounts, `owner` `Kind/name`."""

    status: str = _read(_pod_status, "")
    ready: bool = _read(_is_ready, False)
    containers: int = _read(lambda raw: len(_find(raw, "spec.containers", ())), 0)
    containers_ready: int = _read(lambda raw: sum(bool(each.get("ready")) for each in _containers(raw)), 0)
    restarts: int = _read(lambda raw: sum(each.get("restartCount") or 0 for each in _containers(raw)), 0)
    node: str = _at("spec.nodeName")
    claims: tuple[str, ...] = _read(_mounted_claims, ())
    owner: str = _read(_owner, "")

    @property
    def claim_keys(self) -> tuple[str, ...]:
        """The keys of the claims that it mounts, which stand in its own namespace."""
        return tuple(f"{self.namespace}/{name}" for name in self.claims)


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
    first: datetime | None = _time("firstTimestamp eventTime metadata.creationTimestamp")
    last: datetime | None = _time(
        "lastTimestamp series.lastObservedTime firstTimestamp eventTime metadata.creationTimestamp"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageClass(Named):
    """A StorageClass; `sku` is its parameter skuname or storageaccounttype, whatever the key's case."""

    provisioner: str = _at("provisioner")
    sku: str = _read(_sku, "")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk(_Decoded):
    """An Azure managed disk; `managed_by` is the id of the machine that holds it, empty when unattached."""

    id: str = _at("id")
    name: str = _at("name")
    resource_group: str = _read(lambda raw: raw.id.split("/")[4], "")
    size_gib: int | None = _at("disk_size_gb", None)
    sku: str = _at("sku.name")
    tier: str = _at("tier")
    state: str = _at("disk_state")
    managed_by: str = _at("managed_by")
    tags: Mapping[str, str] = _at("tags", {})
    created: datetime | None = _at("time_created", None)

    @property
    def claim_namespace(self) -> str:
        """The namespace of the claim that it was made for, by its tags (facts: CSI docs/driver-parameters.md)."""
        return self.tags.get("kubernetes.io-created-for-pvc-namespace", "")

    @property
    def claim_name(self) -> str:
        """The name of that claim."""
        return self.tags.get("kubernetes.io-created-for-pvc-name", "")

    @property
    def claim(self) -> str:
        """Both, as kubectl shows it."""
        return f"{self.claim_namespace}/{self.claim_name}" if self.claim_name else ""

    @property
    def volume(self) -> str:
        """The PersistentVolume that it was made for, by its tags."""
        return self.tags.get("kubernetes.io-created-for-pv-name", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDisk(_Decoded):
    """A place on a machine where a disk sits, in Azure's words; `leaving` while it is detached."""

    lun: int = _at("lun", 0)
    disk_id: str = _at("managed_disk.id")
    leaving: bool = _at("to_be_detached", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(_Decoded):
    """An Azure machine: a scale set's instance (`kind` vmss) or a virtual machine (`kind` vm)."""

    id: str = _at("id")
    name: str = _at("name")
    node: str = _read(lambda raw: _find(raw, "os_profile.computer_name name").lower(), "")
    kind: Literal["vmss", "vm"] = _read(
        lambda raw: "vmss" if "/virtualmachinescalesets/" in raw.id.lower() else "vm", "vm"
    )
    size: str = _at("hardware_profile.vm_size sku.name")
    data_disks: tuple[DataDisk, ...] = _read(_held_disks, ())


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
    """Both sides at one moment: Kubernetes' objects of a namespace, and the node resource group's disks and VMs.

    `namespace` is None where all were read. `volumes` are those of the namespace's claims (by claimRef, so released
    ones too; of all namespaces: all volumes), `attachments` those of the volumes. Nodes, disks and machines are the
    whole cluster's, and so is `attached`, how many disks Kubernetes counts on each node. `chains` has one for each pod
    and claim, then one for each claim that no pod mounts.
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
    chains: tuple[Chain, ...] = ()


_KINDS: Mapping[str, type[Named]] = {
    "PersistentVolume": Volume,
    "PersistentVolumeClaim": Claim,
    "VolumeAttachment": Attachment,
    "Node": Node,
    "Pod": Pod,
    "Event": KubeEvent,
    "StorageClass": StorageClass,
}


def decode(kind: str, raw: Mapping[str, Any]) -> Any:
    """The value of an object of this kind; of others than these only names, labels and times matter."""
    return _KINDS.get(kind, Named).of(raw)

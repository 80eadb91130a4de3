"""Kubernetes' objects as frozen values, as far as disks have to do with them."""

# `at` and the like make a new field at each call, as `field` itself does.
# ruff: noqa: RUF009

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from aksdisks.model.decoding import Decoded, annotation, at, find, label, listed, mapping, moment, read, texts, time
from aksdisks.model.shares import ShareSource, mounted_shares, share_source

DISK_DRIVERS = ("disk.csi.azure.com", "kubernetes.io/azure-disk")
_DISK_ZONE = "topology.disk.csi.azure.com/zone"
_ZONES = (_DISK_ZONE, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")


def _is_ready(raw: Any) -> bool:
    return bool(find(_condition(raw, "Ready"), "status") == "True")


def _condition(raw: Any, type_: str) -> Any:
    return next((each for each in listed(raw, "status.conditions") if each.get("type") == type_), {})


def _values(place: str, kind: Callable[[], type[Decoded]]) -> Any:
    """A field that is the values of a list; what is no object in it is left out."""

    def decode(raw: Any) -> tuple[Any, ...]:
        return tuple(kind().of(each) for each in listed(raw, place))

    return read(decode, ())


def _containers(raw: Any) -> list[dict[str, Any]]:
    return listed(raw, "status.containerStatuses")


def _restarts(container: Any) -> int:
    return count if isinstance(count := container.get("restartCount"), int) else 0


def _admitted_zones(raw: Any) -> tuple[str, ...]:
    terms = listed(raw, "spec.nodeAffinity.required.nodeSelectorTerms")
    rules = [rule for term in terms for rule in listed(term, "matchExpressions")]
    zones = [texts(rule, "values") for rule in rules if rule.get("key") in _ZONES and rule.get("operator") == "In"]
    return tuple(dict.fromkeys(zone for values in zones for zone in values))


def _disk_id(raw: Any) -> str:
    csi = find(raw, "spec.csi.driver")
    return str(find(raw, "spec.azureDisk.diskURI" if csi not in DISK_DRIVERS else "spec.csi.volumeHandle", ""))


def _is_by_hand(raw: Any) -> bool:
    """Whether no provisioner says that it made the volume (facts B, PV)."""
    made = "storage.kubernetes.io/csiProvisionerIdentity" in mapping(raw, "spec.csi.volumeAttributes")
    in_tree = "volumehelper.VolumeDynamicallyCreatedByKey" in mapping(raw, "metadata.annotations")
    return not (made or in_tree or find(raw, "metadata.name") == f"pvc-{find(raw, 'spec.claimRef.uid')}")


def _noted_lun(raw: Any) -> int | None:
    """What the driver noted in the attachment's metadata."""
    lun = str(find(raw, "status.attachmentMetadata.LUN", ""))
    return int(lun) if lun.isdigit() else None


def _disk_slots(raw: Any) -> int | None:
    drivers = [each for each in listed(raw, "spec.drivers") if each.get("name") in DISK_DRIVERS]
    counts = [mapping(driver, "allocatable").get("count") for driver in drivers]
    return next((count for count in counts if isinstance(count, int)), None)


def _slots_of_2019(raw: Any) -> int | None:
    count = str(mapping(raw, "status.allocatable").get("attachable-volumes-azure-disk", ""))
    return int(count) if count.isdecimal() else None


def _pod_status(raw: Any) -> str:
    """kubectl's STATUS column: deletion first, then the first container's reason, then the pod's."""
    if find(raw, "metadata.deletionTimestamp"):
        return "Unknown" if find(raw, "status.reason") == "NodeLost" else "Terminating"
    reasons = [find(each, "state.waiting.reason state.terminated.reason") for each in _containers(raw)]
    return str(next(filter(None, reasons), "")) or str(find(raw, "status.reason status.phase", "Pending"))


def mounted_claims(raw: Any) -> tuple[str, ...]:
    """The claims that a pod, or a template of one, mounts, by name.

    The claim of a generic ephemeral volume is named after its pod and itself.
    """
    pod = find(raw, "metadata.name", "")
    names = [
        find(mounted, "persistentVolumeClaim.claimName")
        or (f"{pod}-{mounted.get('name')}" if find(mounted, "ephemeral.volumeClaimTemplate") else None)
        for mounted in listed(raw, "spec.volumes")
    ]
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def _names(place: str) -> Any:
    """A field that is the names of the objects in a list."""
    return read(lambda raw: tuple(str(each.get("name", "")) for each in listed(raw, place)), ())


def _container_states(raw: Any) -> tuple[ContainerState, ...]:
    statuses = [(each, True) for each in listed(raw, "status.initContainerStatuses")]
    statuses += [(each, False) for each in _containers(raw)]
    return tuple(ContainerState.of({**each, "init": init}) for each, init in statuses)


def owner_of(raw: Any) -> str:
    """What controls an object, as `Kind/name`; empty where nothing does."""
    owners = [each for each in listed(raw, "metadata.ownerReferences") if each.get("controller")]
    return f"{owners[0].get('kind', '')}/{owners[0].get('name', '')}" if owners else ""


def _owner_of_claim(raw: Any) -> str:
    """What controls a claim; else the first that owns it, be it no pod: operators and sets own theirs so."""
    owners = [f"{each.get('kind', '')}/{each.get('name', '')}" for each in listed(raw, "metadata.ownerReferences")]
    return owner_of(raw) or next(iter(sorted(owners, key=lambda owner: owner.startswith("Pod/"))), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Decoded):
    """What every Kubernetes object has; by itself an object of which only its existence matters."""

    name: str = at("metadata.name")
    namespace: str = at("metadata.namespace")
    uid: str = at("metadata.uid")
    created: datetime | None = time("metadata.creationTimestamp")
    deleting: datetime | None = time("metadata.deletionTimestamp")
    labels: Mapping[str, str] = at("metadata.labels", {})
    finalizers: tuple[str, ...] = at("metadata.finalizers", ())

    @property
    def key(self) -> str:
        """`namespace/name`, as client-go's caches name an object; its name alone where it stands in no namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Decoded):
    """A condition of a status; `since` is its last transition."""

    type: str = at("type")
    status: str = at("status")
    reason: str = at("reason")
    message: str = at("message")
    since: datetime | None = time("lastTransitionTime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Named):
    """A PersistentVolumeClaim; `volume` is empty until bound, `capacity` and `requested` are Kubernetes quantities.

    `resize_status` is that of its storage in allocatedResourceStatuses. `attributes_class` is the VolumeAttributesClass
    that it asks for, `current_attributes_class` the one that its disk has by now, `modify_status` (Pending, InProgress,
    Infeasible) that of a change to `target_attributes_class`. `source_kind`, `source_name`, `source_group` and
    `source_namespace` are its dataSourceRef, else its dataSource: what its disk is to be filled from. `owner` is what
    owns it (`Kind/name`), such as an operator's custom resource, or the pod of a generic ephemeral volume.
    `refuses_classes`: its class is named `""`, so that no default one is taken either.
    """

    phase: str = at("status.phase", "Pending")
    storage_class: str = at("spec.storageClassName")
    refuses_classes: bool = read(lambda raw: mapping(raw, "spec").get("storageClassName") == "", False)
    capacity: str = at("status.capacity.storage")
    requested: str = at("spec.resources.requests.storage")
    volume: str = at("spec.volumeName")
    volume_mode: str = at("spec.volumeMode", "Filesystem")
    access_modes: tuple[str, ...] = at("spec.accessModes", ())
    conditions: tuple[Condition, ...] = _values("status.conditions", lambda: Condition)
    resize_status: str = at("status.allocatedResourceStatuses.storage")
    modify_status: str = at("status.modifyVolumeStatus.status")
    target_attributes_class: str = at("status.modifyVolumeStatus.targetVolumeAttributesClassName")
    attributes_class: str = at("spec.volumeAttributesClassName")
    current_attributes_class: str = at("status.currentVolumeAttributesClassName")
    source_kind: str = at("spec.dataSourceRef.kind spec.dataSource.kind")
    source_name: str = at("spec.dataSourceRef.name spec.dataSource.name")
    source_group: str = at("spec.dataSourceRef.apiGroup spec.dataSource.apiGroup")
    source_namespace: str = at("spec.dataSourceRef.namespace")
    owner: str = read(_owner_of_claim, "")
    selected_node: str = annotation("volume.kubernetes.io/selected-node")
    provisioner: str = annotation(
        "volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner"
    )

    @property
    def source_key(self) -> str:
        """`namespace/name` of what its disk is to be filled from; empty for an empty disk."""
        return f"{self.source_namespace or self.namespace}/{self.source_name}" if self.source_name else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(Named):
    """A PersistentVolume; `disk_id` is the disk driver's handle or 2019's azureDisk.diskURI, empty for other drivers'.

    `share` is the share of Azure Files that it names, None for other drivers'. `zones` are those that its node affinity
    admits. `by_hand`: no provisioner made it, but somebody who knew its disk or share; `provisioner` is the one that
    deletes it by its policy Delete, empty for none.
    """

    phase: str = at("status.phase", "Pending")
    capacity: str = at("spec.capacity.storage")
    storage_class: str = at("spec.storageClassName")
    reclaim_policy: str = at("spec.persistentVolumeReclaimPolicy", "Retain")
    claim_namespace: str = at("spec.claimRef.namespace")
    claim_name: str = at("spec.claimRef.name")
    claim_uid: str = at("spec.claimRef.uid")
    disk_id: str = read(_disk_id, "")
    share: ShareSource | None = read(share_source)
    access_modes: tuple[str, ...] = at("spec.accessModes", ())
    zones: tuple[str, ...] = read(_admitted_zones, ())
    driver: str = at("spec.csi.driver")
    message: str = at("status.message")
    attributes_class: str = at("spec.volumeAttributesClassName")
    by_hand: bool = read(_is_by_hand, False)
    provisioner: str = annotation("pv.kubernetes.io/migrated-to", "pv.kubernetes.io/provisioned-by")

    @property
    def nobody_deletes(self) -> bool:
        """Whether nothing would delete it and its disk, whatever its policy says."""
        return self.by_hand and not self.provisioner

    @property
    def is_left(self) -> bool:
        """Whether it and its disk stay once its claim is gone."""
        return self.reclaim_policy != "Delete" or self.nobody_deletes

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
    """A VolumeAttachment: that a volume is to be attached to a node, and whether it is."""

    node: str = at("spec.nodeName")
    volume: str = at("spec.source.persistentVolumeName")
    attached: bool = at("status.attached", False)
    lun: int | None = read(_noted_lun)
    attach_error: str = at("status.attachError.message")
    attach_error_at: datetime | None = time("status.attachError.time")
    detach_error: str = at("status.detachError.message")
    detach_error_at: datetime | None = time("status.detachError.time")
    driver: str = at("spec.attacher")


@dataclass(frozen=True, slots=True)
class Taint(Decoded):
    """A node's taint."""

    key: str = at("key")
    value: str = at("value")
    effect: str = at("effect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(Named):
    """A Kubernetes node; `with_drivers` adds what its CSINode says.

    `drivers` are those that the CSINode lists, None where none was read. `disk_slots` is the CSINode's allocatable
    count, else 2019's allocatable attachable-volumes-azure-disk; None where the driver does not say.
    """

    ready: bool = read(_is_ready, False)
    ready_reason: str = read(lambda raw: find(_condition(raw, "Ready"), "message reason", ""), "")
    ready_since: datetime | None = read(lambda raw: moment(find(_condition(raw, "Ready"), "lastTransitionTime")))
    schedulable: bool = read(lambda raw: not find(raw, "spec.unschedulable"), True)
    provider_id: str = at("spec.providerID")
    disk_zone: str = label(_DISK_ZONE)
    zone: str = label(*_ZONES[1:])
    drivers: tuple[str, ...] | None = None
    size: str = label("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
    disk_slots: int | None = read(_slots_of_2019)
    taints: tuple[Taint, ...] = _values("spec.taints", lambda: Taint)


@dataclass(frozen=True, slots=True, kw_only=True)
class CSINode(Named):
    """What the drivers on a node say of themselves; it has the node's name. `disk_slots` is the disk driver's count."""

    drivers: tuple[str, ...] = _names("spec.drivers")
    disk_slots: int | None = read(_disk_slots)


def with_drivers(nodes: Iterable[Node], csi_nodes: Iterable[CSINode]) -> tuple[Node, ...]:
    """The nodes with what their CSINodes say of drivers and disk slots."""
    said = {each.name: each for each in csi_nodes}
    return tuple(
        replace(node, drivers=csi.drivers, disk_slots=node.disk_slots if csi.disk_slots is None else csi.disk_slots)
        if (csi := said.get(node.name))
        else node
        for node in nodes
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState(Decoded):
    """What a container of a pod does now, and how it ended last; `init` of those that run before the others."""

    name: str = at("name")
    init: bool = at("init", False)
    ready: bool = at("ready", False)
    restarts: int = at("restartCount", 0)
    running: bool = read(lambda raw: find(raw, "state.running") is not None, False)
    reason: str = at("state.waiting.reason state.terminated.reason")
    message: str = at("state.waiting.message state.terminated.message")
    ended: str = at("lastState.terminated.reason")
    exit_code: int | None = at("state.terminated.exitCode lastState.terminated.exitCode", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod(Named):
    """A pod; `status` is kubectl's STATUS column, `claims` the claims that it mounts, `owner` `Kind/name`.

    `inline_shares` are the names of Azure Files' shares that it mounts without a claim.
    `grace` is the time in seconds that a pod which is deleted has to end.
    """

    status: str = read(_pod_status, "")
    ready: bool = read(_is_ready, False)
    containers: int = read(lambda raw: len(listed(raw, "spec.containers")), 0)
    containers_ready: int = read(lambda raw: sum(bool(each.get("ready")) for each in _containers(raw)), 0)
    restarts: int = read(lambda raw: sum(_restarts(each) for each in _containers(raw)), 0)
    node: str = at("spec.nodeName")
    claims: tuple[str, ...] = read(mounted_claims, ())
    inline_shares: tuple[str, ...] = read(mounted_shares, ())
    owner: str = read(owner_of, "")
    phase: str = at("status.phase", "Pending")
    container_states: tuple[ContainerState, ...] = read(_container_states, ())
    conditions: tuple[Condition, ...] = _values("status.conditions", lambda: Condition)
    gates: tuple[str, ...] = _names("spec.schedulingGates")
    fs_group: int | None = at("spec.securityContext.fsGroup", None)
    fs_group_policy: str = at("spec.securityContext.fsGroupChangePolicy", "Always")
    grace: int | None = at("metadata.deletionGracePeriodSeconds", None)

    @property
    def claim_keys(self) -> tuple[str, ...]:
        """The keys of the claims that it mounts, which stand in its own namespace."""
        return tuple(f"{self.namespace}/{name}" for name in self.claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeEvent(Named):
    """An event of either API; `kind` and `object` are what it is about, times are whole seconds or better.

    The scheduler's have eventTime instead of first and last, and no count.
    """

    type: str = at("type", "Normal")
    reason: str = at("reason")
    message: str = at("message note")
    component: str = at("reportingComponent source.component")
    kind: str = at("involvedObject.kind regarding.kind")
    object: str = at("involvedObject.name regarding.name")
    object_uid: str = at("involvedObject.uid regarding.uid")
    count: int = at("count series.count", 1)
    first: datetime | None = time("firstTimestamp eventTime metadata.creationTimestamp")
    last: datetime | None = time(
        "lastTimestamp series.lastObservedTime firstTimestamp eventTime metadata.creationTimestamp"
    )


@dataclass(frozen=True, slots=True)
class Change:
    """One watch event with the time it arrived, in seconds with milliseconds since the watch began (not scaled)."""

    at: float
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    kind: str
    value: Named

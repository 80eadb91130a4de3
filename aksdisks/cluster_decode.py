"""Kubernetes' raw JSON as the model's values; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aksdisks.model import Attachment, Claim, KubeEvent, Named, Node, Pod, StorageClass, Taint, Volume
from aksdisks.quantities import parse_time

K = TypeVar("K", bound=Named)
Raw = Mapping[str, Any]
DISK_DRIVERS = ("disk.csi.azure.com", "kubernetes.io/azure-disk")
_DISK_ZONE = "topology.disk.csi.azure.com/zone"
_ZONES = (_DISK_ZONE, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")

# Where a field stands in the raw object; of several places the first that is filled counts. Then what it is when none
# is: of the same type, so an empty tuple says that lists are meant.
_FIELDS: Mapping[type[Named], Mapping[str, tuple[str, Any]]] = {
    Named: {
        "name": ("metadata.name", ""),
        "namespace": ("metadata.namespace", ""),
        "uid": ("metadata.uid", ""),
        "labels": ("metadata.labels", {}),
        "finalizers": ("metadata.finalizers", ()),
    },
    Claim: {
        "phase": ("status.phase", "Pending"),
        "storage_class": ("spec.storageClassName", ""),
        "capacity": ("status.capacity.storage", ""),
        "volume": ("spec.volumeName", ""),
        "access_modes": ("spec.accessModes", ()),
    },
    # A volume is today's driver's or 2019's in-tree one's.
    Volume: {
        "phase": ("status.phase", "Pending"),
        "capacity": ("spec.capacity.storage", ""),
        "storage_class": ("spec.storageClassName", ""),
        "reclaim_policy": ("spec.persistentVolumeReclaimPolicy", "Retain"),
        "claim_namespace": ("spec.claimRef.namespace", ""),
        "claim_name": ("spec.claimRef.name", ""),
        "claim_uid": ("spec.claimRef.uid", ""),
        "disk_id": ("spec.csi.volumeHandle spec.azureDisk.diskURI", ""),
        "access_modes": ("spec.accessModes", ()),
    },
    Attachment: {
        "node": ("spec.nodeName", ""),
        "volume": ("spec.source.persistentVolumeName", ""),
        "attached": ("status.attached", False),
        "attach_error": ("status.attachError.message", ""),
    },
    Node: {"provider_id": ("spec.providerID", "")},
    Pod: {"node": ("spec.nodeName", "")},
    # As core/v1 shows an event, or as events.k8s.io does.
    KubeEvent: {
        "type": ("type", "Normal"),
        "reason": ("reason", ""),
        "message": ("message note", ""),
        "component": ("reportingComponent source.component", ""),
        "kind": ("involvedObject.kind regarding.kind", ""),
        "object": ("involvedObject.name regarding.name", ""),
        "object_uid": ("involvedObject.uid regarding.uid", ""),
        "count": ("count series.count", 1),
    },
    StorageClass: {
        "provisioner": ("provisioner", ""),
        "reclaim_policy": ("reclaimPolicy", "Delete"),
        "binding_mode": ("volumeBindingMode", "Immediate"),
    },
}


def volume(raw: Raw) -> Volume:
    """A PersistentVolume, with the zones that its node affinity admits."""
    terms = _at(raw, "spec.nodeAffinity.required.nodeSelectorTerms", ())
    rules = [rule for term in terms for rule in term.get("matchExpressions") or ()]
    zones = [
        value
        for rule in rules
        if rule.get("key") in _ZONES and rule.get("operator") == "In"
        for value in rule.get("values") or ()
    ]
    return _plain(Volume, raw, zones=tuple(dict.fromkeys(zones)))


def attachment(raw: Raw) -> Attachment:
    """A VolumeAttachment; the LUN is what the driver noted in its metadata."""
    lun = str(_at(raw, "status.attachmentMetadata.LUN", ""))
    return _plain(Attachment, raw, lun=int(lun) if lun.isdigit() else None)


def node(raw: Raw, csi_node: Raw | None = None) -> Node:
    """A Node; the disk slots are its CSINode's, else 2019's allocatable attachable-volumes-azure-disk."""
    labels, conditions = _at(raw, "metadata.labels", {}), _at(raw, "status.conditions", ())
    drivers = [driver for driver in _at(csi_node or {}, "spec.drivers", ()) if driver.get("name") in DISK_DRIVERS]
    counts = [(driver.get("allocatable") or {}).get("count") for driver in drivers]
    old = _at(raw, "status.allocatable", {}).get("attachable-volumes-azure-disk")
    return _plain(
        Node,
        raw,
        ready=any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions),
        schedulable=not _at(raw, "spec.unschedulable", False),
        disk_zone=labels.get(_DISK_ZONE, ""),
        size=labels.get("node.kubernetes.io/instance-type") or labels.get("beta.kubernetes.io/instance-type", ""),
        disk_slots=next((count for count in counts if count is not None), int(old) if old else None),
        taints=tuple(Taint(t["key"], t.get("value", ""), t["effect"]) for t in _at(raw, "spec.taints", ())),
    )


def pod(raw: Raw) -> Pod:
    """A Pod, with kubectl's STATUS in `status`."""
    conditions, containers = _at(raw, "status.conditions", ()), _at(raw, "status.containerStatuses", ())
    owner = next((o for o in _at(raw, "metadata.ownerReferences", ()) if o.get("controller")), None)
    claims = [_at(mounted, "persistentVolumeClaim.claimName", "") for mounted in _at(raw, "spec.volumes", ())]
    return _plain(
        Pod,
        raw,
        status=_pod_status(raw, containers),
        ready=any(c["type"] == "Ready" and c.get("status") == "True" for c in conditions),
        containers=len(_at(raw, "spec.containers", ())),
        containers_ready=sum(bool(c.get("ready")) for c in containers),
        restarts=sum(int(c.get("restartCount") or 0) for c in containers),
        claims=tuple(filter(None, claims)),
        owner=f"{owner['kind']}/{owner['name']}" if owner else "",
    )


def event(raw: Raw) -> KubeEvent:
    """An event of either API; the scheduler's have eventTime instead of first and last, and no count."""
    first = "firstTimestamp eventTime metadata.creationTimestamp"
    last = f"lastTimestamp series.lastObservedTime {first}"
    return _plain(KubeEvent, raw, first=parse_time(_at(raw, first, "")), last=parse_time(_at(raw, last, "")))


def storage_class(raw: Raw) -> StorageClass:
    """A StorageClass; the case of its parameters' names does not count."""
    parameters = {key.lower(): value for key, value in _at(raw, "parameters", {}).items()}
    return _plain(StorageClass, raw, sku=_at(parameters, "skuname storageaccounttype", ""))


DECODERS: Mapping[str, Callable[[Raw], Any]] = {
    "PersistentVolume": volume,
    "VolumeAttachment": attachment,
    "Node": node,
    "Pod": pod,
    "Event": event,
    "StorageClass": storage_class,
    "PersistentVolumeClaim": lambda raw: _plain(Claim, raw),
    # Of these only their name, labels and times matter.
    **dict.fromkeys(("Deployment", "StatefulSet", "Namespace", "ServiceAccount"), lambda raw: _plain(Named, raw)),
}


def _at(raw: Raw, places: str, default: Any) -> Any:
    """What stands at the first of the dotted places that is filled, else the default."""
    for place in places.split():
        value: Any = raw
        for part in place.split("."):
            value = (value or {}).get(part)
        if value:
            return value
    return default


def _plain(kind: type[K], raw: Raw, **more: Any) -> K:
    """A value of this kind with the fields that are only looked up, and `more`."""
    table = {**_FIELDS[Named], **_FIELDS[kind]}
    fields: dict[str, Any] = {name: _at(raw, places, default) for name, (places, default) in table.items()}
    for name, value in fields.items():
        fields[name] = tuple(value) if isinstance(value, list) else value
    fields["created"] = parse_time(_at(raw, "metadata.creationTimestamp", ""))
    fields["deleting"] = parse_time(_at(raw, "metadata.deletionTimestamp", ""))
    return kind(**fields, **more)


def _pod_status(raw: Raw, containers: Any) -> str:
    """kubectl's STATUS column: deletion first, then a container's reason, then the pod's."""
    if _at(raw, "metadata.deletionTimestamp", ""):
        return "Unknown" if _at(raw, "status.reason", "") == "NodeLost" else "Terminating"
    reasons = [_at(container, "state.waiting.reason state.terminated.reason", "") for container in reversed(containers)]
    return next(filter(None, reasons), "") or str(_at(raw, "status.reason status.phase", "Pending"))

"""Kubernetes' raw JSON as the model's values; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from aksdisks.model import DISK_DRIVERS, Attachment, Claim, KubeEvent, Named, Node, Pod, StorageClass, Taint, Volume
from aksdisks.quantities import parse_time

K = TypeVar("K", bound=Named)
Raw = Mapping[str, Any]
_DISK_ZONE = "topology.disk.csi.azure.com/zone"
_ZONES = (_DISK_ZONE, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")


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


def storage_class(raw: Raw) -> StorageClass:
    """A StorageClass; the case of its parameters' names does not count."""
    parameters = {key.lower(): value for key, value in _at(raw, "parameters", {}).items()}
    return _plain(StorageClass, raw, sku=_at(parameters, "skuname storageaccounttype", ""))


DECODERS: Mapping[str, Callable[[Raw], Any]] = {
    "PersistentVolume": volume,
    "VolumeAttachment": attachment,
    "Node": node,
    "Pod": pod,
    "StorageClass": storage_class,
    "PersistentVolumeClaim": lambda raw: _plain(Claim, raw),
    "Event": lambda raw: _plain(KubeEvent, raw),
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
    for each in fields(kind):
        if each.metadata:
            default = each.metadata["default"]
            value: Any = _at(raw, each.metadata["places"], default)
            value = tuple(value) if isinstance(value, list) else value
            more[each.name] = parse_time(value) if default is None else value
    return kind(**more)


def _pod_status(raw: Raw, containers: Any) -> str:
    """kubectl's STATUS column: deletion first, then a container's reason, then the pod's."""
    if _at(raw, "metadata.deletionTimestamp", ""):
        return "Unknown" if _at(raw, "status.reason", "") == "NodeLost" else "Terminating"
    reasons = [_at(container, "state.waiting.reason state.terminated.reason", "") for container in reversed(containers)]
    return next(filter(None, reasons), "") or str(_at(raw, "status.reason status.phase", "Pending"))

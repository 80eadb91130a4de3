"""Kubernetes' raw JSON as the model's values; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aksdisks.model import Attachment, Claim, KubeEvent, Named, Node, Pod, StorageClass, Taint, Volume
from aksdisks.quantities import parse_time

Raw = Mapping[str, Any]
DISK_DRIVERS = ("disk.csi.azure.com", "kubernetes.io/azure-disk")
_DISK_ZONE = "topology.disk.csi.azure.com/zone"
_ZONES = (_DISK_ZONE, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")


def claim(raw: Raw) -> Claim:
    """A PersistentVolumeClaim."""
    _, spec, status = _parts(raw)
    return Claim(
        **_named(raw),
        phase=status.get("phase", "Pending"),
        storage_class=spec.get("storageClassName") or "",
        requested=((spec.get("resources") or {}).get("requests") or {}).get("storage", ""),
        capacity=(status.get("capacity") or {}).get("storage", ""),
        volume=spec.get("volumeName") or "",
        access_modes=tuple(spec.get("accessModes") or ()),
    )


def volume(raw: Raw) -> Volume:
    """A PersistentVolume of today's driver or of 2019's in-tree one."""
    _, spec, status = _parts(raw)
    reference, csi, old = spec.get("claimRef") or {}, spec.get("csi") or {}, spec.get("azureDisk") or {}
    terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or []
    zones = [
        value
        for term in terms
        for rule in term.get("matchExpressions") or []
        if rule.get("key") in _ZONES and rule.get("operator") == "In"
        for value in rule.get("values") or []
    ]
    return Volume(
        **_named(raw),
        phase=status.get("phase", "Pending"),
        capacity=(spec.get("capacity") or {}).get("storage", ""),
        storage_class=spec.get("storageClassName") or "",
        reclaim_policy=spec.get("persistentVolumeReclaimPolicy") or "Retain",
        claim_namespace=reference.get("namespace", ""),
        claim_name=reference.get("name", ""),
        claim_uid=reference.get("uid", ""),
        disk_id=csi.get("volumeHandle") or old.get("diskURI") or "",
        access_modes=tuple(spec.get("accessModes") or ()),
        zones=tuple(dict.fromkeys(zones)),
    )


def attachment(raw: Raw) -> Attachment:
    """A VolumeAttachment; the LUN is what the driver noted in its metadata."""
    _, spec, status = _parts(raw)
    lun = str((status.get("attachmentMetadata") or {}).get("LUN", ""))
    return Attachment(
        **_named(raw),
        node=spec.get("nodeName", ""),
        volume=(spec.get("source") or {}).get("persistentVolumeName") or "",
        attached=bool(status.get("attached")),
        lun=int(lun) if lun.isdigit() else None,
        attach_error=(status.get("attachError") or {}).get("message", ""),
    )


def node(raw: Raw, csi_node: Raw | None = None) -> Node:
    """A Node; the disk slots are its CSINode's, else 2019's allocatable attachable-volumes-azure-disk."""
    meta, spec, status = _parts(raw)
    labels = meta.get("labels") or {}
    drivers = ((csi_node or {}).get("spec") or {}).get("drivers") or []
    counts = [(d.get("allocatable") or {}).get("count") for d in drivers if d.get("name") in DISK_DRIVERS]
    old = (status.get("allocatable") or {}).get("attachable-volumes-azure-disk")
    return Node(
        **_named(raw),
        ready=any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or []),
        schedulable=not spec.get("unschedulable", False),
        provider_id=spec.get("providerID") or "",
        zone=labels.get("topology.kubernetes.io/zone", ""),
        disk_zone=labels.get(_DISK_ZONE, ""),
        size=labels.get("node.kubernetes.io/instance-type") or labels.get("beta.kubernetes.io/instance-type", ""),
        kubelet=(status.get("nodeInfo") or {}).get("kubeletVersion", ""),
        disk_slots=next((count for count in counts if count is not None), int(old) if old else None),
        taints=tuple(Taint(t["key"], t.get("value", ""), t["effect"]) for t in spec.get("taints") or ()),
    )


def pod(raw: Raw) -> Pod:
    """A Pod, with kubectl's STATUS in `status`."""
    meta, spec, status = _parts(raw)
    conditions = {c["type"]: c for c in status.get("conditions") or []}
    containers = status.get("containerStatuses") or []
    owner = next((o for o in meta.get("ownerReferences") or [] if o.get("controller")), None)
    started = [((c.get("state") or {}).get("running") or {}).get("startedAt") for c in containers]
    claims = [(v.get("persistentVolumeClaim") or {}).get("claimName") for v in spec.get("volumes") or []]
    node_name = spec.get("nodeName") or ""
    return Pod(
        **_named(raw),
        phase=status.get("phase", "Pending"),
        status=_pod_status(meta, status, containers),
        ready=(conditions.get("Ready") or {}).get("status") == "True",
        containers=len(spec.get("containers") or ()),
        containers_ready=sum(bool(c.get("ready")) for c in containers),
        restarts=sum(int(c.get("restartCount") or 0) for c in containers),
        node=node_name,
        claims=tuple(name for name in claims if name),
        owner=f"{owner['kind']}/{owner['name']}" if owner else "",
        started=min((t for t in map(parse_time, started) if t), default=None),
        scheduled=parse_time((conditions.get("PodScheduled") or {}).get("lastTransitionTime")) if node_name else None,
    )


def event(raw: Raw) -> KubeEvent:
    """An event as core/v1 shows it; the scheduler's have eventTime instead of first and last, and no count."""
    meta, about = raw.get("metadata") or {}, raw.get("involvedObject") or raw.get("regarding") or {}
    series = raw.get("series") or {}
    first = parse_time(raw.get("firstTimestamp")) or parse_time(raw.get("eventTime"))
    first = first or parse_time(meta.get("creationTimestamp"))
    return KubeEvent(
        **_named(raw),
        type=raw.get("type") or "Normal",
        reason=raw.get("reason") or "",
        message=raw.get("message") or raw.get("note") or "",
        component=raw.get("reportingComponent") or (raw.get("source") or {}).get("component") or "",
        kind=about.get("kind", ""),
        object=about.get("name", ""),
        object_uid=about.get("uid", ""),
        count=int(raw.get("count") or series.get("count") or 1),
        first=first,
        last=parse_time(raw.get("lastTimestamp")) or parse_time(series.get("lastObservedTime")) or first,
    )


def storage_class(raw: Raw) -> StorageClass:
    """A StorageClass."""
    meta, parameters = raw.get("metadata") or {}, raw.get("parameters") or {}
    lower = {key.lower(): value for key, value in parameters.items()}
    annotations = meta.get("annotations") or {}
    return StorageClass(
        **_named(raw),
        provisioner=raw.get("provisioner", ""),
        sku=lower.get("skuname") or lower.get("storageaccounttype") or "",
        reclaim_policy=raw.get("reclaimPolicy") or "Delete",
        binding_mode=raw.get("volumeBindingMode") or "Immediate",
        is_default=annotations.get("storageclass.kubernetes.io/is-default-class") == "true",
    )


def named(raw: Raw) -> Named:
    """Any object, reduced to its name and times."""
    return Named(**_named(raw))


DECODERS: Mapping[str, Callable[[Raw], Any]] = {
    "PersistentVolumeClaim": claim,
    "PersistentVolume": volume,
    "VolumeAttachment": attachment,
    "Node": node,
    "Pod": pod,
    "Event": event,
    "StorageClass": storage_class,
    "Deployment": named,
    "StatefulSet": named,
    "Namespace": named,
    "ServiceAccount": named,
}


def _named(raw: Raw) -> dict[str, Any]:
    """The fields of `model.Named`."""
    meta = raw["metadata"]
    return {
        "name": meta["name"],
        "namespace": meta.get("namespace", ""),
        "uid": meta.get("uid", ""),
        "created": parse_time(meta.get("creationTimestamp")),
        "deleting": parse_time(meta.get("deletionTimestamp")),
        "labels": meta.get("labels") or {},
        "finalizers": tuple(meta.get("finalizers") or ()),
    }


def _parts(raw: Raw) -> tuple[Raw, Raw, Raw]:
    return raw.get("metadata") or {}, raw.get("spec") or {}, raw.get("status") or {}


def _pod_status(meta: Raw, status: Raw, containers: list[Raw]) -> str:
    """kubectl's STATUS column: deletion first, then a container's reason, then the pod's."""
    if meta.get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    for container in reversed(containers):
        state = container.get("state") or {}
        reason = (state.get("waiting") or {}).get("reason") or (state.get("terminated") or {}).get("reason")
        if reason:
            return str(reason)
    return str(status.get("reason") or status.get("phase") or "Pending")

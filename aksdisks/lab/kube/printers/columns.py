"""The cells of one object's row in a table, kind by kind (upstream: pkg/printers/internalversion/printers.go)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.printers.durations import age
from aksdisks.lab.kube.storage.event_views import from_events_v1

_NONE, _UNSET, _UNKNOWN = "<none>", "<unset>", "<unknown>"
_MODES = (
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
)


def claim(item: Object, now: datetime) -> Sequence[Any]:
    """Capacity and modes only once the claim has a volume."""
    spec, status = item["spec"], item.get("status", {})
    bound = spec.get("volumeName", "")
    return (
        item["metadata"]["name"],
        _phase(item),
        bound,
        status.get("capacity", {}).get("storage", "0") if bound else "",
        _modes(status.get("accessModes", ())) if bound else "",
        _class(item),
        spec.get("volumeAttributesClassName", _UNSET),
        age_of(item, now),
        spec.get("volumeMode", _UNSET),
    )


def volume(item: Object, now: datetime) -> Sequence[Any]:
    """A persistent volume; the claim as namespace/name."""
    spec = item["spec"]
    reference = spec.get("claimRef")
    return (
        item["metadata"]["name"],
        spec.get("capacity", {}).get("storage", "0"),
        _modes(spec.get("accessModes", ())),
        spec.get("persistentVolumeReclaimPolicy", ""),
        _phase(item),
        f"{reference.get('namespace', '')}/{reference.get('name', '')}" if reference else "",
        _class(item),
        spec.get("volumeAttributesClassName", _UNSET),
        item.get("status", {}).get("reason", ""),
        age_of(item, now),
        spec.get("volumeMode", _UNSET),
    )


def event(item: Object, now: datetime) -> Sequence[Any]:
    """Core view; times and source fall back to those of the events.k8s.io shape."""
    first = item.get("firstTimestamp") or item.get("eventTime")
    last = item.get("lastTimestamp") or first
    count = item.get("count") or 1
    if series := item.get("series"):
        last, count = series.get("lastObservedTime"), series.get("count", 0)
    target = item.get("involvedObject", {})
    kind, name = target.get("kind", "").lower(), target.get("name", "")
    source = item.get("source", {})
    component = source.get("component") or item.get("reportingComponent", "")
    host = source.get("host") or item.get("reportingInstance", "")
    return (
        age(last, now),
        item.get("type", ""),
        item.get("reason", ""),
        f"{kind}/{name}" if name else kind,
        target.get("fieldPath", ""),
        f"{component}, {host}" if host else component,
        item.get("message", "").strip(),
        age(first, now),
        count,
        item["metadata"]["name"],
    )


def event_v1(item: Object, now: datetime) -> Sequence[Any]:
    """The same event in its events.k8s.io shape."""
    return event(from_events_v1(item), now)


def deployment(item: Object, now: datetime) -> Sequence[Any]:
    """Ready of wanted, up to date, available."""
    spec, status = item["spec"], item.get("status", {})
    return (
        item["metadata"]["name"],
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age_of(item, now),
        *containers(item["spec"].get("template", {})),
        selector(spec.get("selector")),
    )


def replica_set(item: Object, now: datetime) -> Sequence[Any]:
    """Wanted, current and ready replicas."""
    spec, status = item["spec"], item.get("status", {})
    return (
        item["metadata"]["name"],
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age_of(item, now),
        *containers(item["spec"].get("template", {})),
        selector(spec.get("selector")),
    )


def stateful_set(item: Object, now: datetime) -> Sequence[Any]:
    """Ready of wanted."""
    ready = f"{item.get('status', {}).get('readyReplicas', 0)}/{item['spec'].get('replicas', 0)}"
    return (item["metadata"]["name"], ready, age_of(item, now), *containers(item["spec"].get("template", {})))


def controller_revision(item: Object, now: datetime) -> Sequence[Any]:
    """Its owner as kind.group/name."""
    owner = next((entry for entry in item["metadata"].get("ownerReferences", ()) if entry.get("controller")), None)
    name = _NONE
    if owner:
        group = owner["apiVersion"].rpartition("/")[0]
        name = f"{owner['kind'].lower()}{'.' if group else ''}{group}/{owner['name']}"
    return (item["metadata"]["name"], name, item.get("revision", 0), age_of(item, now))


def node(item: Object, now: datetime) -> Sequence[Any]:
    """Readiness, roles and what the machine runs."""
    info = item.get("status", {}).get("nodeInfo", {})
    ready = _condition(item, "Ready")
    state = {"True": "Ready", "": "Unknown"}.get(ready, "NotReady")
    if item.get("spec", {}).get("unschedulable"):
        state += ",SchedulingDisabled"
    kernel = info.get("kernelVersion") or _UNKNOWN
    architecture = info.get("architecture")
    return (
        item["metadata"]["name"],
        state,
        _roles(item["metadata"].get("labels", {})),
        age_of(item, now),
        info.get("kubeletVersion", ""),
        _address(item, "InternalIP"),
        _address(item, "ExternalIP"),
        info.get("osImage") or _UNKNOWN,
        f"{kernel} ({architecture})" if architecture else kernel,
        info.get("containerRuntimeVersion") or _UNKNOWN,
    )


def _roles(labels: Mapping[str, str]) -> str:
    prefix = "node-role.kubernetes.io/"
    roles = {key.removeprefix(prefix) for key in labels if key.startswith(prefix) and key != prefix}
    if labels.get("kubernetes.io/role"):
        roles.add(labels["kubernetes.io/role"])
    return ",".join(sorted(roles)) or _NONE


def _address(item: Object, kind: str) -> str:
    addresses = item.get("status", {}).get("addresses", ())
    return next((entry["address"] for entry in addresses if entry["type"] == kind), _NONE)


def namespace(item: Object, now: datetime) -> Sequence[Any]:
    """Its phase."""
    return (item["metadata"]["name"], item.get("status", {}).get("phase", ""), age_of(item, now))


def storage_class(item: Object, now: datetime) -> Sequence[Any]:
    """The default class is marked in its name."""
    metadata = item["metadata"]
    marks = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
    default = any(metadata.get("annotations", {}).get(mark) == "true" for mark in marks)
    return (
        metadata["name"] + (" (default)" if default else ""),
        item.get("provisioner", ""),
        item.get("reclaimPolicy", "Delete"),
        item.get("volumeBindingMode", "Immediate"),
        item.get("allowVolumeExpansion", False),
        age_of(item, now),
    )


def attachment(item: Object, now: datetime) -> Sequence[Any]:
    """A VolumeAttachment."""
    spec = item["spec"]
    return (
        item["metadata"]["name"],
        spec.get("attacher", ""),
        spec.get("source", {}).get("persistentVolumeName", ""),
        spec.get("nodeName", ""),
        item.get("status", {}).get("attached", False),
        age_of(item, now),
    )


def csi_node(item: Object, now: datetime) -> Sequence[Any]:
    """How many drivers the node has."""
    return (item["metadata"]["name"], len(item.get("spec", {}).get("drivers") or ()), age_of(item, now))


def csi_driver(item: Object, now: datetime) -> Sequence[Any]:
    """What the driver asks of the cluster."""
    spec = item["spec"]
    return (
        item["metadata"]["name"],
        spec.get("attachRequired", True),
        spec.get("podInfoOnMount", False),
        spec.get("storageCapacity", False),
        ",".join(token.get("audience", "") for token in spec.get("tokenRequests", ())) or _UNSET,
        spec.get("requiresRepublish", False),
        ",".join(spec.get("volumeLifecycleModes", ())) or _NONE,
        age_of(item, now),
    )


def config_map(item: Object, now: datetime) -> Sequence[Any]:
    """How many keys it holds."""
    keys = len(item.get("data") or ()) + len(item.get("binaryData") or ())
    return (item["metadata"]["name"], keys, age_of(item, now))


def secret(item: Object, now: datetime) -> Sequence[Any]:
    """Its type and how many keys it holds."""
    return (item["metadata"]["name"], item.get("type", ""), len(item.get("data") or ()), age_of(item, now))


def service(item: Object, now: datetime) -> Sequence[Any]:
    """Addresses, ports and the selector."""
    spec = item["spec"]
    ports = ",".join(
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', '')}"
        for port in spec.get("ports", ())
    )
    selector = ",".join(f"{key}={value}" for key, value in sorted((spec.get("selector") or {}).items()))
    return (
        item["metadata"]["name"],
        spec.get("type", ""),
        (spec.get("clusterIPs") or [spec.get("clusterIP") or _NONE])[0],
        _external(spec, item.get("status", {})),
        ports or _NONE,
        age_of(item, now),
        selector or _NONE,
    )


def _external(spec: Object, status: Object) -> str:
    kind, given = spec.get("type"), spec.get("externalIPs") or []
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    if kind == "LoadBalancer":
        ingress = status.get("loadBalancer", {}).get("ingress") or ()
        found = {entry.get("ip") or entry.get("hostname") or "" for entry in ingress} - {""}
        return ",".join([*sorted(found), *given]) or "<pending>"
    return (",".join(given) or _NONE) if kind in ("ClusterIP", "NodePort") else _UNKNOWN


def service_account(item: Object, now: datetime) -> Sequence[Any]:
    """How many secrets it names."""
    return (item["metadata"]["name"], len(item.get("secrets") or ()), age_of(item, now))


def lease(item: Object, now: datetime) -> Sequence[Any]:
    """Who holds it."""
    return (item["metadata"]["name"], item.get("spec", {}).get("holderIdentity", ""), age_of(item, now))


def other(item: Object, now: datetime) -> Sequence[Any]:  # noqa: ARG001 - the shape that all rows share
    """Any kind without columns of its own."""
    return (item["metadata"]["name"], item["metadata"].get("creationTimestamp", ""))


def age_of(item: Object, now: datetime) -> str:
    """How old an object is."""
    return age(item["metadata"].get("creationTimestamp"), now)


def _phase(item: Object) -> str:
    return "Terminating" if item["metadata"].get("deletionTimestamp") else str(item.get("status", {}).get("phase", ""))


def _class(item: Object) -> str:
    """The class of a claim or volume; the annotation goes before the field (pkg/apis/core/helper)."""
    old = item["metadata"].get("annotations", {}).get("volume.beta.kubernetes.io/storage-class")
    return str(item["spec"].get("storageClassName", "") if old is None else old)


def _modes(modes: Sequence[str]) -> str:
    return ",".join(short for mode, short in _MODES if mode in modes)


def containers(template: Object) -> tuple[str, str]:
    """Names and images of a pod template's containers."""
    found = template.get("spec", {}).get("containers", ())
    return ",".join(entry["name"] for entry in found), ",".join(entry.get("image", "") for entry in found)


def selector(selector: Object | None) -> str:
    """A label selector as text (apimachinery: FormatLabelSelector)."""
    if not selector:
        return _NONE
    terms = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    words = {"In": "in", "NotIn": "notin"}
    for entry in selector.get("matchExpressions") or ():
        key, operator = entry["key"], entry["operator"]
        if operator in words:
            terms.append((key, f"{key} {words[operator]} ({','.join(sorted(entry.get('values', ())))})"))
        else:
            terms.append((key, key if operator == "Exists" else f"!{key}"))
    return ",".join(text for _, text in sorted(terms)) or _NONE


def _conditions(item: Object) -> Sequence[Object]:
    return item.get("status", {}).get("conditions") or ()


def _condition(item: Object, kind: str) -> str:
    return next((str(entry.get("status", "")) for entry in _conditions(item) if entry["type"] == kind), "")

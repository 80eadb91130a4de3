"""Validation of the core group's small kinds: maps, namespaces, nodes, services, events, leases."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json

from aksdisks.lab.kube import names
from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators.causes import (
    duplicate,
    forbidden,
    formed,
    immutable,
    invalid,
    required,
    too_long,
    unsupported,
)
from aksdisks.lab.kube.validators.containers import port_errors, port_or_name
from aksdisks.lab.kube.validators.meta import labels
from aksdisks.lab.kube.validators.scheduling import taints

_MAX_BYTES = 1024 * 1024
_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_ACCOUNT = "kubernetes.io/service-account.name"
_SECRET_KEYS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def config_map(obj: Object) -> list[Cause]:
    """Keys, which stand in one of the two maps only, and the size of all."""
    data, binary = obj.get("data", {}), obj.get("binaryData", {})
    causes: list[Cause] = []
    for key in data:
        causes += formed(f"data[{key}]", key, names.config_key_errors)
        if key in binary:
            causes.append(invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
    for key in binary:
        causes += formed(f"binaryData[{key}]", key, names.config_key_errors)
    size = sum(len(value.encode()) for value in data.values()) + sum(_decoded(value) for value in binary.values())
    return [*causes, too_long("[]", _MAX_BYTES)] if size > _MAX_BYTES else causes


def secret(obj: Object) -> list[Cause]:
    """Keys, size, and what the type asks for."""
    data, kind = obj.get("data", {}), obj.get("type", "")
    causes: list[Cause] = []
    for key in data:
        causes += formed(f"data[{key}]", key, names.config_key_errors)
    if sum(_decoded(value) for value in data.values()) > _MAX_BYTES:
        causes.append(too_long("data", _MAX_BYTES))
    if kind == "kubernetes.io/service-account-token":
        if not obj["metadata"].get("annotations", {}).get(_ACCOUNT):
            causes.append(required(f"metadata.annotations[{_ACCOUNT}]"))
    elif kind == "kubernetes.io/basic-auth" and "username" not in data and "password" not in data:
        causes += [required("data[username]"), required("data[password]")]
    for key in _SECRET_KEYS.get(kind, ()):
        if key not in data:
            causes.append(required(f"data[{key}]"))
        elif key.startswith(".docker") and not _is_json(data[key]):
            causes.append(invalid(f"data[{key}]", "<secret contents redacted>", "unexpected end of JSON input"))
    return causes


def _is_json(encoded: str) -> bool:
    try:
        json.loads(base64.b64decode(encoded))
    except (ValueError, binascii.Error, RecursionError):
        return False
    return True


def _decoded(encoded: str) -> int:
    return len(encoded) * 3 // 4


def immutable_update(new: Object, old: Object) -> list[Cause]:
    """A changed ConfigMap or Secret: nothing changes once it is immutable; a Secret's type never does."""
    causes: list[Cause] = []
    if new["kind"] == "Secret":
        causes += immutable("type", new.get("type"), old.get("type"))
    if old.get("immutable"):
        why = "field is immutable when `immutable` is set"
        if not new.get("immutable"):
            causes.append(forbidden("immutable", why))
        causes += [forbidden(key, why) for key in ("data", "binaryData") if new.get(key) != old.get(key)]
    return causes + (secret(new) if new["kind"] == "Secret" else config_map(new))


def node(obj: Object) -> list[Cause]:
    """Taints."""
    return taints("spec.taints", obj.get("spec", {}).get("taints", ()))


def node_update(new: Object, old: Object) -> list[Cause]:
    """A changed node: what the cloud calls it is set once."""
    causes = node(new)
    before, after = old.get("spec", {}).get("providerID", ""), new.get("spec", {}).get("providerID", "")
    if before and before != after:
        why = 'node updates may not change providerID except from "" to valid'
        causes.append(forbidden("spec.providerID", why))
    return causes


def namespace_status_update(new: Object, old: Object) -> list[Cause]:  # noqa: ARG001 - the shape that all updates share
    """The phase says whether it is being deleted."""
    wanted = "Terminating" if "deletionTimestamp" in new["metadata"] else "Active"
    phase = new.get("status", {}).get("phase", "")
    if phase == wanted:
        return []
    emptiness = "is not empty" if wanted == "Terminating" else "is empty"
    return [invalid("status.Phase", phase, f"may only be '{wanted}' if `deletionTimestamp` {emptiness}")]


def service(obj: Object) -> list[Cause]:
    """Ports, addresses and the selector."""
    spec = obj.get("spec", {})
    kind, ports = spec.get("type", ""), spec.get("ports", [])
    headless = spec.get("clusterIP") == "None"
    causes: list[Cause] = []
    if not ports and not headless and kind != "ExternalName":
        causes.append(required("spec.ports"))
    if kind == "ExternalName":
        if spec.get("externalName"):
            causes += formed("spec.externalName", spec["externalName"].removesuffix("."), names.subdomain_errors)
        else:
            causes.append(required("spec.externalName"))
    seen: set[str] = set()
    for index, port in enumerate(ports):
        causes += _service_port(f"spec.ports[{index}]", port, seen, needs_name=len(ports) > 1)
    causes += labels("spec.selector", spec.get("selector", {}))
    if spec.get("sessionAffinity") not in ("ClientIP", "None"):
        causes.append(unsupported("spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None")))
    for index, address in enumerate(spec.get("clusterIPs", ())):
        if address not in ("", "None") and not _is_address(address):
            causes.append(invalid(f"spec.clusterIPs[{index}]", address, _ADDRESS))
    if kind not in _SERVICE_TYPES:
        causes.append(unsupported("spec.type", kind, _SERVICE_TYPES))
    taken: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        if kind == "ClusterIP" and port.get("nodePort"):
            why = "may not be used when `type` is 'ClusterIP'"
            causes.append(forbidden(f"spec.ports[{index}].nodePort", why))
        pair = (port.get("protocol", ""), port.get("port", 0))
        if pair in taken:
            shown = {
                "Name": "", "Protocol": pair[0], "AppProtocol": None, "Port": pair[1], "TargetPort": 0, "NodePort": 0,
            }  # fmt: skip
            causes.append(duplicate(f"spec.ports[{index}]", shown))
        taken.add(pair)
    return causes


def _service_port(at: str, port: Object, seen: set[str], *, needs_name: bool) -> list[Cause]:
    name, number = port.get("name", ""), port.get("port", 0)
    causes: list[Cause] = []
    if name:
        causes += formed(f"{at}.name", name, names.label_errors)
        causes += [duplicate(f"{at}.name", name)] if name in seen else []
        seen.add(name)
    elif needs_name:
        causes.append(required(f"{at}.name"))
    causes += [invalid(f"{at}.port", number, problem) for problem in port_errors(number)]
    if port.get("protocol") not in _PROTOCOLS:
        causes.append(unsupported(f"{at}.protocol", port.get("protocol"), _PROTOCOLS))
    return causes + port_or_name(f"{at}.targetPort", port.get("targetPort", number))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def service_update(new: Object, old: Object) -> list[Cause]:
    """A changed service: its address stays."""
    after, before = new["spec"], old["spec"]
    same = "ExternalName" not in (after.get("type"), before.get("type"))
    if same and before.get("clusterIP") and after.get("clusterIP") != before["clusterIP"]:
        shown = after.get("clusterIPs") or [after.get("clusterIP", "")]
        return [invalid("spec.clusterIPs[0]", shown, "may not change once set"), *service(new)]
    return service(new)


def event(obj: Object) -> list[Cause]:
    """An event's namespace is that of what it is about; cluster-wide objects' events are in `default`."""
    about = obj.get("involvedObject", {}).get("namespace", "")
    own = obj["metadata"].get("namespace", "")
    if about and about != own:
        return [invalid("involvedObject.namespace", about, "does not match event.namespace")]
    return []


def lease(obj: Object) -> list[Cause]:
    """Durations above zero, transitions not below."""
    spec = obj.get("spec", {})
    causes: list[Cause] = []
    if spec.get("leaseDurationSeconds") is not None and spec["leaseDurationSeconds"] <= 0:
        causes.append(invalid("spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0"))
    if spec.get("leaseTransitions") is not None and spec["leaseTransitions"] < 0:
        causes.append(invalid("spec.leaseTransitions", spec["leaseTransitions"], "must be greater than or equal to 0"))
    return causes


def lease_update(new: Object, old: Object) -> list[Cause]:  # noqa: ARG001 - the shape that all updates share
    """A changed lease."""
    return lease(new)


def revision_update(new: Object, old: Object) -> list[Cause]:
    """A changed ControllerRevision: what it remembers stays."""
    return revision(new) + immutable("data", new.get("data"), old.get("data"))


def revision(obj: Object) -> list[Cause]:
    """A new ControllerRevision."""
    causes = [] if obj.get("data") is not None else [required("data", "data is mandatory")]
    if obj.get("revision", 0) < 0:
        causes.append(invalid("revision", obj["revision"], "must be greater than or equal to 0"))
    return causes

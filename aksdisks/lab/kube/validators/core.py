"""Validation of small kinds: maps, secrets, namespaces, leases and revisions."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import (
    forbidden,
    formed,
    immutable,
    invalid,
    required,
    too_long,
)
from aksdisks.lab.kube.validators.meta import STANDARD_FINALIZERS

_MAX_BYTES = 1024 * 1024
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
        if key not in data or (key == "ssh-privatekey" and not data[key]):
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


def namespace(obj: Object) -> list[Cause]:
    """The finalizers of a namespace's spec."""
    return _finalizers("spec.finalizers", obj.get("spec", {}).get("finalizers", ()), indexed=False)


def namespace_finalize(new: Object, old: Object) -> list[Cause]:  # noqa: ARG001 - the shape that all updates share
    """The finalizers that are left."""
    return _finalizers("spec.finalizers", new.get("spec", {}).get("finalizers", ()), indexed=True)


def _finalizers(at: str, found: Iterable[str], *, indexed: bool) -> list[Cause]:
    causes: list[Cause] = []
    for index, name in enumerate(found):
        field = f"{at}[{index}]" if indexed else at
        causes += formed(field, name, names.qualified_name_errors)
        if "/" not in name and name not in STANDARD_FINALIZERS:
            why = "name is neither a standard finalizer name nor is it fully qualified"
            causes.append(invalid(field, name, why))
    return causes


def namespace_status_update(new: Object, old: Object) -> list[Cause]:  # noqa: ARG001 - the shape that all updates share
    """The phase says whether it is being deleted."""
    wanted = "Terminating" if "deletionTimestamp" in new["metadata"] else "Active"
    phase = new.get("status", {}).get("phase", "")
    if phase == wanted:
        return []
    emptiness = "is not empty" if wanted == "Terminating" else "is empty"
    return [invalid("status.Phase", phase, f"may only be '{wanted}' if `deletionTimestamp` {emptiness}")]


def lease(obj: Object) -> list[Cause]:
    """Durations above zero, transitions not below."""
    spec = obj.get("spec", {})
    causes: list[Cause] = []
    if spec.get("leaseDurationSeconds") is not None and spec["leaseDurationSeconds"] <= 0:
        causes.append(invalid("spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0"))
    if spec.get("leaseTransitions") is not None and spec["leaseTransitions"] < 0:
        causes.append(invalid("spec.leaseTransitions", spec["leaseTransitions"], "must be greater than or equal to 0"))
    strategy, holder = spec.get("strategy"), spec.get("preferredHolder")
    if holder and not strategy:
        causes.append(forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined"))
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

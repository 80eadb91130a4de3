"""Validation of claims and volumes."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.quantities import parse
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators import godiff
from aksdisks.lab.kube.validators.causes import forbidden, immutable, invalid, required, unsupported

_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_POLICIES = ("Delete", "Recycle", "Retain")
_VOLUME_MODES = ("Block", "Filesystem")
_POSITIVE = "must be greater than zero"
_IMMUTABLE = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


def claim(obj: Object) -> list[Cause]:
    """A new claim."""
    return claim_spec("spec", obj.get("spec", {}))


def claim_spec(at: str, spec: Object) -> list[Cause]:
    """A claim's spec below a field; also of claim templates."""
    causes = _modes(at, spec)
    size = spec.get("resources", {}).get("requests", {}).get("storage")
    if size is None:
        causes.append(required(f"{at}.resources[storage]"))
    elif parse(size) <= 0:
        causes.append(invalid(f"{at}.resources[storage]", size, _POSITIVE))
    return causes


def claim_update(new: Object, old: Object) -> list[Cause]:
    """A changed claim: only a bound claim may grow, nothing may shrink, the rest of the spec stays.

    Binding it (volumeName set once) is allowed, as is a class for a claim that never had one.
    """
    causes = claim_spec("spec", new["spec"])
    allowed = dict(old["spec"])
    if not allowed.get("volumeName") and new["spec"].get("volumeName"):
        allowed["volumeName"] = new["spec"]["volumeName"]
    if "storageClassName" not in allowed and "storageClassName" in new["spec"]:
        allowed["storageClassName"] = new["spec"]["storageClassName"]
    was, now = _size(old), _size(new)
    bound = old.get("status", {}).get("phase") == "Bound"
    if bound:
        allowed["resources"] = new["spec"].get("resources", {})
        if "volumeAttributesClassName" in new["spec"]:
            allowed["volumeAttributesClassName"] = new["spec"]["volumeAttributesClassName"]
    if allowed != new["spec"]:
        change = godiff.between(godiff.claim_spec(allowed), godiff.claim_spec(new["spec"]))
        causes.append(forbidden("spec", f"{_IMMUTABLE}\n{change}"))
    if bound and was and now and parse(now) < parse(was):
        capacity = old.get("status", {}).get("capacity", {}).get("storage", was)
        if parse(now) <= parse(capacity):
            why = "field can not be less than status.capacity"
        else:
            why = "field can not be less than previous value"
        causes.append(forbidden("spec.resources.requests.storage", why))
    return causes


def volume(obj: Object) -> list[Cause]:
    """A new volume."""
    spec = obj.get("spec", {})
    causes = _modes("spec", spec)
    capacity = spec.get("capacity", {})
    if not capacity:
        causes.append(required("spec.capacity"))
    elif "storage" not in capacity:
        causes.append(unsupported("spec.capacity", ",".join(capacity), ("storage",)))
    elif parse(capacity["storage"]) <= 0:
        causes.append(invalid("spec.capacity[storage]", capacity["storage"], _POSITIVE))
    if spec.get("persistentVolumeReclaimPolicy") not in _POLICIES:
        policy = spec.get("persistentVolumeReclaimPolicy")
        causes.append(unsupported("spec.persistentVolumeReclaimPolicy", policy, _POLICIES))
    sources = _sources(spec)
    if not sources:
        causes.append(required("spec", "must specify a volume type"))
    causes += [forbidden(f"spec.{key}", "may not specify more than 1 volume type") for key in list(sources)[1:]]
    csi = spec.get("csi")
    if csi is not None:
        causes += [required(f"spec.csi.{key}") for key in ("driver", "volumeHandle") if not csi.get(key)]
    return causes


def volume_update(new: Object, old: Object) -> list[Cause]:
    """A changed volume: its source, mode and node affinity stay."""
    causes = volume(new)
    if _sources(new["spec"]) != _sources(old["spec"]):
        causes.append(
            forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")
        )
    causes += immutable("spec.volumeMode", new["spec"].get("volumeMode"), old["spec"].get("volumeMode"))
    before = old["spec"].get("nodeAffinity")
    if before is not None:
        causes += immutable("spec.nodeAffinity", new["spec"].get("nodeAffinity"), before)
    return causes


_NOT_SOURCES = frozenset(
    [
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ]
)


def _sources(spec: Object) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in _NOT_SOURCES}


def _size(obj: Object) -> str:
    return str(obj["spec"].get("resources", {}).get("requests", {}).get("storage", ""))


def _modes(at: str, spec: Object) -> list[Cause]:
    modes = spec.get("accessModes") or []
    causes = [] if modes else [required(f"{at}.accessModes", "at least 1 access mode is required")]
    causes += [unsupported(f"{at}.accessModes", mode, _MODES) for mode in modes if mode not in _MODES]
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        why = "may not use ReadWriteOncePod with other access modes"
        causes.append(forbidden(f"{at}.accessModes", why))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in _VOLUME_MODES:
        causes.append(unsupported(f"{at}.volumeMode", mode, _VOLUME_MODES))
    return causes

"""Validation of persistent volumes (pkg/apis/core/validation)."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.kube import names
from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.quantities import parse
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators import godiff, podvolumes
from aksdisks.lab.kube.validators.causes import (
    NOT_NEGATIVE,
    forbidden,
    formed,
    immutable,
    invalid,
    required,
    unsupported,
)
from aksdisks.lab.kube.validators.claims import POSITIVE, VOLUME_MODES, access_modes
from aksdisks.lab.kube.validators.scheduling import node_selector

_POLICIES = ("Delete", "Recycle", "Retain")
_NOT_SOURCES = frozenset(
    (
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
        "storageClassName", "volumeAttributesClassName", "volumeMode",
    )
)  # fmt: skip


def volume(obj: Object) -> list[Cause]:
    """A new volume."""
    spec = obj.get("spec", {})
    causes = [] if spec.get("accessModes") else [required("spec.accessModes")]
    causes += access_modes("spec", spec) + _capacity(spec.get("capacity", {}))
    policy = spec.get("persistentVolumeReclaimPolicy")
    if policy and policy not in _POLICIES:
        causes.append(unsupported("spec.persistentVolumeReclaimPolicy", policy, _POLICIES))
    affinity = spec.get("nodeAffinity")
    if affinity is not None:
        if "required" not in affinity:
            causes.append(required("spec.nodeAffinity.required", "must specify required node constraints"))
        else:
            causes += node_selector("spec.nodeAffinity.required", affinity["required"])
    causes += _source(spec)
    if spec.get("storageClassName"):
        causes += formed("spec.storageClassName", spec["storageClassName"], names.subdomain_errors)
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        causes.append(unsupported("spec.volumeMode", mode, VOLUME_MODES))
    return causes


def _capacity(capacity: Object) -> list[Cause]:
    causes = [] if capacity else [required("spec.capacity")]
    if set(capacity) != {"storage"}:
        causes.append(unsupported("spec.capacity", capacity or None, ("storage",)))
    for name, value in capacity.items():
        if parse(value) < 0:
            causes.append(invalid(f"spec.capacity[{name}]", value, NOT_NEGATIVE))
        if parse(value) <= 0:
            causes.append(invalid(f"spec.capacity[{name}]", value, POSITIVE))
    return causes


def _source(spec: Object) -> list[Cause]:
    sources = list(_sources(spec))
    if not sources:
        return [required("spec", "must specify a volume type")]
    causes = [forbidden(f"spec.{key}", "may not specify more than 1 volume type") for key in sources[1:]]
    kind = sources[0]
    found, at = spec[kind], f"spec.{kind}"
    if kind == "csi":
        causes += [required(f"{at}.{key}") for key in ("driver", "volumeHandle") if not found.get(key)]
        if found.get("driver"):
            causes += driver_name(f"{at}.driver", found["driver"])
    elif kind == "hostPath":
        causes += podvolumes.host_path(at, found)
        recycled = spec.get("persistentVolumeReclaimPolicy") == "Recycle"
        if recycled and found.get("path", "").strip("/") == "" and found.get("path"):
            why = "may not be 'recycle' for a hostPath mount of '/'"
            causes.append(forbidden("spec.persistentVolumeReclaimPolicy", why))
    elif kind == "nfs":
        causes += [required(f"{at}.{key}") for key in ("server", "path") if not found.get(key)]
    elif kind == "azureDisk":
        causes += podvolumes.azure_disk(at, found)
    elif kind == "local":
        causes += [] if found.get("path") else [required(f"{at}.path")]
        if "nodeAffinity" not in spec:
            causes.append(required("spec.nodeAffinity", "Local volume requires node affinity"))
    return causes


def driver_name(field: str, name: str) -> list[Cause]:
    """The name of a CSI driver: 63 bytes, a subdomain but for its case."""
    if not name:
        return [required(field)]
    causes: list[Cause] = []
    if len(name) > 63:
        causes.append(Cause(field, "FieldValueTooLong", "Too long: may not be more than 63 bytes"))
    return causes + [invalid(field, name, problem) for problem in names.subdomain_errors(name.lower())]


def volume_update(new: Object, old: Object) -> list[Cause]:
    """A changed volume: its source, mode and node affinity stay."""
    causes = volume(new)
    after, before = new["spec"], old["spec"]
    if _sources(after) != _sources(before):
        change = godiff.between(godiff.volume_source(before), godiff.volume_source(after))
        why = f"spec.persistentvolumesource is immutable after creation\n{change}"
        causes.append(forbidden("spec.persistentvolumesource", why))
    causes += immutable("volumeMode", after.get("volumeMode"), before.get("volumeMode"))
    if before.get("nodeAffinity") is not None and after.get("nodeAffinity") != before["nodeAffinity"]:
        why = "field is immutable, except for updating from beta label to GA"
        causes.append(invalid("nodeAffinity", after.get("nodeAffinity"), why))
    return causes


def _sources(spec: Object) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in _NOT_SOURCES}

"""Validation of claims (pkg/apis/core/validation)."""

from __future__ import annotations

import math

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.quantities import parse
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators import godiff
from aksdisks.lab.kube.validators.causes import Struct, forbidden, formed, immutable, invalid, required, unsupported
from aksdisks.lab.kube.validators.meta import label_selector

MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
POSITIVE = "must be greater than zero"
_IMMUTABLE = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


def claim(obj: Object) -> list[Cause]:
    """A new claim."""
    return claim_spec("spec", obj.get("spec", {}))


def claim_spec(at: str, spec: Object) -> list[Cause]:
    """A claim's spec below a field; also of claim templates."""
    causes = [] if spec.get("accessModes") else [required(f"{at}.accessModes", "at least 1 access mode is required")]
    causes += label_selector(f"{at}.selector", spec.get("selector"))
    causes += access_modes(at, spec)
    size = spec.get("resources", {}).get("requests", {}).get("storage")
    if size is None:
        causes.append(required(f"{at}.resources[storage]"))
    elif parse(size) <= 0:
        causes.append(invalid(f"{at}.resources[storage]", size, POSITIVE))
    if spec.get("storageClassName"):
        causes += formed(f"{at}.storageClassName", spec["storageClassName"], names.subdomain_errors)
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        causes.append(unsupported(f"{at}.volumeMode", mode, VOLUME_MODES))
    for key in ("dataSource", "dataSourceRef"):
        if key in spec:
            causes += _data_source(f"{at}.{key}", spec[key])
    causes += _data_sources_agree(at, spec)
    if spec.get("volumeAttributesClassName"):
        causes += formed(f"{at}.volumeAttributesClassName", spec["volumeAttributesClassName"], names.subdomain_errors)
    return causes


def access_modes(at: str, spec: Object) -> list[Cause]:
    """The modes that are given."""
    modes = spec.get("accessModes") or []
    causes = [unsupported(f"{at}.accessModes", mode, MODES) for mode in modes if mode not in MODES]
    if "ReadWriteOncePod" in modes and any(mode in MODES and mode != "ReadWriteOncePod" for mode in modes):
        causes.append(forbidden(f"{at}.accessModes", "may not use ReadWriteOncePod with other access modes"))
    return causes


def _data_source(at: str, source: Object) -> list[Cause]:
    causes = [required(f"{at}.{key}") for key in ("name", "kind") if not source.get(key)]
    group, kind = source.get("apiGroup", ""), source.get("kind", "")
    if not group and kind != "PersistentVolumeClaim":
        why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        causes.append(invalid(at, kind, why))
    causes += formed(f"{at}.apiGroup", group, names.subdomain_errors) if group else []
    space = source.get("namespace", "")
    return causes + (formed(f"{at}.namespace", space, names.label_errors) if space else [])


def _data_sources_agree(at: str, spec: Object) -> list[Cause]:
    if "dataSource" not in spec or "dataSourceRef" not in spec:
        return []
    source, reference = spec["dataSource"], spec["dataSourceRef"]
    if reference.get("namespace"):
        return [invalid(at, Struct(), "may not be specified when dataSourceRef.namespace is specified")]
    same = all(source.get(key) == reference.get(key) for key in ("apiGroup", "kind", "name"))
    # Upstream shows the path where the value should be: a struct without exported fields.
    return [] if same else [invalid(at, Struct(), "must match dataSourceRef")]


def basic_resource(field: str, value: str) -> list[Cause]:
    """A quantity not below zero, shown as its whole number."""
    number = math.ceil(parse(value))
    return [invalid(field, number, "must be a valid resource quantity")] if number < 0 else []


def claim_update(new: Object, old: Object) -> list[Cause]:
    """A changed claim: only a bound claim may grow, nothing may shrink, the rest of the spec stays.

    Binding it (volumeName set once) is allowed, as is a class for a claim that never had one.
    """
    after, before = dict(new["spec"]), dict(old["spec"])
    causes = claim_spec("spec", after)
    if not before.get("volumeName") and after.get("volumeName"):
        before["volumeName"] = after["volumeName"]
    causes += _class_update(new, old, after)
    was, now = (one["spec"].get("resources", {}).get("requests", {}).get("storage", "") for one in (old, new))
    if old.get("status", {}).get("phase") == "Bound":
        resources = after.get("resources", {})
        if resources.get("requests") and was:
            after["resources"] = {**resources, "requests": {**resources["requests"], "storage": was}}
        if "volumeAttributesClassName" in after:
            _as_before(after, before, "volumeAttributesClassName")
    if before != after:
        change = godiff.between(godiff.claim_spec(before), godiff.claim_spec(after))
        causes.append(forbidden("spec", f"{_IMMUTABLE}\n{change}"))
    if was and parse(now or "0") < parse(was):
        capacity = old.get("status", {}).get("capacity", {}).get("storage", "0")
        # A claim may be taken back to any size above what it has, after an expansion that failed.
        if parse(now or "0") <= parse(capacity):
            causes.append(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"))
    causes += immutable("volumeMode", new["spec"].get("volumeMode"), old["spec"].get("volumeMode"))
    if old["spec"].get("volumeAttributesClassName") is not None and not new["spec"].get("volumeAttributesClassName"):
        kind = "an empty string" if "volumeAttributesClassName" in new["spec"] else "nil"
        if kind == "nil" or old["spec"]["volumeAttributesClassName"]:
            why = f"update from non-nil value to {kind} is forbidden"
            causes.append(forbidden("spec.volumeAttributesClassName", why))
    return causes


def _as_before(after: Object, before: Object, key: str) -> None:
    if key in before:
        after[key] = before[key]
    else:
        after.pop(key, None)


def _class_update(new: Object, old: Object, after: Object) -> list[Cause]:
    """A class is given once, by the field; the annotation of old may be taken over. Changes `after` if that is all."""
    was, now = (one["metadata"].get("annotations", {}).get(_BETA_CLASS) for one in (old, new))
    given = None if "storageClassName" in old["spec"] else new["spec"].get("storageClassName")
    if was is not None and given == was and now in (None, was):
        after.pop("storageClassName", None)
        return []
    if given is not None and was in (None, given):
        after.pop("storageClassName", None)
    if (was or "") == (now or ""):
        return []
    return [invalid(f"metadata.annotations.{_BETA_CLASS}", now or "", "field is immutable")]


_RESIZING = (
    "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible",
    "NodeResizePending",
)  # fmt: skip


def claim_status_update(new: Object, old: Object) -> list[Cause]:  # noqa: ARG001 - the shape that all updates share
    """What a claim has, and how far its growing has come."""
    status = new.get("status", {})
    causes: list[Cause] = []
    for name, value in status.get("capacity", {}).items():
        causes += basic_resource(f"status.capacity[{name}]", value)
    for name, state in status.get("allocatedResourceStatuses", {}).items():
        causes += _resource_key("status.allocatedResourceStatus", name)
        if state not in _RESIZING:
            causes.append(unsupported("status.allocatedResourceStatus", name, sorted(_RESIZING)))
    for name, value in status.get("allocatedResources", {}).items():
        problems = _resource_key("status.allocatedResources", name)
        causes += problems or basic_resource(f"status.allocatedResources[{name}]", value)
    return causes


def _resource_key(field: str, name: str) -> list[Cause]:
    causes = formed(field, name, names.qualified_name_errors)
    if not causes and ("/" not in name or "kubernetes.io/" in name) and name != "storage":
        causes.append(unsupported(field, name, ("storage",)))
    return causes

"""Validation of claims (pkg/apis/core/validation)."""

from __future__ import annotations

from aksdisks.lab.kube import names
from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.quantities import parse
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators import godiff
from aksdisks.lab.kube.validators.causes import forbidden, formed, immutable, invalid, required, unsupported
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
    return causes + (formed(f"{at}.apiGroup", group, names.subdomain_errors) if group else [])


def claim_update(new: Object, old: Object) -> list[Cause]:
    """A changed claim: only a bound claim may grow, nothing may shrink, the rest of the spec stays.

    Binding it (volumeName set once) is allowed, as is a class for a claim that never had one.
    """
    after, before = new["spec"], old["spec"]
    causes = claim_spec("spec", after)
    was_class, now_class = (one["metadata"].get("annotations", {}).get(_BETA_CLASS, "") for one in (old, new))
    if was_class != now_class:
        causes.append(invalid(f"metadata.annotations[{_BETA_CLASS}]", now_class, "field is immutable"))
    allowed = dict(before)
    if not allowed.get("volumeName") and after.get("volumeName"):
        allowed["volumeName"] = after["volumeName"]
    if "storageClassName" not in allowed and "storageClassName" in after:
        allowed["storageClassName"] = after["storageClassName"]
    was, now = (spec.get("resources", {}).get("requests", {}).get("storage", "") for spec in (before, after))
    if old.get("status", {}).get("phase") == "Bound":
        if now:
            resources = after.get("resources", {})
            requests = {**before.get("resources", {}).get("requests", {}), "storage": now}
            allowed["resources"] = {**before.get("resources", {}), "requests": requests}
            if requests == resources.get("requests"):  # in the order that the client wrote
                allowed["resources"]["requests"] = resources["requests"]
        if "volumeAttributesClassName" in after:
            allowed["volumeAttributesClassName"] = after["volumeAttributesClassName"]
    if allowed != after:
        change = godiff.between(godiff.claim_spec(allowed), godiff.claim_spec(after))
        causes.append(forbidden("spec", f"{_IMMUTABLE}\n{change}"))
    if was and now and parse(now) < parse(was):
        capacity = old.get("status", {}).get("capacity", {}).get("storage", "0")
        # A claim may be taken back to any size above what it has, after an expansion that failed.
        if parse(now) <= parse(capacity):
            causes.append(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"))
    causes += immutable("volumeMode", after.get("volumeMode"), before.get("volumeMode"))
    if before.get("volumeAttributesClassName") and not after.get("volumeAttributesClassName"):
        kind = "an empty string" if "volumeAttributesClassName" in after else "nil"
        causes.append(forbidden("spec.volumeAttributesClassName", f"update from non-nil value to {kind} is forbidden"))
    return causes

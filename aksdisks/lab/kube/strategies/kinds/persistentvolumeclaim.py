"""Claims (pkg/registry/core/persistentvolumeclaim, pkg/apis/core/validation)."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.admission import plugins
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.quantities import parse
from aksdisks.lab.kube.schema.resource import Resource, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import (
    forbidden,
    immutable,
    invalid,
    required,
    unsupported,
)
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.labels import BETA_CLASS, OLD_CLASS
from aksdisks.lab.kube.strategies.metadata import label_selector
from aksdisks.lab.kube.strategies.rules import Rule, below, enumeration, form, fractions, nested
from aksdisks.lab.kube.strategies.rules import required as must
from aksdisks.lab.kube.strategies.strategy import Strategy

MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
POSITIVE = "must be greater than zero"
_IMMUTABLE = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
_LEGACY = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))


DEFAULTS = (default("", spec={}), default("spec", volumeMode="Filesystem"))
"""Of claims and of the templates of claims."""


def _prepare(new: Object, old: Object | None) -> None:
    """Both forms of a source say the same, and what the older form never took is left out.

    A source in another namespace needs a feature gate that is off by default (pkg/api/persistentvolumeclaim/util.go).
    """
    spec, before = new["spec"], (old or {}).get("spec", {})
    if spec.get("dataSourceRef", {}).get("namespace") and "dataSourceRef" not in before:
        del spec["dataSourceRef"]
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is None:
        if "dataSource" not in before and (source.get("apiGroup") or "", source.get("kind")) not in _LEGACY:
            del spec["dataSource"]
        else:
            spec["dataSourceRef"] = dict(source)
    elif reference is not None and source is None and not reference.get("namespace"):
        spec["dataSource"] = dict(reference)


def access_modes(at: str, spec: Object) -> list[Cause]:
    """The modes that are given; also of volumes."""
    modes, field = spec.get("accessModes") or [], below(at, "accessModes")
    causes = [unsupported(field, mode, MODES) for mode in modes if mode not in MODES]
    if "ReadWriteOncePod" in modes and any(mode in MODES and mode != "ReadWriteOncePod" for mode in modes):
        causes.append(forbidden(field, "may not use ReadWriteOncePod with other access modes"))
    return causes


def _size(at: str, spec: Object) -> list[Cause]:
    field, size = below(at, "resources[storage]"), spec.get("resources", {}).get("requests", {}).get("storage")
    if size is None:
        return [required(field)]
    return [invalid(field, size, POSITIVE)] if parse(size) <= 0 else []


def _default_group(at: str, source: Object) -> list[Cause]:
    kind = source.get("kind", "")
    if source.get("apiGroup") or kind == "PersistentVolumeClaim":
        return []
    return [invalid(at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")]


def _sources_agree(at: str, spec: Object) -> list[Cause]:
    if "dataSource" not in spec or "dataSourceRef" not in spec:
        return []
    source, reference = spec["dataSource"], spec["dataSourceRef"]
    if reference.get("namespace"):
        return [invalid(at, {}, "may not be specified when dataSourceRef.namespace is specified")]
    same = all(source.get(key) == reference.get(key) for key in ("apiGroup", "kind", "name"))
    # Upstream shows the path where the value should be: a struct without exported fields.
    return [] if same else [invalid(at, {}, "must match dataSourceRef")]


_DATA_SOURCE = (
    must("name"),
    must("kind"),
    _default_group,
    form("apiGroup", names.subdomain_errors),
    form("namespace", names.label_errors),
)
CLAIM_SPEC = (
    must("accessModes", "at least 1 access mode is required"),
    Rule("selector", label_selector),
    access_modes,
    _size,
    form("storageClassName", names.subdomain_errors),
    enumeration("volumeMode", *VOLUME_MODES),
    nested("dataSource", _DATA_SOURCE),
    nested("dataSourceRef", _DATA_SOURCE),
    _sources_agree,
    form("volumeAttributesClassName", names.subdomain_errors),
)
"""Of claims and of the templates of claims."""


def whole_quantity(field: str, value: str) -> list[Cause]:
    """A quantity not below zero, shown as its whole number."""
    number = math.ceil(parse(value))
    return [invalid(field, number, "must be a valid resource quantity")] if number < 0 else []


def _changes(new: Object, old: Object) -> list[Cause]:
    """Only a bound claim may grow, nothing may shrink, the rest of the spec stays.

    Binding it (volumeName set once) is allowed, as is a class for a claim that never had one.
    """
    after, before = dict(new["spec"]), dict(old["spec"])
    if not before.get("volumeName") and after.get("volumeName"):
        before["volumeName"] = after["volumeName"]
    if "storageClassName" not in before:
        after.pop("storageClassName", None)
    causes: list[Cause] = []
    was, now = (one["spec"].get("resources", {}).get("requests", {}).get("storage", "") for one in (old, new))
    if old.get("status", {}).get("phase") == "Bound":
        resources = after.get("resources", {})
        if resources.get("requests") and was:
            after["resources"] = {**resources, "requests": {**resources["requests"], "storage": was}}
        after.pop("volumeAttributesClassName", None)
        if "volumeAttributesClassName" in before:
            after["volumeAttributesClassName"] = before["volumeAttributesClassName"]
    if before != after:
        causes.append(forbidden("spec", f"{_IMMUTABLE}\n{_difference(before, after)}"))
    if was and parse(now or "0") < parse(was):
        capacity = old.get("status", {}).get("capacity", {}).get("storage", "0")
        # A claim may be taken back to any size above what it has, after an expansion that failed.
        if parse(now or "0") <= parse(capacity):
            causes.append(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"))
    causes += immutable("volumeMode", new["spec"].get("volumeMode"), old["spec"].get("volumeMode"))
    attributes, had = new["spec"].get("volumeAttributesClassName"), old["spec"].get("volumeAttributesClassName")
    # A class that was never applied may be taken back.
    if not attributes and attributes != had and "currentVolumeAttributesClassName" in old.get("status", {}):
        kind = "nil" if attributes is None else "empty string"
        why = f"update to {kind} is forbidden when status.currentVolumeAttributesClassName is not nil"
        causes.append(forbidden("spec.volumeAttributesClassName", why))
    return causes


_SHOWN = (
    "AccessModes", "Selector", "Resources", "VolumeName", "StorageClassName", "VolumeMode", "DataSource",
    "DataSourceRef", "VolumeAttributesClassName",
)  # fmt: skip


def _difference(old: Object, new: Object) -> str:
    """The changed lines with three around them, of the Go structs as indented JSON, as upstream shows them."""

    def lines(spec: Object) -> list[str]:
        shown: dict[str, Any] = {name: spec.get(name[0].lower() + name[1:]) for name in _SHOWN}
        shown["VolumeName"] = shown["VolumeName"] or ""
        resources = spec.get("resources", {})
        shown["Resources"] = {"Limits": resources.get("limits"), "Requests": resources.get("requests")}
        return json.dumps(shown, indent=1).split("\n")

    changed = list(difflib.unified_diff(lines(old), lines(new), n=3, lineterm=""))
    return "".join(f"{line}\n" for line in changed[2:])


def _status_changes(new: Object, old: Object) -> list[Cause]:
    """What a claim has is not below zero."""
    del old
    capacity = new.get("status", {}).get("capacity", {})
    return [cause for name, value in capacity.items() for cause in whole_quantity(f"status.capacity[{name}]", value)]


def spec_warnings(at: str, spec: Object) -> Iterator[str]:
    """Of claims and of the templates of claims."""
    for kind in ("requests", "limits"):
        yield from fractions(f"{at}.resources.{kind}", spec.get("resources", {}).get(kind, {}), ("storage",))


def _warnings(new: Object, old: Object | None) -> Iterator[str]:
    del old
    if BETA_CLASS in new["metadata"].get("annotations", {}):
        yield f"metadata.annotations[{BETA_CLASS}]: {OLD_CLASS}"
    yield from spec_warnings("spec", new["spec"])


def _when_bound(show: Callable[[Object], str]) -> Callable[[Object], str]:
    """Capacity and modes are shown only once the claim has a volume."""
    return lambda item: show(item) if item["spec"].get("volumeName") else ""


_PERSISTENTVOLUMECLAIMS_COLUMNS = (
    columns.NAME,
    column("Status", columns.phase),
    column("Volume", "spec.volumeName"),
    column("Capacity", _when_bound(lambda item: str(find(item, "status.capacity.storage", "0")))),
    column("Access Modes", _when_bound(lambda item: columns.modes(find(item, "status.accessModes", ())))),
    column("StorageClass", columns.class_of),
    column("VolumeAttributesClass", "spec.volumeAttributesClassName", columns.UNSET),
    columns.AGE,
    column("VolumeMode*", "spec.volumeMode", columns.UNSET),
)
STRATEGIES = (
    Strategy(
        Resource(
            "persistentvolumeclaims",
            "PersistentVolumeClaim",
            short_names=("pvc",),
            subresources=("status",),
            probed=True,
        ),
        columns=_PERSISTENTVOLUMECLAIMS_COLUMNS,
        returns_deleted=True,
        known_finalizers=True,
        metadata_checks="whole",
        # In Go a pointer that is not left out: the core group is null.
        always_written={"spec.dataSource.apiGroup": None, "spec.dataSourceRef.apiGroup": None},
        defaults=DEFAULTS,
        admit=(plugins.default_class,),
        admit_update=(plugins.check_expansion,),
        finalizers=("kubernetes.io/pvc-protection",),
        status={"phase": "Pending"},
        prepare=_prepare,
        rules=(nested("spec", CLAIM_SPEC),),
        changes=(_changes,),
        status_changes=(_status_changes,),
        warnings=_warnings,
    ),
)

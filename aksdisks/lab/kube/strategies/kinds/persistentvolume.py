"""Persistent volumes (pkg/registry/core/persistentvolume, pkg/apis/core/validation)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.quantities import parse
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns, volumesources
from aksdisks.lab.kube.strategies.causes import NULL, forbidden, invalid, required, unsupported
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.kinds.persistentvolumeclaim import (
    POSITIVE,
    VOLUME_MODES,
    access_modes,
    whole_quantity,
)
from aksdisks.lab.kube.strategies.labels import BETA_CLASS, OLD_CLASS, term_warnings
from aksdisks.lab.kube.strategies.rules import Fixed, Rule, Rules, below, enumeration, form, nested
from aksdisks.lab.kube.strategies.rules import required as must
from aksdisks.lab.kube.strategies.scheduling import node_selector
from aksdisks.lab.kube.strategies.strategy import Strategy

_NOT_SOURCES = frozenset(
    (
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
        "storageClassName", "volumeAttributesClassName", "volumeMode",
    )
)  # fmt: skip


def _capacity(field: str, found: Object | None) -> list[Cause]:
    capacity = found or {}
    causes = [] if capacity else [required(field)]
    if set(capacity) != {"storage"}:
        causes.append(unsupported(field, capacity or None, ("storage",)))
    for name, value in capacity.items():
        causes += whole_quantity(f"{field}[{name}]", value)
        if parse(value) <= 0:
            causes.append(invalid(f"{field}[{name}]", value, POSITIVE))
    return causes


def _affinity(field: str, affinity: Object | None) -> list[Cause]:
    if affinity is None:
        return []
    if "required" not in affinity:
        return [required(f"{field}.required", "must specify required node constraints")]
    return node_selector(f"{field}.required", affinity["required"])


_OF_VOLUMES: dict[str, Rules] = {
    "csi": (must("volumeHandle"),),
}


def _source(at: str, spec: Object) -> list[Cause]:
    causes = volumesources.source(at, spec, _NOT_SOURCES, _OF_VOLUMES)
    if "local" in spec and spec.get("nodeAffinity") is None:
        causes.append(required(f"{at}.nodeAffinity", "Local volume requires node affinity"))
    return causes


def _attributes_class(at: str, spec: Object) -> list[Cause]:
    name = spec.get("volumeAttributesClassName")
    if name is None:
        return []
    causes = [] if name else [required(below(at, "volumeAttributesClassName"), "an empty string is disallowed")]
    if "csi" not in spec:
        causes.append(required(below(at, "csi"), "has to be specified when using volumeAttributesClassName"))
    return causes


_SPEC = (
    must("accessModes"),
    access_modes,
    Rule("capacity", _capacity),
    enumeration("persistentVolumeReclaimPolicy", "Delete", "Recycle", "Retain"),
    Rule("nodeAffinity", _affinity),
    _source,
    form("storageClassName", names.subdomain_errors),
    enumeration("volumeMode", *VOLUME_MODES),
    form("volumeAttributesClassName", names.subdomain_errors),
    _attributes_class,
)


def _changes(new: Object, old: Object) -> list[Cause]:
    """Source and node affinity stay; a secret for expansion may be added once."""
    after, before = dict(new["spec"]), old["spec"]
    expand = "controllerExpandSecretRef"
    if "csi" in after and "csi" in before and expand not in before["csi"]:
        after["csi"] = {key: value for key, value in after["csi"].items() if key != expand}
    causes: list[Cause] = []
    if _sources(after) != _sources(before):
        why = "spec.persistentvolumesource is immutable after creation"
        causes.append(forbidden("spec.persistentvolumesource", why))
    if before.get("nodeAffinity") is not None and after.get("nodeAffinity") != before["nodeAffinity"]:
        why = "field is immutable, except for updating from beta label to GA"
        causes.append(invalid("nodeAffinity", after.get("nodeAffinity") or NULL, why))
    if before.get("volumeAttributesClassName") is not None and after.get("volumeAttributesClassName") is None:
        why = "update from non-nil value to nil is forbidden"
        causes.append(forbidden("spec.volumeAttributesClassName", why))
    return causes


def _sources(spec: Object) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in _NOT_SOURCES}


def _warnings(new: Object, old: Object | None) -> Iterator[str]:
    del old
    spec = new["spec"]
    if BETA_CLASS in new["metadata"].get("annotations", {}):
        yield f"metadata.annotations[{BETA_CLASS}]: {OLD_CLASS}"
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        yield (
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
            "approach is to use dynamic provisioning."
        )
    terms = (spec.get("nodeAffinity") or {}).get("required", {}).get("nodeSelectorTerms", ())
    for index, term in enumerate(terms):
        yield from term_warnings(f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]", term)


def _claim(item: Object) -> str:
    reference = item["spec"].get("claimRef")
    return f"{reference.get('namespace', '')}/{reference.get('name', '')}" if reference else ""


_PERSISTENTVOLUMES_COLUMNS = (
    columns.NAME,
    column("Capacity", "spec.capacity.storage", "0"),
    column("Access Modes", lambda item: columns.modes(item["spec"].get("accessModes", ()))),
    column("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"),
    column("Status", columns.phase),
    column("Claim", _claim),
    column("StorageClass", columns.class_of),
    column("VolumeAttributesClass", "spec.volumeAttributesClassName", columns.UNSET),
    column("Reason", "status.reason"),
    columns.AGE,
    column("VolumeMode*", "spec.volumeMode", columns.UNSET),
)
STRATEGIES = (
    Strategy(
        Resource(
            "persistentvolumes", "PersistentVolume", namespaced=False, short_names=("pv",), subresources=("status",)
        ),
        columns=_PERSISTENTVOLUMES_COLUMNS,
        returns_deleted=True,
        known_finalizers=True,
        defaults=(
            default("", spec={}),
            default("spec", persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem"),
            default("spec.hostPath", type=""),
        ),
        finalizers=("kubernetes.io/pv-protection",),
        status=lambda _, now: {"phase": "Pending", "lastPhaseTransitionTime": now},
        rules=(nested("spec", _SPEC),),
        changes=(_changes, Fixed("spec.volumeMode", "volumeMode")),
        warnings=_warnings,
    ),
)

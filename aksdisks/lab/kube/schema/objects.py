"""Small shared handling of objects: copies, the order of keys, comparison apart from bookkeeping."""

from __future__ import annotations

from typing import Any

import orjson

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.resource import Resource

_METADATA = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)


def copy(obj: Any) -> Any:
    """A deep copy through JSON, which is faster than copy.deepcopy and proves that the object is JSON."""
    return orjson.loads(orjson.dumps(obj))


def tidy(resource: Resource, obj: Object) -> Object:
    """The object with kind, apiVersion and metadata first, metadata in upstream's order, and empty maps left out there.

    Nulls are dropped throughout apart from the event times that upstream writes as null. Those of custom resources are
    dropped by their schema, which may allow them.
    """
    metadata = obj.get("metadata") or {}
    ordered = {key: metadata[key] for key in _METADATA if metadata.get(key) not in (None, "", [], {})}
    if "deletionGracePeriodSeconds" in metadata and metadata["deletionGracePeriodSeconds"] is not None:
        ordered["deletionGracePeriodSeconds"] = metadata["deletionGracePeriodSeconds"]
    rest = {key: value for key, value in obj.items() if key not in ("kind", "apiVersion", "metadata")}
    if resource.custom is None:
        rest = without_nulls(rest)
    if resource.probed:
        for condition in rest.get("status", {}).get("conditions", ()):
            condition.setdefault("lastProbeTime", None)
    for name in resource.null_lists:
        rest[name] = rest.get(name) or None
    return {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": ordered, **rest}


def without_nulls(value: Any) -> Any:
    """The value without keys whose value is null: Go decodes null as absent."""
    # Most values are plain: a call for each would be most of the work.
    if isinstance(value, dict):
        return {
            key: without_nulls(inner) if isinstance(inner, _CONTAINERS) else inner
            for key, inner in value.items()
            if inner is not None
        }
    if isinstance(value, list):
        return [without_nulls(inner) if isinstance(inner, _CONTAINERS) else inner for inner in value]
    return value


_CONTAINERS = (dict, list)


def same(left: Object, right: Object) -> bool:
    """Whether two objects are equal apart from resourceVersion and managedFields."""
    return _plain(left) == _plain(right)


def _plain(obj: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in ("resourceVersion", "managedFields")}
    return {**obj, "metadata": metadata}


def text(value: Any) -> str:
    """Compact JSON with sorted keys: how upstream's messages show an object."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def fill(target: Object, **values: Any) -> None:
    """Set what is missing or an empty text."""
    for key, value in values.items():
        if target.get(key) in (None, ""):
            target[key] = value


def go_text(value: Any) -> str:
    """A decoded JSON value as Go's %+v prints it: `map[spec:map[replicas:3]]`."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{go_text(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(go_text(inner) for inner in value)}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)

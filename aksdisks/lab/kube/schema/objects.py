"""Small shared handling of objects: copies, the order of keys, comparison apart from bookkeeping."""

from __future__ import annotations

from collections.abc import Container
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


def apart(obj: Object, stored: Object) -> Object:
    """A copy of `obj`, apart from those of its top parts that are, byte for byte, as in `stored`: they are shared.

    What is stored is never changed, and has been read, completed and rid of nulls already: see `kept`.
    """
    result = {}
    for key, part in obj.items():
        written, there = orjson.dumps(part), stored.get(key)
        result[key] = there if there and orjson.dumps(there) == written else orjson.loads(written)
    return result


def kept(obj: Object, stored: Object) -> frozenset[str]:
    """The top parts that `obj` shares with `stored`: nothing is left to be done with them, and they must not change."""
    return frozenset(key for key, part in obj.items() if part is stored.get(key))


def ordered(resource: Resource, obj: Object) -> Object:
    """The object with kind, apiVersion and metadata first, and metadata in upstream's order, without empty values."""
    metadata = obj.get("metadata") or {}
    shown = {key: metadata[key] for key in _METADATA if metadata.get(key) not in (None, "", [], {})}
    if "deletionGracePeriodSeconds" in metadata and metadata["deletionGracePeriodSeconds"] is not None:
        shown["deletionGracePeriodSeconds"] = metadata["deletionGracePeriodSeconds"]
    rest = {key: value for key, value in obj.items() if key not in ("kind", "apiVersion", "metadata")}
    return {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": shown, **rest}


def tidy(resource: Resource, obj: Object, kept: Container[str] = ()) -> Object:
    """The object as `ordered`, without nulls apart from the times and lists that upstream writes as null.

    Those of custom resources are dropped by their schema, which may allow them. `kept`: parts without any.
    """
    obj = ordered(resource, obj)
    if resource.custom is None:
        parts = obj.items()
        obj = {key: part if key in kept else without_nulls(part) for key, part in parts if part is not None}
    if resource.probed:
        for condition in obj.get("status", {}).get("conditions", ()):
            condition.setdefault("lastProbeTime", None)
    for name in resource.null_lists:
        obj[name] = obj.get(name) or None
    return obj


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

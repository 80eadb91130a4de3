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


def apart(obj: Object, stored: Object) -> Object:
    """A copy of `obj` that shares with `stored` what is the same byte for byte: its parts, and parts of its status.

    What is stored is never changed, and has been read and completed already.
    """
    result = {}
    for key, part in obj.items():
        written, there = orjson.dumps(part), stored.get(key)
        if there and orjson.dumps(there) == written:
            result[key] = there
        elif key == "status" and isinstance(part, dict) and isinstance(there, dict):
            result[key] = apart(part, there)
        else:
            result[key] = orjson.loads(written)
    return result


def ordered(resource: Resource, obj: Object) -> Object:
    """The object with kind, apiVersion and metadata first, and metadata in upstream's order, without empty values."""
    metadata = obj.get("metadata") or {}
    shown = {key: value for key in _METADATA if (value := metadata.get(key)) or value == 0}
    rest = {key: value for key, value in obj.items() if key not in ("kind", "apiVersion", "metadata")}
    return {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": shown, **rest}


def tidy(resource: Resource, obj: Object) -> Object:
    """The object as `ordered`, with the times and lists that upstream writes as null."""
    obj = ordered(resource, obj)
    if resource.probed:
        for condition in obj.get("status", {}).get("conditions", ()):
            condition.setdefault("lastProbeTime", None)
    for name in resource.null_lists:
        obj[name] = obj.get(name) or None
    return obj


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

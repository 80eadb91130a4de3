"""The schema of a custom resource: what it keeps of an object and what it fills in (apiserver/schema)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aksdisks.lab.client.interface import Object, own_copy
from aksdisks.lab.kube.schema import schema

PRESERVE, EMBEDDED, INT_OR_STRING = (
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
)
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_IDENTITY: Object = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"$ref": f"#/components/schemas/{_META}"},
}
"""What every object has; a custom resource's schema need not say so."""


class Structural:
    """One version's structural schema, as its CustomResourceDefinition states it."""

    def __init__(self, stated: Object) -> None:
        """`stated` is an openAPIV3Schema that is valid; it is never changed."""
        self.stated = stated
        properties = {**stated.get("properties", {}), **_IDENTITY}
        # The core group's document has the ObjectMeta that the reference means.
        self.root = schema.Node({**stated, "properties": properties}, {}, "api_v1")
        """The place of a whole object, as field ownership needs it."""
        own = {key: value for key, value in stated.get("properties", {}).items() if key not in _IDENTITY}
        # The identity is the server's own to complete.
        self._own = _place({**stated, "properties": own})
        self._fills = self._own.fills

    def prune(self, obj: Object) -> list[str]:
        """Take out the fields that the schema does not know; changes `obj`. The paths of what went."""
        gone: list[str] = []
        _prune(obj, self.stated, "", gone, embedded=True)
        return gone

    def complete(self, obj: Object) -> None:
        """Fill in defaults, and drop nulls where no null may stand; changes `obj`."""
        _complete(obj, self._own)

    def completed(self, obj: Object) -> Object:
        """A stored object with the defaults that the schema has by now; the object itself where it has them all."""
        if not self._fills or not _lacks(obj, self._own):
            return obj
        filled: Object = own_copy(obj)
        _complete(filled, self._own)
        return filled


def values_below(node: Object) -> Object | None:
    """The schema of a map's values; None where the keys are named, or the values may be anything."""
    below = node.get("additionalProperties")
    return below if isinstance(below, dict) else None


def _prune(value: Any, node: Object | None, path: str, gone: list[str], *, embedded: bool = False) -> None:
    node = node or {}
    if isinstance(value, list):
        for index, item in enumerate(value):
            items = node.get("items")
            _prune(item, items, f"{path}[{index}]", gone, embedded=_is_embedded(items))
        return
    if not isinstance(value, dict):
        return
    properties, keeps = node.get("properties", {}), bool(node.get(PRESERVE))
    for key in list(value):
        at = f"{path}.{key}" if path else key
        if embedded and key in _IDENTITY:
            continue
        below = properties.get(key)
        if below is None and "additionalProperties" in node and node["additionalProperties"] is not False:
            below = values_below(node) or {}
        if below is not None:
            _prune(value[key], below, at, gone, embedded=_is_embedded(below))
        elif not keeps:
            gone.append(at)
            del value[key]


def _is_embedded(node: Object | None) -> bool:
    return bool((node or {}).get(EMBEDDED))


@dataclass(slots=True)
class _Place:
    """What a place of the schema fills in, and where below it something is filled in."""

    nullable: bool
    properties: dict[str, _Place]
    others: _Place | None
    """The place of a list's elements, or of a map's values."""
    defaults: tuple[tuple[str, Any], ...]
    filling: tuple[tuple[str, _Place], ...]
    """Those of the properties that have a default or fill in something below."""
    fills: bool
    """Whether anything is filled in, here or below."""


def _place(node: Object) -> _Place:
    stated = node.get("properties", {})
    properties = {key: _place(below) for key, below in stated.items()}
    items = node.get("items") if isinstance(node.get("items"), dict) else values_below(node)
    others = None if items is None else _place(items)
    defaults = tuple((key, one["default"]) for key, one in stated.items() if one.get("default") is not None)
    filling = tuple((key, below) for key, below in properties.items() if below.fills)
    fills = bool(defaults or filling or (others is not None and others.fills))
    return _Place(bool(node.get("nullable")), properties, others, defaults, filling, fills)


def _complete(value: Any, place: _Place) -> None:
    others = place.others
    if isinstance(value, list):
        if others is not None:
            for item in value:
                _complete(item, others)
        return
    if not isinstance(value, dict):
        return
    for key, inner in list(value.items()):
        below = place.properties.get(key, others)
        if below is None:
            continue
        if inner is None:
            if not below.nullable:
                del value[key]
        elif isinstance(inner, dict | list):
            _complete(inner, below)
    for key, default in place.defaults:
        if key not in value:
            value[key] = own_copy(default)
            _complete(value[key], place.properties[key])


def _lacks(value: Any, place: _Place) -> bool:
    """Whether anything is left to be filled in."""
    others = place.others if place.others is not None and place.others.fills else None
    if isinstance(value, list):
        return others is not None and any(_lacks(item, others) for item in value)
    if not isinstance(value, dict):
        return False
    if any(
        value.get(key) is None and not (key in value and place.properties[key].nullable) for key, _ in place.defaults
    ):
        return True
    if any(key in value and _lacks(value[key], below) for key, below in place.filling):
        return True
    return others is not None and any(_lacks(inner, others) for inner in value.values())

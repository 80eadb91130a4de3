"""The schema of a custom resource: what it keeps of an object and what it fills in (apiserver/schema)."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import schema
from aksdisks.lab.kube.schema.objects import copy

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
        self._own = {**stated, "properties": own}
        self.has_defaults = _has_defaults(stated)

    def prune(self, obj: Object) -> list[str]:
        """Take out the fields that the schema does not know; changes `obj`. The paths of what went."""
        gone: list[str] = []
        _prune(obj, self.stated, "", gone, embedded=True)
        return gone

    def complete(self, obj: Object) -> None:
        """Fill in defaults, and drop nulls where no null may stand; changes `obj`."""
        # The identity is the server's own to complete.
        _complete(obj, self._own)


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


def _complete(value: Any, node: Object) -> None:
    if isinstance(value, list):
        for item in value:
            _complete(item, node.get("items") or {})
        return
    if not isinstance(value, dict):
        return
    for key, inner in node.get("properties", {}).items():
        if value.get(key) is None and not inner.get("nullable"):
            value.pop(key, None)
        if key not in value and inner.get("default") is not None:
            value[key] = copy(inner["default"])
        if key in value:
            _complete(value[key], inner)
    below = values_below(node)
    if below is not None:
        for key, inner_value in list(value.items()):
            if inner_value is None and not below.get("nullable"):
                del value[key]
            else:
                _complete(inner_value, below)


def _has_defaults(node: Any) -> bool:
    """Whether completing an object can change one that was completed before."""
    if not isinstance(node, dict):
        return False
    below = [*node.get("properties", {}).values(), node.get("items"), values_below(node)]
    return node.get("default") is not None or any(map(_has_defaults, below))

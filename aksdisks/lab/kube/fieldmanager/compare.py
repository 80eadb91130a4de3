"""Which fields two versions of an object differ in, as paths of field ownership (structured-merge-diff: compare.go)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.fieldmanager import fieldsets
from aksdisks.lab.kube.fieldmanager.fieldsets import Path
from aksdisks.lab.kube.schema.schema import Node

_ABSENT = object()
_STRIPPED: frozenset[Path] = frozenset(
    [("f:apiVersion",), ("f:kind",), ("f:metadata",)]
    + [("f:metadata", f"f:{name}") for name in sorted(fieldsets.UNOWNED_METADATA)]
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The paths that are new or have another value, and those that are gone; a container counts beside its fields."""

    written: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)


def compare(root: Node, old: Object, new: Object) -> Difference:
    """What a write did, apart from identity and bookkeeping, which nobody owns."""
    found = Difference()
    _walk(root, old, new, (), found)
    found.written.difference_update(_STRIPPED)
    found.removed.difference_update(_STRIPPED)
    return found


def _walk(node: Node, old: Any, new: Any, path: Path, found: Difference) -> None:
    if old == new:
        return
    sample = old if new is _ABSENT or new is None else new
    if isinstance(sample, dict) and _is_container(old, dict) and _is_container(new, dict) and not node.is_atomic:
        before, after = _items(old), _items(new)
        if before or after:
            for key in {**before, **after}:
                _walk(node.child(key), before.get(key, _ABSENT), after.get(key, _ABSENT), (*path, f"f:{key}"), found)
            _mark(old, new, path, found)
            return
    elif (
        isinstance(sample, list)
        and (node.list_keys or node.is_set)
        and _is_container(old, list)
        and _is_container(new, list)
    ):
        before, after = _elements(node, old), _elements(node, new)
        if before or after:
            for step in {**before, **after}:
                inner = before.get(step, _ABSENT), after.get(step, _ABSENT)
                _walk(node.items(), *inner, (*path, step), found)
            _mark(old, new, path, found)
            return
    if old is _ABSENT or new is _ABSENT:
        _mark(old, new, path, found)
    else:
        found.written.add(path)


def _mark(old: Any, new: Any, path: Path, found: Difference) -> None:
    if old is _ABSENT:
        found.written.add(path)
    elif new is _ABSENT:
        found.removed.add(path)


def _is_container(value: Any, kind: type) -> bool:
    return value is _ABSENT or value is None or isinstance(value, kind)


def _items(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


def _elements(node: Node, value: Any) -> dict[str, Any]:
    if not isinstance(value, list):
        return {}
    return {fieldsets.element(node, item): item for item in value}

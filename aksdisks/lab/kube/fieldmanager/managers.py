"""The entries of managedFields: who wrote which fields, after an ordinary write and when a client changes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.fieldmanager import compare, fieldsets
from aksdisks.lab.kube.fieldmanager.fieldsets import Path
from aksdisks.lab.kube.schema.schema import Node, unset

BEFORE_FIRST_APPLY = "before-first-apply"
"""Who owns what was there when the first apply came to an object without owners (fieldmanager: skipnonapplied.go)."""


def from_client(entries: Any, live: list[Object]) -> list[Object]:
    """The entries after a client wrote `entries` in the place of `live` (fieldmanager: fieldmanager.go).

    One empty entry resets; none at all, or any that cannot be read, is taken for a client that knows nothing of them.
    """
    if entries == [{}]:
        return []
    if isinstance(entries, list) and entries and all(_is_readable(entry) for entry in entries):
        return [{"manager": "", "fieldsV1": {}, **entry} for entry in entries]
    return live


def created(root: Node, obj: Object, api_version: str, manager: str, now: str) -> list[Object]:
    """The entries of a new object; its creator owns all it states but the status."""
    stated = {key: value for key, value in obj.items() if key != "status"}
    empty = {key: value for key, value in unset(root).items() if key != "status"}
    written = compare.compare(root, empty, stated).written
    return [_entry(api_version, manager, None, written, now)] if written else []


def updated(
    entries: Sequence[Object],
    change: compare.Difference,
    api_version: str,
    manager: str,
    subresource: str | None,
    now: str,
) -> list[Object]:
    """The entries after an ordinary write: its manager takes what it changed from all others."""
    if not change.written and not change.removed:
        return list(entries)
    own = (manager, "Update", api_version, subresource)
    kept: list[Object] = []
    mine: set[Path] = set()
    for entry in entries:
        fields = set(fieldsets.paths(entry["fieldsV1"]))
        left = fields - change.written - change.removed
        if _identity(entry) == own and change.written:
            mine = left
        elif left == fields:
            kept.append(entry)
        elif left:
            kept.append({**entry, "fieldsV1": fieldsets.tree(left)})
    if change.written:
        kept.append(_entry(api_version, manager, subresource, mine | change.written, now))
    return ordered(kept)


def ordered(entries: Iterable[Object]) -> list[Object]:
    """As upstream shows them: applies first, then by time and name."""
    names = ("operation", "time", "manager", "apiVersion", "subresource")
    return sorted(entries, key=lambda entry: tuple(str(entry.get(name) or "") for name in names))


def before_first_apply(root: Node, live: Object, api_version: str, now: str) -> list[Object]:
    """The entry that owns all fields of an object without owners."""
    written = compare.compare(root, unset(root), live).written
    return [_entry(api_version, BEFORE_FIRST_APPLY, None, written, now)] if written else []


def _entry(api_version: str, manager: str, subresource: str | None, fields: set[Path], now: str) -> Object:
    return fieldsets.entry("Update", api_version, manager, subresource, fieldsets.tree(fields), now)


def _identity(entry: Object) -> tuple[str, str, str, str | None]:
    return entry.get("manager", ""), entry["operation"], entry["apiVersion"], entry.get("subresource") or None


def _is_readable(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.get("operation") in ("Apply", "Update")
        and bool(entry.get("apiVersion"))
        and entry.get("fieldsType") == "FieldsV1"
        and _is_tree(entry.get("fieldsV1", {}))
    )


def _is_tree(tree: Any) -> bool:
    if not isinstance(tree, dict):
        return False
    return all(step == "." or (_is_step(step) and _is_tree(inner)) for step, inner in tree.items())


def _is_step(step: str) -> bool:
    kind, _, rest = step.partition(":")
    if kind not in ("k", "v", "i"):
        return kind == "f"
    try:
        value = orjson.loads(rest)
    except orjson.JSONDecodeError:
        return False
    return kind == "v" or isinstance(value, dict if kind == "k" else int)

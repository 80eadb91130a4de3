"""What an apply says that its kind's schema does not allow (structured-merge-diff: typed/validate.go)."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.fieldmanager import fieldsets
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.schema import NOWHERE, Node
from aksdisks.lab.kube.schema.status import internal


def check(kind: Resource, root: Node, patch: Object, namespace: str, name: str) -> None:
    """500 as upstream words it for fields that the schema lacks, and for elements of a list that have the same key."""
    problems = _problems(root, patch, ())
    if not problems:
        return
    about = f"{namespace}/{name}; {kind.group}/{kind.version}, Kind={kind.kind}"
    shown = problems[0] if len(problems) == 1 else "errors:\n" + "\n".join(f"  {problem}" for problem in problems)
    raise internal(f"failed to create typed patch object ({about}): {shown}")


def _problems(node: Node, value: Any, path: fieldsets.Path) -> list[str]:
    found: list[str] = []
    if node is NOWHERE:
        return found
    if isinstance(value, dict) and (node.is_struct or node.is_map):
        for key, inner in value.items():
            at = (*path, f"f:{key}")
            child = node.child(key)
            if child is NOWHERE and node.is_struct:
                found.append(f"{fieldsets.path_text(at)}: field not declared in schema")
            else:
                found += _problems(child, inner, at)
    elif isinstance(value, list):
        found += _elements(node, value, path)
    return found


def _elements(node: Node, items: list[Any], path: fieldsets.Path) -> list[str]:
    told_apart = bool(node.list_keys) or node.is_set
    found: list[str] = []
    seen: set[str] = set()
    for index, item in enumerate(items):
        step = f"i:{index}"
        if told_apart:
            if missing := _missing_key(node, item):
                why = f'associative list with keys has an element that omits key field "{missing}"'
                found.append(f"{fieldsets.path_text(path)}: element {index}: {why} (and doesn't have default value)")
                continue
            step = fieldsets.element(node, item)
            if step in seen:
                found.append(f"{fieldsets.path_text(path)}: duplicate entries for key {fieldsets.path_text((step,))}")
            seen.add(step)
        found += _problems(node.items(), item, (*path, step))
    return found


def _missing_key(node: Node, item: Any) -> str:
    """A key that an element lacks, though only one that the schema gives no value; empty when there is none."""
    if not node.list_keys or not isinstance(item, dict):
        return ""
    filled = {*item, *(key for key, default in node.items().defaults if default)}
    absent = [key for key in node.list_keys if key not in filled]
    # With several keys one may be left out (a port's protocol has a default), not all.
    return absent[0] if absent and (len(node.list_keys) == 1 or len(absent) == len(node.list_keys)) else ""

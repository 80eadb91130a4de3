"""Field ownership: sets of paths in the form of FieldsV1, their conflicts, and the merge that follows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import objects
from aksdisks.lab.kube.schema.schema import Node

Fields = dict[str, Any]
"""A tree as in managedFields: `f:<field>`, `k:<keys of a list element>`, `v:<value of a set>`, and `.` for itself."""

Path = tuple[str, ...]

_UNOWNED = {"apiVersion", "kind"}
UNOWNED_METADATA = {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}


def entry(operation: str, api_version: str, manager: str, subresource: str | None, fields: Fields, now: str) -> Object:
    """One element of managedFields; `operation` is Apply, or Update for a create, an update or an ordinary patch."""
    found: Object = {
        "manager": manager,
        "operation": operation,
        "apiVersion": api_version,
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return {**found, "subresource": subresource} if subresource else found


def is_of(one: Object, manager: str, subresource: str | None) -> bool:
    """Whether an element of managedFields is this manager's own apply."""
    return (one["manager"], one["operation"], one.get("subresource")) == (manager, "Apply", subresource)


def manager_text(one: Object) -> str:
    """A manager as conflicts name it: an Update with its API version."""
    name = f'"{one["manager"]}"'
    if "subresource" in one:
        name += f' with subresource "{one["subresource"]}"'
    return f"{name} using {one['apiVersion']}" if one["operation"] == "Update" else name


def fields(root: Node, config: Object) -> Fields:
    """What a configuration states, apart from identity and bookkeeping."""
    stated = {key: value for key, value in config.items() if key not in _UNOWNED}
    metadata = {key: value for key, value in config.get("metadata", {}).items() if key not in UNOWNED_METADATA}
    stated.pop("metadata", None)
    if metadata:
        stated["metadata"] = metadata
    return _fields(root, stated)


def _fields(node: Node, value: Any) -> Fields:
    if isinstance(value, dict) and value and not node.is_atomic:
        return {f"f:{key}": _fields(node.child(key), inner) for key, inner in value.items()}
    if isinstance(value, list) and node.list_keys:
        return {element(node, item): {".": {}, **_fields(node.items(), item)} for item in value}
    if isinstance(value, list) and node.is_set:
        return {"v:" + objects.text(item): {} for item in value}
    return {}


def element(node: Node, item: Any) -> str:
    """How a path names an element of a list: by its keys, or in a set by its value."""
    if not node.list_keys:
        return "v:" + objects.text(item)
    if not isinstance(item, dict):
        return "k:{}"
    defaults = dict(node.items().defaults)
    keys = {key: item.get(key, defaults.get(key)) for key in node.list_keys}
    return "k:" + objects.text({key: value for key, value in keys.items() if value is not None})


def paths(fields_: Fields, prefix: Path = ()) -> list[Path]:
    """The members of a tree: its leaves, and what `.` marks. Those of one place come before those below it."""
    found: list[Path] = []
    deeper: list[Path] = []
    for name in sorted(fields_):
        inner = fields_[name]
        if name == ".":
            continue
        if not inner or "." in inner:
            found.append((*prefix, name))
        if inner:
            deeper += paths(inner, (*prefix, name))
    return found + deeper


def path_text(path: Path) -> str:
    """A path as upstream's messages show it: `.spec.replicas`, `.spec.containers[name="c"].image`."""
    shown = ""
    for step in path:
        kind, _, rest = step.partition(":")
        if kind == "f":
            shown += f".{rest}"
        elif kind == "k":
            keys = orjson.loads(rest).items()
            shown += "[" + ",".join(f"{key}={objects.text(value)}" for key, value in keys) + "]"
        else:
            shown += f"[={rest}]" if kind == "v" else f"[{rest}]"
    return shown


def find(value: Any, path: Path) -> Any:
    """What lies at a path; None when nothing does."""
    for step in path:
        kind, _, rest = step.partition(":")
        if kind == "f":
            value = value.get(rest) if isinstance(value, dict) else None
        elif not isinstance(value, list):
            return None
        elif kind == "k":
            keys = orjson.loads(rest)
            value = next((item for item in value if _has(item, keys)), None)
        else:
            wanted = orjson.loads(rest)
            value = wanted if wanted in value else None
    return value


def _has(item: Any, keys: Object) -> bool:
    return isinstance(item, dict) and all(item.get(key) == value for key, value in keys.items())


def conflicts(written: set[Path], others: list[Object]) -> list[tuple[Path, str]]:
    """What an apply would change although another manager owns it; a container comes before its fields."""
    return [(path, manager_text(other)) for other in others for path in paths(other["fieldsV1"]) if path in written]


def release(others: list[Object], lost: set[Path]) -> list[Object]:
    """The other managers' entries without the paths that an apply takes from them; empty entries go."""
    kept = []
    for other in others:
        found = paths(other["fieldsV1"])
        left = [path for path in found if path not in lost]
        if left:
            kept.append(other if len(left) == len(found) else {**other, "fieldsV1": tree(left)})
    return kept


def tree(members: Iterable[Path]) -> Fields:
    """The tree of a set of paths; one that has others below it is marked by `.`."""
    found: Fields = {}
    for path in sorted(members):
        at = found
        for name in path:
            at = at.setdefault(name, {})
        at["."] = {}
    return _pruned(found)


def _pruned(found: Fields) -> Fields:
    if len(found) == 1 and "." in found:
        return {}
    return {name: {} if name == "." else _pruned(inner) for name, inner in found.items()}


def dropped(before: Fields, mine: Fields, others: list[Object]) -> list[Path]:
    """What this manager applied before and no longer does, and nobody else owns, nor anything below it."""
    owned = {path for other in others for path in paths(other["fieldsV1"])} | set(paths(mine))
    held = {path[:length] for path in owned for length in range(1, len(path) + 1)}
    return [path for path in paths(before) if path not in held]


def remove(live: Object, lost: list[Path]) -> Object:
    """The object without some paths; changes and returns `live`.

    What contained other lost fields stays while it has any left: the lab's own parts write there and own nothing.
    """
    containers = {path[:length] for path in lost for length in range(1, len(path))}
    # Elements of lists go whole, before the fields that tell them apart; then fields, the deepest first.
    elements = sorted((path for path in lost if not path[-1].startswith("f:")), key=len)
    for path in elements:
        parent, gone = find(live, path[:-1]), find(live, path)
        if isinstance(parent, list) and gone is not None:
            parent.remove(gone)
    for path in sorted((path for path in lost if path[-1].startswith("f:")), key=len, reverse=True):
        parent, name = find(live, path[:-1]), path[-1].removeprefix("f:")
        if isinstance(parent, dict) and not (path in containers and parent.get(name)):
            parent.pop(name, None)
    return live


def merge(node: Node, live: Any, config: Any) -> Any:
    """The live value with what the configuration states: maps by key, lists by their keys, all else replaced."""
    if isinstance(live, dict) and isinstance(config, dict) and not node.is_atomic:
        merged = dict(live)
        for key, value in config.items():
            merged[key] = merge(node.child(key), live[key], value) if key in live else value
        return merged
    if isinstance(live, list) and isinstance(config, list):
        if node.list_keys:
            return _merge_elements(node, live, config)
        if node.is_set:
            return live + [item for item in config if item not in live]
    return config


def _merge_elements(node: Node, live: list[Object], config: list[Object]) -> list[Object]:
    present = {element(node, item): item for item in live}
    stated = {element(node, item): item for item in config}
    merged = {key: merge(node.items(), item, stated[key]) if key in stated else item for key, item in present.items()}
    merged.update({key: item for key, item in stated.items() if key not in present})
    return list(merged.values())

"""Merge, strategic-merge and JSON patches."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from typing import Any

import jsonpatch
import jsonpointer

from aksdisks.lab.client.interface import ApiError, Object, own_copy
from aksdisks.lab.kube.schema import objects, schema
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import bad_request, internal

_MOST_OPERATIONS = 10_000
"""apiserver: handlers/patch.go."""

_GONE = object()

_GO_TYPES = {dict: "object", str: "string", int: "number", float: "number", bool: "bool", list: "array"}
_GO_TYPES[type(None)] = "null"


def apply(kind: Resource, current: Object, patch: Any, patch_type: str) -> Object:
    """What `current` becomes, whose parts it shares. `patch_type`: merge, strategic or json.

    400 or 422 when the patch does not fit.
    """
    if patch_type == "json":
        return _json_patch(current, patch)
    if not isinstance(patch, dict):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
        )
    strategic = patch_type == "strategic"
    changed: Object = _strategic(current, patch, schema.root(kind)) if strategic else merge(current, patch)
    metadata = changed.get("metadata")
    if not isinstance(metadata, dict):
        raise bad_request("metadata: expected an object")
    return changed


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396: null removes a key, objects are merged, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merge(target.get(key), value)
    return target


def _json_patch(current: Object, patch: Any) -> Object:
    for found in patch if isinstance(patch, list) else [patch]:
        if found is patch or not isinstance(found, dict):
            wanted = "[]handlers.jsonPatchOp" if found is patch else "handlers.jsonPatchOp"
            why = f"json: cannot unmarshal {_GO_TYPES[type(found)]} into Go value of type {wanted}"
            raise bad_request(f"error decoding patch: {why}")
    if len(patch) > _MOST_OPERATIONS:
        why = f"The allowed maximum operations in a JSON patch is {_MOST_OPERATIONS}, got {len(patch)}"
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: {why}")
    changed: Any = own_copy(current)
    try:
        for operation in patch:
            changed = jsonpatch.apply_patch(changed, _as_upstream(operation, changed), in_place=True)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, AttributeError) as error:
        # A failed test, a missing path, an unknown operation: upstream's message is the same for all.
        message = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", message, {}) from error
    if not isinstance(changed, dict) or not isinstance(changed.get("metadata"), dict):
        raise bad_request("error decoding patch: the result is not an object")
    return changed


def _as_upstream(operation: Object, target: Any) -> list[Object]:
    """The operation as the API server's library takes it: one may replace what is not there, and test it for null.

    Source: evanphx/json-patch v4, patch.go partialDoc; upstream's snapshot-controller and its sidecar live by it.
    """
    path, kind = operation.get("path"), operation.get("op")
    if kind not in ("replace", "test") or not isinstance(path, str) or not path:
        return [operation]
    place, name = jsonpointer.JsonPointer(path).to_last(target)
    if not isinstance(place, dict) or name in place:
        return [operation]
    if kind == "replace":
        return [{**operation, "op": "add"}]
    return [] if operation.get("value", operation) is None else [operation]


def _strategic(target: Any, patch: Any, node: schema.Node) -> Any:
    """Strategic merge (apimachinery/pkg/util/strategicpatch): lists with a merge key are merged element by element."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    if directive is not None:
        raise internal(f"unknown patch type: {directive} in map: {objects.go_text(patch)}")
    kept = patch.get("$retainKeys")
    if isinstance(kept, list):
        target = {key: value for key, value in target.items() if key in kept}
    for key, value in patch.items():
        if key.startswith("$setElementOrder/") or key in ("$patch", "$retainKeys"):
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            gone = {_hashable(item) for item in value}
            target[name] = [item for item in target.get(name, []) if _hashable(item) not in gone]
            continue
        child = node.child(key)
        if value is None:
            target.pop(key, None)
        elif isinstance(value, list) and child.merges:
            order = patch.get(f"$setElementOrder/{key}")
            target[key] = _merge_list(target.get(key) or [], value, child, order)
        else:
            target[key] = _strategic(target.get(key), value, child)
    for key, order in patch.items():
        name = key.partition("/")[2]
        if key.startswith("$setElementOrder/") and name not in patch and isinstance(target.get(name), list):
            target[name] = _ordered(target[name], order, target[name], node.child(name).merge_key)
    return target


def _merge_list(target: list[Any], patch: list[Any], node: schema.Node, order: list[Any] | None) -> list[Any]:
    key = node.merge_key
    items = node.items()
    if key is None:
        there = {_hashable(value) for value in target}
        merged = target + [value for value in patch if _hashable(value) not in there]
        return _ordered(merged, order, target, None) if order else merged
    if any(isinstance(element, dict) and element.get("$patch") == "replace" for element in patch):
        return [element for element in patch if "$patch" not in element]
    result: list[Any] = list(target)
    places: dict[Any, int] = {}
    for place, present in enumerate(result):
        places.setdefault(_hashable(present.get(key)), place)
    for element in patch:
        if not isinstance(element, dict):
            raise bad_request("map: expected an object in a list that is merged by key")
        if key not in element:
            raise internal(f"map: {objects.go_text(element)} does not contain declared merge key: {key}")
        identity = _hashable(element[key])
        at = places.get(identity)
        if element.get("$patch") == "delete":
            if at is not None:
                result[at] = _GONE
                del places[identity]
        elif at is None:
            places[identity] = len(result)
            result.append(_strategic({}, element, items))
        else:
            result[at] = _strategic(result[at], element, items)
    result = [element for element in result if element is not _GONE]
    named = order or [{key: element[key]} for element in patch if "$patch" not in element]
    return _ordered(result, named, target, key)


def _ordered(merged: list[Any], order: list[Any], server: list[Any], key: str | None) -> list[Any]:
    """What `order` names in that order, interleaved with what only the server has by the server's own order.

    Where the two cannot be compared, what the patch names comes first (mergeSortedSlice).
    """

    def identity(element: Any) -> Any:
        return _hashable(element.get(key) if key is not None and isinstance(element, dict) else element)

    wanted, before = _places(map(identity, order)), _places(map(identity, server))
    named = deque(sorted((e for e in merged if identity(e) in wanted), key=lambda e: wanted[identity(e)]))
    others = deque(e for e in merged if identity(e) not in wanted)
    result: list[Any] = []
    while named and others:
        left, right = before.get(identity(others[0])), before.get(identity(named[0]))
        first = left is not None and right is not None and left < right
        result.append((others if first else named).popleft())
    return [*result, *others, *named]


def _places(identities: Iterable[Any]) -> dict[Any, int]:
    """Where each is found first."""
    places: dict[Any, int] = {}
    for place, identity in enumerate(identities):
        places.setdefault(identity, place)
    return places


def _hashable(value: Any) -> Any:
    """What is equal for equal values, so that lists of thousands are looked up, not compared each with each."""
    return value if isinstance(value, Hashable) else ("", objects.text(value))

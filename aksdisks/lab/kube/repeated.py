"""Fields that a body names twice, which decoding it no longer shows: found, and told in the order that upstream has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

_OPERATION = ("op", "path", "from", "value")


@dataclass(frozen=True, slots=True)
class Repeated:
    """What was found in one body.

    `fields`: paths of a JSON body. `places`: where each path stands, a repeated one where it is repeated. `lines`: what
    the decoder says of a YAML body. `first`: what is told before anything else, of a patch that is a list.
    """

    fields: Sequence[str] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    lines: Sequence[str] = ()
    first: Sequence[str] = ()


NOTHING = Repeated()


class _Pairs(list[tuple[str, Any]]):
    """An object some of whose names come twice."""


def in_json(body: bytes) -> Repeated:
    """Of a JSON object, or of a list of patch operations; nothing for what is neither."""
    if body[:1] not in (b"{", b"["):
        return NOTHING
    found = False

    def look(pairs: list[tuple[str, Any]]) -> Any:
        nonlocal found
        read = dict(pairs)
        if len(read) == len(pairs):
            return read
        found = True
        return _Pairs(pairs)

    try:
        value = json.loads(body, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return NOTHING
    if isinstance(value, list):
        return Repeated(first=list(_operations(value)))
    if not found:
        return NOTHING
    fields: dict[str, None] = {}
    places: dict[str, int] = {}
    for place, (path, again) in enumerate(_walk(value, "")):
        if again and path not in fields:
            fields[path] = None
            places[path] = place
        places.setdefault(path, place)
    return Repeated(list(fields), places)


def in_yaml(body: bytes) -> Repeated:
    """Of a YAML document, in the words of Go's decoder; nothing where it cannot be read."""
    if body[:1] == b"{" and not in_json(body).fields:
        return NOTHING
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return Repeated(lines=list(_keys(yaml.compose(body, Loader=loader), set())))
    except (yaml.YAMLError, RecursionError, ValueError):
        return NOTHING


def problems(unknown: Sequence[str], repeated: Repeated, *, patched: bool, split: bool) -> list[str]:
    """Unknown and repeated fields as the strict decoder lists them; `split`: each line by itself, as for warnings.

    A repeated field that is unknown is only that, except in a patch, which is read without regard to the kind.
    """
    if repeated.lines or repeated.first or patched:
        told = [*repeated.first, *(f'duplicate field "{path}"' for path in repeated.fields)]
        lines = list(repeated.lines)
        if lines and not split:
            lines = ["yaml: unmarshal errors:\n" + "\n".join(f"  {line}" for line in lines)]
        return [*told, *lines, *(f'unknown field "{path}"' for path in sorted(unknown))]
    found = [(repeated.places.get(path, at), f'unknown field "{path}"') for at, path in enumerate(unknown)]
    for path in repeated.fields:
        if not any(path == other or path.startswith((f"{other}.", f"{other}[")) for other in unknown):
            found.append((repeated.places[path], f'duplicate field "{path}"'))
    return [text for _, text in (sorted(found) if repeated.fields else found)]


def _walk(value: Any, path: str) -> Iterator[tuple[str, bool]]:
    if isinstance(value, _Pairs | dict):
        seen: set[str] = set()
        for name, inner in value.items() if isinstance(value, dict) else value:
            at = f"{path}.{name}" if path else name
            yield at, name in seen
            seen.add(name)
            yield from _walk(inner, at)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, f"{path}[{index}]")


def _operations(operations: list[Any]) -> Iterator[str]:
    for index, operation in enumerate(operations):
        if not isinstance(operation, _Pairs | dict):
            return
        seen: set[str] = set()
        for name, _ in operation.items() if isinstance(operation, dict) else operation:
            if name not in _OPERATION:
                yield f'json patch unknown field "[{index}].{name}"'
            elif name in seen:
                yield f'json patch duplicate field "[{index}].{name}"'
            seen.add(name)


def _keys(node: Any, known: set[int]) -> Iterator[str]:
    if id(node) in known:  # an alias
        return
    known.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            yield from _keys(inner, known)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, inner in node.value:
            yield from _keys(inner, known)
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield f"line {inner.start_mark.line + 1}: key {json.dumps(key.value)} already set in map"
                seen.add(key.value)

"""Fields that a body names twice, which decoding it no longer shows: found, and told in the order that upstream has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import yaml

_OPERATION = ("op", "path", "from", "value")


@dataclass(frozen=True, slots=True)
class Repeated:
    """What was found in one body.

    `body`: a JSON body in which something is, with all its pairs. `lines`: what the decoder says of a YAML body.
    `first`: what is told before anything else, of a patch that is a list.
    """

    body: Any = None
    lines: Sequence[str] = ()
    first: Sequence[str] = ()


NOTHING = Repeated()

_MOST = 100
_LONGEST = 4096
"""Characters of a path; what is named by more would be as long as the square of the body."""


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
    return Repeated(body=value) if found else NOTHING


def in_yaml(body: bytes) -> Repeated:
    """Of a YAML document, in the words of Go's decoder; nothing where it cannot be read."""
    if body[:1] == b"{" and in_json(body).body is None:
        return NOTHING
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return Repeated(lines=list(_keys(yaml.compose(body, Loader=loader), set())))
    except (yaml.YAMLError, RecursionError, ValueError):
        return NOTHING


def problems(unknown: Sequence[str], repeated: Repeated, *, patched: bool, split: bool) -> list[str]:
    """Unknown and repeated fields as the strict decoder lists them; `split`: each line by itself, as for warnings.

    A repeated field that is unknown is only that, except in a patch, which is read without regard to the kind. At most
    a hundred, as upstream (sigs.k8s.io/json: UnmarshalStrict's saveStrictError).
    """
    if repeated.lines or repeated.first or patched:
        fields = (path for path, again in _walk(repeated.body, "") if again)
        told = [*repeated.first, *(f'duplicate field "{path}"' for path in _once(fields))]
        lines = list(repeated.lines)
        if lines and not split:
            lines = ["yaml: unmarshal errors:\n" + "\n".join(f"  {line}" for line in lines)]
        return [*told, *lines, *islice((f'unknown field "{path}"' for path in sorted(unknown)), _MOST)]
    if repeated.body is None:
        return [f'unknown field "{path}"' for path in unknown[:_MOST]]
    nobody_knows = frozenset(unknown)
    texts = (
        f'{"unknown" if path in nobody_knows else "duplicate"} field "{path}"'
        for path, again in _walk(repeated.body, "", nobody_knows)
        if again or path in nobody_knows
    )
    return list(_once(texts))


def _once(texts: Iterable[str]) -> Iterator[str]:
    """The first hundred different ones."""
    found: set[str] = set()
    for text in texts:
        if text not in found:
            found.add(text)
            yield text
        if len(found) == _MOST:
            return


def _walk(value: Any, path: str, passed: frozenset[str] = frozenset()) -> Iterator[tuple[str, bool]]:
    """Each field, and whether it was there before; below the `passed` ones and below very long paths nothing."""
    if len(path) > _LONGEST:
        return
    if isinstance(value, _Pairs | dict):
        seen: set[str] = set()
        for name, inner in value.items() if isinstance(value, dict) else value:
            at = f"{path}.{name}" if path else name
            yield at, name in seen
            seen.add(name)
            if isinstance(inner, dict | list) and at not in passed:
                yield from _walk(inner, at, passed)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, dict | list):
                yield from _walk(inner, f"{path}[{index}]", passed)


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

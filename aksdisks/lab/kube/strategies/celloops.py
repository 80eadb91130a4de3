"""How many passes through lists and maps a rule of a schema takes, by the schema and for a value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.structural import values_below
from aksdisks.lab.kube.strategies.celfunctions import MACROS

TEXTS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
"""Texts in an expression."""

UNBOUNDED = 1 << 20
"""Entries that a list may have that states no maximum: a body has at most 3 MiB."""

Path = tuple[str, ...]
"""From `self`: names of fields as an expression writes them, and `*` for any entry of a list or map."""

Step = Path | int | None
"""What is gone through: a place, a list of so many entries, or None where the expression does not tell it simply."""

Nest = tuple[Step, ...]
"""From the outermost."""

_TOKENS = re.compile(rf"((?:[A-Za-z_]\w*)(?:\.\w+)*)?\.({'|'.join(MACROS)})\s*\(\s*(\w+)\s*,|\(|\)")
_KEYWORDS = "true false null in as break const continue else for function if import let loop package namespace return"
_RESERVED = frozenset([*_KEYWORDS.split(), "var", "void", "while"])
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}


def escaped(name: str) -> str:
    """A field's name as expressions have to write it (apiserver: pkg/cel/escaping.go)."""
    if name in _RESERVED:
        return f"__{name}__"
    return re.sub("__|[./-]", lambda found: _ESCAPES[found[0]], name)


def nests(rule: str) -> tuple[Nest, ...]:
    """The macros of a rule that stand in no other and those in each other, as what they go through."""
    found: list[Nest] = []
    open_calls: list[tuple[Step, str, str] | None] = []
    before: Step = None
    plain = TEXTS.sub("''", rule)
    for token in _TOKENS.finditer(plain):
        if token[0] == ")":
            closed = open_calls.pop() if open_calls else None
            # What a filter leaves has the entries of what it was asked of, at most.
            before = closed[0] if closed and closed[2] == "filter" else None
        elif token[0] == "(":
            open_calls.append(None)
        else:
            variables = {call[1]: call[0] for call in open_calls if call}
            if token[1] is not None:
                step = _path(token[1].split("."), variables)
            else:
                step = _stated(plain[: token.start()]) if plain[: token.start()].endswith("]") else before
            open_calls.append((step, token[3], token[2]))
            found.append(tuple(call[0] for call in open_calls if call))
    return tuple(found)


def _path(steps: list[str], variables: Mapping[str, Step]) -> Step:
    name, *rest = steps
    if name in ("self", "oldSelf"):
        return tuple(rest)
    of = variables.get(name)
    return (*of, "*", *rest) if isinstance(of, tuple) else None


def _stated(before: str) -> int | None:
    """The entries of a list that an expression states, and that the text ends with; None for an index."""
    depth, commas = 0, 0
    for at in range(len(before) - 1, -1, -1):
        depth += (before[at] in ")]}") - (before[at] in "([{")
        commas += before[at] == "," and depth == 1
        if not depth:
            return None if re.search(r"[\w)\]]\s*$", before[:at]) else commas + 1
    return None


def estimated(found: tuple[Nest, ...], schema: Object) -> int:
    """The most passes that a value of the schema allows."""
    whole = _largest(schema)
    return max((math.prod(_bound(schema, path, whole) for path in nest) for nest in found), default=0)


def passes(found: tuple[Nest, ...], value: Any) -> int:
    """The most passes that a value takes."""
    return max((math.prod(_entries(value, path) for path in nest) for nest in found), default=0)


def _bound(schema: Object, path: Step, otherwise: int) -> int:
    if path is None:
        return otherwise
    if isinstance(path, int):
        return path
    for step in path:
        below: Any
        if step == "*":
            below = schema.get("items") or values_below(schema)
        else:
            below = {escaped(name): one for name, one in schema.get("properties", {}).items()}.get(step)
        if not isinstance(below, dict):
            return otherwise
        schema = below
    return _entries_of(schema) or otherwise


def _entries_of(schema: Object) -> int | None:
    if schema.get("type") == "array":
        return int(schema.get("maxItems", UNBOUNDED))
    if values_below(schema) is not None:
        return int(schema.get("maxProperties", UNBOUNDED))
    return len(schema["properties"]) if schema.get("properties") else None


def _largest(schema: Object) -> int:
    """The most entries of a list or map, or letters of a text, in a value of the schema; 1 where there is none."""
    if schema.get("type") == "string":
        return int(schema.get("maxLength", UNBOUNDED))
    below = [*schema.get("properties", {}).values(), schema.get("items"), values_below(schema)]
    own = 1 if schema.get("properties") else _entries_of(schema) or 1
    return max(own, *(_largest(one) for one in below if isinstance(one, dict)), 1)


def _entries(value: Any, path: Step) -> int:
    if path is None:
        return _size(value)
    if isinstance(path, int):
        return path
    return max((len(one) for one in _at(value, path) if isinstance(one, dict | list)), default=1)


def _at(value: Any, path: Path) -> Iterator[Any]:
    if not path:
        yield value
        return
    step, *rest = path
    below: list[Any] = []
    if step == "*":
        below = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    elif isinstance(value, dict):
        below = [one for name, one in value.items() if escaped(name) == step]
    for one in below:
        yield from _at(one, tuple(rest))


def _size(value: Any) -> int:
    """The entries of the largest list or map in a value, or the letters of its longest text."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, dict | list):
        return 1
    inner = value.values() if isinstance(value, dict) else value
    return max(len(value), *map(_size, inner), 1)

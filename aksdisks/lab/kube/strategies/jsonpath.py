"""Simple JSONPath, as a CustomResourceDefinition's columns and paths use it (client-go: util/jsonpath)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

Step = Callable[[Any], list[Any]]
_TOKEN = re.compile(
    r"""
    \.(?P<field>(?:\\.|[^.\[\]\\ ])+)
    | \[\s*'(?P<quoted>(?:\\.|[^'\\])*)'\s*\]
    | \[\s*"(?P<double>(?:\\.|[^"\\])*)"\s*\]
    | \[(?P<index>-?\d+)\]
    | \[(?P<all>\*)\]
    | \[\?\(\s*@(?P<key>(?:\.(?:\\.|[^.\[\]\\ =!<>])+)+)\s*(?P<operator>==|!=)
      \s*(?P<value>"[^"]*"|'[^']*'|[-\w.]+)\s*\)\]
    """,
    re.VERBOSE,
)


def parse(path: str) -> Sequence[Step]:
    """The steps of a path such as `.status.conditions[?(@.type=="Ready")].status`; ValueError for any other text."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        token = _TOKEN.match(path, at)
        if token is None:
            raise ValueError(f"unrecognized character in action: {path[at]!r}")
        steps.append(_step(token))
        at = token.end()
    return steps


def find(steps: Sequence[Step], obj: Any) -> list[Any]:
    """All that lies at a path; nothing where a field is missing."""
    found = [obj]
    for step in steps:
        found = [inner for value in found for inner in step(value)]
    return found


def _step(token: re.Match[str]) -> Step:
    groups = token.groupdict()
    for named in ("field", "quoted", "double"):
        if groups[named] is not None:
            return _field(re.sub(r"\\(.)", r"\1", groups[named]))
    if groups["index"] is not None:
        return _index(int(groups["index"]))
    if groups["all"] is not None:
        return lambda value: list(value.values()) if isinstance(value, dict) else list(_items(value))
    return _filter(parse(groups["key"]), groups["operator"] == "==", groups["value"])


def _field(name: str) -> Step:
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else []


def _index(number: int) -> Step:
    def step(value: Any) -> list[Any]:
        items = _items(value)
        return [items[number]] if -len(items) <= number < len(items) else []

    return step


def _filter(key: Sequence[Step], equal: bool, wanted: str) -> Step:
    text = wanted[1:-1] if wanted[0] in "\"'" else wanted

    def holds(item: Any) -> bool:
        return any((_text(found) == text) == equal for found in find(key, item))

    return lambda value: [item for item in _items(value) if holds(item)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

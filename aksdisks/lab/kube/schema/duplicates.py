"""Fields that a JSON body names twice, which decoding it no longer shows: found, and told in the order of upstream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_MOST = 100
_LONGEST = 4096
"""Characters of a path; what is named by more would be as long as the square of the body."""


class _Pairs(list[tuple[str, Any]]):
    """An object some of whose names come twice."""


def in_json(body: bytes) -> Any:
    """The body with all its pairs, of a JSON object in which a name comes twice; None for any other."""
    if body[:1] != b"{":
        return None
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
        return None
    return value if found else None


def problems(unknown: Sequence[str], repeated: Any, *, patched: bool) -> list[str]:
    """Unknown and repeated fields as the strict decoder lists them; `repeated`: what `in_json` found.

    A repeated field that is unknown is only that, except in a patch, which is read without regard to the kind. At most
    a hundred, as upstream (sigs.k8s.io/json: UnmarshalStrict's saveStrictError).
    """
    if patched:
        fields = (path for path, again in _walk(repeated, "") if again)
        told = (f'duplicate field "{path}"' for path in _once(fields))
        return [*told, *(f'unknown field "{path}"' for path in sorted(unknown)[:_MOST])]
    if repeated is None:
        return [f'unknown field "{path}"' for path in unknown[:_MOST]]
    nobody_knows = frozenset(unknown)
    texts = (
        f'{"unknown" if path in nobody_knows else "duplicate"} field "{path}"'
        for path, again in _walk(repeated, "", nobody_knows)
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

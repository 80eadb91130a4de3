"""Functions of rules that Kubernetes adds to the Common Expression Language (apiserver: pkg/cel/library)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any

MACROS = ("all", "exists", "exists_one", "filter", "map")
"""What goes through a list or a map."""

# Functions and methods of the language itself.
_NAMES = """
has size contains startsWith endsWith matches int uint double string bytes bool type dyn duration timestamp in
getDate getDayOfMonth getDayOfWeek getDayOfYear getFullYear getHours getMilliseconds getMinutes getMonth getSeconds
"""


def library() -> Any:
    """The library of the language, loaded where it is first needed: most labs never do, and it takes a moment.

    ValueError where it is not installed.
    """
    try:
        return import_module("cel")
    except ImportError as error:
        why = "patterns and rules need the package common-expression-language: pip install 'aksdisks[lab]'"
        raise ValueError(why) from error


@cache
def _matching() -> Any:
    return library().compile("text.matches(pattern)")


def matches(pattern: str, text: str) -> bool:
    """Whether a regular expression is found in a text; ValueError for one that is none.

    Python's own take time without bound for some of them, and Go's and the library's do not.
    """
    try:
        return bool(_matching().execute({"text": text, "pattern": pattern}))
    except RuntimeError as error:
        raise ValueError(str(error)) from error


def _index(items: Any, wanted: Any) -> int:
    if isinstance(items, str):
        return items.find(wanted)
    return items.index(wanted) if wanted in items else -1


def _last_index(items: Any, wanted: Any) -> int:
    if isinstance(items, str):
        return items.rfind(wanted)
    return len(items) - 1 - items[::-1].index(wanted) if wanted in items else -1


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else "".join(one.lower() if one.isascii() else one for one in text)


def _upper(text: str) -> str:
    return text.upper() if text.isascii() else "".join(one.upper() if one.isascii() else one for one in text)


def _substring(text: str, begin: int, end: int | None = None) -> str:
    return text[begin : len(text) if end is None else end]


def _join(items: list[str], between: str = "") -> str:
    return between.join(items)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "isSorted": lambda items: all(one <= other for one, other in pairwise(items)),
    "sum": sum,
    "min": min,
    "max": max,
    "indexOf": _index,
    "lastIndexOf": _last_index,
    "lowerAscii": _lower,
    "upperAscii": _upper,
    "split": lambda text, between: text.split(between),
    "join": _join,
    "replace": lambda text, old, new: text.replace(old, new),
    "substring": _substring,
    "trim": lambda text: text.strip(),
    "charAt": lambda text, at: text[at],
}
"""By name; a method's object comes first."""

KNOWN = {*_NAMES.split()} | set(MACROS) | FUNCTIONS.keys()
"""Every name that a rule may call."""

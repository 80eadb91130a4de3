"""Functions of rules that Kubernetes adds to the Common Expression Language (apiserver: pkg/cel/library)."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any
from urllib.parse import SplitResult, urlsplit

from aksdisks.lab.kube.schema import quantities
from aksdisks.lab.kube.strategies import celnetworks

_LONGEST = 1 << 20
"""Letters that a text may have after a replacement."""

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


def _replace(text: str, old: str, new: str) -> str:
    if text.count(old) * len(new) > _LONGEST:
        raise ValueError("operation cancelled: actual cost limit exceeded")
    return text.replace(old, new)


def _join(items: list[str], between: str = "") -> str:
    return between.join(items)


def _is(read: Callable[[str], Any], text: str) -> bool:
    with suppress(ValueError):
        read(text)
        return True
    return False


def _url(text: str) -> SplitResult:
    """An absolute URI or path, as Go's url.ParseRequestURI has it; ValueError for another text."""
    found = urlsplit(text)
    absolute = text.startswith("/") or re.match(r"[A-Za-z][-+.A-Za-z0-9]*:.", text)
    wrong = re.search(r"[\x00-\x20\x7f]|%(?![0-9A-Fa-f]{2})", found.netloc + found.path)
    if not absolute or wrong or (found.port or 0) < 0:
        raise ValueError(f'URL parse error during conversion from string: parse "{text}": invalid URI for request')
    return found


def _part(read: Callable[[SplitResult], Any]) -> Callable[[str], Any]:
    return lambda text: read(_url(text)) or ""


def _checked(text: str) -> str:
    _url(text)
    return text


def _compared(one: str, other: str) -> int:
    mine, theirs = quantities.parse(one), quantities.parse(other)
    return (mine > theirs) - (mine < theirs)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "isSorted": lambda items: all(one <= other for one, other in pairwise(items)),
    "sum": sum,
    "min": min,
    "max": max,
    "indexOf": _index,
    "lastIndexOf": _last_index,
    "lowerAscii": _lower,
    "upperAscii": _upper,
    "split": lambda text, between: text.split(between) if between else list(text),
    "join": _join,
    "replace": _replace,
    "substring": _substring,
    "trim": lambda text: text.strip(),
    "charAt": lambda text, at: text[at],
    # A quantity is its canonical text, and a URL the text that it was read from.
    "quantity": quantities.canonical,
    "isQuantity": lambda text: _is(quantities.parse, text),
    "isGreaterThan": lambda one, other: _compared(one, other) > 0,
    "isLessThan": lambda one, other: _compared(one, other) < 0,
    "compareTo": _compared,
    "isInteger": lambda one: quantities.parse(one).denominator == 1,
    "asInteger": lambda one: int(quantities.parse(one)),
    "asApproximateFloat": lambda one: float(quantities.parse(one)),
    "sign": lambda one: _compared(one, "0"),
    "url": _checked,
    "isURL": lambda text: _is(_url, text),
    "getScheme": _part(lambda url: url.scheme),
    "getHost": _part(lambda url: url.netloc.rpartition("@")[2]),
    "getHostname": _part(lambda url: url.hostname),
    "getPort": _part(lambda url: url.port and str(url.port)),
    "getEscapedPath": _part(lambda url: url.path),
    **celnetworks.FUNCTIONS,
}
"""By name; a method's object comes first."""

KNOWN = {*_NAMES.split()} | set(MACROS) | FUNCTIONS.keys()
"""Every name that a rule may call."""

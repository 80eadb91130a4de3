"""The `$filter` of Resource Manager's lists: comparisons of a resource's members and tags, joined by `and` or `or`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from aksdisks.lab.arm.errors import CloudError

Json = dict[str, Any]
Test = Callable[[Json], bool]

_TERM = re.compile(r"\s*(?P<name>[A-Za-z/]+)\s+(?P<operator>eq|ne)\s+'(?P<value>(?:[^']|'')*)'\s*", re.IGNORECASE)
_CALL = re.compile(
    r"\s*(?:substringof\('(?P<part>[^']*)',\s*name\)|startswith\((?P<name>tagName),\s*'(?P<start>[^']*)'\))\s*"
)
_AND, _OR = (re.compile(rf"(?<!\s)\s+{word}\s+", re.IGNORECASE) for word in ("and", "or"))


def matching(text: str, resources: Iterable[Json]) -> list[Json]:
    """The resources that a filter lets pass, all for an empty one. Raises InvalidFilterInQueryString."""
    if not text.strip():
        return list(resources)
    alternatives = [[_term(term) for term in _parts(part, _AND)] for part in _parts(text, _OR)]
    return [entry for entry in resources if any(_holds(terms, entry) for terms in alternatives)]


def _parts(text: str, word: re.Pattern[str]) -> list[str]:
    """What stands between a word, where that is outside of quotes."""
    parts: list[list[str]] = [[]]
    for index, piece in enumerate(text.split("'")):
        first, *others = [piece] if index % 2 else word.split(piece)
        parts[-1].append(first)
        parts += [[other] for other in others]
    return ["'".join(part) for part in parts]


def _holds(terms: list[tuple[str, Test]], entry: Json) -> bool:
    """`tagName` and `tagValue` speak of the same tag."""
    tags = [test for name, test in terms if name in ("tagname", "tagvalue")]
    found = [{"tagname": key, "tagvalue": value} for key, value in (entry.get("tags") or {}).items()]
    if tags and not any(all(test(tag) for test in tags) for tag in found):
        return False
    return all(test(entry) for name, test in terms if name not in ("tagname", "tagvalue"))


def _term(text: str) -> tuple[str, Test]:
    term = _TERM.fullmatch(text)
    if term is not None:
        name, value = term["name"].lower(), term["value"].replace("''", "'").lower()
        wanted = term["operator"].lower() == "eq"
        return name, lambda entry: (_value(entry, name).lower() == value) is wanted
    call = _CALL.fullmatch(text)
    if call is None:
        message = f"Invalid $filter '{text}' specified in the query string."
        raise CloudError(400, "InvalidFilterInQueryString", message)
    if call["name"]:
        start = call["start"].lower()
        return "tagname", lambda tag: str(tag["tagname"]).lower().startswith(start)
    part = call["part"].lower()
    return "name", lambda entry: part in str(entry["name"]).lower()


def _value(entry: Json, name: str) -> str:
    if name == "resourcetype":
        return str(entry.get("type", ""))
    if name == "resourcegroup":
        return str(entry.get("id", "")).partition("/resourceGroups/")[2].partition("/")[0]
    return str(entry.get(name, ""))

"""Tables of rules, in the order in which upstream looks, and the one engine that reads them.

The schema has said by then which fields there are and of what type (`schema.decoding`); a rule says what a value may
be. An entry of a table is a rule, or a function for what no rule can say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.quantities import canonical, parse
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import causes

Check = Callable[[str, Any], list[Cause]]
"""What is wrong with the value of a field; the value is None where there is none."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A check of every value at a path: `spec.drivers[].nodeID`, where `[]` stands for each entry of a list."""

    path: str
    check: Check


Entry = Rule | Check
"""A function gets the field and the object that the table is about."""
Rules = Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that stays; `field` is the name in the error, where it is not the path; `why` makes it Forbidden."""

    path: str
    field: str = ""
    why: str = ""


Change = Fixed | Callable[[Object, Object], list[Cause]]
"""A function gets the new object and the old one."""
Changes = Sequence[Change]


def check(rules: Rules, obj: Object, at: str = "") -> list[Cause]:
    """What is wrong with an object, or with the part of one that stands at the field `at`."""
    found: list[Cause] = []
    for rule in rules:
        if isinstance(rule, Rule):
            for field, value in _values(obj, rule.path, at):
                found += rule.check(field, value)
        else:
            found += rule(at, obj)
    return found


def check_changes(changes: Changes, new: Object, old: Object) -> list[Cause]:
    """What may not differ between two versions of an object, and does."""
    found: list[Cause] = []
    for change in changes:
        if not isinstance(change, Fixed):
            found += change(new, old)
            continue
        after, before = (_values(one, change.path, "")[0][1] for one in (new, old))
        field = change.field or change.path
        if change.why and after != before:
            found.append(causes.forbidden(field, change.why))
        elif not change.why:
            found += causes.immutable(field, after, before)
    return found


def _values(obj: Any, path: str, at: str) -> list[tuple[str, Any]]:
    """The values at a path, each with its field."""
    place, each, rest = path.partition("[]")
    field = f"{at}.{place}" if at and place else at or place
    for step in _steps(place):
        obj = obj.get(step) if isinstance(obj, dict) else None
    if not each:
        return [(field, obj)]
    return [
        found
        for index, one in enumerate(obj or ())
        for found in _values(one, rest.removeprefix("."), f"{field}[{index}]")
    ]


@cache
def _steps(place: str) -> tuple[str, ...]:
    return tuple(place.split(".")) if place else ()


def required(path: str, why: str = "") -> Rule:
    """A value must be there, and not empty."""
    return Rule(path, lambda field, value: [] if value else [causes.required(field, why)])


def enumeration(path: str, *allowed: str, must: bool = False) -> Rule:
    """One of these values; `must`: it may not be missing."""

    def rule(field: str, value: Any) -> list[Cause]:
        if must and not value:
            return [causes.required(field)]
        return [] if value is None or value in allowed else [causes.unsupported(field, value, allowed)]

    return Rule(path, rule)


def form(path: str, errors: Callable[[str], list[str]], *, must: bool = False) -> Rule:
    """A format of a text; `must`: it may not be missing."""

    def rule(field: str, value: Any) -> list[Cause]:
        if must and not value:
            return [causes.required(field)]
        return causes.formed(field, value, errors) if value else []

    return Rule(path, rule)


def bounds(path: str, low: int, high: int | None = None, why: str = "") -> Rule:
    """A number within bounds, where there is one."""
    told = why or (causes.NOT_NEGATIVE if high is None else f"must be between {low} and {high}, inclusive")

    def rule(field: str, value: Any) -> list[Cause]:
        inside = value is None or (value >= low and (high is None or value <= high))
        return [] if inside else [causes.invalid(field, value, told)]

    return Rule(path, rule)


def not_negative(*paths: str) -> tuple[Rule, ...]:
    """Numbers of at least 0."""
    return tuple(bounds(path, 0) for path in paths)


def distinct(path: str, key: str) -> Rule:
    """No two entries of a list with the same value of a key."""

    def rule(field: str, value: Any) -> list[Cause]:
        return repeated(field, [entry.get(key) for entry in value or ()], f".{key}")

    return Rule(path, rule)


def repeated(field: str, values: Iterable[Any], key: str = "") -> list[Cause]:
    """An error for each value that stood in the list before."""
    seen: set[Any] = set()
    found: list[Cause] = []
    for index, value in enumerate(values):
        if value and value in seen:
            found.append(causes.duplicate(f"{field}[{index}]{key}", value))
        seen.add(value)
    return found


def nested(path: str, rules: Rules) -> Rule:
    """A table for every object at a path that is there."""
    return Rule(path, lambda field, value: [] if value is None else check(rules, value, field))


def below(field: str, *steps: str) -> str:
    """The field below a field; of the object itself where that is empty."""
    return ".".join(step for step in (field, *steps) if step)


_PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)


def amount_or_percentage(path: str) -> Rule:
    """A number of at least 0, or a percentage of at most 100."""
    return Rule(path, lambda field, value: amount_errors(field, value) + percentage_errors(field, value))


def amount_errors(field: str, value: int | str | None) -> list[Cause]:
    """Neither below zero nor another text than a percentage."""
    if isinstance(value, str):
        return [] if re.fullmatch("[0-9]+%", value) else [causes.invalid(field, value, _PERCENT)]
    return causes.not_negative(field, value)


def percentage_errors(field: str, value: int | str | None) -> list[Cause]:
    """A percentage of at most 100."""
    if isinstance(value, str) and re.fullmatch("[0-9]+%", value) and int(value[:-1][:12]) > 100:
        return [causes.invalid(field, value, "must not be greater than 100%")]
    return []


def amount(value: int | str | None) -> int:
    """The number, of a percentage its number; 0 for what is neither."""
    if isinstance(value, str):
        digits = value.removesuffix("%")
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
    return value or 0


def fractions(at: str, given: Object, resources: Iterable[str]) -> Iterator[str]:
    """A warning for each amount of bytes that is not whole."""
    for resource in resources:
        if resource in given and (parse(given[resource]) * 1000) % 1000:
            value = canonical(given[resource])
            yield f'{at}[{resource}]: fractional byte value "{value}" is invalid, must be an integer'

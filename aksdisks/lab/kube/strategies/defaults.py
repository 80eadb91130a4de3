"""Tables of defaults, and the one engine that reads them; after it, `decoding.complete` reads those in the OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aksdisks.lab.client.interface import Object

Steps = Sequence[tuple[str, bool]]
"""The keys of a path, and whether each entry of the list there is meant."""


@dataclass(frozen=True, slots=True)
class Default:
    """Values for fields that are missing or empty, of every object at a path, as in a `Rule`.

    A value that is a function gets the object that lacks it; None is no default.
    """

    steps: Steps
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Within:
    """A table for every object at a path that is there."""

    steps: Steps
    table: Defaults


Entry = Default | Within | Callable[[Object], None]
"""A function gets the object that the table is about."""
Defaults = Sequence[Entry]


def default(path: str, /, **values: Any) -> Default:
    """The defaults of the fields of an object, the empty path's; where an object on the path is missing, none."""
    return Default(_steps(path), values)


def within(path: str, table: Defaults) -> Within:
    """A table of defaults for what stands at a path."""
    return Within(_steps(path), table)


def fill(table: Defaults, obj: Object) -> None:
    """Fill in what an object leaves out; changes `obj`."""
    for entry in table:
        if isinstance(entry, Default):
            for holder in _objects(obj, entry.steps):
                _fill(holder, entry.values)
        elif isinstance(entry, Within):
            for holder in _objects(obj, entry.steps):
                fill(entry.table, holder)
        else:
            entry(obj)


def _fill(holder: Object, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if holder.get(key) in (None, ""):
            given = value(holder) if callable(value) else value
            if given is not None:
                holder[key] = given.copy() if isinstance(given, dict | list) else given


def _steps(path: str) -> Steps:
    return tuple((step.removesuffix("[]"), step.endswith("[]")) for step in path.split(".")) if path else ()


def _objects(obj: Object, steps: Steps) -> Sequence[Object]:
    # Every write comes through here, mostly to find nothing: no recursion, and no generator for each step.
    found = [obj]
    for key, each in steps:
        values = [one[key] for one in found if key in one]
        if each:
            values = [inner for value in values for inner in value or ()]
        if not values:
            return ()
        found = [value for value in values if isinstance(value, dict)]
    return found

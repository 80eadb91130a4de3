"""Tables of defaults, and the one engine that reads them; after it, `decoding.complete` reads those in the OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aksdisks.lab.client.interface import Object


@dataclass(frozen=True, slots=True)
class Default:
    """Values for fields that are missing or empty, of every object at a path, as in a `Rule`.

    A value that is a function gets the object that lacks it; None is no default.
    """

    path: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Within:
    """A table for every object at a path that is there."""

    path: str
    table: Defaults


Entry = Default | Within | Callable[[Object], None]
"""A function gets the object that the table is about, when all else is filled in."""
Defaults = Sequence[Entry]


def default(path: str, /, **values: Any) -> Default:
    """The defaults of the fields of an object, the empty path's; where an object on the path is missing, none."""
    return Default(path, values)


def within(path: str, table: Defaults) -> Within:
    """A table of defaults for what stands at a path."""
    return Within(path, table)


class Filler:
    """A table as every write needs it: by the objects in which it fills something in, those that hold others first."""

    def __init__(self, table: Defaults = ()) -> None:
        self._values: list[tuple[str, Any]] = []
        self._below: dict[str, Filler] = {}
        self._functions: list[Callable[[Object], None]] = []
        self._add(table)

    def _add(self, table: Defaults) -> None:
        for entry in table:
            if isinstance(entry, Default):
                self._at(entry.path)._values.extend(entry.values.items())
            elif isinstance(entry, Within):
                self._at(entry.path)._add(entry.table)
            else:
                self._functions.append(entry)

    def _at(self, path: str) -> Filler:
        found = self
        for step in path.split(".") if path else ():
            found = found._below.setdefault(step.removesuffix("[]"), Filler())
        return found

    def fill(self, obj: Object, stored: Object | None = None) -> None:
        """Fill in what an object leaves out; changes `obj`, but no part that it shares with `stored`."""
        for key, value in self._values:
            found = obj.get(key)
            if found is None or found == "":
                given = value(obj) if callable(value) else value
                if given is not None:
                    obj[key] = given.copy() if isinstance(given, dict | list) else given
        for key, below in self._below.items():
            found = obj.get(key)
            if stored is not None and found is stored.get(key):
                continue
            for inner in found if isinstance(found, list) else (found,):
                if isinstance(inner, dict):
                    below.fill(inner)
        for function in self._functions:
            function(obj)

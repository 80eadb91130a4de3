"""How a frozen value is read from what an API answered: each field says where it stands there.

    phase: str = at("status.phase", "Pending")      # .status.phase; "Pending" where that is missing or empty
    message: str = at("message note")               # .message, else .note, else ""
    created: datetime | None = time("metadata.creationTimestamp")
    status: str = read(_pod_status, "")             # whatever the function makes of the whole object

`Pod.of(raw)` reads them all from JSON, Kubernetes' or Azure Resource Manager's; `Pod(name="a")` makes one by hand, in
which the defaults stand for what is left out. What is missing in JSON, or of another type, is read as its default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, fields
from datetime import datetime
from functools import cache
from typing import Any, Self

from aksdisks.quantities import parse_time


@cache
def _split(places: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(place.split(".")) for place in places.split())


def find(raw: Any, places: str, default: Any = None) -> Any:
    """What stands at the first of these places (dotted, with spaces between) that is filled, else the default."""
    for parts in _split(places):
        value = raw
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
        if value:
            return value
    return default


def listed(raw: Any, places: str) -> list[dict[str, Any]]:
    """The objects in the list at the first of these places that is filled; what is no object is left out."""
    found = find(raw, places, ())
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def texts(raw: Any, places: str) -> tuple[str, ...]:
    """The texts in the list at the first of these places that is filled; what is no text is left out."""
    found = find(raw, places, ())
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def mapping(raw: Any, places: str) -> dict[str, Any]:
    """The mapping at the first of these places that is filled; an empty one for anything else."""
    found = find(raw, places)
    return found if isinstance(found, dict) else {}


def read(decode: Callable[[Any], Any], default: Any = None) -> Any:
    """A field that `decode` makes of the raw object; `default` is for a value made by hand."""
    return field(default_factory=lambda: default, metadata={"decode": decode})


# How values of a field's type stand in JSON.
_IN_JSON: dict[type, type] = {str: str, tuple: list, dict: dict}


def at(places: str, default: Any = "") -> Any:
    """A field that stands as it is at the first filled one of these places; a list of texts becomes a tuple.

    A value of another type than the default's (None: any) is read as the default.
    """
    kind = _IN_JSON.get(type(default), object)

    def decode(raw: Any) -> Any:
        found = find(raw, places, default)
        if not isinstance(found, kind):
            return default
        return texts(raw, places) if isinstance(found, list) else found

    return read(decode, default)


def whole(places: str) -> Any:
    """A field that stands there as a whole number; None for anything else."""

    def decode(raw: Any) -> int | None:
        found = find(raw, places)
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    return read(decode)


def time(places: str) -> Any:
    """A field that stands there as a time; None without one."""

    return read(lambda raw: moment(find(raw, places)))


def moment(found: Any) -> datetime | None:
    """What stands for a time as one; None for anything else."""
    try:
        return parse_time(found) if isinstance(found, str) else None
    except ValueError:
        return None


def label(*keys: str) -> Any:
    """A field that is the first filled one of an object's labels."""
    return _first_of("metadata.labels", keys)


def annotation(*keys: str) -> Any:
    """A field that is the first filled one of an object's annotations."""
    return _first_of("metadata.annotations", keys)


def _first_of(place: str, keys: tuple[str, ...]) -> Any:
    return read(lambda raw: next(filter(None, map(mapping(raw, place).get, keys)), ""), "")


class Decoded:
    """What can be read from a raw object, field by field."""

    __slots__ = ()

    @classmethod
    def of(cls, raw: Any) -> Self:
        """The value that a raw object stands for."""
        return cls(**{name: decode(raw) for name, decode in _decoders(cls)})  # type: ignore[arg-type]


@cache
def _decoders(cls: Any) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """The fields of a class that are read from a raw object, and how."""
    return tuple((each.name, each.metadata["decode"]) for each in fields(cls) if each.metadata)

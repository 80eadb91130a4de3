"""How a frozen value is read from what an API answered: each field says where it stands there.

    phase: str = at("status.phase", "Pending")      # .status.phase; "Pending" where that is missing or empty
    message: str = at("message note")               # .message, else .note, else ""
    created: datetime | None = time("metadata.creationTimestamp")
    status: str = read(_pod_status, "")             # whatever the function makes of the whole object

`Pod.of(raw)` reads them all, from Kubernetes' JSON or an object of Azure's SDK; `Pod(name="a")` makes one by hand, in
which the defaults stand for what is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, fields
from typing import Any, Self

from aksdisks.quantities import parse_time


def find(raw: Any, places: str, default: Any = None) -> Any:
    """What stands at the first of these places (dotted, with spaces between) that is filled, else the default.

    Of an enumeration of the SDK's, its value.
    """
    for place in places.split():
        value = raw
        for part in place.split("."):
            value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
        if value:
            return getattr(value, "value", value)
    return default


def read(decode: Callable[[Any], Any], default: Any = None) -> Any:
    """A field that `decode` makes of the raw object; `default` is for a value made by hand."""
    return field(default_factory=lambda: default, metadata={"decode": decode})


def at(places: str, default: Any = "") -> Any:
    """A field that stands as it is at the first filled one of these places; a list becomes a tuple."""

    def decode(raw: Any) -> Any:
        found = find(raw, places, default)
        return tuple(found) if isinstance(found, list) else found

    return read(decode, default)


def time(places: str) -> Any:
    """A field that stands there as a time; None without one."""
    return read(lambda raw: parse_time(find(raw, places)))


def label(*keys: str) -> Any:
    """A field that is the first filled one of an object's labels."""
    return _first_of("metadata.labels", keys)


def annotation(*keys: str) -> Any:
    """A field that is the first filled one of an object's annotations."""
    return _first_of("metadata.annotations", keys)


def _first_of(place: str, keys: tuple[str, ...]) -> Any:
    return read(lambda raw: next(filter(None, map(find(raw, place, {}).get, keys)), ""), "")


class Decoded:
    """What can be read from a raw object, field by field."""

    __slots__ = ()

    @classmethod
    def of(cls, raw: Any) -> Self:
        """The value that a raw object stands for."""
        return cls(**{each.name: each.metadata["decode"](raw) for each in fields(cls) if each.metadata})  # type: ignore[arg-type]

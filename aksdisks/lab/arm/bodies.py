"""Reads members of a request's JSON: the value of the type expected, or Azure's refusal."""

from __future__ import annotations

from typing import Any, TypeVar

from aksdisks.lab.arm.errors import invalid_content

Json = dict[str, Any]
T = TypeVar("T")


def member(body: Json, name: str, kind: type[T]) -> T | None:
    """The member, None when it is absent or null. Raises `CloudError` (InvalidRequestContent) on another type."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise invalid_content(f"Error converting value {value!r} of '{name}' to type '{_NAMES[kind]}'")
    return value


def section(body: Json, *names: str) -> Json:
    """The object under a path of names, empty when any of it is absent."""
    for name in names:
        body = member(body, name, dict) or {}
    return body


def objects(body: Json, name: str) -> list[Json] | None:
    """A list of objects, None when it is absent."""
    value = member(body, name, list)
    for entry in value or ():
        if not isinstance(entry, dict):
            raise invalid_content(f"Error converting value {entry!r} in '{name}' to type 'object'")
    return value


def texts(body: Json, name: str) -> dict[str, str] | None:
    """A map of texts such as `tags`, None when it is absent."""
    value = member(body, name, dict)
    return None if value is None else {str(key): str(entry) for key, entry in value.items()}


def location_of(body: Json) -> str:
    """As Azure writes it, empty where none is given."""
    return (member(body, "location", str) or "").replace(" ", "").lower()


def kind_of(value: object) -> str:
    """The name of a JSON value's type."""
    return _NAMES.get(type(value), "null")


_NAMES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
}

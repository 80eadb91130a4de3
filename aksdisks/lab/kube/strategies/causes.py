"""The shapes of a field's error, worded as k8s.io/apimachinery/pkg/util/validation/field does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aksdisks.lab.kube.schema.objects import text
from aksdisks.lab.kube.schema.status import Cause

NULL = "null"
"""What an error shows for a pointer to nothing: this text, in quotes."""


def shown(value: Any) -> str:
    """A value as JSON, as an error shows it (encoding/json, which escapes what HTML gives a meaning to)."""
    if isinstance(value, str):
        return text(value)
    return text(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


NOT_NEGATIVE = "must be greater than or equal to 0"


def required(field: str, why: str = "") -> Cause:
    """A value is missing."""
    return Cause(field, "FieldValueRequired", f"Required value: {why}" if why else "Required value")


def invalid(field: str, value: Any, why: str) -> Cause:
    """A value is malformed or may not be changed to this."""
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {why}")


def unsupported(field: str, value: Any, supported: Iterable[str]) -> Cause:
    """A value is not one of the known ones, which are listed in the order given."""
    listed = ", ".join(f'"{one}"' for one in supported)
    return Cause(field, "FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {listed}")


def forbidden(field: str, why: str) -> Cause:
    """A value is not allowed here."""
    return Cause(field, "FieldValueForbidden", f"Forbidden: {why}")


def not_found(field: str, value: Any) -> Cause:
    """A value names nothing that exists."""
    return Cause(field, "FieldValueNotFound", f"Not found: {shown(value)}")


def duplicate(field: str, value: Any) -> Cause:
    """A value occurs twice."""
    return Cause(field, "FieldValueDuplicate", f"Duplicate value: {shown(value)}")


def too_long(field: str, limit: int) -> Cause:
    """A value has more than `limit` bytes."""
    return Cause(field, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")


def immutable(field: str, new: Any, old: Any) -> list[Cause]:
    """An error when the value has been changed; None is a pointer to nothing."""
    return [] if new == old else [invalid(field, NULL if new is None else new, "field is immutable")]


def not_negative(field: str, value: int | None) -> list[Cause]:
    """An error when a number is below zero."""
    return [] if value is None or value >= 0 else [invalid(field, value, NOT_NEGATIVE)]


def formed(field: str, value: str, check: Callable[[str], list[str]]) -> list[Cause]:
    """What a format says is wrong with a value."""
    return [invalid(field, value, problem) for problem in check(value)]

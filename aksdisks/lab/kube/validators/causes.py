"""The shapes of a field's error, worded as k8s.io/apimachinery/pkg/util/validation/field does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aksdisks.lab.kube.objects import text
from aksdisks.lab.kube.status import Cause


def required(field: str, why: str = "") -> Cause:
    """A value is missing."""
    return Cause(field, "FieldValueRequired", f"Required value: {why}" if why else "Required value")


def invalid(field: str, value: Any, why: str) -> Cause:
    """A value is malformed or may not be changed to this."""
    return Cause(field, "FieldValueInvalid", f"Invalid value: {text(value)}: {why}")


def unsupported(field: str, value: Any, supported: Iterable[str]) -> Cause:
    """A value is not one of the known ones, which are listed sorted."""
    listed = ", ".join(f'"{one}"' for one in sorted(supported))
    return Cause(field, "FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {listed}')


def forbidden(field: str, why: str) -> Cause:
    """A value is not allowed here."""
    return Cause(field, "FieldValueForbidden", f"Forbidden: {why}")


def not_found(field: str, value: Any) -> Cause:
    """A value names nothing that exists."""
    return Cause(field, "FieldValueNotFound", f"Not found: {text(value)}")


def duplicate(field: str, value: Any) -> Cause:
    """A value occurs twice."""
    return Cause(field, "FieldValueDuplicate", f"Duplicate value: {text(value)}")


def immutable(field: str, new: Any, old: Any) -> list[Cause]:
    """An error when the value has been changed."""
    return [] if new == old else [invalid(field, new, "field is immutable")]

"""Validation of values that are a number or a percentage."""

from __future__ import annotations

import re

from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import NOT_NEGATIVE, invalid

_PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)


def int_or_percent(field: str, value: int | str | None) -> list[Cause]:
    """Neither below zero nor another text than a percentage."""
    if isinstance(value, str):
        return [] if re.fullmatch("[0-9]+%", value) else [invalid(field, value, _PERCENT)]
    return [invalid(field, value, NOT_NEGATIVE)] if value is not None and value < 0 else []


def amount(value: int | str | None) -> int:
    """The number, of a percentage its number; 0 for what is neither."""
    if isinstance(value, str):
        digits = value.removesuffix("%")
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
    return value or 0


def not_above_hundred(field: str, value: int | str | None) -> list[Cause]:
    """A percentage of at most 100."""
    if isinstance(value, str) and re.fullmatch("[0-9]+%", value) and int(value[:-1][:12]) > 100:
        return [invalid(field, value, "must not be greater than 100%")]
    return []

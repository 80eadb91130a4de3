"""Kubernetes quantities: parse, and write in the canonical form that the API server stores."""

from __future__ import annotations

import math
import re
from decimal import ROUND_UP, Context
from fractions import Fraction
from functools import lru_cache

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_MOST_DIGITS = 18
"""Up to here a number is kept as it is written (quantity.go: maxInt64Factors)."""
_LARGEST = (1 << 63) - 1
_MOST_POWER = 100
"""Powers of ten beyond this one compare as equal: `1e60000` is a quantity, but no number to calculate with."""
_LONGEST_EXPONENT = 12
_ROUNDED = Context(prec=64, rounding=ROUND_UP)
_DECIMAL_NAMES = {power: name for name, power in _DECIMAL.items()}
_BINARY_NAMES = {power: name for name, power in _BINARY.items()}

SUFFIX_MESSAGE = "unable to parse quantity's suffix"
MESSAGE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


@lru_cache(maxsize=1024)
def parse(text: str) -> Fraction:
    """The number that a quantity stands for; ValueError with upstream's message when it is not one."""
    value, _, power = _split(text)
    return value * Fraction(10) ** max(min(power, _MOST_POWER), -_MOST_POWER)


@lru_cache(maxsize=1024)
def canonical(text: str) -> str:
    """The shortest equal quantity in the same family (binary, decimal, exponent), finer than n rounded up.

    1024Mi is 1Gi, 0.5 is 500m, 1.5Gi is 1536Mi (k8s.io/apimachinery/pkg/api/resource).
    """
    value, suffix, power = _split(text)
    if suffix[:1] in ("e", "E") and suffix != "E" and suffix != "Ei":
        if value == 0:
            return "0"
        if power > _MOST_POWER:
            return _exponent(int(value * 10**_MOST_DIGITS), power - _MOST_DIGITS)
        return _exponent(_nanos(value * Fraction(10) ** max(power, -_MOST_POWER)), -9)
    if suffix in _BINARY and abs(value) >= 1024 and value.denominator == 1:
        power = 0
        mantissa = int(value)
        while mantissa % 1024 == 0 and power < 6 and mantissa:
            mantissa //= 1024
            power += 1
        return f"{mantissa}{_BINARY_NAMES.get(power, '')}"
    nanos = _nanos(value)
    if nanos == 0:
        return "0"
    power = -3
    while nanos % 1000 == 0 and power < 6:
        nanos //= 1000
        power += 1
    return f"{nanos}{_DECIMAL_NAMES[power]}"


def _nanos(value: Fraction) -> int:
    """Billionths, rounded away from zero."""
    return math.ceil(value * 10**9) if value >= 0 else -math.ceil(-value * 10**9)


def _exponent(digits: int, power: int) -> str:
    """`digits` times ten to the `power`, with as few digits as an exponent that three divides allows."""
    while digits % 10 == 0:
        digits //= 10
        power += 1
    digits *= 10 ** (power % 3)
    power -= power % 3
    return f"{digits}e{power}" if power else str(digits)


def _split(text: str) -> tuple[Fraction, str, int]:
    """The value without the power of ten that an exponent adds, the suffix, and that power (0 for the other suffixes).

    What has too many digits for a machine's integer is rounded up to nano and capped, as Kubernetes documents it.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(MESSAGE)
    suffix = match[2] or ""
    if suffix in _BINARY:
        factor, power = Fraction(1024 ** _BINARY[suffix]), 0
    elif suffix in _DECIMAL:
        factor, power = Fraction(1000) ** _DECIMAL[suffix], 0
    else:
        factor, power = Fraction(1), _power(suffix[1:])
    if sum(map(str.isdigit, match[1])) <= _MOST_DIGITS:
        return Fraction(match[1]) * factor, suffix, power
    number = _ROUNDED.create_decimal(match[1])
    if number and number.adjusted() + power > _MOST_DIGITS:
        return Fraction(_LARGEST if number > 0 else -_LARGEST), suffix, 0
    if number and number.adjusted() + power < -_MOST_DIGITS:
        return Fraction(1 if number > 0 else -1, 10**9), suffix, 0
    value = Fraction(number) * factor * Fraction(10) ** power
    return max(min(value, Fraction(_LARGEST)), Fraction(-_LARGEST)), suffix, 0


def _power(text: str) -> int:
    """An exponent; beyond an int32 upstream cannot read it (apimachinery/pkg/api/resource/suffix.go)."""
    if len(text) > _LONGEST_EXPONENT or abs(int(text)) >= 1 << 31:
        raise ValueError(SUFFIX_MESSAGE)
    return int(text)

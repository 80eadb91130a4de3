"""Kubernetes quantities: parse, and write in the canonical form that the API server stores."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_DECIMAL_NAMES = {power: name for name, power in _DECIMAL.items()}
_BINARY_NAMES = {power: name for name, power in _BINARY.items()}

MESSAGE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


@lru_cache(maxsize=1024)
def parse(text: str) -> Fraction:
    """The number that a quantity stands for; ValueError with upstream's message when it is not one."""
    return _split(text)[0]


@lru_cache(maxsize=1024)
def canonical(text: str) -> str:
    """The shortest equal quantity in the same family (binary, decimal, exponent), finer than n rounded up.

    1024Mi is 1Gi, 0.5 is 500m, 1.5Gi is 1536Mi (k8s.io/apimachinery/pkg/api/resource).
    """
    value, suffix = _split(text)
    if suffix[:1] in ("e", "E") and suffix != "E" and suffix != "Ei":
        return _exponent(value)
    if suffix in _BINARY and abs(value) >= 1024 and value.denominator == 1:
        power = 0
        mantissa = int(value)
        while mantissa % 1024 == 0 and power < 6 and mantissa:
            mantissa //= 1024
            power += 1
        return f"{mantissa}{_BINARY_NAMES.get(power, '')}"
    nanos = math.ceil(value * 10**9) if value >= 0 else -math.ceil(-value * 10**9)
    if nanos == 0:
        return "0"
    power = -3
    while nanos % 1000 == 0 and power < 6:
        nanos //= 1000
        power += 1
    return f"{nanos}{_DECIMAL_NAMES[power]}"


def _exponent(value: Fraction) -> str:
    nanos = math.ceil(value * 10**9)
    if nanos == 0:
        return "0"
    power = -9
    while nanos % 1000 == 0:
        nanos //= 1000
        power += 3
    return f"{nanos}e{power}" if power else str(nanos)


def _split(text: str) -> tuple[Fraction, str]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(MESSAGE)
    number, suffix = Fraction(match[1]), match[2] or ""
    if suffix in _BINARY:
        return number * 1024 ** _BINARY[suffix], suffix
    if suffix in _DECIMAL:
        return number * Fraction(1000) ** _DECIMAL[suffix], suffix
    return number * Fraction(10) ** int(suffix[1:]), suffix

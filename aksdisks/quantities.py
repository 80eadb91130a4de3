"""Kubernetes quantities, GiB, durations, times on the wire; pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil

GIB = 2**30

_SUFFIXES = {suffix: Decimal(10) ** (3 * power) for power, suffix in enumerate(["n", "u", "m", "", *"kMGTPE"], -3)}
_SUFFIXES |= {f"{letter}i": Decimal(2) ** (10 * power) for power, letter in enumerate("KMGTPE", 1)}
_QUANTITY = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d{1,3}|[numkMGTPE]|[KMGTPE]i)?$")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 36525 * 86400
# No quantity is greater (facts: kubernetes apimachinery pkg/api/resource/quantity.go).
_LARGEST = 2**63 - 1


def parse_quantity(text: str) -> Decimal:
    """A Kubernetes quantity (`25Gi`, `250m`, `1e3`) as a number of its base unit; ValueError when it is none."""
    match = _QUANTITY.match(text)
    if match is None:
        raise ValueError(f"expected a quantity such as 25Gi, found {text!r}")
    number, suffix = Decimal(match[1]), match[2] or ""
    if suffix[:1] in ("e", "E") and len(suffix) > 1 and suffix != "Ei":
        number *= Decimal(10) ** int(suffix[1:])
    else:
        number *= _SUFFIXES[suffix]
    if abs(number) > _LARGEST:
        raise ValueError(f"expected a quantity below 2^63, found {text!r}")
    return number


def gib(text: str) -> int:
    """The whole GiB that Azure allocates for a quantity: rounded up (facts: 25Gi becomes diskSizeGB 25)."""
    return ceil(parse_quantity(text) / GIB)


def show_gib(size: int | None) -> str:
    """`25 GiB`, or `?` when the size is not known."""
    return "?" if size is None else f"{size} GiB"


def parse_duration(text: str) -> float:
    """Seconds of `45s`, `30m`, `24h` or `7d`; ValueError for what is none, and above a hundred years."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a duration such as 24h, found {text!r}")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > _LONGEST:
        raise ValueError(f"expected a duration of at most a hundred years, found {text!r}")
    return seconds


def parse_time(text: str | None) -> datetime | None:
    """A Kubernetes Time or MicroTime, or an ARM timestamp, as an aware datetime; None for none."""
    if not text:
        return None
    # ARM writes seven digits of a second, which fromisoformat of Python 3.11 refuses.
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def show_time(moment: datetime) -> str:
    """A Kubernetes MicroTime, as Leases carry it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

"""Kubernetes quantities, GiB, disk tiers and their price, times on the wire; pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil

GIB = 2**30

_SUFFIXES = {suffix: Decimal(10) ** (3 * power) for power, suffix in enumerate(["n", "u", "m", "", *"kMGTPE"], -3)}
_SUFFIXES |= {f"{letter}i": Decimal(2) ** (10 * power) for power, letter in enumerate("KMGTPE", 1)}
_QUANTITY = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d{1,3}|[numkMGTPE]|[KMGTPE]i)?$")
# No quantity is greater (facts: kubernetes apimachinery pkg/api/resource/quantity.go).
_LARGEST = 2**63 - 1

# Upper size in GiB of each tier's number (facts: azure-docs includes/disk-storage-premium-ssd-sizes.md).
_TIER_SIZES = ((1, 4), (2, 8), (3, 16), (4, 32), (6, 64), (10, 128), (15, 256), (20, 512), (30, 1024), (40, 2048))
# USD a month for one disk, locally redundant, list prices of a US region, rounded; secondary sources, so approximate.
_PREMIUM_USD = {1: 0.60, 2: 1.20, 3: 2.40, 4: 5.28, 6: 10.21, 10: 19.71, 15: 38.02, 20: 73.22, 30: 135.17, 40: 259.05}
_STANDARD_SSD_USD_PER_GIB = 0.075
_DAYS_A_MONTH = 365 / 12


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


def disk_tier(sku: str, size_gib: int) -> str | None:
    """The tier that a disk is billed as (`Premium_LRS`, 25 GiB: `P4`); None where size is billed without tiers."""
    letter = {"Premium": "P", "StandardSSD": "E"}.get(sku.partition("_")[0])
    number = next((number for number, upper in _TIER_SIZES if size_gib <= upper), None)
    return f"{letter}{number}" if letter and number else None


def cost_per_day(sku: str, size_gib: int) -> float | None:
    """Roughly what one disk costs a day in USD (ZRS as 1.5 times LRS); None where no list price is known here."""
    tier = disk_tier(sku, size_gib)
    if tier is None:
        return None
    number = int(tier[1:])
    month = _PREMIUM_USD[number] if tier[0] == "P" else _STANDARD_SSD_USD_PER_GIB * dict(_TIER_SIZES)[number]
    return month * (1.5 if sku.endswith("_ZRS") else 1.0) / _DAYS_A_MONTH


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

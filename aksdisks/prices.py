"""Disk tiers and what they cost: list prices, approximate; pure."""

from __future__ import annotations

# Upper size in GiB of each tier's number (facts: azure-docs includes/disk-storage-premium-ssd-sizes.md).
_TIER_SIZES = ((1, 4), (2, 8), (3, 16), (4, 32), (6, 64), (10, 128), (15, 256), (20, 512), (30, 1024), (40, 2048))
# USD a month for one disk, locally redundant, list prices of a US region, rounded; secondary sources, so approximate.
_PREMIUM_USD = {1: 0.60, 2: 1.20, 3: 2.40, 4: 5.28, 6: 10.21, 10: 19.71, 15: 38.02, 20: 73.22, 30: 135.17, 40: 259.05}
_STANDARD_SSD_USD_PER_GIB = 0.075
_DAYS_A_MONTH = 365 / 12


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

"""The prices that are built in: a small table of one day, for want of a list that is up to date."""

from __future__ import annotations

from functools import cache

from aksdisks.prices.meters import PROVISIONED, TIERED
from aksdisks.prices.rates import HOURS_A_MONTH, Rate, Rates
from aksdisks.prices.tiers import SMALLEST_HDD, TIER_SIZES

SOURCE = "list prices of a US region, 2026-09-23, approximate"
CURRENCY = "USD"

# USD a month, locally redundant, of Azure's retail price list for eastus, rounded; seen through secondary sources, so
# approximate. What is zone-redundant costs 1.5 times as much there. Standard SSD is priced by the GiB of its tier.
_PREMIUM = (0.60, 1.20, 2.40, 5.28, 10.21, 19.71, 38.02, 73.22, 135.17, 259.05, 495.57, 946.08, 1802.06, 3604.11)
_STANDARD_SSD_GIB = 0.075
_STANDARD_HDD = (1.536, 3.008, 5.888, 11.264, 21.76, 40.96, 81.92, 163.84, 327.68, 655.36, 1310.72)
_ZONE_REDUNDANT = {"LRS": 1.0, "ZRS": 1.5}
# USD an hour for each GiB, IOPS and MB/s.
_PROVISIONED = {"PremiumV2": (0.000111, 0.000007, 0.000055), "UltraSSD": (0.000164, 0.000068, 0.000479)}
# USD a month and GiB; the same for both redundancies.
_SNAPSHOTS = {"Standard": 0.05, "Premium": 0.132}


@cache
def rates() -> Rates:
    """The prices by meter, for any region."""
    found: dict[tuple[str, str, str], Rate] = {}

    def put(family_product: str, meter: str, price: float) -> None:
        found["", family_product, meter] = Rate(((0.0, price),))

    hdd = [number for number in TIER_SIZES if number >= SMALLEST_HDD]
    for redundancy, factor in _ZONE_REDUNDANT.items():
        for number, price in zip(TIER_SIZES, _PREMIUM, strict=True):
            put(TIERED["Premium"], f"P{number} {redundancy} Disk", price * factor)
        for number, size in TIER_SIZES.items():
            put(TIERED["StandardSSD"], f"E{number} {redundancy} Disk", _STANDARD_SSD_GIB * size * factor)
        for family, price in _SNAPSHOTS.items():
            put(TIERED[family], f"{redundancy} Snapshots", price)
    for number, price in zip(hdd, _STANDARD_HDD, strict=True):
        put(TIERED["Standard"], f"S{number} LRS Disk", price)
    for family, prices in _PROVISIONED.items():
        kind = PROVISIONED[family]
        for unit, price in zip(("Capacity", "IOPS", "Throughput (MBps)"), prices, strict=True):
            put(kind.product, f"{kind.word} LRS Provisioned {unit}", price * HOURS_A_MONTH)
    return found

"""The tiers that Premium SSD, Standard SSD and Standard HDD are billed as, and the sizes that they reach to."""

from __future__ import annotations

from collections.abc import Mapping

# Upper size in GiB of each tier's number (facts: azure-docs includes/disk-storage-premium-ssd-sizes.md and its twins).
TIER_SIZES: Mapping[int, int] = {
    1: 4, 2: 8, 3: 16, 4: 32, 6: 64, 10: 128, 15: 256,
    20: 512, 30: 1024, 40: 2048, 50: 4096, 60: 8192, 70: 16384, 80: 32768,
}  # fmt: skip
TIER_LETTERS: Mapping[str, str] = {"Premium": "P", "StandardSSD": "E", "Standard": "S"}
SMALLEST_HDD = 4
"""There is no S1, S2 or S3: a small disk is billed as S4."""


def disk_tier(sku: str, size_gib: int) -> str | None:
    """The tier that a disk is billed as (`Premium_LRS`, 25 GiB: `P4`).

    None where size is billed without tiers, and for a size that no disk has.
    """
    letter = TIER_LETTERS.get(sku.partition("_")[0])
    if letter is None or size_gib < 1:
        return None
    smallest = SMALLEST_HDD if letter == "S" else 1
    fitting = (number for number, upper in TIER_SIZES.items() if number >= smallest and size_gib <= upper)
    number = next(fitting, None)
    return f"{letter}{number}" if number else None

"""The tiers that disks are billed as."""

import pytest

from aksdisks.prices import disk_tier


@pytest.mark.parametrize(
    ("sku", "size", "tier"),
    [("Premium_LRS", 25, "P4"), ("Premium_LRS", 32, "P4"), ("Premium_LRS", 33, "P6"), ("StandardSSD_ZRS", 128, "E10"),
     ("Premium_LRS", 1, "P1"), ("Premium_LRS", 4096, "P50"), ("StandardSSD_LRS", 32767, "E80"),
     ("Standard_LRS", 1, "S4"), ("Standard_LRS", 33, "S6"),
     ("PremiumV2_LRS", 25, None), ("UltraSSD_LRS", 25, None), ("", 25, None),
     ("Premium_LRS", 0, None), ("Premium_LRS", 32769, None)],
)  # fmt: skip
def test_disks_are_billed_by_tier(sku, size, tier):
    assert disk_tier(sku, size) == tier

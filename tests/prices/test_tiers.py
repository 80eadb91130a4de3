"""Disk tiers and their list prices."""

import pytest

from aksdisks.prices import cost_per_day, disk_tier


@pytest.mark.parametrize(
    ("sku", "size", "tier"),
    [("Premium_LRS", 25, "P4"), ("Premium_LRS", 32, "P4"), ("Premium_LRS", 33, "P6"), ("StandardSSD_ZRS", 128, "E10"),
     ("PremiumV2_LRS", 25, None), ("UltraSSD_LRS", 25, None), ("Premium_LRS", 1, "P1")],
)  # fmt: skip
def test_disks_are_billed_by_tier(sku, size, tier):
    assert disk_tier(sku, size) == tier


def test_cost_is_by_tier_not_by_size_and_unknown_for_skus_without_tiers():
    assert cost_per_day("Premium_LRS", 128) == pytest.approx(19.71 * 12 / 365)
    assert cost_per_day("StandardSSD_LRS", 1024) == pytest.approx(76.80 * 12 / 365)
    assert cost_per_day("Premium_LRS", 17) == cost_per_day("Premium_LRS", 32)
    assert cost_per_day("Premium_ZRS", 25) > cost_per_day("Premium_LRS", 25)
    assert cost_per_day("UltraSSD_LRS", 25) is None

"""Quantities, tiers, prices and times as Kubernetes and Azure write them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from aksdisks.quantities import cost_per_day, disk_tier, gib, parse_quantity, parse_time, show_time


@pytest.mark.parametrize(
    ("text", "number"),
    [("25Gi", 25 * 2**30), ("0", 0), ("250m", Decimal("0.25")), ("1e3", 1000), ("2E", 2 * 10**18), ("1Ei", 2**60),
     (".5Gi", 2**29), ("-1k", -1000), ("12e-1", Decimal("1.2"))],
)  # fmt: skip
def test_quantity(text, number):
    assert parse_quantity(text) == number


@pytest.mark.parametrize(
    "text", ["", "25 Gi", "25gi", "Gi", "1.2.3", "0x10", "25GiB", "1e", "ten", "8Ei", "1e999999999", "9" * 5000]
)
def test_no_quantity(text):
    with pytest.raises(ValueError, match="quantity"):
        parse_quantity(text)


@pytest.mark.parametrize(("text", "whole"), [("25Gi", 25), ("25.1Gi", 26), ("1", 1), ("26843545601", 26)])
def test_azure_rounds_up_to_whole_gib(text, whole):
    assert gib(text) == whole


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


def test_times_of_both_sides():
    moment = datetime(2026, 11, 23, 3, 28, 41, 123456, tzinfo=UTC)
    assert parse_time("2026-11-23T03:28:41.123456Z") == moment
    assert parse_time("2026-11-23T03:28:41.1234567+00:00") == moment
    assert parse_time(show_time(moment)) == moment
    assert parse_time(None) is None

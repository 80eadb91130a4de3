"""Quantities and times as Kubernetes and Azure write them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from aksdisks.quantities import gib, parse_duration, parse_quantity, parse_time, show_time


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
    ("text", "seconds"), [("45s", 45), ("30m", 1800), ("24h", 86400), ("7d", 604800), ("1.5h", 5400), ("0s", 0)]
)
def test_duration(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1h30m", "24 h", "24H", "1w", "24h\n", "inf", "9" * 5000 + "d"])
def test_no_duration(text):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_times_of_both_sides():
    moment = datetime(2026, 11, 23, 3, 28, 41, 123456, tzinfo=UTC)
    assert parse_time("2026-11-23T03:28:41.123456Z") == moment
    assert parse_time("2026-11-23T03:28:41.1234567+00:00") == moment
    assert parse_time(show_time(moment)) == moment
    assert parse_time(None) is None

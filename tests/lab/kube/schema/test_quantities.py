"""Quantities in their canonical form, and those that would take for ever."""

from __future__ import annotations

from fractions import Fraction

import pytest

from aksdisks.lab.kube.schema import quantities

LARGEST = str((1 << 63) - 1)


@pytest.mark.parametrize(
    ("text", "canonical", "value"),
    [
        ("1024Mi", "1Gi", 1 << 30),
        ("1.5Gi", "1536Mi", 3 << 29),
        ("0.5", "500m", Fraction(1, 2)),
        ("0.0000000001", "1n", Fraction(1, 10**10)),
        ("12e5", "1200e3", 1200000),
        ("1e-3", "1e-3", Fraction(1, 1000)),
        ("0.0000000000000001e3", "1e-9", Fraction(1, 10**13)),
        ("0e60000", "0", 0),
        ("1e60000", "1e60000", 10**100),
        ("-1.50e60001", "-15e60000", -15 * 10**99),
        ("1e-60000", "1e-9", Fraction(1, 10**100)),
        ("9" * 50_000, LARGEST, int(LARGEST)),
        ("-" + "9" * 50_000 + "Gi", f"-{LARGEST}", -int(LARGEST)),
        ("9" * 19 + "e60000", LARGEST, int(LARGEST)),
        ("0." + "0" * 50_000 + "1", "1n", Fraction(1, 10**9)),
        ("0." + "3" * 50_000, "333333334n", None),
    ],
)
def test_a_quantity_is_one_number(text: str, canonical: str, value: Fraction | int | None) -> None:
    assert quantities.canonical(text) == canonical
    if value is not None:
        assert quantities.parse(text) == value


@pytest.mark.parametrize("text", ["1e2147483648", "1e" + "9" * 50_000])
def test_an_exponent_has_an_end(text: str) -> None:
    with pytest.raises(ValueError, match="unable to parse quantity's suffix"):
        quantities.parse(text)

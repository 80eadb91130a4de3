"""What units of a meter cost."""

import pytest

from aksdisks.prices.rates import Rate


@pytest.mark.parametrize(
    ("steps", "units", "free", "cost"),
    [(((0, 2.0),), 3, 0, 6.0), (((0, 2.0),), 3, 1, 4.0), (((0, 2.0),), 3, 5, 0.0), (((0, 2.0),), 0, 0, 0.0),
     (((0, 0.0), (3000, 1.0)), 3000, 0, 0.0), (((0, 0.0), (3000, 1.0)), 3001, 0, 1.0),
     (((3000, 1.0),), 3001, 3000, 1.0), (((0, 3.0), (10, 2.0), (20, 1.0)), 25, 0, 55.0)],
)  # fmt: skip
def test_each_step_counts_for_the_units_within_it(steps, units, free, cost):
    assert Rate(steps).a_month(units, free) == pytest.approx(cost)

"""What units of a meter cost a month, where the price may change with the amount; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf

HOURS_A_MONTH = 730
"""What Azure's own calculator takes a month for."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A meter's price a unit and month: `steps` are the units from which on a price counts, rising, and that price.

    `since` is the day from which on it has been in force, empty where that is not told.
    """

    steps: tuple[tuple[float, float], ...]
    since: str = ""

    def a_month(self, units: float, free: float = 0.0) -> float:
        """What so many units cost, of which the first `free` cost nothing."""
        return self._up_to(units) - self._up_to(min(units, free))

    def _up_to(self, units: float) -> float:
        bounded = pairwise((*self.steps, (inf, 0.0)))
        return sum(price * max(0.0, min(units, ends) - begins) for (begins, price), (ends, _) in bounded)


Rates = Mapping[tuple[str, str, str], Rate]
"""By region, product and meter; the region is empty where a price stands for all of them."""

"""Rows of stated columns, and the pandas DataFrame of such rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame

TEXT, TRUTH, WHOLE, NUMBER, TIME = "string", "boolean", "Int64", "Float64", "datetime64[ns, UTC]"
"""pandas' types that have a value for what is missing."""

Row = Mapping[str, Any]
"""A value for each column; None where it is missing."""


@dataclass(frozen=True, slots=True)
class Records:
    """Rows of stated columns: all that their DataFrame has, for views that need no pandas, whose import takes long.

    `columns`: pandas' type of each. `unknown`: why rows, or values in them, are missing.
    """

    columns: Mapping[str, str]
    rows: Sequence[Row]
    unknown: str = ""

    def where(self, keep: Callable[[Row], object]) -> Records:
        """The rows that are to be kept."""
        return replace(self, rows=[row for row in self.rows if keep(row)])

    def sorted(self, key: Callable[[Row], Any]) -> Records:
        """The rows in another order."""
        return replace(self, rows=sorted(self.rows, key=key))

    def extended(self, columns: Mapping[str, str], values: Callable[[Row], Row], unknown: str = "") -> Records:
        """With more columns, whose values are made of each row; `unknown`: why some of them are missing."""
        rows = [{**row, **values(row)} for row in self.rows]
        return Records({**self.columns, **columns}, rows, self.unknown or unknown)

    def frame(self, **attrs: str) -> DataFrame:
        """The DataFrame of the rows; `attrs` that are not empty are its `attrs`, and `unknown` is among them."""
        from pandas import DataFrame

        # Column by column with its type: a frame without rows, or with a column of which all is missing, has them too.
        made = DataFrame({name: _column([row[name] for row in self.rows], kind) for name, kind in self.columns.items()})
        made.attrs = {name: value for name, value in {**attrs, "unknown": self.unknown}.items() if value}
        return made


def _column(values: list[Any], kind: str) -> Any:
    from pandas import Series, to_datetime

    if kind == TIME:
        return to_datetime(Series(values, dtype="object"), utc=True).astype(kind)
    return Series(values, dtype=kind)

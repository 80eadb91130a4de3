"""Paths of columns, and what lies at them."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.kube.strategies import jsonpath

OBJECT = {
    "a": {"b.c": 1, "d": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}]},
    "e": [1, 2, 3],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".a.d[0].type", ["Ready"]),
        ('.a.d[?(@.type=="Other")].status', ["False"]),
        ("['a'].d[*].status", ["True", "False"]),
        (".a.b\\.c", [1]),
        (".e[-1]", [3]),
        (".e[9]", []),
        (".x.y", []),
    ],
)
def test_what_lies_at_a_path(path: str, found: list[Any]) -> None:
    assert jsonpath.find(jsonpath.parse(path), OBJECT) == found


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(ValueError, match="unrecognized character"):
        jsonpath.parse(".a[")

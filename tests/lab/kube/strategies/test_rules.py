"""The engine of rule tables: which fields it finds, in which order, and what it says of them."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.strategies import rules
from aksdisks.lab.kube.strategies.rules import Fixed, Rules

NEGATIVE = "Invalid value: -1: must be greater than or equal to 0"
ENTRY: Rules = (rules.required("name"), rules.bounds("size", 0))


@pytest.mark.parametrize(
    ("table", "obj", "problems"),
    [
        ((rules.required("a.b", "why"),), {}, ["a.b: Required value: why"]),
        ((rules.required("a[].b"),), {}, []),
        ((rules.required("a[].b"),), {"a": [{"b": 1}, {}]}, ["a[1].b: Required value"]),
        ((rules.enumeration("a", "x", "y"),), {}, []),
        ((rules.enumeration("a", "x", must=True),), {}, ["a: Required value"]),
        ((rules.enumeration("a", "x", "y"),), {"a": "z"}, ['a: Unsupported value: "z": supported values: "x", "y"']),
        ((rules.form("a", names.config_key_errors, must=True),), {"a": ""}, ["a: Required value"]),
        ((rules.bounds("a", 1, 3),), {"a": 4}, ["a: Invalid value: 4: must be between 1 and 3, inclusive"]),
        (rules.not_negative("a", "b"), {"b": -1, "a": -1}, [f"a: {NEGATIVE}", f"b: {NEGATIVE}"]),
        ((rules.distinct("a", "k"),), {"a": [{"k": "1"}, {}, {"k": "1"}, {}]}, ['a[2].k: Duplicate value: "1"']),
        ((rules.nested("a[]", ENTRY),), {"a": [{"size": -1}]}, ["a[0].name: Required value", f"a[0].size: {NEGATIVE}"]),
        ((rules.amount_or_percentage("a"),), {"a": "101%"},
         ['a: Invalid value: "101%": must not be greater than 100%']),
    ],
)  # fmt: skip
def test_tables(table: Rules, obj: Object, problems: list[str]) -> None:
    assert [f"{cause.field}: {cause.message}" for cause in rules.check(table, obj)] == problems


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (Fixed("a.b"), ['a.b: Invalid value: "2": field is immutable']),
        (Fixed("a.b", "c"), ['c: Invalid value: "2": field is immutable']),
        (Fixed("a.b", why="it stays"), ["a.b: Forbidden: it stays"]),
        (Fixed("a.c"), []),
    ],
)
def test_changes(change: Any, problems: list[str]) -> None:
    found = rules.check_changes((change,), {"a": {"b": "2"}}, {"a": {"b": "1"}})
    assert [f"{cause.field}: {cause.message}" for cause in found] == problems

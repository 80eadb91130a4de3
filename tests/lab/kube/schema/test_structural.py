"""What a structural schema fills in, and what it leaves as it is."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.structural import Structural

NAMED: Object = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "count": {"type": "integer", "default": 1}},
}
SCHEMA: Object = {
    "type": "object",
    "properties": {
        "a": {"type": "integer", "default": 2},
        "none": {"type": "string", "nullable": True, "default": "x"},
        "plain": {"type": "object", "properties": {"b": {"type": "string"}}},
        "list": {"type": "array", "items": NAMED},
        "map": {"type": "object", "additionalProperties": NAMED},
        "whole": {"type": "object", "default": {"in": {}}, "properties": {"in": NAMED}},
    },
}
WHOLE: Object = {"in": {"count": 1}}
DONE: Object = {"a": 2, "none": "x", "whole": WHOLE}


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        ({}, DONE),
        ({"a": None, "none": None, "plain": {"b": None}}, {**DONE, "none": None, "plain": {}}),
        ({"list": [{"name": "n"}, {"count": 3}]}, {**DONE, "list": [{"name": "n", "count": 1}, {"count": 3}]}),
        ({"map": {"k": {}, "gone": None}}, {**DONE, "map": {"k": {"count": 1}}}),
        ({"whole": {"in": {"name": "n"}}}, {**DONE, "whole": {"in": {"name": "n", "count": 1}}}),
    ],
)
def test_defaults_and_nulls(given: Object, completed: Object) -> None:
    Structural(SCHEMA).complete(given)
    assert given == completed


@pytest.mark.parametrize(
    "stored",
    [DONE, {**DONE, "none": None}, {**DONE, "list": [{"count": 3}], "map": {"k": {"count": 3}}, "plain": {"b": "b"}}],
)
def test_what_has_its_defaults_is_given_as_it_is(stored: Object) -> None:
    assert Structural(SCHEMA).completed(stored) is stored


@pytest.mark.parametrize(
    "lacking",
    [{"a": 2}, {**DONE, "list": [{}]}, {**DONE, "map": {"k": {}}}, {**DONE, "whole": {"in": {}}}, {**DONE, "a": None}],
)
def test_what_lacks_a_default_gets_it_in_a_copy(lacking: Any) -> None:
    before, structural = repr(lacking), Structural(SCHEMA)
    completed = structural.completed(lacking)
    assert structural.completed(completed) is completed and completed != lacking and repr(lacking) == before

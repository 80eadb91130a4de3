"""What is wrong with a value, by each word of a schema."""

# ruff: noqa: E501 - a row is read as a row: a value and what is said of it

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.strategies.customvalues import errors

ITEMS: Object = {"type": "array", "items": {"type": "integer"}}


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"type": "number"}, 1, []),
        ({"type": "integer"}, 1.0, []),
        ({"type": "integer"}, True, ['Invalid value: "boolean": f in body must be of type integer: "boolean"']),
        ({"type": "string"}, None, ['Invalid value: "null": f in body must be of type string: "null"']),
        ({"type": "string", "nullable": True}, None, []),
        ({"type": "string", "minLength": 3}, "ab", ['Invalid value: "ab": f in body should be at least 3 chars long']),
        ({"type": "string", "maxLength": 1}, "ab", ["Too long: may not be more than 1 bytes"]),
        ({"type": "string", "pattern": "^a$"}, "b", ["Invalid value: \"b\": f in body should match '^a$'"]),
        ({"type": "string", "format": "date-time"}, "2026-13-01T00:00:00Z",
         ['Invalid value: "2026-13-01T00:00:00Z": f in body must be of type date-time: "2026-13-01T00:00:00Z"']),
        ({"type": "string", "format": "date-time"}, "2026-12-01T00:00:00Z", []),
        ({"type": "string", "format": "ipv4"}, "1.2.3", ['Invalid value: "1.2.3": f in body must be of type ipv4: "1.2.3"']),
        ({"type": "string", "pattern": "^(a+)+$"}, "a" * 5000 + "b", [f'Invalid value: "{"a" * 5000}b": f in body should match \'^(a+)+$\'']),
        ({"type": "string", "pattern": "^[[:alpha:]]+$"}, "abc", []),
        ({"type": "string", "format": "made-up"}, "x", []),
        ({"type": "string", "format": "k8s-short-name"}, "X", ['Invalid value: "X": f in body must be of type k8s-short-name: "X"']),
        ({"type": "integer", "format": "int32"}, 2**40, ['Invalid value: "": Checked value must be of type integer with format int32 in f']),
        ({"type": "integer", "format": "int64"}, 2**40, []),
        ({"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}, {"kind": "A"}, ["Required value"]),
        ({"type": "integer", "minimum": 1}, 0, ["Invalid value: 0: f in body should be greater than or equal to 1"]),
        ({"type": "integer", "maximum": 1, "exclusiveMaximum": True}, 1, ["Invalid value: 1: f in body should be less than 1"]),
        ({"type": "integer", "multipleOf": 2}, 3, ["Invalid value: 3: f in body should be a multiple of 2"]),
        ({**ITEMS, "maxItems": 1}, [1, 2], ["Too many: 2: must have at most 1 items"]),
        ({**ITEMS, "minItems": 1}, [], ["Invalid value: []: f in body should have at least 1 items"]),
        (ITEMS, [1, "x"], ['Invalid value: "string": f[1] in body must be of type integer: "string"']),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": "x"},
         ['Invalid value: "string": f.a in body must be of type integer: "string"']),
        ({"type": "object", "not": {"required": ["a"]}}, {"a": 1},
         ['Invalid value: "": "f" must not validate the schema (not)']),
        ({"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {},
         ['Invalid value: "": "f" must validate one and only one schema (oneOf). Found none valid', "Required value"]),
        ({"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1}, []),
        ({"type": "object", "anyOf": [{"required": ["a"]}]}, {},
         ['Invalid value: "": "f" must validate at least one schema (anyOf)', "Required value"]),
    ],
)  # fmt: skip
def test_errors(schema: Object, value: Any, told: list[str]) -> None:
    assert [cause.message for cause in errors(value, schema, "f")] == told

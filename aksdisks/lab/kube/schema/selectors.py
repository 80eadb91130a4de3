"""Label and field selectors: parsing with upstream's messages, matching, and the text of a LabelSelector."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.names import label_value_errors, qualified_name_errors
from aksdisks.lab.kube.schema.resource import Field, Resource, fields
from aksdisks.lab.kube.schema.status import bad_request

_TOKENS = re.compile(r"\s*(?:(==|!=|=|!|\(|\)|,|<|>)|([^\s=!(),<>]+))")
_OPERATORS = {"=": "=", "==": "=", "!=": "!=", "in": "in", "notin": "notin", ">": ">", "<": "<"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One comma-separated part of a label selector. Operators: = != in notin exists ! > <."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy it; a missing key satisfies the negative operators."""
        value = labels.get(self.key)
        if self.operator in ("=", "in"):
            return value in self.values
        if self.operator in ("!=", "notin"):
            return value is None or value not in self.values
        if self.operator == "exists":
            return value is not None
        if self.operator == "!":
            return value is None
        if value is None or not value.lstrip("-").isdigit():
            return False
        return int(value) > int(self.values[0]) if self.operator == ">" else int(value) < int(self.values[0])

    def __str__(self) -> str:
        if self.operator in ("in", "notin"):
            return f"{self.key} {self.operator} ({','.join(sorted(self.values))})"
        if self.operator == "exists":
            return self.key
        return f"!{self.key}" if self.operator == "!" else f"{self.key}{self.operator}{self.values[0]}"


Requirements = tuple[Requirement, ...]


@lru_cache(maxsize=256)
def parse_labels(text: str) -> Requirements:
    """The requirements of a label selector; 400 with upstream's message when it cannot be read."""
    parser = _Parser(text)
    requirements: list[Requirement] = []
    while parser.ahead:
        if parser.ahead in ("=", "==", "!=", "(", ")", ",", "<", ">"):
            raise bad_request(f"found '{parser.ahead}', expected: !, identifier, or 'end of string'")
        requirements.append(parser.requirement())
        if not parser.ahead:
            break
        if (comma := parser.next()) != ",":
            raise bad_request(f"found '{comma}', expected: ',' or 'end of string'")
        if not parser.ahead or (parser.ahead != "!" and parser.is_symbol):
            raise bad_request(f"found '{parser.ahead}', expected: identifier after ','")
    return tuple(requirements)


class _Parser:
    """Recursive descent over the selector's tokens (k8s.io/apimachinery/pkg/labels/selector.go)."""

    def __init__(self, text: str) -> None:
        self._tokens = [(match[1] or match[2], bool(match[1])) for match in _TOKENS.finditer(text)]
        self._at = 0

    @property
    def ahead(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    @property
    def is_symbol(self) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][1]

    def next(self) -> str:
        token = self.ahead
        self._at += 1
        return token

    def requirement(self) -> Requirement:
        negated = self.ahead == "!"
        if negated:
            self.next()
        if self.is_symbol or not self.ahead:
            raise self._error(f"found '{self.ahead}', expected: identifier")
        key = self.next()
        for problem in qualified_name_errors(key):
            raise self._error(f'key: Invalid value: "{key}": {problem}')
        if negated:
            return Requirement(key, "!")
        if self.ahead in ("", ","):
            return Requirement(key, "exists")
        operator = _OPERATORS.get(self.ahead)
        if operator is None:
            raise self._error(f"found '{self.ahead}', expected: in, notin, =, ==, !=, gt, lt")
        self.next()
        values = self._values() if operator in ("in", "notin") else (self._value(),)
        for index, value in enumerate(values):
            for problem in label_value_errors(value):
                raise self._error(f'values[{index}][{key}]: Invalid value: "{value}": {problem}')
        if operator in ("<", ">") and not values[0].lstrip("-").isdigit():
            why = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise self._error(f'values[0][{key}]: Invalid value: "{values[0]}": {why}')
        return Requirement(key, operator, values)

    def _value(self) -> str:
        if self.ahead in ("", ","):
            return ""
        if self.is_symbol:
            raise self._error(f"found '{self.ahead}', expected: identifier")
        return self.next()

    def _values(self) -> tuple[str, ...]:
        if (token := self.next()) != "(":
            raise self._error(f"found '{token}' expected: '('")
        values: list[str] = []
        while True:
            values.append("" if self.ahead in (",", ")") else self.next())
            token = self.next()
            if token == ")":
                return tuple(values)
            if token != ",":
                raise self._error(f"found '{token}', expected: ',' or ')'")

    @staticmethod
    def _error(why: str) -> Exception:
        return bad_request(f"unable to parse requirement: {why}")


def from_label_selector(selector: Mapping[str, Any] | None) -> Requirements:
    """The requirements of a LabelSelector object (matchLabels and matchExpressions); None or {} gives none."""
    selector = selector or {}
    found = [Requirement(key, "=", (value,)) for key, value in sorted(selector.get("matchLabels", {}).items())]
    names = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
    for expression in selector.get("matchExpressions") or ():
        operator = names.get(expression["operator"], expression["operator"])
        found.append(Requirement(expression["key"], operator, tuple(expression.get("values") or ())))
    return tuple(sorted(found, key=lambda requirement: requirement.key))


def matches(requirements: Sequence[Requirement], labels: Mapping[str, str] | None) -> bool:
    """Whether labels satisfy all requirements."""
    return all(requirement.matches(labels or {}) for requirement in requirements)


_EVERY = fields("metadata.name", "metadata.namespace")
FieldTest = tuple[Field, bool, str]
"""(the field, whether it must be equal, value)."""


def parse_fields(kind: Resource, text: str) -> tuple[FieldTest, ...]:
    """The tests of a field selector for a kind; 400 for what cannot be read or is not supported there."""
    known = {field.label: field for field in (*_EVERY, *kind.selectable)}
    tests: list[FieldTest] = []
    for part in re.split(r"(?<!\\),", text) if text else ():
        if not part:
            continue
        match = re.match(r"(.*?)(==|!=|=)(.*)$", part)
        if not match:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        label, operator, value = match.groups()
        if label not in known:
            if kind.kind == "Job":
                raise bad_request(f'field label "{label}" not supported for Job')
            if kind.selectable:
                raise bad_request(f"field label not supported: {label}")
            raise bad_request(f'"{label}" is not a known field selector: only "metadata.name", "metadata.namespace"')
        tests.append((known[label], operator != "!=", re.sub(r"\\(.)", r"\1", value)))
    return tuple(tests)


def predicate(kind: Resource, label_selector: str, field_selector: str) -> Callable[[Object], bool] | None:
    """A test of objects for both selectors; None when they select everything."""
    requirements = parse_labels(label_selector)
    tests = parse_fields(kind, field_selector)
    if not requirements and not tests:
        return None

    def holds(obj: Object) -> bool:
        for field, equal, value in tests:
            if (field.value(obj) == value) is not equal:
                return False
        return not requirements or matches(requirements, obj["metadata"].get("labels"))

    return holds


def trigger(kind: Resource, field_selector: str) -> tuple[Field, str] | None:
    """A field and the value that a field selector wants there, if it wants any."""
    return next(((field, value) for field, equal, value in parse_fields(kind, field_selector) if equal), None)


def one_name(kind: Resource, field_selector: str) -> str:
    """The one name that a field selector admits; empty where it admits more."""
    names = (value for field, equal, value in parse_fields(kind, field_selector) if equal and field is _EVERY[0])
    return next(names, "") if "metadata.name" in field_selector else ""


def label_selector_matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str] | None) -> bool:
    """Whether labels satisfy a LabelSelector object; an empty one selects everything, None nothing."""
    return selector is not None and matches(from_label_selector(selector), labels)

"""The catalogue of rules: one module each in `rules/`; to add a rule is to add a file."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from aksdisks.errors import InputError, did_you_mean
from aksdisks.inspection.lint import rules
from aksdisks.inspection.lint.rule import Rule


@cache
def catalogue() -> Mapping[str, Rule]:
    """All rules by their ids, in the order of the ids."""
    names = sorted(found.name for found in pkgutil.iter_modules(rules.__path__))
    found: list[Rule] = [import_module(f"{rules.__name__}.{name}").RULE for name in names]
    return {rule.id: rule for rule in sorted(found, key=lambda rule: rule.id)}


@cache
def rules_of(kind: str) -> tuple[Rule, ...]:
    """The rules that are asked about objects of this kind."""
    return tuple(each for each in catalogue().values() if kind in each.kinds)


def rule(id_: str) -> Rule:
    """The rule of this id; raises InputError where there is none."""
    if id_ not in catalogue():
        expected = "one that `aksdisks explain` lists"
        raise InputError(object="rule", expected=expected, found=repr(id_), hint=did_you_mean(id_, catalogue()))
    return catalogue()[id_]

"""The catalogue of causes: one module each in `causes/`; to add a cause is to add a file."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from aksdisks.errors import InputError, did_you_mean
from aksdisks.inspection.diagnosis import causes
from aksdisks.inspection.diagnosis.case import Subject
from aksdisks.inspection.diagnosis.cause import Cause


@cache
def catalogue() -> Mapping[str, Cause]:
    """All causes by their ids, in the order of the ids."""
    names = sorted(found.name for found in pkgutil.iter_modules(causes.__path__))
    found = [import_module(f"{causes.__name__}.{name}").CAUSE for name in names]
    return {cause.id: cause for cause in sorted(found, key=lambda cause: cause.id)}


@cache
def causes_of(kind: Subject) -> tuple[Cause, ...]:
    """The causes that a case about such an object can have."""
    return tuple(each for each in catalogue().values() if kind in each.kinds)


def cause(id_: str) -> Cause:
    """The cause of this id; raises InputError where there is none."""
    if id_ not in catalogue():
        ids = list(catalogue())
        expected = "one that `aksdisks explain` lists"
        raise InputError(object="cause", expected=expected, found=repr(id_), hint=did_you_mean(id_, ids))
    return catalogue()[id_]

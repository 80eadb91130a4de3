"""The options of a write: dry run, field manager, field validation, warnings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypedDict

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import decoding
from aksdisks.lab.kube.storage.store import Store, Version
from aksdisks.lab.kube.strategies.strategy import Strategy

_MOST_WARNINGS = 4096
"""As many as fit an answer if each were a single character (apiserver: filters/warning.go)."""


WriteGuard = Callable[[Object, Object | None], None]
"""Called with the new object, valid otherwise, and the old one, if any; refuses what its writer may not store."""


class WriteOptions(TypedDict, total=False):
    """How a write is to be done.

    `field_manager`: who is recorded as the owner of what is written; empty for the lab's own parts, of which no record
    is kept. `field_validation`: Ignore, Warn or Strict; what it warns of is added to `warnings`. `duplicates`: the
    body with the fields that it named twice, if any (`duplicates.in_json`).
    """

    dry_run: bool
    field_manager: str
    field_validation: str
    warnings: list[str] | None
    duplicates: Any
    guard: WriteGuard | None


@dataclass(frozen=True, slots=True)
class WriteMode:
    """What the rules of writing need of the options."""

    dry_run: bool = False
    manager: str = ""
    guard: WriteGuard | None = None


BY_THE_LAB = WriteMode()
"""A write by one of the lab's own parts."""


def strictness(options: WriteOptions) -> decoding.Strictness:
    """How a body is read."""
    return decoding.Strictness(
        options.get("field_validation", "Ignore"), options.get("warnings"), options.get("duplicates")
    )


def write_mode(options: WriteOptions) -> WriteMode:
    """Whether a write is only tried, by whom it is, and what guards it."""
    return WriteMode(options.get("dry_run", False), options.get("field_manager", ""), options.get("guard"))


def warn(store: Store, strategy: Strategy, new: Version, old: Version | None, options: WriteOptions) -> None:
    """Add what upstream warns of in an object that was taken, where warnings are asked for."""
    warnings = options.get("warnings")
    if warnings is not None:
        before = old.object if old else None
        if strategy.warnings is not None:
            warnings.extend(islice(strategy.warnings(new.object, before), _MOST_WARNINGS))
        if strategy.admission_warnings is not None:
            warnings.extend(strategy.admission_warnings(store, new.object, before))

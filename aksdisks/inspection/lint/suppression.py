"""Findings that an object's annotation gives a reason for: they are counted, and no longer reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aksdisks.errors import did_you_mean
from aksdisks.inspection.lint.catalogue import catalogue
from aksdisks.inspection.lint.documents import Path
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.workloads import TEMPLATES, at_path

ANNOTATION = "aksdisks/lint-ignore"
"""`RULE: reason`, one a line; on an object, or on its pod template."""


@dataclass(frozen=True, slots=True)
class Suppressions:
    """The reason for each rule that an object is not to be judged by, and the annotations that cannot be meant."""

    reasons: Mapping[str, str]
    problems: tuple[tuple[Path, str], ...]


def suppressions(manifest: Manifest) -> Suppressions:
    """What an object's annotations say."""
    places = {("metadata", "annotations"), (*TEMPLATES.get(manifest.kind, ()), "metadata", "annotations")}
    reasons: dict[str, str] = {}
    problems: list[tuple[Path, str]] = []
    for place in sorted(places, key=len):
        found = at_path(manifest.raw, place)
        text = found.get(ANNOTATION) if isinstance(found, dict) else None
        if text is None:
            continue
        for line in filter(None, (line.strip() for line in str(text).splitlines())):
            rule, _, reason = (part.strip() for part in line.partition(":"))
            if problem := _problem(rule, reason):
                problems.append(((*place, ANNOTATION), f"annotation {ANNOTATION}: {problem}"))
            else:
                reasons[rule] = reason
    return Suppressions(reasons, tuple(problems))


def _problem(rule: str, reason: str) -> str:
    """Why a line cannot be meant; empty where it can."""
    if rule not in catalogue():
        hint = did_you_mean(rule, catalogue())
        return f"expected a rule's id before a colon, found {rule!r}" + (f" ({hint})" if hint else "")
    return "" if reason else f"expected a reason after `{rule}:`, found none"

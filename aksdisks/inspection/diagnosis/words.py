"""One table of the words that Kubernetes, the driver and Azure use: patterns with their sources. States come first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """What a message can say: an id, the pattern that recognises it, and where the words stand."""

    id: str
    pattern: re.Pattern[str]
    source: str


def _words(id_: str, pattern: str, source: str) -> Words:
    return Words(id_, re.compile(pattern, re.IGNORECASE | re.DOTALL), source)


WORDS: tuple[Words, ...] = (
    # Multi-Attach: kubernetes pkg/controller/volume/attachdetach/reconciler/reconciler.go, the same from 1.9 to 1.36.
    _words(
        "multi-attach-pods",
        r'Multi-Attach error for volume "(?P<volume>[^"]+)" Volume is already used by '
        r"(?:pod\(s\) (?P<pods>.+)|\d+ pod\(s\) in different namespaces)",
        "facts C, reconciler.go",
    ),
    _words(
        "multi-attach-exclusive",
        r'Multi-Attach error for volume "(?P<volume>[^"]+)" Volume is already exclusively attached',
        "facts C, reconciler.go",
    ),
)
"""In any order: a message may say several things at once. A group's name says what it holds."""


@dataclass(frozen=True, slots=True)
class Heard:
    """That a message says one of the table's things, with what the pattern's groups hold."""

    id: str
    groups: Mapping[str, str]


def heard(message: str) -> tuple[Heard, ...]:
    """Everything of the table that a message says."""
    found = []
    for words in WORDS:
        match = words.pattern.search(message)
        if match:
            found.append(Heard(words.id, {name: value for name, value in match.groupdict().items() if value}))
    return tuple(found)

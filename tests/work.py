"""Counts the work that the lab does, in lines of Python that it executes: the same on every machine, unlike seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any


@dataclass
class Work:
    """How many lines were executed; a comprehension or a generator counts once for each entry."""

    lines: int = 0


@contextmanager
def counted(*modules: str) -> Iterator[Work]:
    """Count the lines of `aksdisks.lab` that are executed inside, or those of `modules`."""
    work = Work()

    def each(_frame: FrameType, event: str, _value: Any) -> Any:
        if event == "line":
            work.lines += 1
        return each

    def enter(frame: FrameType, _event: str, _value: Any) -> Any:
        name = frame.f_globals.get("__name__", "")
        return each if (name in modules if modules else name.startswith("aksdisks.lab")) else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield work
    finally:
        sys.settrace(before)

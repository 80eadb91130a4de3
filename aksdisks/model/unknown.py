"""What could not be read, and why: it travels in the place of the value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be read, and why: checks on it are inconclusive, never failed. It is falsy."""

    because: str

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"unknown, because {self.because}"


@dataclass(frozen=True, slots=True)
class NotPermitted(Unknown):
    """What this identity has no right to read."""


@dataclass(frozen=True, slots=True)
class NotAsked(Unknown):
    """What was not asked for, because nothing needed it."""


def known(value: tuple[T, ...] | Unknown) -> tuple[T, ...]:
    """The values, or none of them where they are unknown: for loops that need no verdict."""
    return () if isinstance(value, Unknown) else value

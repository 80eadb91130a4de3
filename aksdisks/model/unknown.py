"""What could not be read, and why: it travels in the place of the value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be read, and why: checks on it are inconclusive, never failed. It is falsy.

    `lasting`: whether asking again would give the same answer, so that no wait asks again.
    """

    because: str
    lasting: ClassVar[bool] = False

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"unknown, because {self.because}"


@dataclass(frozen=True, slots=True)
class NotPermitted(Unknown):
    """What this identity has no right to read; a role that was assigned just now takes minutes to count."""


@dataclass(frozen=True, slots=True)
class NoCredential(Unknown):
    """What cannot be asked, because nothing that this process could sign in with is there or is accepted."""

    lasting: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class NotServed(Unknown):
    """Objects of a kind that this API server does not have: there are none, and nothing acts on such."""

    lasting: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class NotAsked(Unknown):
    """What was not asked for, because nothing needed it."""


def known(value: tuple[T, ...] | Unknown) -> tuple[T, ...]:
    """The values, or none of them where they are unknown: for loops to which it makes no difference."""
    return () if isinstance(value, Unknown) else value

"""The one wait: a condition, a deadline, progress, and on time-out the last thing seen and what was found out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import TypeVar

from aksdisks.errors import WaitTimeout

T = TypeVar("T")
Progress = Callable[[str], None]

# When the wait that surrounds this ends, by time.monotonic: a request within it takes no longer than that.
_ENDS: ContextVar[float] = ContextVar("ends", default=float("inf"))
_SHORTEST_CALL = 5.0


def silent(_text: str) -> None:
    """The progress callback that says nothing."""


def listed(names: Sequence[str], most: int = 3) -> str:
    """Names for a line of progress: the first few and how many more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more or "none"


def seconds_left(most: float) -> float:
    """How long a request may take now, in real seconds: `most`, or until the wait around it ends; never below 5."""
    return max(min(most, _SHORTEST_CALL), min(most, _ENDS.get() - time.monotonic()))


def wait(
    awaited: str,
    states: Iterable[T | None],
    holds: Callable[[T], bool],
    *,
    seconds: float,
    describe: Callable[[T], str] = str,
    progress: Progress = silent,
    on_timeout: Callable[[], str] | None = None,
    scale: float = 1.0,
    monotonic: Callable[[], float] = time.monotonic,
) -> T:
    """The first state that holds; `states` yields one on every change, and None now and then so that time is looked at.

    `seconds` is the deadline in real seconds, `scale` turns it into cluster seconds for the message; `progress` gets
    each new description once, and an empty text when the wait is over. Raises WaitTimeout, with what `on_timeout`
    found out; a source that ends counts as one. Requests that `states` makes end with the wait, see `seconds_left`.
    """
    deadline = monotonic() + seconds
    outer = _ENDS.set(min(_ENDS.get(), time.monotonic() + seconds))
    seen = ""
    try:
        for state in states:
            if state is not None:
                description = describe(state)
                if description != seen:
                    seen = description
                    progress(f"{awaited}: {seen}")
                if holds(state):
                    return state
            if monotonic() >= deadline:
                break
    finally:
        _ENDS.reset(outer)
        progress("")
        # A generator that holds connections gives them back at once, not when it is collected.
        close = getattr(states, "close", None)
        if close is not None:
            close()
    found_out = on_timeout() if on_timeout else ""
    raise WaitTimeout(awaited, seconds=seconds * scale, last_seen=seen, found_out=found_out)

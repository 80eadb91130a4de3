"""The one wait: a condition, a deadline, progress, and on time-out the last thing seen and what was found out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from aksdisks.errors import StillUnknown, WaitTimeout
from aksdisks.model import Unknown

T = TypeVar("T")

# When a wait first asks for its cause, and how often; real seconds.
_FIRST_LOOK = 5.0
_LOOK_EVERY = 10.0
# When the wait that surrounds this ends, by time.monotonic: a request within it takes no longer than that.
_ENDS: ContextVar[float] = ContextVar("ends", default=float("inf"))
_SHORTEST_CALL = 5.0
# How long requests for a cause may take; real seconds.
_FIND_OUT = 20.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A look at a wait: what is awaited, what was last seen, cluster seconds, and the cause once there is one."""

    awaited: str
    seen: str
    elapsed: float
    limit: float
    cause: str = ""

    @property
    def time(self) -> str:
        """`12 of 900 s`."""
        return f"{self.elapsed:.0f} of {self.limit:.0f} s"

    def __str__(self) -> str:
        cause = f"; cause: {self.cause}" if self.cause else ""
        return f"{self.awaited}, {self.time}; last seen: {self.seen or 'nothing yet'}{cause}"


Progress = Callable[[Waiting | str], None]
"""Takes a look at a wait, another line for people, or an empty text when the wait is over."""


def silent(_said: Waiting | str) -> None:
    """The progress callback that says nothing."""


def listed(names: Sequence[str], most: int = 3) -> str:
    """Names for a line of progress: the first few and how many more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more or "none"


def seconds_left(most: float) -> float:
    """How long a request may take now, in real seconds: `most`, or until the wait around it ends; never below 5."""
    return max(min(most, _SHORTEST_CALL), min(most, _ENDS.get() - time.monotonic()))


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Requests of this thread that are made within it end after so many real seconds, see `seconds_left`."""
    outer = _ENDS.set(min(_ENDS.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ENDS.reset(outer)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Requests inside end after so many real seconds, see `seconds_left`."""
    outer = _ENDS.set(min(_ENDS.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ENDS.reset(outer)


def wait(
    awaited: str,
    states: Iterable[T | Unknown | None],
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

    An Unknown among them never holds: it is asked again unless it is `lasting`, and raised as StillUnknown in the end.
    `seconds` is the deadline in real seconds, `scale` turns it into cluster seconds for what is said. `progress` gets a
    Waiting for each new description and each second, and an empty text when the wait is over. `on_timeout` tells the
    cause: it is asked beside the wait now and then, and for the WaitTimeout that is raised in the end; a source that
    ends counts as one. Requests that `states` makes end with the wait, see `seconds_left`.
    """
    began = monotonic()
    outer = _ENDS.set(min(_ENDS.get(), time.monotonic() + seconds))
    looks = _Looks(on_timeout, began)
    seen, told, unknown = "", None, Unknown("")
    try:
        for state in states:
            now = monotonic()
            if state is not None:
                unknown = state if isinstance(state, Unknown) else Unknown("")
                seen = str(state) if isinstance(state, Unknown) else describe(state)
            looks.look(now)
            key = (seen, looks.cause, int(now - began))
            if key != told and (seen or looks.cause):
                told = key
                progress(Waiting(awaited, seen, (now - began) * scale, seconds * scale, looks.cause))
            if state is not None and not isinstance(state, Unknown) and holds(state):
                return state
            if unknown.lasting or now - began >= seconds:
                break
    finally:
        _ENDS.reset(outer)
        progress("")
        # A generator that holds connections gives them back at once, not when it is collected.
        if close := getattr(states, "close", None):
            close()
    if unknown.because:
        limit = None if unknown.lasting else seconds * scale
        raise StillUnknown(awaited, seconds=limit, because=unknown.because)
    raise WaitTimeout(awaited, seconds=seconds * scale, last_seen=seen, found_out=_found_out(on_timeout))


def _found_out(ask: Callable[[], str] | None) -> str:
    """The cause at a time-out; whatever keeps it from being found out does not take the time-out's place."""
    try:
        with at_most(_FIND_OUT):
            return ask() if ask else ""
    except Exception as error:
        return f"the cause could not be found out: {error}"


class _Looks:
    """Asks for the cause of a long wait, one look at a time, in a thread: a slow answer holds up no wait."""

    def __init__(self, ask: Callable[[], str] | None, began: float) -> None:
        self.cause = ""
        self._ask = ask
        self._next = began + _FIRST_LOOK
        self._thread: threading.Thread | None = None

    def look(self, now: float) -> None:
        """Ask again when it is time to."""
        if self._ask is not None and now >= self._next and not (self._thread and self._thread.is_alive()):
            self._next = now + _LOOK_EVERY
            self._thread = threading.Thread(target=self._find, daemon=True, name="cause of a wait")
            self._thread.start()

    def _find(self) -> None:
        try:
            with at_most(_FIND_OUT):
                self.cause = self._ask() if self._ask else ""
        except Exception:  # what keeps it from being found out is said by the wait itself, in the end
            self.cause = ""

"""Turns the signals that end a run into a request, so that the run ends in its own order."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from aksdisks.runner.interruption import Interruption


class Signals(Interruption):
    """Notes SIGINT, SIGTERM and SIGHUP while a run lasts; to be entered on the main thread.

    Nothing is raised where a signal happens to arrive: an exception in the middle of an import leaves its lock behind,
    and one in the middle of a teardown leaves what should have gone.
    """

    def __init__(
        self, say: Callable[[str], None], heard: str = "The run is ending and cleans up; it stops by itself."
    ) -> None:
        """`say` tells whoever sends a second signal that the first one was `heard`."""
        super().__init__()
        self._say = say
        self._heard = heard
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_exc: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: Any) -> None:
        if self.reason:
            self._say(self._heard)
        self.request(signal.Signals(number).name)

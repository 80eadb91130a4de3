"""nbval notices a dead kernel only when the cell's time-out is over; with this it looks every second."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

from nbval.kernel import RunningKernel

_get_message = RunningKernel.get_message
_GLANCE = 1.0  # seconds


def _watched(self: Any, stream: str, timeout: float | None = None) -> Any:
    """The next message; raises RuntimeError when the kernel has died, Empty when `timeout` seconds are over."""
    deadline = None if timeout is None else time.monotonic() + float(timeout)
    while True:
        left = _GLANCE if deadline is None else deadline - time.monotonic()
        try:
            return _get_message(self, stream, timeout=max(0.0, min(_GLANCE, left)))
        except Empty:
            if not self.is_alive():
                raise RuntimeError("the kernel died while the cell ran") from None
            if deadline is not None and time.monotonic() >= deadline:
                raise


RunningKernel.get_message = _watched

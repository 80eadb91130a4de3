"""The lab's time: real timestamps, and delays in cluster seconds that a speed divides."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime


class Clock:
    """Real time in timestamps; every delay is given in the seconds a real cluster takes and divided by `speed`.

    Nothing in the lab calls `asyncio.sleep`, `time.sleep` or `datetime.now` itself: a test hands in a clock of its own.
    """

    def __init__(self, speed: float = 1.0) -> None:
        """`speed`: how many seconds of a real cluster pass in one second here; must be positive and finite."""
        if not 0 < speed < math.inf:
            raise ValueError(f"speed: expected a finite number above 0, found {speed:g}")
        self.speed = speed

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Cluster seconds since some fixed point, never going back."""
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of cluster time."""
        await asyncio.sleep(seconds / self.speed)


async def turn() -> None:
    """Let the other tasks have their turn; no time passes. Long work in one task would keep every client waiting."""
    await asyncio.sleep(0)


def timestamp(moment: datetime) -> str:
    """A Kubernetes `Time`: RFC 3339 in whole seconds."""
    return f"{moment.isoformat(timespec='seconds')[:19]}Z"


def micro_timestamp(moment: datetime) -> str:
    """A Kubernetes `MicroTime`: RFC 3339 in microseconds (events.k8s.io eventTime, lease times)."""
    return f"{moment.isoformat(timespec='microseconds')[:26]}Z"

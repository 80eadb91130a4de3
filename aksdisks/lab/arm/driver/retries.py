"""How the disk driver's SDK tries a request again, how long its callers wait, and what it then says of its own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from aksdisks.lab.arm.errors import CloudError

if TYPE_CHECKING:
    from aksdisks.lab.clock import Clock

T = TypeVar("T")

AGAIN = (408, 500, 502, 503, 504)
TRIES = 4
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0
"""Seconds (cloud-provider-azure pkg/azclient/utils/options.go)."""

TOO_MANY = 429


class DriverError(Exception):
    """What the driver refuses or gives up by itself; the message is its own, not Azure's."""


class ThrottledError(DriverError):
    """Azure throttles, and still did at the last try (pkg/azclient/policy/retryrepectthrottled)."""

    def __init__(self) -> None:
        super().__init__("throttled due to too many requests")


class DeadlineExceededError(DriverError):
    """Whoever called has stopped waiting; Azure may go on."""

    def __init__(self) -> None:
        super().__init__("context deadline exceeded")


class Retries:
    """The SDK's retry policy and its memory of what is throttled, for one client.

    Source: azcore sdk/azcore/runtime/policy_retry.go with the options and the policy of cloud-provider-azure. A 429 is
    remembered: until the time that it named is over, requests of the kind fail unsent, and count as tries. The retry
    policy itself never sees how long it named (policy_bearer_token.go, in between, drops the answer of what failed),
    so that it waits by its own rule, with the real driver as here.
    """

    def __init__(self, clock: Clock, pace: float = 1.0) -> None:
        """`pace`: cluster seconds in a second of the client's (a client of a real server waits in real seconds)."""
        self._clock = clock
        self._pace = pace
        self._random = random.Random(0)
        self._throttled: dict[tuple[str, bool], float] = {}

    async def ask(self, kind: str, method: str, send: Callable[[], Awaitable[T]]) -> T:
        """Send a request about a kind of resource. Raises `CloudError` for what is final, `ThrottledError`."""
        key = (kind, method in ("GET", "HEAD"))
        for attempt in range(1, TRIES + 1):
            pause: float | None = None
            failure: CloudError | ThrottledError
            if self._clock.monotonic() < self._throttled.get(key, 0.0):
                failure = ThrottledError()
            else:
                try:
                    return await send()
                except CloudError as error:
                    if error.operation is not None or error.status not in (TOO_MANY, *AGAIN):
                        raise
                    if error.status == TOO_MANY:
                        failure = ThrottledError()
                        self._throttled[key] = self._clock.monotonic() + (self._named(error) or 0.0)
                    else:
                        pause, failure = self._named(error), error
                        if error.retry_after is not None and error.retry_after > LONGEST_PAUSE:
                            raise
            if attempt == TRIES:
                raise failure
            await self._clock.sleep(self._own(attempt) if pause is None else pause)
        raise AssertionError("unreachable")

    def _named(self, error: CloudError) -> float | None:
        """The cluster seconds that a refusal asks to wait."""
        if error.pause is not None:
            return error.pause
        return None if error.retry_after is None else error.retry_after * self._pace

    def _own(self, attempt: int) -> float:
        jitter = 0.8 + self._random.random() / 2
        pause: float = FIRST_PAUSE * (2**attempt - 1) * jitter
        return min(LONGEST_PAUSE, pause) * self._pace


async def within(clock: Clock, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The outcome of some work if it comes within so many cluster seconds. Raises `DeadlineExceededError`."""
    task = asyncio.ensure_future(work)
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise DeadlineExceededError
        return task.result()
    finally:
        timer.cancel()
        task.cancel()
        await asyncio.gather(task, timer, return_exceptions=True)

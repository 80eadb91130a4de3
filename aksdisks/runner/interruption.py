"""The request that a run ends early: the run notices it, ends in its own order and cleans up."""

from __future__ import annotations


class Interruption:
    """Whether somebody asked the run to end, and why; any thread may ask.

    The run enters it, on the thread that called `run_runbooks`, for as long as it can be asked.
    """

    def __init__(self) -> None:
        self.reason = ""

    def __enter__(self) -> Interruption:
        return self

    def __exit__(self, *_exc: object) -> None:
        return

    def request(self, reason: str) -> None:
        """Ask the run to end; the first reason, such as `SIGTERM`, is the one that the result names."""
        self.reason = self.reason or reason

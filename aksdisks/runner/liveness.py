"""Asks, while a run goes on, whether its target still answers, and gives up one that is silent for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from aksdisks.kube.client import Cluster

# How often the API server is asked, and how long it has to answer; seconds.
_EVERY = 2.0
_ANSWER_WITHIN = 5.0
# An API server that restarts, or a network that changes its routes, is back within this; seconds.
_PATIENCE = 60.0


class Liveness:
    """A thread beside a run that asks the cluster regularly, and gives it up after a minute without an answer.

    From then on `gone` has the reason, and every request and watch of the cluster's client raises NotReachable at
    once. A single lost answer is not reported, because connections break now and then; two in a row are.
    """

    def __init__(self, cluster: Cluster, say: Callable[[str], None]) -> None:
        self.gone = ""
        self._cluster = cluster
        self._say = say
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="liveness")

    def __enter__(self) -> Liveness:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join(_ANSWER_WITHIN)

    def settle(self, stopped: Callable[[], object]) -> str:
        """Wait until the target answers (then empty), or is given up (then why); `stopped` ends the wait early."""
        while not self.gone and not stopped():
            if not (problem := self._cluster.ping(_ANSWER_WITHIN)):
                return ""
            if self._stop.wait(0.2):
                return problem
        return self.gone

    def _watch(self) -> None:
        silent_since, failures = 0.0, 0
        while not self._stop.wait(_EVERY):
            asked = time.monotonic()
            problem = self._cluster.ping(_ANSWER_WITHIN)
            if self._stop.is_set():
                return
            if not problem:
                if failures > 1:
                    self._say(f"The cluster answers again, after {asked - silent_since:.0f} s.")
                failures = 0
                continue
            failures += 1
            if failures == 1:
                silent_since = asked
            elif time.monotonic() - silent_since >= _PATIENCE:
                self.gone = problem
                self._cluster.give_up(problem)
                self._say(f"The cluster did not answer for {time.monotonic() - silent_since:.0f} s: the run ends here.")
                return
            elif failures == 2:
                self._say(f"The cluster does not answer; the run ends after {_PATIENCE:.0f} s of this. {problem}")

"""The Lease that keeps a second operator of a namespace waiting while one acts."""

from __future__ import annotations

import math
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aksdisks.errors import AksdisksError, AlreadyExists, Conflict, NotAllowed
from aksdisks.kube.client import Cluster
from aksdisks.operator.store import LostLease
from aksdisks.quantities import show_time

NAME = "replicated-store-operator"
# As Kubernetes' own controllers have it; cluster seconds, and the least in real ones: a busy machine may be late.
_DURATION, _SHORTEST = 15.0, 2
# Of its duration, when a Lease is renewed, and until when its holder acts: clocks need not run alike.
_RENEW_AFTER, _ACT_UNTIL = 1 / 4, 3 / 4


class Lease:
    """Takes and renews the Lease in a thread of its own; `check` raises LostLease where this operator may not act.

    Another's Lease is over once it was seen unchanged for its whole duration by this machine's clock: so it does not
    matter what time other machines have.
    """

    def __init__(self, cluster: Cluster, namespace: str, time_scale: float, say: Callable[[str], None]) -> None:
        self.identity = f"{socket.gethostname()}_{os.getpid()}_{secrets.token_hex(4)}"
        self._cluster = cluster
        self._namespace = namespace
        self._duration = max(_SHORTEST, math.ceil(_DURATION / time_scale))
        self._say = say
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="lease")
        self._until = 0.0
        self._other: tuple[Any, float] = (None, 0.0)  # what another's Lease said, and since when
        self.taken = threading.Event()

    def start(self) -> None:
        """Begin to take it."""
        self._thread.start()

    def check(self) -> None:
        """Raise LostLease once the Lease was not renewed for so long that another operator may have it."""
        if time.monotonic() >= self._until:
            raise LostLease

    def stop(self) -> None:
        """From now on act no more, and renew no more."""
        self._stop.set()
        self._until = 0.0

    def release(self) -> None:
        """Stop, and let the next operator take it at once."""
        self.stop()
        self._thread.join(timeout=5.0)
        if self.taken.is_set():
            with suppress(AksdisksError):
                found = self._cluster.get("Lease", NAME, self._namespace)
                if found["spec"].get("holderIdentity") == self.identity:
                    self._cluster.replace({**found, "spec": {**found["spec"], "holderIdentity": ""}}, self._namespace)

    def _run(self) -> None:
        pause = self._duration * _RENEW_AFTER
        while not self._stop.wait(0.0 if not self._until else pause):
            try:
                if not self._take() and self._stop.wait(pause / 2):
                    return
            except NotAllowed as error:
                self._say(f"the Lease cannot be taken: {error.message}")
                self._stop.wait(self._duration)
            except AksdisksError as error:
                self._say(f"the Lease is not renewed: {error.message}")
                self._stop.wait(pause)

    def _take(self) -> bool:
        """Make, take over or renew the Lease; False while it is another's."""
        asked = time.monotonic()
        found = self._cluster.find("Lease", NAME, self._namespace)
        spec = dict((found or {}).get("spec") or {})
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", self.identity):
            said = (holder, spec.get("renewTime"))
            if self._other[0] != said:
                if holder != (self._other[0] or ("",))[0]:
                    self._say(f"waiting: operator {holder} holds Lease {NAME}")
                self._other = (said, asked)
            if asked - self._other[1] < float(spec.get("leaseDurationSeconds") or self._duration):
                self._until = 0.0
                return False
        now = show_time(datetime.now(UTC))
        spec |= {"holderIdentity": self.identity, "leaseDurationSeconds": self._duration, "renewTime": now}
        if holder != self.identity:
            spec |= {"acquireTime": now, "leaseTransitions": int(spec.get("leaseTransitions") or 0) + bool(found)}
        wanted = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": NAME}, "spec": spec}
        try:
            if found:
                self._cluster.replace({**found, "spec": spec}, self._namespace)
            else:
                self._cluster.create(wanted, self._namespace)
        except (AlreadyExists, Conflict):
            return False
        if not self._stop.is_set():
            self._until = asked + self._duration * _ACT_UNTIL
        if not self.taken.is_set():
            self._say(f"operator {self.identity} holds Lease {NAME}")
            self.taken.set()
        return True

"""The Lease of a namespace, which keeps other runs out of it while one run works there."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from aksdisks.errors import AlreadyExists, Conflict, NamespaceBusy
from aksdisks.inspection.connection import Target
from aksdisks.manifests import LEASE, RUN_LABEL
from aksdisks.quantities import parse_time, show_time
from aksdisks.session.journal import Journal

# A Lease is renewed at a run's acts and waits, at most this often; real seconds.
_RENEW_AFTER = 60.0
_SHORTEST_LEASE = 900


class Lease:
    """The Lease of a namespace (coordination.k8s.io/v1) as one run takes, renews and releases it."""

    def __init__(self, connection: Target, run_id: str, namespace: str) -> None:
        self._cluster = connection.cluster
        self._state_dir = connection.settings.state_dir
        self._wait_timeout = connection.parameters.wait_timeout
        self._run_id = run_id
        self._namespace = namespace
        self._renewed = 0.0

    def holder(self) -> tuple[str, datetime]:
        """The holder of the namespace's Lease and when it expires: in the past without one, or where its run ended."""
        return self._held(self._cluster.find("Lease", LEASE, self._namespace))

    def acquire(self) -> bool:
        """Take the Lease; False when the run holds it already (a runbook within a run).

        Raises NamespaceBusy while another run holds it.
        """
        held = None
        while True:
            found = self._cluster.find("Lease", LEASE, self._namespace)
            run, until = self._held(found)
            if run != self._run_id and until > datetime.now(UTC):
                other = f"{run} until {until:%H:%M:%S} UTC"
                raise NamespaceBusy(object=f"namespace {self._namespace}", expected="no other run in it", found=other)
            held = run == self._run_id if held is None else held  # the first look: later ones may find our own writing
            try:
                self._write(found or {})
                return not held
            except (AlreadyExists, Conflict):
                continue  # somebody wrote it at this moment, or we did and the answer was lost; look again

    def renew(self) -> None:
        """Take it anew, unless the last renewal is recent."""
        if time.monotonic() - self._renewed >= _RENEW_AFTER:
            self.acquire()

    def release(self) -> None:
        """Let go of the Lease, if this run holds it."""
        found = self._cluster.find("Lease", LEASE, self._namespace)
        if found is not None and self._held(found)[0] == self._run_id:
            with suppress(Conflict):  # another's has its name now
                self._cluster.delete("Lease", LEASE, self._namespace, uid=found["metadata"]["uid"])

    def _held(self, raw: dict[str, Any] | None) -> tuple[str, datetime]:
        spec = (raw or {}).get("spec") or {}
        run, until = str(spec.get("holderIdentity") or ""), parse_time(spec.get("renewTime"))
        if until is None or Journal(self._state_dir, run).ended():
            return run, datetime.fromtimestamp(0, UTC)
        return run, until + timedelta(seconds=int(spec.get("leaseDurationSeconds") or 0))

    def _write(self, found: dict[str, Any]) -> None:
        """Make the Lease, or write ours over the one that was found."""
        times = dict.fromkeys(("acquireTime", "renewTime"), show_time(datetime.now(UTC)))
        seconds = max(_SHORTEST_LEASE, round(2 * self._wait_timeout))
        wanted = {
            **found,
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**found.get("metadata", {}), "name": LEASE, "labels": {RUN_LABEL: self._run_id}},
            "spec": {"holderIdentity": self._run_id, "leaseDurationSeconds": seconds, **times},
        }
        (self._cluster.replace if found else self._cluster.create)(wanted, self._namespace)
        self._renewed = time.monotonic()

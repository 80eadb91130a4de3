"""The Lease that keeps two runs out of one namespace."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aksdisks.cluster import Cluster
from aksdisks.errors import AlreadyExists, Conflict, NamespaceBusy
from aksdisks.manifests import LEASE, RUN_LABEL
from aksdisks.quantities import parse_time, show_time

# A Lease is renewed at a run's acts and waits, at most this often; real seconds.
_RENEW_AFTER = 60.0


class Lease:
    """One run's hold on a namespace. `seconds` is how long it lasts unrenewed, `ended` says that a holder is gone."""

    def __init__(
        self, cluster: Cluster, namespace: str, run_id: str, seconds: int, ended: Callable[[str], bool]
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._run_id = run_id
        self._seconds = seconds
        self._ended = ended
        self._renewed = 0.0

    def acquire(self) -> bool:
        """Take the Lease; False when the run holds it already (a runbook within a run).

        Raises NamespaceBusy while another run holds it.
        """
        while True:
            found = self._cluster.find("Lease", LEASE, self._namespace)
            try:
                run, until = holder(found or {})
                if run != self._run_id and until > datetime.now(UTC) and not self._ended(run):
                    raise NamespaceBusy(
                        f"namespace {self._namespace}: expected no other run in it, "
                        f"found {run} until {until:%H:%M:%S} UTC"
                    )
                self._write(found)
                return run != self._run_id
            except (AlreadyExists, Conflict):
                continue  # somebody else wrote it at this moment; look again

    def renew(self) -> None:
        """Hold on; does nothing when the last renewal is recent."""
        if time.monotonic() - self._renewed >= _RENEW_AFTER:
            self.acquire()

    def _write(self, found: dict[str, Any] | None) -> None:
        """Make the Lease, or write ours over the one that was found."""
        now, labels = show_time(datetime.now(UTC)), {RUN_LABEL: self._run_id}
        times = {"leaseDurationSeconds": self._seconds, "acquireTime": now, "renewTime": now}
        wanted = {
            **(found or {}),
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**(found or {}).get("metadata", {}), "name": LEASE, "labels": labels},
            "spec": {"holderIdentity": self._run_id, **times},
        }
        (self._cluster.replace if found else self._cluster.create)(wanted, self._namespace)
        self._renewed = time.monotonic()


def release(cluster: Cluster, namespace: str, run_id: str) -> None:
    """Let go of a namespace's Lease, if this run holds it."""
    found = cluster.find("Lease", LEASE, namespace)
    if found is not None and holder(found)[0] == run_id:
        cluster.delete("Lease", LEASE, namespace, uid=found["metadata"]["uid"])


def holder(raw: dict[str, Any]) -> tuple[str, datetime]:
    """Who holds a Lease, and until when."""
    spec = raw.get("spec") or {}
    renewed = parse_time(spec.get("renewTime")) or datetime.fromtimestamp(0, UTC)
    return str(spec.get("holderIdentity") or ""), renewed + timedelta(
        seconds=int(spec.get("leaseDurationSeconds") or 0)
    )

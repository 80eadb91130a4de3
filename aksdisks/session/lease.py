"""A run's hold on a target: the journal that a kill does not take away, the Lease that keeps other runs out."""

from __future__ import annotations

import json
import os
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aksdisks.azure.compute import Azure
from aksdisks.errors import AlreadyExists, Conflict, InputError, NamespaceBusy
from aksdisks.inspection.connection import Target
from aksdisks.kube.client import Cluster
from aksdisks.manifests import LEASE, RUN_LABEL, made_by
from aksdisks.quantities import parse_time, show_time

_PATIENCE = 10.0
# A Lease is renewed at a run's acts and waits, at most this often; real seconds.
_RENEW_AFTER = 60.0
_SHORTEST_LEASE = 900


class Journal:
    """What one run was about to do, on disk before it was done; several processes may append.

    JSON lines under `<state directory>/runs/<run id>`.
    """

    def __init__(self, state_dir: Path, run_id: str) -> None:
        self.path = state_dir / "runs" / run_id / "journal.jsonl"

    def write(self, act: str, **details: Any) -> None:
        """Append what is about to happen and force it to disk; raises InputError where that is not possible."""
        line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "act": act, **details}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise InputError(
                f"journal {self.path}: expected a file that can be written, found: {error.strerror}",
                hint="AKSDISKS_STATE_DIR moves it",
            ) from error

    def opened(self, **details: Any) -> None:
        """Note that this process works for the run."""
        self.write("open", pid=os.getpid(), host=socket.gethostname(), **details)

    def entries(self) -> list[dict[str, Any]]:
        """What is in it; a last line that a kill cut short is left out."""
        entries = []
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except OSError:
            return []
        for line in lines:
            try:
                entries.append(json.loads(line))
            except ValueError:
                continue
        return entries

    def ended(self) -> bool | None:
        """Whether all processes that worked for the run are gone; None where this machine's journal cannot tell.

        The kernels of a runner that was killed notice it within a second or two, and are waited for.
        """
        opened = [entry for entry in self.entries() if entry["act"] == "open"]
        if not opened or any(entry["host"] != socket.gethostname() for entry in opened):
            return None
        patience = time.monotonic() + _PATIENCE
        while any(_lives(entry["pid"]) for entry in opened):
            if _lives(opened[0]["pid"]) or time.monotonic() > patience:
                return False
            time.sleep(0.1)
        return True

    def volumes(self) -> set[str]:
        """The names of volumes that were about to go with their claims."""
        return {name for entry in self.entries() for name in entry.get("volumes", ())}


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's
    return True


class Hold:
    """One run in one namespace of a target: the label that its objects carry, its journal, and the Lease it takes."""

    def __init__(self, connection: Target, run_id: str, namespace: str) -> None:
        self.connection = connection
        self.cluster: Cluster = connection.cluster
        self.azure: Azure = connection.azure
        self.time_scale = connection.settings.time_scale
        self.run_id = run_id
        self.namespace = namespace
        self.selector = f"{RUN_LABEL}={run_id}"
        self.journal = Journal(connection.settings.state_dir, run_id)
        self._renewed = 0.0

    def made(self, raw: dict[str, Any] | None) -> bool:
        """Whether an object is there and was made by this run, by its label."""
        return raw is not None and made_by(raw) == self.run_id

    def remove(self, kind: str, name: str, uid: str) -> bool:
        """Delete this very object; False where it is gone, also where another, which is not ours, has its name now."""
        try:
            return self.cluster.delete(kind, name, self.namespace, uid=uid)
        except Conflict:
            return False

    def holder(self) -> tuple[str, datetime]:
        """Who holds the namespace's Lease, and until when: in the past where nobody does, or who did has ended."""
        return self._held(self.cluster.find("Lease", LEASE, self.namespace))

    def acquire(self) -> bool:
        """Take the Lease; False when the run holds it already (a runbook within a run).

        Raises NamespaceBusy while another run holds it.
        """
        held = None
        while True:
            found = self.cluster.find("Lease", LEASE, self.namespace)
            run, until = self._held(found)
            if run != self.run_id and until > datetime.now(UTC):
                other = f"{run} until {until:%H:%M:%S} UTC"
                raise NamespaceBusy(f"namespace {self.namespace}: expected no other run in it, found {other}")
            held = run == self.run_id if held is None else held  # the first look: later ones may find our own writing
            try:
                self._write(found or {})
                return not held
            except (AlreadyExists, Conflict):
                continue  # somebody wrote it at this moment, or we did and the answer was lost; look again

    def renew(self) -> None:
        """Hold on; does nothing when the last renewal is recent."""
        if time.monotonic() - self._renewed >= _RENEW_AFTER:
            self.acquire()

    def release(self) -> None:
        """Let go of the Lease, if this run holds it."""
        found = self.cluster.find("Lease", LEASE, self.namespace)
        if found is not None and self._held(found)[0] == self.run_id:
            self.remove("Lease", LEASE, found["metadata"]["uid"])

    def _held(self, raw: dict[str, Any] | None) -> tuple[str, datetime]:
        spec = (raw or {}).get("spec") or {}
        run, until = str(spec.get("holderIdentity") or ""), parse_time(spec.get("renewTime"))
        if until is None or Journal(self.connection.settings.state_dir, run).ended():
            return run, datetime.fromtimestamp(0, UTC)
        return run, until + timedelta(seconds=int(spec.get("leaseDurationSeconds") or 0))

    def _write(self, found: dict[str, Any]) -> None:
        """Make the Lease, or write ours over the one that was found."""
        times = dict.fromkeys(("acquireTime", "renewTime"), show_time(datetime.now(UTC)))
        seconds = max(_SHORTEST_LEASE, round(2 * self.connection.parameters.wait_timeout))
        wanted = {
            **found,
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**found.get("metadata", {}), "name": LEASE, "labels": {RUN_LABEL: self.run_id}},
            "spec": {"holderIdentity": self.run_id, "leaseDurationSeconds": seconds, **times},
        }
        (self.cluster.replace if found else self.cluster.create)(wanted, self.namespace)
        self._renewed = time.monotonic()

"""What a run was about to do, on disk before it was done: a kill does not take it away."""

from __future__ import annotations

import json
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aksdisks.errors import InputError

# How long the kernels of a runner that was killed have to notice it; seconds.
_PATIENCE = 10.0


class Journal:
    """What one run was about to do, on disk before it was done; several processes may append.

    JSON lines under `<state directory>/runs/<run id>`, or of what is no run under another folder than `runs`.
    """

    def __init__(self, state_dir: Path, run_id: str, folder: str = "runs") -> None:
        self.path = state_dir / folder / run_id / "journal.jsonl"

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
                object=f"journal {self.path}",
                expected="a file that can be written",
                cause=f"{error.strerror}",
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

    def going(self, what: str) -> set[str]:
        """The names of `volumes` that were about to go with their claims, or of `contents` with their snapshots."""
        return {name for entry in self.entries() for name in entry.get(what, ())}

    def kinds(self) -> set[str]:
        """The kinds of which the run was about to make objects."""
        return {entry["object"].partition(" ")[0] for entry in self.entries() if entry["act"] == "apply"}


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's
    return True

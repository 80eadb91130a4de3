"""The aksdisks command as a user's shell runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema

from tests.processes import in_background, running

AKSDISKS = str(Path(sys.executable).with_name("aksdisks"))
PAUSE = "mcr.microsoft.com/oss/kubernetes/pause:3.9"
"""An image without a shell."""

ARTICLE = ["00-overview", "01-dynamic-disk", "02-scale-out", "03-stateful-set", "04-pod-failure", "05-limits"]
"""What `aksdisks run` runs where it is given no names."""


def aksdisks(
    *arguments: str, environment: Mapping[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """One command, run to its end."""
    return subprocess.run(
        [AKSDISKS, *arguments], env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


def evidence(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of the only run in `folder`, and its run.json, which keeps to its published schema."""
    (run,) = folder.iterdir()
    document = json.loads((run / "run.json").read_text())
    jsonschema.validate(document, json.loads((files("aksdisks") / "run.schema.json").read_text()))
    return run, document


def article(out: Path, secret: str) -> dict[str, Any]:
    """The run.json of the only run in `out`, which walked the article on a cluster and passed.

    No file has the secret, and no page fetches anything.
    """
    folder, run = evidence(out)
    assert set(run) == {
        *("version", "run", "target", "status", "started", "finished", "parameters", "versions"),
        *("identity", "disks", "runbooks", "teardown"),
    }
    assert (run["run"], run["target"], run["status"]) == (folder.name, "aks", "passed")
    assert [runbook["name"] for runbook in run["runbooks"]] == ARTICLE
    for runbook in run["runbooks"]:
        assert set(runbook) == {"name", "status", "seconds", "notebook", "html", "checks"}
        assert runbook["status"] == "passed"
        assert {check["status"] for check in runbook["checks"]} <= {"passed", "not applicable"}
        page = (folder / runbook["html"]).read_text()
        fetched = re.findall(r"""<(?!a\s)[^<>]*\s(?:src|href)=["'](?:https?:)?//[^"']*""", page)
        assert fetched == [], "a page fetches nothing: what it has of other places is links"
        assert "<script" not in page
    for file in folder.iterdir():
        assert secret not in file.read_text(), file.name
    return run


def proofs(run: Mapping[str, Any]) -> set[str]:
    """How the proofs of bytes came out in a run.json."""
    checks = [check for runbook in run["runbooks"] for check in runbook["checks"]]
    return {check["status"] for check in checks if check["statement"].startswith("Each pod finds on its disk the note")}


@contextmanager
def interrupted(
    *arguments: str, at: str, by: signal.Signals, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """A background job that gets a signal when its progress first shows `at`; it has ended when the block begins."""
    command, streams = in_background([AKSDISKS, *arguments]), {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL}
    with running(command, env=dict(environment), text=True, **streams) as process:
        assert process.stderr is not None
        seen = next((line for line in process.stderr if at in line), None)
        assert seen, f"{at!r} was never shown"
        process.send_signal(by)
        process.stderr.read()
        process.wait(timeout=60)
        yield process


def processes_with(variable: str, value: str) -> list[str]:
    """Commands of the processes whose environment has `variable` set to `value`, once those that end had a moment."""
    for _ in range(50):
        found = [command for pid in _pids() if (command := _command_with(pid, f"{variable}={value}"))]
        if not found:
            return []
        time.sleep(0.1)
    return found


def _pids() -> list[int]:
    return [
        int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid()
    ]


def _command_with(pid: int, setting: str) -> str:
    try:
        if setting.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        pass  # it ended meanwhile, or is not ours
    return ""

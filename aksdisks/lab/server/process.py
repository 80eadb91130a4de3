"""A lab in the background: start it, ask for it, stop it."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from aksdisks.lab.errors import AlreadyRunning, LabError, NotRunning, PortInUse, StartFailed
from aksdisks.lab.persistence.state_directory import LabState, StateDirectory, default_state_dir

__all__ = [
    "AlreadyRunning",
    "LabError",
    "LabState",
    "NotRunning",
    "PortInUse",
    "StartFailed",
    "default_state_dir",
    "reset",
    "start",
    "status",
    "stop",
]

_ERRORS: dict[str, type[LabError]] = {
    error.__name__: error for error in (LabError, AlreadyRunning, PortInUse, StartFailed)
}

_started: set[int] = set()
"""Process ids of the labs that this process started and has not taken leave of."""


def start(
    state_dir: Path | str,
    speed: float | None = None,
    scenario: str | None = None,
    kube_port: int = 0,
    arm_port: int = 0,
    timeout: float = 15,
    *,
    parent: int | None = None,
    ephemeral: bool = False,
    agents: bool = True,
    driver: bool = True,
    kubernetes: str | None = None,
    seed: int | None = None,
) -> LabState:
    """Start a lab in a process of its own and return once both of its servers answer.

    What the state directory keeps comes back: objects, disks, credentials, and where they are not given anew scenario,
    `speed` (cluster seconds in one second; 100 at first) and ports (0: those of before, or free ones). `timeout` in
    seconds; `parent`: the lab ends when the process with this id does; `ephemeral`: nothing is kept, nor looked at;
    without `agents` neither nodes nor the drivers run in it, without `driver` the nodes do; `kubernetes`, a
    version as `1.36`, wins over the scenario's; with a `seed` uids and generated names are the same each time. Raises
    `AlreadyRunning`, `PortInUse`, `StartFailed`, `LabError`.
    """
    directory = StateDirectory(Path(state_dir).expanduser().absolute())
    directory.prepare()
    running = status(directory.path)
    if running:
        raise AlreadyRunning(
            f"lab in {directory.path}: expected none, found one running (pid {running.pid}, {running.kube_url}); "
            "use it, or end it: aksdisks lab stop"
        )
    with directory.lock() as held:
        if held:  # else a lab is just starting, and the log is its own
            directory.open_log("w").close()
    if scenario and Path(scenario).is_file():
        scenario = str(Path(scenario).absolute())
    options = {
        "--state-dir": directory.path,
        "--kube-port": kube_port,
        "--arm-port": arm_port,
        "--parent": parent,
        "--speed": speed,
        "--scenario": scenario,
        "--kubernetes": kubernetes,
        "--seed": seed,
    }
    switches = (("--ephemeral", ephemeral), ("--no-agents", not agents), ("--no-driver", not driver))
    given = [part for name, value in options.items() if value is not None for part in (name, str(value))]
    return _spawn(directory, [*given, *(name for name, wanted in switches if wanted)], timeout)


def _spawn(directory: StateDirectory, options: list[str], timeout: float) -> LabState:
    """Run the server and wait for its answer. Raises what it refuses with, and `StartFailed`."""
    reading, writing = os.pipe()
    command = [sys.executable, "-P", "-m", "aksdisks.lab", *options, "--ready-fd", str(writing)]
    with os.fdopen(reading, "rb") as answers, os.fdopen(writing, "wb") as theirs, directory.open_log("a") as log:
        os.set_inheritable(writing, True)
        # Not subprocess.Popen: the lab may well outlive this process, which Popen takes for a mistake.
        outputs = [(os.POSIX_SPAWN_DUP2, log.fileno(), number) for number in (1, 2)]
        silence = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=[silence, *outputs])
        _started.add(pid)
        theirs.close()
        return _await_answer(directory, pid, answers.fileno(), timeout)


def status(state_dir: Path | str) -> LabState | None:
    """The lab running in a state directory; None if there is none. What a lab that was killed left is removed."""
    directory = StateDirectory(Path(state_dir).expanduser().absolute())
    state = directory.read()
    if state is None or not _has_ended(directory, state):
        return state
    return None


def stop(state_dir: Path | str, timeout: float = 5) -> LabState:
    """Stop the lab and return what it was; raises `NotRunning`. It is killed if it has not ended within `timeout` s."""
    directory = StateDirectory(Path(state_dir).expanduser().absolute())
    state = status(directory.path)
    if state is None:
        raise NotRunning(f"lab in {directory.path}: expected one running, found none")
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(state.pid, number)
        # A file lock cannot be waited for with a deadline.
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if _has_ended(directory, state):
                return state
            time.sleep(0.01)
    raise LabError(f"lab in {directory.path}: expected process {state.pid} to end when killed, found it running")


def reset(state_dir: Path | str) -> bool:
    """Remove all that a lab keeps, after stopping it if it runs; whether there was anything. Raises `LabError`.

    What else stands in the directory, such as the journals of runs, stays.
    """
    from aksdisks.lab.sandbox.volumes import Volumes

    directory = StateDirectory(Path(state_dir).expanduser().absolute())
    if not directory.path.is_dir():
        return False
    with suppress(NotRunning):
        stop(directory.path)
    with directory.lock() as held:
        if not held:
            raise AlreadyRunning(f"lab in {directory.path}: expected none, found one running")
        # The objects first: what is killed here leaves bytes that no disk owns, which the next start removes.
        found = directory.clear()
        Volumes(directory.path).keep((), ())
        return found


def _await_answer(directory: StateDirectory, pid: int, handle: int, timeout: float) -> LabState:
    """The server writes one line to the pipe: empty when it answers, an error otherwise; nothing if it dies."""
    deadline = time.monotonic() + timeout
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(handle, 65536) if ready else b""
        line += chunk
        if not ready:
            os.kill(pid, signal.SIGKILL)
            _reap(pid)
            raise StartFailed(
                f"lab in {directory.path}: expected an answer within {timeout:g} s, found none{_tail(directory)}"
            )
        if not chunk:
            code = _reap(pid)
            raise StartFailed(
                f"lab in {directory.path}: expected it to start, found exit code {code}{_tail(directory)}"
            )
    if line.strip():
        _reap(pid)
        error = json.loads(line)
        raise _ERRORS.get(error["error"], LabError)(error["message"])
    state = directory.read()
    if state is None:
        raise StartFailed(f"lab in {directory.path}: expected it to say where it answers, found no such file")
    return state


def _has_ended(directory: StateDirectory, state: LabState) -> bool:
    """Whether nobody holds the directory any more; takes away what the lab may have left."""
    with directory.lock() as held:
        if not held:
            return False
        directory.withdraw()
    _reap(state.pid)
    return True


def _reap(pid: int) -> int | None:
    """Take leave of an ended lab, so that no zombie stays; its exit code, None if another process started it."""
    if pid not in _started:
        return None
    _started.discard(pid)
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status)


def _tail(directory: StateDirectory) -> str:
    lines = directory.log.read_text(errors="replace").strip().splitlines()
    return f"; its log ends: {lines[-1].strip()}" if lines else ""

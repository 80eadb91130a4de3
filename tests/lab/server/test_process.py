"""A lab in the background, from its start to every way it can end. Scope: processes and files, not what is served."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aksdisks.lab.agents.kubelet.kubelet import NodeAgent
from aksdisks.lab.lab import Lab
from aksdisks.lab.persistence.state_directory import StateDirectory, default_state_dir
from aksdisks.lab.scenario import load
from aksdisks.lab.server import process
from aksdisks.lab.server.process import AlreadyRunning, LabError, LabState, NotRunning, PortInUse, StartFailed
from tests.lab.kube.wire import Wire

StartLab = Callable[..., LabState]


def test_a_running_lab_is_told_by_its_state_directory_alone(start_lab: StartLab) -> None:
    state = start_lab()
    assert process.status(state.state_dir) == state
    assert json.loads(Path(state.state_dir, "lab.json").read_text())["pid"] == state.pid
    for name in ("lab.json", "kubeconfig", "ca.crt"):
        assert stat.S_IMODE(Path(state.state_dir, name).stat().st_mode) == 0o600
    assert state.client_secret not in repr(state)


def test_stop_leaves_no_process_and_no_address(start_lab: StartLab) -> None:
    state = start_lab()
    assert process.stop(state.state_dir) == state
    with pytest.raises(ProcessLookupError):
        os.kill(state.pid, 0)
    left = {"lock", "lab.log", "lab.sqlite", "service-accounts.key"}
    assert {path.name for path in Path(state.state_dir).iterdir()} == left
    with pytest.raises(NotRunning, match="expected one running, found none"):
        process.stop(state.state_dir)


def test_two_labs_live_side_by_side(start_lab: StartLab) -> None:
    first, second = start_lab("a"), start_lab("b")
    assert len({first.kube_url, first.arm_url, second.kube_url, second.arm_url}) == 4
    assert process.status(first.state_dir) == first
    assert process.status(second.state_dir) == second


def test_a_second_lab_in_one_directory_is_refused(start_lab: StartLab) -> None:
    state = start_lab()
    with pytest.raises(AlreadyRunning, match=f"expected none, found one running \\(pid {state.pid}, {state.kube_url}"):
        process.start(state.state_dir)


def test_a_directory_that_is_held_before_it_is_published_is_refused(tmp_path: Path) -> None:
    with StateDirectory(tmp_path).lock() as held, pytest.raises(AlreadyRunning, match="expected none, found one"):
        assert held
        process.start(tmp_path)


def test_a_killed_lab_is_recognised_and_what_it_left_removed(start_lab: StartLab) -> None:
    state = start_lab()
    os.kill(state.pid, signal.SIGKILL)
    os.waitpid(state.pid, 0)
    assert Path(state.kubeconfig).exists()
    assert process.status(state.state_dir) is None
    assert not Path(state.kubeconfig).exists()
    assert start_lab().pid != state.pid


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_whoever_is_watching(start_lab: StartLab, number: signal.Signals) -> None:
    state = start_lab()
    watch = Wire(state).lines("/api/v1/nodes?watch=1")
    assert next(watch)["type"] == "ADDED"
    os.kill(state.pid, number)
    _, status = os.waitpid(state.pid, 0)
    watch.close()  # type: ignore[attr-defined]
    assert os.waitstatus_to_exitcode(status) == 0
    assert not Path(state.kubeconfig).exists()
    assert Path(state.state_dir, "lab.log").read_text() == ""


def test_a_lab_ends_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import os, sys, signal\nfrom aksdisks.lab.server import process\n"
        f"state = process.start({str(tmp_path)!r}, 100, parent=os.getpid())\n"
        "print(state.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    runner = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert runner.returncode == -signal.SIGKILL
    # The lab holds the lock until its last moment: waiting for the lock is waiting for its end.
    with (tmp_path / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    assert not (tmp_path / "lab.json").exists()
    assert (tmp_path / "lab.log").read_text() == ""


@pytest.mark.parametrize("which", ["kube_port", "arm_port"])
def test_a_port_in_use_is_named(start_lab: StartLab, which: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port}: expected a free port of 127.0.0.1, found it in use"):
            start_lab(**{which: port})


def test_a_port_that_was_asked_for_is_taken(start_lab: StartLab) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert start_lab(kube_port=port).kube_url == f"https://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scenario": "atlantis"}, "scenario: expected a file or one of .*regional.*, found 'atlantis'"),
        ({"kube_port": 70000}, "port 70000: expected one of 127.0.0.1 to listen on"),
    ],
)
def test_bad_input_is_one_line(start_lab: StartLab, options: dict[str, object], message: str) -> None:
    with pytest.raises(LabError, match=message) as caught:
        start_lab(**options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_a_speed_is_finite_and_above_zero(tmp_path: Path, speed: float) -> None:
    with pytest.raises(LabError, match=f"speed: expected a finite number above 0, found {speed:g}"):
        process.start(tmp_path, speed=speed)


def test_a_state_directory_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LabError, match="expected one that can be written to, found: Not a directory"):
        process.start(tmp_path / "file" / "lab")


def test_a_server_that_dies_tells_the_end_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken" / "orjson"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('no JSON today')")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    with pytest.raises(StartFailed, match="found exit code 1; its log ends: RuntimeError: no JSON today"):
        process.start(tmp_path / "lab")


def test_a_server_that_does_not_answer_in_time_is_ended(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="expected an answer within 0 s, found none"):
        process.start(tmp_path, timeout=0)
    assert process.status(tmp_path) is None


@pytest.mark.parametrize("when", ["run", "synced"])
def test_a_lab_of_which_a_part_ends_ends_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    async def fail(_: object) -> None:
        raise RuntimeError(f"broken in {when}")

    monkeypatch.setattr(NodeAgent, when, fail)
    lab = Lab(load("regional"), 100, StateDirectory(tmp_path))

    async def run() -> None:
        try:
            await lab.start()
            await lab.run()
        finally:
            await lab.stop()

    with pytest.raises((LabError, RuntimeError), match=f"broken in {when}"):
        asyncio.run(run())
    assert not (tmp_path / "lab.json").exists()


def test_the_environment_keeps_proxies_away_from_loopback(start_lab: StartLab, monkeypatch: pytest.MonkeyPatch) -> None:
    state = start_lab()
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("no_proxy", "example.org")
    environment = state.environment()
    assert environment["NO_PROXY"] == environment["no_proxy"] == "example.org,127.0.0.1,localhost"
    assert environment["AZURE_AUTHORITY_HOST"] == environment["AKSDISKS_ARM_ENDPOINT"] == state.arm_url
    assert environment["KUBECONFIG"] == state.kubeconfig
    assert float(environment["AKSDISKS_TIME_SCALE"]) == state.speed


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"AKSDISKS_STATE_DIR": "/a"}, "/a"),
        ({"XDG_STATE_HOME": "/x"}, "/x/aksdisks/lab"),
        ({"HOME": "/h"}, "/h/.local/state/aksdisks/lab"),
    ],
)
def test_where_the_state_is_kept(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    for name in ("AKSDISKS_STATE_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_state_dir() == Path(expected)


def test_what_aiohttp_reads_for_others_is_not_read_for_a_lab_and_is_left_as_it_was() -> None:
    program = """
import mimetypes, os, sys
read = []
sys.addaudithook(lambda event, given: read.append(str(given[0])) if event == "open" else None)
import aksdisks.lab.__main__ as lab
before = (list(mimetypes.knownfiles), dict(os.environ))
with lab._without_the_machines_files():
    import aiohttp.web
assert (list(mimetypes.knownfiles), dict(os.environ)) == before
print([path for path in read if path in mimetypes.knownfiles or path.endswith(".pem")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"

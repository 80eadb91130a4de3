"""`aksdisks walk` beside the browser: the copies, what is refused, and that nothing is left running."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager

from aksdisks.cli import jupyterlab
from aksdisks.errors import InputError
from aksdisks.lab.server import process
from aksdisks.runner import shipped
from tests.cli.command import aksdisks, processes_with
from tests.cli.jupyterlab import walking


def cells(path: Path) -> list:
    return nbformat.read(path, as_version=4).cells


def test_copies_have_no_outputs_and_are_never_written_over(tmp_path: Path) -> None:
    assert jupyterlab.copy(tmp_path) == []
    names = [path.name for path in shipped.runbooks()]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert all(not cell.get("outputs") for name in names for cell in cells(tmp_path / name))

    run, edited, broken = (tmp_path / name for name in names[:3])
    notebook = nbformat.read(run, as_version=4)
    next(cell for cell in notebook.cells if cell.cell_type == "code").execution_count = 7
    nbformat.write(notebook, run)
    edited.write_text(edited.read_text().replace("# 01", "# My own 01"))
    broken.write_text("{")
    before = [path.read_bytes() for path in (run, edited, broken)]
    assert jupyterlab.copy(tmp_path) == [edited.name, broken.name]
    assert [path.read_bytes() for path in (run, edited, broken)] == before


def test_a_port_that_is_taken_and_a_folder_that_cannot_be_are_bad_input(tmp_path: Path) -> None:
    environment = os.environ | {"AKSDISKS_STATE_DIR": str(tmp_path / "state")}
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for options, words in (
            (["--port", port], f"port {port}: expected one that is free, found it taken"),
            (["--folder", str(tmp_path / "file")], "expected a folder to copy the runbooks to, found: File exists"),
        ):
            done = aksdisks("walk", "--no-browser", "--folder", str(tmp_path / "w"), *options, environment=environment)
            assert (done.returncode, words in done.stderr) == (2, True), done.stderr


def test_without_jupyterlab_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(
        InputError, match=r"jupyterlab: expected it beside aksdisks, found none \(.* install jupyterlab\)"
    ):
        jupyterlab.serve(tmp_path, speed=10, port=0, browser=False, say=print)


def test_a_port_that_was_taken_for_a_moment_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever took it may have ended by the time that one looks whether it is free."""
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as probe:
        ports = [each.getsockname()[1] for each in (taken, probe)]
        probe.close()
        offered = iter(ports)
        monkeypatch.setattr(jupyterlab, "_free", lambda _wanted: next(offered))
        monkeypatch.setattr(jupyterlab, "_is_free", lambda _port: True)
        environment = os.environ | {"JUPYTER_TOKEN": "t"}
        with jupyterlab._jupyterlab(tmp_path, 0, False, tmp_path, environment) as (server, port):
            assert (server.poll(), port) == (None, ports[1])


def test_a_lab_that_does_not_start_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    environment = os.environ | {"AKSDISKS_STATE_DIR": str(tmp_path / "state")}
    done = aksdisks("walk", "--no-browser", "--folder", str(tmp_path / "walk"), environment=environment)
    assert (done.returncode, "expected one that can be written to" in done.stderr) == (3, True), done.stderr


def test_walks_that_begin_together_have_a_port_each_and_leave_nothing_however_they_end(tmp_path: Path) -> None:
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    all_there = threading.Barrier(len(ends))

    def walk(end: signal.Signals) -> str:
        with walking(tmp_path / end.name) as walked:
            all_there.wait(timeout=60)
            state = process.status(tmp_path / end.name / "state")
            assert state and state.speed == 10
            request = Request(f"{walked.url}/api/status", headers={"Authorization": f"token {walked.token}"})
            with urlopen(request, timeout=10) as answer:
                assert answer.status == 200
            for _ in range(3):  # who is in a hurry
                walked.process.send_signal(end)
                time.sleep(0.3)
            said, _ = walked.process.communicate(timeout=60)
        if end != signal.SIGKILL:
            assert walked.process.returncode == 0
            assert "JupyterLab has ended, and the lab with it." in said
            assert process.status(tmp_path / end.name / "state") is None
        assert processes_with("AKSDISKS_STATE_DIR", str(tmp_path / end.name / "state")) == []
        return walked.url

    with ThreadPoolExecutor() as threads:
        assert len(set(threads.map(walk, ends))) == len(ends)


def test_a_lab_that_runs_is_used_and_stays(tmp_path: Path) -> None:
    process.start(tmp_path / "state", 50, parent=os.getpid())
    try:
        with walking(tmp_path) as walked:
            walked.process.send_signal(signal.SIGINT)
            said, _ = walked.process.communicate(timeout=60)
        assert "the lab goes on: aksdisks lab stop." in said
        assert process.status(tmp_path / "state")
    finally:
        process.stop(tmp_path / "state")


def test_the_kernel_and_the_programs_are_this_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_PATH", "/theirs")
    environment = jupyterlab._environment({"KUBECONFIG": "k"})
    assert environment["KUBECONFIG"] == "k"
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    kernels, theirs = environment["JUPYTER_PATH"].split(os.pathsep)
    assert theirs == "/theirs"
    spec = KernelSpecManager(kernel_dirs=[f"{kernels}/kernels"]).get_kernel_spec("python3")
    assert spec.argv[0] == "python"  # which Jupyter takes for the Python that it runs in

"""A run goes on where calls fail, connections drop, watches expire and the API server restarts; and it says so."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from aksdisks.lab.faults import client
from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState
from tests.cli.command import AKSDISKS, aksdisks, evidence
from tests.processes import running
from tests.programs import needs

pytestmark = needs("kubectl")

StartLab = Callable[..., LabState]


def _cluster_file(lab: LabState, folder: Path) -> Path:
    file = folder / "cluster.yaml"
    file.write_text(
        f"target: aks\nkubeconfig: {lab.kubeconfig}\ncontext: {lab.cluster_name}\n"
        f"arm_endpoint: {lab.arm_url}\nauthority: {lab.authority}\nca_bundle: {lab.ca_bundle}\n"
    )
    return file


def _left(lab: LabState) -> list[str]:
    environment: Mapping[str, str] = os.environ | lab.environment()
    command = ["kubectl", "get", "namespaces,pv", "-o", "name"]
    names = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    return [name for name in names if "aksdisks" in name or name.startswith("persistentvolume/")]


@pytest.mark.parametrize("names", [("01",), pytest.param((), id="all", marks=pytest.mark.slow)])
def test_a_run_passes_where_one_call_in_twenty_fails(
    start_lab: StartLab, tmp_path: Path, names: tuple[str, ...]
) -> None:
    lab = start_lab()
    for fault in ("server-errors", "dropped-connections", "throttled", "watch-expiry"):
        client.switch_on(lab, fault, "", 0.05)
    file = _cluster_file(lab, tmp_path)
    environment = os.environ | lab.environment()
    done = aksdisks("run", *names, "-f", str(file), "-o", str(tmp_path / "out"), environment=environment)

    assert done.returncode == 0, done.stdout + done.stderr
    client.switch_off(lab, "", "")
    assert evidence(tmp_path / "out")[1]["teardown"]["status"] == "passed"
    assert _left(lab) == []


def test_a_run_passes_over_a_restart_of_the_api_server(start_lab: StartLab, tmp_path: Path) -> None:
    lab = start_lab()
    file = _cluster_file(lab, tmp_path)
    command = [AKSDISKS, "run", "02", "-f", str(file), "-o", str(tmp_path / "out")]
    environment = os.environ | lab.environment()
    said: list[str] = []
    with running(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as run:
        for line in run.stderr or ():
            said.append(line)
            if "02-scale-out: Before" in line:
                os.kill(lab.pid, signal.SIGKILL)
                os.waitpid(lab.pid, 0)
                again = process.start(lab.state_dir, lab.speed, parent=os.getpid())
        run.wait(timeout=60)
    assert run.returncode == 0, "".join(said)
    assert again.kube_url == lab.kube_url
    assert evidence(tmp_path / "out")[1]["status"] == "passed"
    assert _left(again) == []

"""The walk with nodes and disk driver in a process of their own, over HTTPS, is still what upstream recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from kubernetes import client, config

from aksdisks.lab.server.process import LabState
from tests.contract.recording import NAMESPACE, Recorder, golden
from tests.contract.test_walk import Kubectl, Walk, unapplied
from tests.processes import in_background, running
from tests.programs import needs

AKSDISKS = str(Path(sys.executable).with_name("aksdisks"))


def agents_of(state: LabState) -> list[str]:
    return [AKSDISKS, "lab", "agents", "--state-dir", state.state_dir, "--kubeconfig", state.kubeconfig]


@needs("kubectl")
def test_agents_of_their_own_make_the_same_walk(start_lab: Callable[..., LabState], tmp_path: Path) -> None:
    state = start_lab(agents=False)
    environment = os.environ | state.environment() | {"KUBECACHEDIR": str(tmp_path / "cache")}
    config.load_kube_config(state.kubeconfig)
    core = client.CoreV1Api()
    assert core.list_node().items == [], "nobody has registered"
    with running(agents_of(state), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as agents:
        assert agents.stdout is not None
        assert agents.stdout.readline() == f"3 nodes and the drivers serve {state.kube_url}.\n"
        core.create_namespace({"metadata": {"name": NAMESPACE}})
        walk = Walk(Recorder())
        walk.run(Kubectl(environment))
        walk.recorder.stop()
        agents.send_signal(signal.SIGTERM)
        _, errors = agents.communicate(timeout=10)
    assert (agents.returncode, errors) == (0, "")
    upstream, marks = golden()
    recording = walk.recorder.recording
    assert recording.events() == upstream.events()
    assert recording.phases() == upstream.phases()
    for name, objects in walk.marks.items():
        assert unapplied(recording.comparable(objects)) == unapplied(upstream.comparable(marks[name])), name
    disks = Path(state.state_dir, "lab.log").read_text()
    assert disks == ""


def test_agents_started_by_a_script_in_the_background_end_by_sigint(start_lab: Callable[..., LabState]) -> None:
    state = start_lab(agents=False)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with running(in_background(agents_of(state)), seconds=60, text=True, **streams) as agents:
        assert agents.stdout is not None
        assert agents.stdout.readline().startswith("3 nodes and the drivers serve")
        agents.send_signal(signal.SIGINT)
        _, errors = agents.communicate(timeout=20)
    assert (agents.returncode, errors) == (0, "")

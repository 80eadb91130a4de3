"""The walk goes on where a lab ended, to the recorded end: whether the lab was stopped or killed half-way."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from kubernetes import client, config

from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState
from tests.contract.recording import NAMESPACE, Recorder, golden
from tests.contract.test_walk import DEPLOY, STATEFUL, Kubectl, Walk, unapplied
from tests.programs import needs

StartLab = Callable[..., LabState]


def kill(state: LabState) -> None:
    os.kill(state.pid, signal.SIGKILL)
    os.waitpid(state.pid, 0)


def stop(state: LabState) -> None:
    process.stop(state.state_dir)


@needs("kubectl")
@pytest.mark.parametrize("end", [stop, kill])
def test_a_walk_goes_on_after_a_restart(start_lab: StartLab, tmp_path: Path, end: Callable[[LabState], None]) -> None:
    state = start_lab()
    kubectl = Kubectl(os.environ | state.environment() | {"KUBECACHEDIR": str(tmp_path / "cache")})
    config.load_kube_config(state.kubeconfig)
    client.CoreV1Api().create_namespace({"metadata": {"name": NAMESPACE}})
    first = Walk(Recorder())
    kubectl.apply(DEPLOY)
    first.mark("running", lambda: first.ready("disk-deploy") == 1)
    kubectl.patch_deployment(4)
    first.mark("scaled", lambda: first.ready("disk-deploy") == 2 and first.multi_attach() == 2)
    kubectl.apply(STATEFUL)
    # In the midst of it: a disk is being made, another attached, a pod starts.
    first.recorder.wait_until(lambda: first.ready("disk-stateful-set") >= 2, "two replicas")
    first.recorder.stop()
    told = {item["metadata"]["uid"] for item in first.recorder.objects()}
    end(state)

    again = start_lab()
    assert (again.kube_url, again.arm_url, again.client_secret) == (state.kube_url, state.arm_url, state.client_secret)
    config.load_kube_config(again.kubeconfig)
    walk = Walk(Recorder())
    assert told <= {item["metadata"]["uid"] for item in walk.recorder.objects()}
    walk.mark("stateful", lambda: walk.ready("disk-stateful-set") == 5)
    walk.finish(kubectl)
    walk.recorder.stop()
    upstream, marks = golden()
    for name, objects in walk.marks.items():
        ours = unapplied(walk.recorder.recording.comparable(objects))
        assert ours == unapplied(upstream.comparable(marks[name])), name

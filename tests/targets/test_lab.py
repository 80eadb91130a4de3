"""A private lab in a program: how it is reached, disturbed and ended, and what is said where it cannot be."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aksdisks.errors import InputError, NotReachable
from aksdisks.targets.lab import Lab, start_lab
from tests.processes import running
from tests.programs import needs


@pytest.fixture(scope="module")
def lab():
    with start_lab(speed=200, scenario="three-zones", kubernetes="1.36") as lab:
        yield lab


def test_it_is_what_was_asked_for(lab):
    assert (lab.speed, lab.scenario, lab.kubernetes) == (200, "three-zones", "1.36.0")
    assert lab.environment["KUBECONFIG"] == lab.kubeconfig


@needs("kubectl")
def test_kubectl_reaches_it_by_its_environment_alone(lab):
    nodes = ["kubectl", "get", "nodes", "-o", "name"]
    answer = subprocess.run(nodes, env=os.environ | lab.environment, capture_output=True, text=True, timeout=60)
    assert answer.stdout.count("node/aks-") == 3, answer.stderr
    assert (lab.state_dir / "kube-cache").is_dir()


def test_faults_are_switched_on_and_off(lab):
    lab.fault("detach-stuck")
    lab.fault("zone-empty", "zone/2")
    assert lab.faults() == ("detach-stuck", "zone-empty")
    assert lab.clear_faults("detach-stuck") == ("detach-stuck",)
    assert lab.clear_faults() == ("zone-empty",)
    assert lab.faults() == ()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (("detach-stick",), "did you mean detach-stuck"),
        (("zone-empty", "node/a"), "object of zone-empty: expected zone/NAME, found 'node/a'"),
        (("throttled", "", 2), "rate: expected a number above 0, at most 1, found 2"),
    ],
)
def test_a_fault_that_there_is_not_is_bad_input(lab, fault, said):
    with pytest.raises(InputError, match=said):
        lab.fault(*fault)
    assert lab.faults() == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"speed": 0}, "speed: expected .* above 0, found 0"),
        ({"scenario": "regionel"}, "regionel"),
        ({"kubernetes": "1.12"}, "kubernetes_version: expected one of .* found '1.12.0'"),
        ({"kubernetes": "1.36", "scenario": "article-2019"}, "kubernetes: expected none with scenario article-2019"),
    ],
)
def test_a_lab_that_there_is_not_is_bad_input(arguments, said):
    with pytest.raises(InputError, match=said):
        start_lab(**arguments)


def test_it_ends_with_its_block_and_leaves_nothing():
    with start_lab() as lab:
        assert lab.state_dir.is_dir()
    assert not lab.state_dir.exists()
    lab.stop()
    with pytest.raises(NotReachable):
        lab.fault("throttled")


_PROGRAM = """
import sys
from aksdisks.targets.lab import start_lab
lab = start_lab()
print(lab._state.pid, lab.state_dir, flush=True)
sys.stdin.read()
"""


def test_it_ends_with_its_process():
    with running([sys.executable, "-c", _PROGRAM], stdin=-1, stdout=-1, stderr=-1, text=True) as program:
        pid, folder = program.stdout.readline().split()
        _, errors = program.communicate(timeout=60)
        assert (program.returncode, errors) == (0, "")
    assert not Path(folder).exists()
    _await_end(int(pid))


def test_it_ends_with_a_process_that_is_killed():
    with running([sys.executable, "-c", _PROGRAM], stdin=-1, stdout=-1, text=True) as program:
        pid, _ = program.stdout.readline().split()
        program.kill()
        program.communicate(timeout=60)
    _await_end(int(pid))


def _await_end(pid):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid}: expected the lab to end, found it running")


def test_what_is_kept_comes_back(tmp_path):
    with start_lab(state_dir=tmp_path / "lab") as first:
        authority = (first.state_dir / "lab.sqlite").stat().st_ino
    with start_lab(state_dir=tmp_path / "lab") as second:
        assert (second.state_dir / "lab.sqlite").stat().st_ino == authority
    assert isinstance(second, Lab) and "stopped" in repr(second)


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "aksdisks.lab.server", None)
    with pytest.raises(NotReachable, match=r"pip install 'aksdisks\[lab\]'"):
        start_lab()

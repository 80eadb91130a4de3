"""A cluster's outcomes against the recorded ones, through nbval on copies that papermill prepared."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from aksdisks.lab.server.process import LabState
from tests.comparing.__main__ import ROOT

Compare = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def another_cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where nodes are as many, and named, as nowhere in the record."""
    file = tmp_path_factory.mktemp("scenario") / "other.yaml"
    file.write_text("base: availability-set\nnode_count: 4\nresource_group: elsewhere\n")
    return file


@pytest.fixture
def compare(start_lab: Callable[..., LabState], another_cluster: Path, tmp_path: Path) -> Compare:
    lab = start_lab(scenario=str(another_cluster), ephemeral=True)

    def run(*names: str, **more: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "cluster.yaml"
        file.write_text(
            f"target: aks\nkubeconfig: {lab.kubeconfig}\ncontext: {lab.cluster_name}\nexpect: {lab.kube_url}\n"
            f"arm_endpoint: {lab.arm_url}\nauthority: {lab.authority}\nca_bundle: {lab.ca_bundle}\nsize: 10Gi\n"
            + "".join(f"{name}: {value!r}\n" for name, value in more.items())
        )
        command = [sys.executable, "-m", "tests.comparing", "-f", str(file), *names]
        environment = os.environ | lab.environment()
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
        )

    return run


def test_another_cluster_passes_where_the_outcomes_agree_and_only_there(compare: Compare) -> None:
    same = compare("00", "02")
    assert same.returncode == 0, same.stdout[-3000:] + same.stderr
    other = compare("00", azure="off")
    assert other.returncode == 1
    assert "inconclusive: Every node of the cluster is a machine" in other.stdout


def test_a_dead_kernel_is_noticed_within_seconds(tmp_path: Path) -> None:
    cells = [
        new_code_cell("import os; os.kill(os.getpid(), 9)", execution_count=1),
        new_code_cell("1", execution_count=2),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), tmp_path / "dies.ipynb")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--numprocesses=0",
        "-p",
        "tests.nbval_watch",
        "-c",
        str(ROOT / "pyproject.toml"),
        str(tmp_path),
    ]
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    # The time-out of a cell is 120; on a busy machine a kernel alone may take 60 to start.
    assert time.monotonic() - began < 110
    assert done.returncode == 1
    assert "the kernel died while the cell ran" in done.stdout

"""What every test may ask for: a lab of its own or the one that all share, and the environment to reach it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState

SPEED = 100.0


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_the_callers() -> Iterator[None]:
    """No test sees the parameters, the cluster or the Azure of the shell that started it."""
    for_tests = {"AKSDISKS_SCREENSHOTS", "AKSDISKS_AZ_VENV"}
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - for_tests:
            if name == "KUBECONFIG" or name.startswith(("AKSDISKS_", "AZURE_")):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    """The lab that tests share; they keep to namespaces of their own and leave nothing behind."""
    state = process.start(tmp_path_factory.mktemp("lab"), SPEED, parent=os.getpid())
    yield state
    process.stop(state.state_dir)


@pytest.fixture(scope="session")
def lab_environment(lab: LabState, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The variables of a user's shell after `eval "$(aksdisks lab env)"`, with caches of their own."""
    return os.environ | lab.environment() | {"KUBECACHEDIR": str(tmp_path_factory.mktemp("kube-cache"))}


@pytest.fixture
def start_lab(tmp_path: Path) -> Iterator[Callable[..., LabState]]:
    """Starts labs for tests that break them; stops those that still run."""
    started: list[LabState] = []

    def start(directory: str = "lab", **options: object) -> LabState:
        chosen: dict[str, Any] = {"speed": SPEED, "parent": os.getpid()} | options
        state = process.start(tmp_path / directory, **chosen)
        started.append(state)
        return state

    yield start
    for state in started:
        if process.status(state.state_dir):
            process.stop(state.state_dir)

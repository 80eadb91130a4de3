"""The recordings are of Kubernetes 1.36, and so is the lab that they are compared with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pytest

from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState

RECORDED = "1.36"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    """The lab that the tests of this directory share."""
    state = process.start(tmp_path_factory.mktemp("contract"), 100.0, parent=os.getpid(), kubernetes=RECORDED)
    yield state
    process.stop(state.state_dir)


@pytest.fixture
def start_lab(start_lab: Callable[..., LabState]) -> Callable[..., LabState]:
    """Starts labs of that version."""
    return partial(start_lab, kubernetes=RECORDED)


@pytest.fixture(scope="session")
def lab_environment(lab: LabState, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The variables of a user's shell, for this lab and not for the one that all other tests share."""
    return os.environ | lab.environment() | {"KUBECACHEDIR": str(tmp_path_factory.mktemp("contract-cache"))}

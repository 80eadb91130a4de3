"""Under pytest nbval executes the runbooks, on a lab that starts before the first kernel and ends with the run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from aksdisks.lab.server import process
from tests import nbval_watch as nbval_watch  # a dead kernel is noticed

SPEED = 100.0

_folder = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Kernels start with the first cell of a notebook, and take the environment as it is then."""
    stash = item.config.stash
    if _folder not in stash:
        stash[_folder] = tempfile.TemporaryDirectory(prefix="aksdisks-nbval-")
        process.start(Path(stash[_folder].name), SPEED, parent=os.getpid())
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AKSDISKS_STATE_DIR", stash[_folder].name)
        return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the lab, if a runbook was run."""
    folder = config.stash.get(_folder, None)
    if folder is not None:
        process.stop(Path(folder.name))
        folder.cleanup()

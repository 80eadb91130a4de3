"""Under pytest nbval executes each runbook on a lab of its own, the one on which its outputs were recorded."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from aksdisks.runner.recorder import repeatable_lab
from tests import nbval_watch as nbval_watch  # a dead kernel is noticed

_lab = pytest.StashKey[tuple[Path, ExitStack, dict[str, str]]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Kernels start with the first cell of a notebook, and take the environment as it is then.

    pytest calls this for every item of the session, and not for those in this folder alone.
    """
    if item.path.suffix != ".ipynb":
        return (yield)
    stash = item.config.stash
    if _lab not in stash or stash[_lab][0] != item.path:
        pytest_unconfigure(item.config)
        running = ExitStack()
        stash[_lab] = (item.path, running, running.enter_context(repeatable_lab()))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in stash[_lab][2].items():
            environment.setenv(name, value)
        return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the lab, if a runbook was run."""
    if _lab in config.stash:
        config.stash[_lab][1].close()
        del config.stash[_lab]

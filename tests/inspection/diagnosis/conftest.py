"""A lab whose faults make the causes, one for each module: a test has a namespace of its own in it, and the target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from aksdisks.inspection.connection import Target, connect
from aksdisks.parameters import validate
from tests.lab.breaking import Broken, broken_lab

SPEED = 100.0
"""Five minutes are three seconds."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    with broken_lab(tmp_path_factory.mktemp("causes"), SPEED) as lab:
        yield lab


@pytest.fixture
def lab(whole: Broken, request: pytest.FixtureRequest) -> Iterator[Broken]:
    """The module's lab in a namespace of the test's own."""
    name = request.node.name.removeprefix("test_").replace("_", "-")[:50].rstrip("-")
    whole.kubectl("create", "namespace", name)
    yield replace(whole, namespace=name)
    whole.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def target(whole: Broken, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    monkeypatch.setenv("AKSDISKS_STATE_DIR", whole.state.state_dir)
    with connect(validate({})) as reached:
        yield reached

"""The pytest plugin: labs as fixtures, faults as a marker. What a lab needs is loaded when a test asks for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from aksdisks.targets.lab import Lab

_FIXTURES = ("aks_lab", "aks_lab_module", "aks_lab_session")


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line(
        "markers",
        "aks_fault(name, object='', rate=1.0): this goes wrong in the test's lab while the test itself runs; "
        "`aksdisks lab fault list` tells the names",
    )


@pytest.fixture(scope="session")
def aks_lab_options() -> Mapping[str, Any]:
    """Arguments of `aksdisks.start_lab` for the fixtures' labs; override it in a conftest.py or a module."""
    return {}


@pytest.fixture
def aks_lab(aks_lab_options: Mapping[str, Any]) -> Iterator[Lab]:
    """A lab of the test's own, new."""
    yield from _running(aks_lab_options)


@pytest.fixture(scope="module")
def aks_lab_module(aks_lab_options: Mapping[str, Any]) -> Iterator[Lab]:
    """A lab that the tests of a module share; its faults end with each test, its objects stay."""
    yield from _running(aks_lab_options)


@pytest.fixture(scope="session")
def aks_lab_session(aks_lab_options: Mapping[str, Any]) -> Iterator[Lab]:
    """A lab that all tests share; its faults end with each test, its objects stay."""
    yield from _running(aks_lab_options)


def _running(options: Mapping[str, Any]) -> Iterator[Lab]:
    from aksdisks.targets.lab import start_lab

    with start_lab(**options) as lab:
        yield lab


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Switch the faults of the test's markers on for the time of the test; all that it switched on ends with it."""
    faults = list(item.iter_markers("aks_fault"))
    labs: list[Lab] = [lab for name, lab in getattr(item, "funcargs", {}).items() if name in _FIXTURES]
    if faults and not labs:
        pytest.fail(f"aks_fault: expected one of the fixtures {', '.join(_FIXTURES)}, found none", pytrace=False)
    try:
        for lab in labs:
            for fault in reversed(faults):  # the markers nearest to the test come first
                _switch_on(lab, fault)
        yield
    finally:
        for lab in labs:
            if lab.running:  # a test may end its lab
                lab.clear_faults()


def _switch_on(lab: Lab, fault: pytest.Mark) -> None:
    from aksdisks.errors import AksdisksError

    try:
        lab.fault(*fault.args, **fault.kwargs)
    except (AksdisksError, TypeError) as error:
        pytest.fail(f"aks_fault: {error}", pytrace=False)

"""Which errors the command line tells in one line, and which are defects that show their traceback."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from aksdisks.cli.main import app
from aksdisks.errors import InputError, NotReachable
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.errors import FaultError, LabError, NotRunning, ScenarioError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("port: expected a number, found x"), 2),
        (NotReachable("lab: expected an answer, found none"), 3),
        (LabError("lab: expected a folder, found none"), 2),
        (NotRunning("lab: expected one running, found none"), 2),
        (ScenarioError("scenario: expected a file, found none"), 2),
        (FaultError("fault: expected a rate, found 2"), 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_for_people_is_one_line_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    monkeypatch.setattr("aksdisks.lab.server.process.stop", _raising(error))
    ended = CliRunner().invoke(app, ["lab", "stop"])
    assert (ended.exit_code, ended.output) == (code, f"aksdisks: {error}\n")


@pytest.mark.parametrize(
    "defect", [DriverError("no such disk"), KeyError("name")], ids=lambda value: type(value).__name__
)
def test_a_defect_of_the_lab_or_the_library_is_raised(monkeypatch: pytest.MonkeyPatch, defect: Exception) -> None:
    monkeypatch.setattr("aksdisks.lab.server.process.stop", _raising(defect))
    assert CliRunner().invoke(app, ["lab", "stop"]).exception is defect


def _raising(error: Exception):  # type: ignore[no-untyped-def]
    def raising(*_given: object) -> None:
        raise error

    return raising

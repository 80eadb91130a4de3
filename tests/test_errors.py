"""Errors keep what they are about in fields, and put their line together from them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from aksdisks import errors
from aksdisks.errors import AksdisksError, ApiError, InputError, ParameterError, StillUnknown, WaitTimeout

PACKAGE = Path(__file__).parent.parent / "aksdisks"


@pytest.mark.parametrize(
    ("error", "line", "fields"),
    [
        (
            InputError(object="port 80", expected="one that is free", found="it taken", hint="leave out --port"),
            "port 80: expected one that is free, found it taken (leave out --port)",
            ("port 80", "one that is free", "it taken", "", "leave out --port"),
        ),
        (
            InputError(object="run.json", expected="JSON", cause="Expecting value"),
            "run.json: expected JSON, found: Expecting value",
            ("run.json", "JSON", "", "Expecting value", ""),
        ),
        (
            ParameterError("size", expected="a quantity", found="'x'"),
            "size: expected a quantity, found 'x'",
            ("size", "a quantity", "'x'", "", ""),
        ),
        (
            WaitTimeout("4 pods", seconds=9, last_seen="3 pods", found_out="no slot is free"),
            "4 pods: not within 9 s; last seen: 3 pods; no slot is free",
            ("4 pods", "", "3 pods", "no slot is free", ""),
        ),
        (
            StillUnknown("the disk", seconds=9, because="Azure does not answer"),
            "the disk: not known within 9 s, because Azure does not answer",
            ("the disk", "", "", "Azure does not answer", ""),
        ),
        (ApiError("GET /pods: no", status=500), "GET /pods: no", ("", "", "", "", "")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_has_its_line_and_its_fields(error: AksdisksError, line: str, fields: tuple[str, ...]) -> None:
    assert str(error) == line
    assert (error.object, error.expected, error.found, error.cause, error.hint) == fields


def test_no_error_of_the_library_hides_its_fields_in_a_message() -> None:
    hidden = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}"
        for path in PACKAGE.rglob("*.py")
        if "lab" not in path.relative_to(PACKAGE).parts[:1]
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and call.args and isinstance(call.func, ast.Name)
        if isinstance(getattr(errors, call.func.id, None), type)
        if ": expected " in ast.unparse(call.args[0])
    ]
    assert hidden == []

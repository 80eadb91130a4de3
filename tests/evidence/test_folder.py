"""An evidence folder that others wrote into, and a disk that is full: said in a line, and nothing half-made stays."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest

from aksdisks.evidence import report, result
from aksdisks.evidence.folder import EvidenceFolder
from aksdisks.evidence.result import RunbookResult, RunResult
from aksdisks.evidence.seal import verify
from aksdisks.model.checks import Check, Status

RESULT = RunResult("nightly-7", "lab", "passed", "", None, {}, {}, (RunbookResult("01-dynamic-disk", "passed"),))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (json.dumps(RESULT.document()).encode()[:300], "cannot be read"),
        (b"[]", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"version": 2}', "is of version 2, this program knows up to 1"),
        (b'{"version": "x"}', "cannot be read"),
        (b'{"status": "passed", "target": "lab", "runbooks": [1]}', "is not that of a run: run: Field required"),
        (b'{"status": "passed", "target": 7, "runbooks": []}', "is not that of a run: run: "),
    ],
)
def test_what_is_no_run_is_a_problem_of_its_own(tmp_path: Path, content: bytes, problem: str) -> None:
    for name, written in (("bad", content), ("good", json.dumps(RESULT.document()).encode())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_bytes(written)
    bad, good = result.runs(tmp_path)
    assert problem in bad.problem
    assert (good.problem, list(result.differences(good.result, good.result))) == ("", [])


def test_what_xml_cannot_hold_is_left_out_of_it() -> None:
    book = RunbookResult("01", "failed", checks=(Check("it runs", Status.FAILED, "\x1b[31m<no>\x00 \ufffe'&\n"),))
    written = report.render("junit.xml", replace(RESULT, runbooks=(book,)), ())
    assert [failed.get("message") for failed in ElementTree.fromstring(written).iter("failure")] == ["[31m<no> '& "]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"teardown": {"status": "passed"}}, []),
        ({}, ["skipped: not run"]),
        ({"teardown": {"status": "failed", "problems": ["claim a stays", "b too"]}}, ["failure: claim a stays; b too"]),
        ({"teardown": {"status": "inconclusive", "uncertain": ["a?", "b?"]}}, ["skipped: inconclusive: a?; b?"]),
        (
            {"status": "failed", "problem": "a token leaked", "teardown": {"status": "passed"}},
            ["error: a token leaked"],
        ),
        (
            {"status": "inconclusive", "problem": "not allowed", "teardown": {"status": "passed"}},
            ["skipped: not allowed"],
        ),
    ],
)
def test_what_fails_beside_the_runbooks_is_a_case_of_the_test_report(more: dict[str, Any], told: list[str]) -> None:
    run = replace(RESULT, runbooks=(), **more)
    (suite,) = ElementTree.fromstring(report.render("junit.xml", run, ()))
    assert [f"{entry.tag}: {entry.get('message')}" for case in suite for entry in case] == told
    counted = {"failure": "failures", "error": "errors", "skipped": "skipped"}
    assert {kind: suite.get(name) for kind, name in counted.items()} == {
        kind: str(sum(line.startswith(kind) for line in told)) for kind in counted
    }


def test_a_page_that_cannot_be_made_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_TOKEN", "planted-s3cr3t")

    def broken(*_page: object, **_how: object) -> None:
        raise ValueError("no template for planted-s3cr3t")

    monkeypatch.setattr(report, "html", broken)
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "01.ipynb")
    folder = EvidenceFolder(tmp_path, None)
    folder.page(RunbookResult("01", "passed"), RESULT)
    result = folder.finish(RESULT)
    assert (result.status, result.exit_code) == ("failed", 1)
    assert (
        result.problem == f"{tmp_path / '01.html'}: expected to be written, found: ValueError: no template for [secret]"
    )


@pytest.mark.parametrize("name", ["run.json", "index.html", "SHA256SUMS"])
def test_a_full_disk_fails_the_run_and_leaves_no_half(tmp_path: Path, name: str) -> None:
    folder = EvidenceFolder(tmp_path / "run", None)
    folder.open()
    written = folder.path / (name if name == "SHA256SUMS" else f".{name}")
    written.symlink_to("/dev/full")
    if name == "run.json":
        folder.write(RESULT)
    result = folder.finish(RESULT)
    assert (result.status, result.exit_code) == ("failed", 1)
    assert result.problem == f"{written}: expected to be written, found: No space left on device"
    assert not written.is_symlink()
    if name != "SHA256SUMS":
        assert verify(folder.path).intact

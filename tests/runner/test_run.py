"""Runs of runbooks made for the test, on a lab taken for a cluster: deadlines, the scene kept, secrets, seals."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

from aksdisks import runner
from aksdisks.errors import InputError
from aksdisks.evidence import RunResult
from aksdisks.lab.process import LabState
from aksdisks.parameters import Parameters
from aksdisks.seal import keygen, verify
from aksdisks.session import Session
from tests.webhook import receiver

OPEN = "from aksdisks.notebook import open_walk\nwalk = open_walk(globals())"
QUICK = "from aksdisks.checks import check\ncheck('it holds', True, 'seen')"
SECRET = "planted-s3cr3t/value"


def test_a_failed_runbook_keeps_its_scene_and_the_next_one_runs(run: Callable[..., tuple[RunResult, Path]]) -> None:
    check = "walk.check('it holds', True, 'seen')"
    result, folder = run([OPEN, "walk.apply_deployment()", "raise RuntimeError('no')"], [OPEN, check])

    assert [book.status for book in result.runbooks] == ["failed", "passed"]
    assert (result.status, result.exit_code) == ("failed", 1)
    assert result.runbooks[0].problem == "cell 5: RuntimeError: no"
    scene = json.loads((folder / "inventory-00-book-failed.json").read_text())
    assert [pod["status"] for pod in scene["pods"]] == ["Running"]
    assert {event["reason"] for event in scene["events"]} > {"Scheduled", "SuccessfulAttachVolume"}
    after = json.loads((folder / "inventory-after.json").read_text())
    assert (after["pods"], result.disks["after"]) == ([], result.disks["before"])
    assert "did not end: cell 5: RuntimeError: no" in nbformat.read(folder / "00-book.ipynb", 4).cells[0].source
    assert 'href="00-book.html#failed"' in (folder / "index.html").read_text()
    assert 'id="failed"' in (folder / "00-book.html").read_text()
    suites = {suite.get("name"): suite for suite in ElementTree.parse(folder / "junit.xml").getroot()}
    assert (suites["00-book"].get("errors"), suites["01-book"].get("errors")) == ("1", "0")
    assert suites["01-book"].find("testcase").get("name") == "it holds"  # type: ignore[union-attr]


def test_a_run_that_may_not_begin_writes_nothing_and_is_told_all_the_same(
    run: Callable[..., tuple[RunResult, Path]],
) -> None:
    with receiver() as (url, received):
        result, folder = run([OPEN], webhook=url, node_selector={"no": "node"})
    assert (result.status, result.exit_code, folder.exists()) == ("inconclusive", 3, False)
    assert [(told["run"], told["status"], told["before"]) for told in received] == [(result.run, "inconclusive", None)]


def test_a_run_that_left_something_is_told_as_a_failure(
    run: Callable[..., tuple[RunResult, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clean_up = Session.clean_up
    monkeypatch.setattr(Session, "clean_up", lambda *given: replace(clean_up(*given), problems=("Pod web-0 stays",)))
    with receiver() as (url, received):
        result, folder = run([QUICK], webhook=url)
    assert (result.status, result.exit_code) == ("passed", 1)
    assert [told["text"].partition(": ")[2] for told in received] == [
        f"passed. The clean-up left something behind. {folder}"
    ]
    assert 'aksdisks_run_passed{target="aks"} 0' in (folder / "aksdisks.prom").read_text()


@pytest.mark.parametrize(
    ("deadline", "problem", "statuses"),
    [
        ("step_deadline", "a cell did not end within 2 s", ["failed", "passed"]),
        ("runbook_deadline", "the deadline passed (2 s for a runbook)", ["failed", "passed"]),
    ],
)
def test_a_hang_ends_at_its_deadline_and_is_cleaned_up(
    run: Callable[..., tuple[RunResult, Path]], deadline: str, problem: str, statuses: list[str]
) -> None:
    hang = [OPEN, "import threading; threading.Event().wait()"]
    result, _ = run(hang, [QUICK], **{deadline: 2.0})
    assert [book.status for book in result.runbooks] == statuses
    assert result.runbooks[0].problem == problem
    assert result.teardown["status"] == "passed"


def test_planted_secrets_are_in_no_file(
    run: Callable[..., tuple[RunResult, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED_TOKEN", SECRET)
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
    cells = [
        OPEN,
        "import os; secret = os.environ['PLANTED_TOKEN']; print(secret)",
        "secret",
        "from IPython.display import HTML; HTML(f'<b title=\"{secret}\">x</b>')",
        f"print('{token}')",
        "raise ValueError(f'https://x/?sig=abcdefghijklmnopqrst and {secret}')",
    ]
    result, folder = run(cells, image=f"registry.example/{SECRET}")
    assert result.runbooks[0].status == "failed"
    for path in folder.iterdir():
        content = path.read_text()
        assert SECRET not in content, path.name
        assert token not in content, path.name
        assert "abcdefghijklmnopqrst" not in content, path.name


def test_what_is_shared_says_neither_who_nor_where(lab: LabState, run: Callable[..., tuple[RunResult, Path]]) -> None:
    _, folder = run([OPEN, "walk.apply_deployment()", "walk.look().disks()", "walk.banner()"], share=True)
    notebook = (folder / "00-book.ipynb").read_text()
    assert "managed-premium" in notebook, "it still reads"
    for path in folder.iterdir():
        content = path.read_text().lower()
        assert lab.subscription_id not in content, path.name
        assert lab.tenant_id not in content, path.name


def test_a_signed_run_verifies_and_a_run_id_is_not_used_twice(
    tmp_path: Path, run: Callable[..., tuple[RunResult, Path]]
) -> None:
    public = keygen(tmp_path / "key")
    result, folder = run([QUICK], key=tmp_path / "key", run_id="nightly-1")
    assert (result.status, verify(folder, public).signed) == ("passed", True)
    with pytest.raises(InputError, match=r"run_id: expected one that .* has no run of, found nightly-1"):
        run([QUICK], run_id="nightly-1")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("not json", "Expecting value: line 1 column 1 (char 0)"),
        ('{"nbformat": 3}', "nbformat 3, not 4"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "x"}]}', "is not valid under"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}', "no cell tagged parameters"),
    ],
)
def test_what_was_edited_until_it_is_no_notebook_is_refused_before_anything_is_made(
    tmp_path: Path, content: str, found: str
) -> None:
    book = tmp_path / "00-book.ipynb"
    book.write_text(content)
    with pytest.raises(InputError) as refusal:
        runner.run([book], Parameters(), tmp_path / "out", quiet=True)
    assert str(refusal.value).startswith(f"{book}: expected a notebook, found: ")
    assert found in str(refusal.value)
    assert not (tmp_path / "out").exists()

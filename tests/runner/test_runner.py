"""Runs of runbooks made for the test, on a lab taken for a cluster: deadlines, the scene kept, secrets, seals."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import jsonschema
import nbformat
import pytest

from aksdisks.cli.console import ConsoleReporter
from aksdisks.errors import AksdisksError, ApiError, InputError, NotAllowed, NotReachable, Refused, TargetMismatch
from aksdisks.evidence.result import RunResult
from aksdisks.evidence.seal import keygen, verify
from aksdisks.lab.server.process import LabState
from aksdisks.parameters import Parameters
from aksdisks.runner.interruption import Interruption
from aksdisks.runner.runner import run_runbooks
from aksdisks.session.session import Session
from tests.webhook import receiver

OPEN = "from aksdisks.walkthrough.walk import open_walk\nwalk = open_walk(globals())"
QUICK = "from aksdisks.model.checks import check\ncheck('it holds', True, 'seen')"
SECRET = "planted-s3cr3t/value"


def _told(folder: Path) -> set[str]:
    """What each form of the evidence says that the run came to; passed or failed."""
    title = (folder / "index.html").read_text().partition("<title>")[2].partition("</title>")[0]
    metrics = (folder / "aksdisks.prom").read_text()
    suites = ElementTree.parse(folder / "junit.xml").getroot()
    bad = sum(int(suite.get(kind, "0")) for suite in suites for kind in ("failures", "errors"))
    return {
        str(json.loads((folder / "run.json").read_text())["status"]),
        title.rpartition(": ")[2],
        "passed" if 'aksdisks_run_passed{target="aks"} 1' in metrics else "failed",
        "failed" if bad else "passed",
    }


@pytest.mark.parametrize("late", ["nothing", "page", "leak", "seal"])
def test_every_form_of_the_evidence_tells_what_went_wrong_late(
    run: Callable[..., tuple[RunResult, Path]], monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    if late == "page":
        monkeypatch.setattr("aksdisks.evidence.report.html", _fail(ValueError("no template")))
    elif late == "leak":
        monkeypatch.setenv("PLANTED_TOKEN", SECRET)
        monkeypatch.setattr("aksdisks.evidence.redaction.Redactor.value", lambda _redactor, value: value)
    elif late == "seal":
        monkeypatch.setattr("aksdisks.evidence.folder.seal", _fail(ValueError("no key")))
    result, folder = run([QUICK, f"print('{SECRET if late == 'leak' else ''}')"])
    assert _told(folder) == {result.status} == {"passed" if late == "nothing" else "failed"}
    assert bool(result.problem) == (late != "nothing")
    assert json.loads((folder / "run.json").read_text()).get("problem", "") == result.problem


def test_a_failed_runbook_keeps_its_scene_and_the_next_one_runs(run: Callable[..., tuple[RunResult, Path]]) -> None:
    check = "walk.check('it holds', True, 'seen')"
    result, folder = run([OPEN, "walk.act.apply_deployment()", "raise RuntimeError('no')"], [OPEN, check])

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


SHARED = [OPEN, "walk.act.scale_deployment(2)", "raise RuntimeError('no')"]


def test_a_failed_runbook_says_what_a_diagnosis_finds_before_the_clean_up(
    run: Callable[..., tuple[RunResult, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    first = [OPEN, "walk.act.apply_deployment()"]
    with receiver() as (url, received):
        result, folder = run(first, SHARED, webhook=url, redact={"claim": "azure-managed-disk"},
                             reporter=ConsoleReporter(quiet=True))  # fmt: skip
    assert [book.status for book in result.runbooks] == ["inconclusive", "failed"]
    assert result.runbooks[0].findings == ()
    written = json.loads((folder / "run.json").read_text())
    jsonschema.validate(written, json.loads((files("aksdisks") / "run.schema.json").read_text()))
    pod, *_ = (each for each in written["runbooks"][1]["findings"] if each["object"]["kind"] == "Pod")
    assert (pod["cause"], pod["verdict"], set(pod)) == (
        "shared-claim",
        "problem",
        {"cause", "verdict", "object", "because", "next"},
    )
    assert "all pods share claim [claim], so one disk" in pod["because"]  # redacted, as all that is written
    assert pod["next"][0]["command"].startswith("kubectl get pods")
    for page in ("index.html", "01-book.html"):
        assert "all pods share claim [claim]" in (folder / page).read_text()
    assert "01-book: shared-claim: " in capsys.readouterr().out
    (told,) = received
    assert [each for each in told["findings"] if each["object"] == pod["object"]] == [{"runbook": "01-book", **pod}]
    assert "(cause: shared-claim)" in told["text"]
    assert json.loads((folder / "inventory-after.json").read_text())["pods"] == []


@pytest.mark.parametrize("error", [NotReachable("cluster: no answer in time"), LookupError("a defect")])
def test_a_diagnosis_that_fails_changes_no_outcome(
    run: Callable[..., tuple[RunResult, Path]], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("aksdisks.runner.causes.examine", _fail(error))
    result, _ = run([OPEN, "raise RuntimeError('no')"])
    assert (result.status, result.runbooks[0].problem) == ("failed", "cell 4: RuntimeError: no")
    assert (result.runbooks[0].findings, result.runbooks[0].unseen) == ((), (f"the cause: {error}",))
    assert result.teardown["status"] == "passed"


class _Told:
    """A reporter that keeps what it is told, by the name of the method."""

    def __init__(self, on: dict[str, Callable[[], None]]) -> None:
        self.names: list[str] = []
        self._on = on

    def __getattr__(self, name: str) -> Callable[..., None]:
        def told(*_given: object, **_named: object) -> None:
            self.names.append(name)
            self._on.get(name, lambda: None)()

        return told


def test_a_run_in_any_thread_tells_its_reporter_prints_nothing_and_returns_its_result(
    run: Callable[..., tuple[RunResult, Path]], capfd: pytest.CaptureFixture[str]
) -> None:
    reporter = _Told({})
    with ThreadPoolExecutor(1) as thread:
        result, folder = thread.submit(run, [QUICK], reporter=reporter).result(timeout=300)
    assert (result.status, result.exit_code) == ("passed", 0)
    assert _told(folder) == {"passed"}
    names = [name for name, _ in groupby(name for name in reporter.names if name != "progress")]
    assert names == ["answers", "runbook", "step", "finished", "runbook", "summary"]
    assert capfd.readouterr() == ("", "")


def test_a_run_in_any_thread_can_be_asked_to_end(run: Callable[..., tuple[RunResult, Path]]) -> None:
    interruption = Interruption()
    reporter = _Told({"finished": lambda: interruption.request("the test")})
    with ThreadPoolExecutor(1) as thread:
        work = thread.submit(run, [QUICK], [QUICK], reporter=reporter, interruption=interruption)
        result, _ = work.result(timeout=300)
    assert (result.status, result.exit_code, result.problem) == ("interrupted", 130, "interrupted by the test")
    assert [book.status for book in result.runbooks] == ["passed", "not run"]
    assert result.teardown["status"] == "passed"


def _fail(error: BaseException) -> Callable[..., None]:
    def fail(*_given: object, **_named: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("where", "error", "status", "code", "books"),
    [
        ("preflight", NotReachable("https://cluster: no answer in time"), "inconclusive", 3, ["not run", "not run"]),
        ("preflight", TargetMismatch("expect: expected a, found b"), "refused", 2, ["not run", "not run"]),
        ("open_session", Refused("namespace n: expected none"), "refused", 2, ["not run", "not run"]),
        ("identity", ApiError("GET /version: no", status=500), "failed", 1, ["not run", "not run"]),
        ("Reporter.finished", NotAllowed("GET /pods: 401"), "inconclusive", 3, ["passed", "not run"]),
    ],
)
def test_what_ends_a_run_before_or_between_its_runbooks_is_evidence_and_told(
    run: Callable[..., tuple[RunResult, Path]],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    error: AksdisksError,
    status: str,
    code: int,
    books: list[str],
) -> None:
    monkeypatch.setattr(f"aksdisks.runner.runner.{where}", _fail(error))
    with receiver() as (url, received):
        result, folder = run([QUICK], [QUICK], webhook=url)
    assert (result.status, result.exit_code, result.problem) == (status, code, str(error))
    assert [book.status for book in result.runbooks] == books
    written = json.loads((folder / "run.json").read_text())
    assert (written["status"], written["problem"], written["finished"]) == (status, str(error), result.finished)
    assert verify(folder).intact
    assert str(error) in (folder / "index.html").read_text()
    (suite,) = (one for one in ElementTree.parse(folder / "junit.xml").getroot() if one.get("name") == "run")
    assert suite.find("testcase/*").get("message") == str(error)  # type: ignore[union-attr]
    assert [(told["status"], str(error) in told["text"]) for told in received] == [(status, True)]


def test_a_target_that_does_not_allow_the_run_is_told_with_the_reason(
    run: Callable[..., tuple[RunResult, Path]],
) -> None:
    with receiver() as (url, received):
        result, folder = run([OPEN], webhook=url, node_selector={"no": "node"})
    assert (result.status, result.exit_code, verify(folder).intact) == ("inconclusive", 3, True)
    assert "does not allow the run: At least two nodes can take the pods: 0 of " in result.problem
    assert [(told["run"], told["status"], told["before"]) for told in received] == [(result.run, "inconclusive", None)]


def test_a_defect_of_our_own_is_raised_once_everybody_was_told(
    run: Callable[..., tuple[RunResult, Path]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("aksdisks.runner.runner.identity", _fail(LookupError("no such thing")))
    with receiver() as (url, received), pytest.raises(LookupError, match="no such thing"):
        run([QUICK], webhook=url, run_id="broken")
    written = json.loads((tmp_path / "out/broken/run.json").read_text())
    assert (written["status"], written["problem"]) == ("failed", "LookupError('no such thing')")
    assert (written["teardown"]["status"], verify(tmp_path / "out/broken").intact) == ("passed", True)
    assert [told["status"] for told in received] == ["failed"]


def test_bad_input_leaves_no_folder_and_reaches_the_webhook(
    run: Callable[..., tuple[RunResult, Path]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("aksdisks.runner.runner.preflight", _fail(InputError("kubeconfig: expected a file")))
    with receiver() as (url, received), pytest.raises(InputError, match="kubeconfig: expected a file"):
        run([QUICK], webhook=url)
    assert [(told["status"], "expected a file" in told["text"]) for told in received] == [("refused", True)]
    assert not (tmp_path / "out").exists()


def test_what_is_shared_of_a_run_that_did_not_begin_says_not_where(
    lab: LabState, run: Callable[..., tuple[RunResult, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aksdisks.runner.runner.preflight", _fail(NotReachable(f"{lab.kube_url}: no answer in time")))
    with receiver() as (url, received):
        _, folder = run([QUICK], share=True, webhook=url)
    host = urlsplit(lab.kube_url).hostname or ""
    for path in folder.iterdir():
        assert host not in path.read_text().replace(f"aksdisks-{host}", ""), path.name
    assert ["host-" in told["text"] and host not in told["text"] for told in received] == [True]


def test_a_run_that_left_something_has_failed_in_every_form(
    run: Callable[..., tuple[RunResult, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clean_up = Session.clean_up
    monkeypatch.setattr(Session, "clean_up", lambda *given: replace(clean_up(*given), problems=("Pod web-0 stays",)))
    with receiver() as (url, received):
        result, folder = run([QUICK], webhook=url)
    assert (result.status, result.exit_code) == ("failed", 1)
    assert [told["text"].partition(": ")[2] for told in received] == [
        f"failed. The clean-up left something behind. {folder}"
    ]
    assert _told(folder) == {"failed"}


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
    _, folder = run([OPEN, "walk.act.apply_deployment()", "walk.look().disks()", "walk.banner()"], share=True)
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
        run_runbooks([book], Parameters(), tmp_path / "out")
    assert str(refusal.value).startswith(f"{book}: expected a notebook, found: ")
    assert found in str(refusal.value)
    assert not (tmp_path / "out").exists()

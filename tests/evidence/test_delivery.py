"""Evidence goes to Blob storage as it was written, and a word about it to a webhook; neither changes the outcome."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from aksdisks.errors import InputError, NotReachable
from aksdisks.evidence.delivery import Container, is_to_be_notified, notify
from tests.azurite import Credential
from tests.azurite import azurite as azurite
from tests.cli.command import aksdisks
from tests.webhook import receiver


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "20261123-051253-h7k2p"
    (folder / "scene").mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (folder / "scene" / "events.json").write_bytes(b"\x00\xff")
    return folder


def test_a_folder_is_delivered_as_it_was_written_and_again(
    azurite: tuple[str, dict[str, Any]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    account, trust = azurite
    with ContainerClient(account, "evidence", Credential(), **trust) as container:
        container.create_container()
        target = Container.of(f"{account}/evidence/nightly")
        for same in (folder, Path()):
            assert target.upload(same, credential=Credential(), **trust) == 2
        found = {blob.name: container.download_blob(blob.name).readall() for blob in container.list_blobs()}
    assert found == {
        "nightly/20261123-051253-h7k2p/run.json": b"{}",
        "nightly/20261123-051253-h7k2p/scene/events.json": b"\x00\xff",
    }


def test_a_container_that_is_not_there_is_told(azurite: tuple[str, dict[str, Any]], folder: Path) -> None:
    account, trust = azurite
    with pytest.raises(NotReachable, match="absent: the evidence was not delivered: The specified container does not"):
        Container.of(f"{account}/absent").upload(folder, credential=Credential(), **trust)


@pytest.mark.parametrize(
    "url",
    ["http://a.blob.core.windows.net/c", "https://a.blob.core.windows.net", "https://a.blob/c?sv=1&sig=x",
     "https://user:sig=x@a.blob/c", "https://[sig=x/c"],
)  # fmt: skip
def test_other_urls_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(InputError) as refusal:
        Container.of(url)
    assert "sig=x" not in str(refusal.value)


def _run(status: str) -> dict[str, Any]:
    book = {"name": "01-dynamic-disk", "status": status, "seconds": 1.0, "checks": []}
    return {
        "run": "nightly-7",
        "target": "aks",
        "status": status,
        "started": "2026-11-23T05:12:53.000Z",
        "runbooks": [book],
    }


@pytest.mark.parametrize(
    ("status", "before", "told"),
    [("passed", None, False), ("passed", "passed", False), ("passed", "failed", True), ("failed", "failed", True)],
)
def test_a_failure_or_a_change_is_notified(status: str, before: str | None, told: bool) -> None:
    assert is_to_be_notified(status, before) is told


def test_the_word_is_one_that_slack_shows_and_programs_read() -> None:
    with receiver() as (url, received):
        notify(f"{url}/secret-path", _run("failed"), "passed", "evidence/nightly-7")
        with pytest.raises(NotReachable) as failure:
            notify(f"{url}/broken", _run("failed"), "passed", "evidence/nightly-7")
    assert str(failure.value) == "webhook at 127.0.0.1: the outcome was not delivered: 500 Internal Server Error"
    assert received[0] == {
        "text": "aksdisks nightly-7 on aks: failed (before: passed). Not passed: 01-dynamic-disk. evidence/nightly-7",
        "run": "nightly-7",
        "target": "aks",
        "status": "failed",
        "before": "passed",
        "runbooks": {"01-dynamic-disk": "failed"},
        "findings": [],
        "evidence": "evidence/nightly-7",
    }


def test_the_word_of_a_failure_has_the_causes_that_were_found() -> None:
    run = _run("failed")
    of = {"kind": "Pod", "namespace": "shop", "name": "a"}
    found = {"cause": "shared-claim", "verdict": "problem", "object": of, "because": "all share one claim", "next": []}
    run["runbooks"][0]["findings"] = [found, {**found, "cause": "attach-slow", "verdict": "wait"}]
    with receiver() as (url, received):
        notify(url, run, "passed", "evidence/nightly-7")
    assert received[0]["findings"] == [
        {"runbook": "01-dynamic-disk", **each} for each in run["runbooks"][0]["findings"]
    ]
    said = "01-dynamic-disk: Pod shop/a: all share one claim (cause: shared-claim). evidence/nightly-7"
    assert received[0]["text"].endswith(f"Not passed: 01-dynamic-disk. {said}")


def test_a_word_that_was_not_delivered_is_said_again_by_a_command(tmp_path: Path) -> None:
    runs = {"a": ("12", "failed"), "b": ("11", "passed"), "nightly-7": ("13", "passed"), "z": ("14", "inconclusive")}
    for name, (day, status) in runs.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(
            json.dumps(_run(status) | {"started": f"2026-11-{day}T05:12:53.000Z"})
        )
    with receiver() as (url, received):
        for path, code in (("broken", 3), ("", 0)):
            done = aksdisks("evidence", "notify", str(tmp_path / "nightly-7"), "--webhook", f"{url}/{path}")
            assert done.returncode == code, done.stderr
    assert done.stdout == "the webhook was told that nightly-7 passed\n"
    assert received[0] == received[1]
    assert received[0]["before"] == "failed"

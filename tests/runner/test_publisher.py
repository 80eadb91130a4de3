"""What a run delivers to Blob storage, and when: each runbook once it is done, never what leaks; failures are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from aksdisks.cli.console import ConsoleReporter
from aksdisks.evidence.delivery import Container
from aksdisks.evidence.folder import EvidenceFolder
from aksdisks.evidence.redaction import Redactor
from aksdisks.evidence.result import RunResult
from tests.azurite import Credential
from tests.azurite import azurite as azurite

QUICK = ["from aksdisks.model.checks import check\ncheck('it holds', True, 'seen')"]
Run = Callable[..., tuple[RunResult, Path]]


@pytest.fixture
def container(
    azurite: tuple[str, dict[str, Any]], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> ContainerClient:
    account, trust = azurite
    monkeypatch.setattr("azure.identity.DefaultAzureCredential", lambda **_: Credential())
    name = request.node.name.replace("_", "-")[:60].strip("-")
    return ContainerClient(account, name, Credential(), **trust)


@pytest.fixture
def deliver(
    run: Run, container: ContainerClient, azurite: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """A run whose evidence goes to the container; Azurite's credential is none of the lab's Azure, which is off."""
    monkeypatch.setenv("AKSDISKS_CA_BUNDLE", azurite[1]["connection_verify"])
    return lambda *books, **how: run(*books, container=Container.of(container.url), azure="off", **how)


def _blobs(container: ContainerClient) -> dict[str, bytes]:
    return {
        blob.name.partition("/")[2]: container.download_blob(blob.name).readall() for blob in container.list_blobs()
    }


def test_each_runbook_is_there_before_the_run_ends_and_everything_after_it(
    deliver: Run, container: ContainerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    container.create_container()
    early: list[set[str]] = []
    finish = EvidenceFolder.finish

    def look(folder: EvidenceFolder, result: RunResult) -> RunResult:
        early.append(set(_blobs(container)))
        return finish(folder, result)

    monkeypatch.setattr(EvidenceFolder, "finish", look)
    result, folder = deliver(QUICK, ["raise ValueError('no')"])
    assert result.status == "failed"
    assert early == [{"00-book.ipynb", "00-book.html", "01-book.ipynb", "01-book.html"}]
    assert _blobs(container) == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_container_that_is_not_there_is_told_and_the_outcome_stands(
    deliver: Run, container: ContainerClient, capfd: pytest.CaptureFixture[str]
) -> None:
    result, folder = deliver(QUICK, QUICK, reporter=ConsoleReporter(quiet=True))
    said = capfd.readouterr().err.splitlines()
    assert [line.partition(" does not exist. (")[2] for line in said] == [
        "tried again at the end)",
        f"again: aksdisks evidence upload {folder} {container.url})",
    ]
    assert (result.status, result.exit_code) == ("passed", 0)


def test_what_leaks_stays_here(deliver: Run, container: ContainerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    container.create_container()
    monkeypatch.setenv("PLANTED_TOKEN", "planted-s3cr3t")
    monkeypatch.setattr(Redactor, "text", lambda _redactor, text: text)
    result, _ = deliver(["print('planted-s3cr3t')"])
    assert "a secret stands in 00-book.html, 00-book.ipynb" in result.problem
    assert _blobs(container) == {}

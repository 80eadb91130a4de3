"""Evidence goes to Blob storage as it was written, and a word about it to a webhook; neither changes the outcome."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import ContainerClient

from aksdisks.delivery import Container, is_worth_a_word, tell
from aksdisks.errors import InputError, NotReachable
from aksdisks.evidence import RunbookResult, RunResult
from aksdisks.lab import tls


class Credential:
    """What Azurite's OAuth takes: a token whose claims fit; it looks at no signature."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        now = int(time.time())
        claims = {"iss": "https://sts.windows.net/t/", "aud": "https://storage.azure.com", "iat": now, "nbf": now - 60}
        return AccessToken(jwt.encode({**claims, "exp": now + 600}, "k" * 32, "HS256"), now + 600)


@pytest.fixture(scope="module")
def azurite(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[str, dict[str, Any]]]:
    """A Blob endpoint with TLS and OAuth, and what the client needs to trust it."""
    if not shutil.which("npm"):
        pytest.skip("npm is missing, and with it Azurite")
    installed = request.config.cache.mkdir("azurite")
    program = installed / "node_modules" / ".bin" / "azurite-blob"
    if not program.exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(installed), "azurite@3"]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    folder = tmp_path_factory.mktemp("azurite")
    issued = tls.issue()
    pems = {"server.crt": issued.server.certificate, "server.key": issued.server.key, "ca.crt": issued.authority}
    for name, content in pems.items():
        (folder / name).write_bytes(content)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["--silent", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--oauth", "basic"]
    files = ["--cert", str(folder / "server.crt"), "--key", str(folder / "server.key")]
    process = subprocess.Popen(
        [str(program), "--blobPort", str(port), *arguments, *files], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    assert any(b"successfully listen" in line for line in process.stdout)
    yield f"https://127.0.0.1:{port}/devstoreaccount1", {"connection_verify": str(folder / "ca.crt")}
    process.terminate()
    process.communicate(timeout=20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "20261123-051253-h7k2p"
    (folder / "scene").mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (folder / "scene" / "events.json").write_bytes(b"\x00\xff")
    return folder


def test_a_folder_is_delivered_as_it_was_written_and_again(azurite: tuple[str, dict[str, Any]], folder: Path) -> None:
    account, trust = azurite
    with ContainerClient(account, "evidence", Credential(), **trust) as container:
        container.create_container()
        target = Container.of(f"{account}/evidence/nightly")
        for _ in range(2):
            assert target.upload(folder, credential=Credential(), **trust) == 2
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
    "url", ["http://a.blob.core.windows.net/c", "https://a.blob.core.windows.net", "https://a.blob/c?sv=1&sig=x"]
)
def test_other_urls_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(InputError) as refusal:
        Container.of(url)
    assert "sig=x" not in str(refusal.value)


def _result(status: str) -> RunResult:
    book = RunbookResult("01-dynamic-disk", "passed" if status == "passed" else "failed")
    return RunResult("nightly-7", "aks", status, "", None, {}, {}, (book,))


@pytest.mark.parametrize(
    ("status", "before", "told"),
    [("passed", None, False), ("passed", "passed", False), ("passed", "failed", True), ("failed", "failed", True)],
)
def test_a_failure_or_a_change_is_worth_a_word(status: str, before: str | None, told: bool) -> None:
    assert is_worth_a_word(_result(status), before) is told


def test_the_word_is_one_that_slack_shows_and_programs_read() -> None:
    received: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        tell(f"{url}/secret-path", _result("failed"), "passed", "evidence/nightly-7")
        with pytest.raises(NotReachable) as failure:
            tell(f"{url}/broken", _result("failed"), "passed", "evidence/nightly-7")
        server.shutdown()
    assert str(failure.value) == "webhook at 127.0.0.1: the outcome was not delivered: 500 Internal Server Error"
    assert received[0] == {
        "text": "aksdisks nightly-7 on aks: failed (before: passed). Not passed: 01-dynamic-disk. evidence/nightly-7",
        "run": "nightly-7",
        "target": "aks",
        "status": "failed",
        "before": "passed",
        "runbooks": {"01-dynamic-disk": "failed"},
        "evidence": "evidence/nightly-7",
    }

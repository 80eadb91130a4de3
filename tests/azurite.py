"""Azurite, Microsoft's emulator of Blob storage, with TLS and OAuth: what a delivery is tested against."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from azure.core.credentials import AccessToken

from aksdisks.lab import tls
from tests import fetched
from tests.processes import running
from tests.programs import require


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
    require("npm")
    program = fetched.azurite(request.config.cache.mkdir("azurite"))
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
    command, streams = [str(program), "--blobPort", str(port)], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with running([*command, *arguments, *files], seconds=900, **streams) as process:
        assert process.stdout is not None
        assert any(b"successfully listen" in line for line in process.stdout)
        yield f"https://127.0.0.1:{port}/devstoreaccount1", {"connection_verify": str(folder / "ca.crt")}

"""Requests per second over TLS: creating ConfigMaps, single GETs and lists of 500, as upstream's figures were taken.

`wrk` makes the load where it is installed; else a small client of this module's own, whose limit is measured against a
server that does nothing but answer.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from aksdisks.lab import tls
from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState

SECONDS = 4.0
LISTED = 500
PATH, MADE = "/api/v1/namespaces/listed/configmaps", "/api/v1/namespaces/made/configmaps"
DATA = {"key": "v" * 100}


@dataclass(frozen=True)
class Load:
    """One kind of request; `fresh` for a name of its own each time, in the place of `NAME`. `upstream`: per second."""

    name: str
    method: str
    path: str
    body: str
    connections: int
    upstream: float
    fresh: bool = False


LOADS = (
    Load("api-create", "POST", MADE, json.dumps({"metadata": {"name": "NAME"}, "data": DATA}), 16, 1789, fresh=True),
    Load("api-get", "GET", f"{PATH}/number-7", "", 16, 3087),
    Load("api-list", "GET", PATH, "", 4, 223),
)


def measure(seconds: float = SECONDS) -> Iterator[tuple[Load, float]]:
    """The answered requests per second of each load, on a lab of its own that keeps what it answers."""
    with tempfile.TemporaryDirectory() as folder:
        state = process.start(Path(folder), speed=1.0, parent=os.getpid())
        try:
            token = yaml.safe_load(Path(state.kubeconfig).read_text())["users"][0]["user"]["token"]
            asyncio.run(prepare(state, token))
            for load in LOADS:
                yield load, per_second(load, state.kube_url, state.ca_bundle, token, seconds)
        finally:
            process.stop(state.state_dir)


def limit(seconds: float = SECONDS) -> float:
    """What the client itself can do: requests per second against a server that answers 400 bytes and does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        certificates = tls.issue()
        Path(folder, "ca.crt").write_bytes(certificates.authority)
        Path(folder, "server.pem").write_bytes(certificates.server.certificate + certificates.server.key)
        ready: multiprocessing.Queue[int] = multiprocessing.Queue()
        server = multiprocessing.Process(target=_bare, args=(f"{folder}/server.pem", ready), daemon=True)
        server.start()
        url = f"https://127.0.0.1:{ready.get(timeout=10)}"
        try:
            return per_second(LOADS[1], url, f"{folder}/ca.crt", "none", seconds)
        finally:
            server.terminate()
            server.join()


def per_second(load: Load, url: str, authority: str, token: str, seconds: float) -> float:
    """The answered requests per second of one load."""
    if shutil.which("wrk"):
        return _wrk(load, url, token, seconds)
    return asyncio.run(_drive(load, url, authority, token, seconds))


def _wrk(load: Load, url: str, token: str, seconds: float) -> float:
    fresh = 'body = body:gsub("NAME", string.format("%d-%d", id, number))' if load.fresh else ""
    script = f"""
local number, threads = 0, 0
function setup(thread) thread:set("id", threads); threads = threads + 1 end
function request()
  number = number + 1
  local body = [==[{load.body}]==]
  {fresh}
  local headers = {{["Authorization"] = "Bearer {token}", ["Content-Type"] = "application/json"}}
  return wrk.format("{load.method}", "{load.path}", headers, body)
end
"""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t2", f"-c{load.connections}", f"-d{int(seconds)}s", "-s", file.name, url]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if refused := re.search(r"Non-2xx.*: (\d+)", told):
        raise RuntimeError(f"{load.name}: expected answers below 300, found {refused[1]} others")
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert found is not None, told
    return float(found[1])


class _Client(asyncio.Protocol):
    """One connection: the next request goes out when the last one's answer is whole."""

    def __init__(self, load: Load, head: str, numbers: Iterator[int], until: float) -> None:
        self._load, self._head, self._numbers, self._until = load, head, numbers, until
        self._wanted = 0
        self._found = bytearray()
        self.answered = 0
        self.done = asyncio.get_running_loop().create_future()
        self._same = self._request() if not load.fresh else b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _request(self) -> bytes:
        body = self._load.body
        if self._load.fresh:
            body = body.replace("NAME", f"made-{next(self._numbers)}")
        return f"{self._head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def _send(self) -> None:
        self._transport.write(self._same or self._request())

    def data_received(self, data: bytes) -> None:
        self._found += data
        if not self._wanted:
            end = self._found.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._found[:end])
            if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
                self._end(RuntimeError(f"{self._load.name}: expected an answer below 300, found {head[:200]!r}"))
                return
            at = head.lower().index(b"content-length:")
            self._wanted = end + 4 + int(head[at + 15 :].split(b"\r\n")[0])
        if len(self._found) >= self._wanted:
            self._found.clear()
            self._wanted = 0
            self.answered += 1
            if time.perf_counter() < self._until:
                self._send()
            else:
                self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or ConnectionError(f"{self._load.name}: the server has closed the connection"))

    def _end(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(None)
            self._transport.close()


async def _drive(load: Load, url: str, authority: str, token: str, seconds: float) -> float:
    address = urlsplit(url)
    head = (
        f"{load.method} {load.path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"User-Agent: bench/1\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
    )
    context = ssl.create_default_context(cafile=authority)
    loop, numbers, begun = asyncio.get_running_loop(), count(), time.perf_counter()
    clients = [_Client(load, head, numbers, begun + seconds) for _ in range(load.connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, address.hostname, address.port, ssl=context)
    await asyncio.gather(*(client.done for client in clients))
    return sum(client.answered for client in clients) / (time.perf_counter() - begun)


async def prepare(state: LabState, token: str) -> None:
    """The namespace, and the ConfigMaps that are listed."""
    for name in ("made", "listed"):
        await once(state, token, "/api/v1/namespaces", {"metadata": {"name": name}})
    # One of them is there already: every namespace has the authority's certificate.
    for number in range(LISTED - 1):
        await once(state, token, PATH, {"metadata": {"name": f"number-{number}"}, "data": DATA})


async def once(state: LabState, token: str, path: str, body: object) -> None:
    """Make one object."""
    load = Load("prepare", "POST", path, json.dumps(body), 1, 1.0)
    await _drive(load, state.kube_url, state.ca_bundle, token, 0)


class _Answering(asyncio.Protocol):
    """A server of nothing: the same answer to whatever ends in an empty line."""

    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n" + b"x" * 400

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self._transport.write(self.answer)


def _bare(certificate: str, ready: multiprocessing.Queue[int]) -> None:
    async def serve() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0, ssl=context)
        ready.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())

"""A bare HTTPS client of the lab's Kubernetes API: nothing between a test and the bytes."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from aksdisks.lab.server.process import LabState


class Answer:
    """Status, headers and body of one response."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection for each request; the lab's token unless the headers say otherwise."""

    def __init__(self, lab: LabState) -> None:
        self.lab = lab
        self.context = ssl.create_default_context(cafile=lab.ca_bundle)
        self.user = yaml.safe_load(Path(lab.kubeconfig).read_text())["users"][0]["user"]

    def open(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        """The response with its body still to come, and the connection to close."""
        address = urlsplit(self.lab.kube_url)
        connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=10, context=self.context)
        merged = {"Authorization": f"Bearer {self.user['token']}", "Content-Type": "application/json"}
        merged |= headers or {}
        data = body if isinstance(body, (str, bytes)) or body is None else json.dumps(body)
        connection.request(method, path, data, {name: value for name, value in merged.items() if value})
        return connection, connection.getresponse()

    def __call__(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        connection, response = self.open(method, path, body, headers)
        try:
            return Answer(response)
        finally:
            connection.close()

    def lines(self, path: str, headers: Mapping[str, str] | None = None) -> Iterator[Any]:
        """The events of a watch, as they arrive."""
        connection, response = self.open("GET", path, None, headers)
        try:
            while line := response.readline():
                yield json.loads(line)
        finally:
            connection.close()

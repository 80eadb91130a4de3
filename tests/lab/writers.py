"""Clients that write to a lab until it is killed, and know afterwards what must be there: all that was answered."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

from aksdisks.lab.server.process import LabState

Json = dict[str, Any]
GONE = None
NUMBERS = itertools.count(1)
VERSION = "?api-version=2025-01-01"


class Connection:
    """Requests to one of the lab's servers over HTTPS; `kept`: all over one connection, which is to be closed."""

    def __init__(self, url: str, ca_bundle: str, token: str = "") -> None:
        self.kept = False
        parts = urlsplit(url)
        context = ssl.create_default_context(cafile=ca_bundle)
        self._connection = http.client.HTTPSConnection(str(parts.hostname), parts.port, timeout=20, context=context)
        self.token = token

    def __call__(self, method: str, path: str, body: Any = None, media_type: str = "application/json") -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": media_type}
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        self._connection.request(method, path, data, headers)
        response = self._connection.getresponse()
        content = response.read()
        if not self.kept:
            self.close()
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(response.status, json.loads(content) if is_json else content.decode(), response.headers)

    def close(self) -> None:
        self._connection.close()


class Answer:
    """Status, JSON and headers of one response."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        self.status, self.body, self.headers = status, body, headers


def kubernetes(state: LabState) -> Connection:
    with open(state.kubeconfig) as stream:  # noqa: PTH123
        token = yaml.safe_load(stream)["users"][0]["user"]["token"]
    return Connection(state.kube_url, state.ca_bundle, token)


def azure(state: LabState) -> Connection:
    connection = Connection(state.arm_url, state.ca_bundle)
    form = {
        "grant_type": "client_credentials", "client_id": state.client_id, "client_secret": state.client_secret,
        "scope": "https://management.azure.com/.default",
    }  # fmt: skip
    path = f"/{state.tenant_id}/oauth2/v2.0/token"
    answer = connection("POST", path, urlencode(form), "application/x-www-form-urlencoded")
    connection.token = answer.body["access_token"]
    return connection


class Writer(threading.Thread):
    """Makes one write after another until one gets no answer. Each sets a name to a value, or to GONE.

    `known` is what the lab has answered; `asked` is the write that it did not: either value may be found.
    """

    def __init__(self, name: str, known: dict[str, Any]) -> None:
        super().__init__(name=name, daemon=True)
        self.known = known
        self.asked: tuple[str, Any] | None = None
        self.answered = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            for name, value, write in self.writes():
                self.asked = name, value
                write()
                self.known[name] = value
                self.asked = None
                self.answered += 1
        except (OSError, http.client.HTTPException, subprocess.SubprocessError):
            pass  # the lab was killed
        except BaseException as error:
            self.failure = error
        finally:
            self.close()

    def close(self) -> None:
        """The writer is done."""

    def writes(self) -> Iterator[tuple[str, Any, Callable[[], None]]]:
        raise NotImplementedError

    def check(self, found: Mapping[str, Any]) -> None:
        """Hold what a restarted lab has against what it had answered; the write in doubt is settled by that."""
        if self.failure is not None:
            raise self.failure
        doubted = self.asked[0] if self.asked else ""
        for name, value in self.known.items():
            if name != doubted:
                assert found.get(name) == value, f"{self.name}: {name}"
        if self.asked is not None:
            possible = (self.known.get(doubted), self.asked[1])
            assert found.get(doubted) in possible, f"{self.name}: {doubted}: half made"
            self.known[doubted] = found.get(doubted)
        extra = {name for name, value in found.items() if value is not GONE} - set(self.known)
        assert not extra, f"{self.name}: never asked for: {extra}"


class ConfigMaps(Writer):
    """ConfigMaps made, changed and deleted over plain HTTPS; remembers the highest resourceVersion it was told."""

    PATH = "/api/v1/namespaces/default/configmaps"

    def __init__(self, state: LabState, seed: int, known: dict[str, Any]) -> None:
        super().__init__("config maps", known)
        self._lab = kubernetes(state)
        self._lab.kept = True
        self._random = random.Random(seed)
        self.version = 0

    def close(self) -> None:
        self._lab.close()

    def writes(self) -> Iterator[tuple[str, Any, Callable[[], None]]]:
        while True:
            there = [name for name, value in self.known.items() if value is not GONE]
            act = self._random.choice(("create", "create", "update", "delete")) if there else "create"
            number = next(NUMBERS)
            value = f"{number} " + "x" * self._random.randrange(2000)
            if act == "create":
                name = f"map-{number}"
                yield name, value, lambda name=name, value=value: self._put("POST", "", name, value)
            else:
                name = self._random.choice(there)
                if act == "update":
                    yield name, value, lambda name=name, value=value: self._put("PUT", f"/{name}", name, value)
                else:
                    yield name, GONE, lambda name=name: self._tell(self._lab("DELETE", f"{self.PATH}/{name}"))

    def _put(self, method: str, path: str, name: str, value: str) -> None:
        body = {"metadata": {"name": name, "labels": {"by": "python"}}, "data": {"value": value}}
        answer = self._lab(method, self.PATH + path, body)
        self._tell(answer)
        self.version = max(self.version, int(answer.body["metadata"]["resourceVersion"]))

    def _tell(self, answer: Answer) -> None:
        assert answer.status in (200, 201), answer.body

    @classmethod
    def read(cls, lab: Connection) -> tuple[dict[str, Any], int]:
        """What there is, and the list's resourceVersion."""
        body = lab("GET", f"{cls.PATH}?labelSelector=by%3Dpython").body
        found = {item["metadata"]["name"]: item["data"]["value"] for item in body["items"]}
        return found, int(body["metadata"]["resourceVersion"])


class Secrets(Writer):
    """The same through kubectl: slower, with the requests that it makes beside."""

    def __init__(self, environment: Mapping[str, str], known: dict[str, Any]) -> None:
        super().__init__("kubectl", known)
        self._environment = dict(environment)

    def writes(self) -> Iterator[tuple[str, Any, Callable[[], None]]]:
        while True:
            number = next(NUMBERS)
            name = f"secret-{number}"
            literal = f"--from-literal=value={number}"
            yield (
                name,
                str(number),
                lambda name=name, literal=literal: self._call("create", "secret", "generic", name, literal),
            )
            if number % 3 == 0:
                yield name, GONE, lambda name=name: self._call("delete", "secret", name, "--wait=false")

    def _call(self, *arguments: str) -> None:
        subprocess.run(["kubectl", *arguments], env=self._environment, check=True, capture_output=True, timeout=20)


class Disks(Writer):
    """Disks made, tagged, attached and deleted in Azure; each write's operation is one that must settle."""

    def __init__(self, state: LabState, seed: int, known: dict[str, Any]) -> None:
        super().__init__("disks", known)
        self._lab = azure(state)
        self._lab.kept = True
        self._random = random.Random(seed)
        group = f"/subscriptions/{state.subscription_id}/resourceGroups/{state.node_resource_group}"
        self._compute = f"{group}/providers/Microsoft.Compute"
        self._location = state.location
        self.operations: list[str] = []

    def close(self) -> None:
        self._lab.close()

    def writes(self) -> Iterator[tuple[str, Any, Callable[[], None]]]:
        while True:
            number = next(NUMBERS)
            name, tag = f"disk-{number}", str(self._random.randrange(10**6))
            yield name, tag, lambda name=name, tag=tag: self._put(name, tag)
            there = [known for known, value in self.known.items() if value is not GONE]
            if self._random.random() < 0.4:
                name, tag = self._random.choice(there), f"again {tag}"
                yield name, tag, lambda name=name, tag=tag: self._ask("PATCH", f"/disks/{name}", {"tags": {"v": tag}})
            if self._random.random() < 0.3:
                # What is still being made is deleted as well: the later operation wins.
                name = self._random.choice(there)
                yield name, GONE, lambda name=name: self._ask("DELETE", f"/disks/{name}", wait=True)

    def _put(self, name: str, tag: str) -> None:
        body = {
            "location": self._location, "sku": {"name": "Premium_LRS"}, "tags": {"v": tag},
            "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4},
        }  # fmt: skip
        self._ask("PUT", f"/disks/{name}", body)

    def _ask(self, method: str, path: str, body: Json | None = None, *, wait: bool = False) -> None:
        answer = self._lab(method, f"{self._compute}{path}?api-version=2025-01-02", body)
        assert answer.status in (200, 201, 202), answer.body
        parts = urlsplit(answer.headers["Azure-AsyncOperation"])
        operation = f"{parts.path}?{parts.query}"
        self.operations.append(operation)
        while wait and self._lab("GET", operation).body["status"] == "InProgress":
            pass

    @staticmethod
    def read(lab: Connection, state: LabState) -> dict[str, Any]:
        """The disks' tags, the nodes' own disks left out."""
        group = f"/subscriptions/{state.subscription_id}/resourceGroups/{state.node_resource_group}"
        path = f"{group}/providers/Microsoft.Compute/disks?api-version=2025-01-02"
        listed = listed_by_pages(lab, path)
        return {disk["name"]: disk["tags"]["v"] for disk in listed if "v" in disk["tags"]}


class Shares(Writer):
    """File shares made, changed and deleted in one storage account."""

    def __init__(self, state: LabState, known: dict[str, Any]) -> None:
        super().__init__("shares", known)
        self._lab = azure(state)
        self._lab.kept = True
        self._account = self.account(state)
        body = {"location": state.location, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
        path = f"{self._account}{VERSION}"
        assert self._lab("PUT", path, body).status in (200, 202, 409)
        while self._lab("GET", path).body["properties"]["provisioningState"] != "Succeeded":
            pass

    def close(self) -> None:
        self._lab.close()

    @staticmethod
    def account(state: LabState) -> str:
        group = f"/subscriptions/{state.subscription_id}/resourceGroups/{state.node_resource_group}"
        return f"{group}/providers/Microsoft.Storage/storageAccounts/durable0"

    def writes(self) -> Iterator[tuple[str, Any, Callable[[], None]]]:
        while True:
            number = next(NUMBERS)
            name = f"share-{number}"
            yield name, "1", lambda name=name: self._ask("PUT", name, "1")
            if number % 2:
                yield name, "2", lambda name=name: self._ask("PATCH", name, "2")
            if number % 3 == 0:
                yield name, GONE, lambda name=name: self._ask("DELETE", name)

    def _ask(self, method: str, name: str, value: str = "") -> None:
        body = {"properties": {"metadata": {"v": value}}} if value else None
        answer = self._lab(method, f"{self._account}/fileServices/default/shares/{name}{VERSION}", body)
        assert answer.status in (200, 201), answer.body

    @classmethod
    def read(cls, lab: Connection, state: LabState) -> dict[str, Any]:
        """What each share's metadata says."""
        listed = listed_by_pages(lab, f"{cls.account(state)}/fileServices/default/shares{VERSION}")
        return {share["name"]: share["properties"]["metadata"]["v"] for share in listed}


def listed_by_pages(lab: Connection, path: str) -> list[Json]:
    """All of a list of Azure's."""
    found: list[Json] = []
    while path:
        body = lab("GET", path).body
        found += body["value"]
        parts = urlsplit(body.get("nextLink") or "")
        path = f"{parts.path}?{parts.query}" if parts.path else ""
    return found

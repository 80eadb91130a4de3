"""Whatever is sent to the lab's servers, none fails, stops, shows its inside or leaves the state directory."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState
from tests.lab.hostile import good, requests
from tests.lab.hostile.requests import Bodies, Request
from tests.lab.kube.wire import Wire
from tests.lab.writers import azure as signed_in

FEW, MANY = 150, 5000
"""Requests to each server."""
ANSWER_WITHIN = 10.0
FAILURES = (500, 502)
REFUSED_WITH_500 = b"resourceVersion should not be set on objects to be created"
"""A refusal that upstream itself answers with 500 (staging/src/k8s.io/apiserver/pkg/storage/errors.go, no status)."""
INSIDE = (b"Traceback", b'File "', b".py", b"NoneType", b"KeyError", b"AttributeError", b"TypeError", b"orjson")

Sender = Callable[[Request], tuple[int, bytes]]


class Line:
    """A raw TLS connection: opened again whenever the server has closed it."""

    def __init__(self, url: str, state: LabState, authorization: str) -> None:
        self._address = urlsplit(url)
        self._context = ssl.create_default_context(cafile=state.ca_bundle)
        self._authorization = authorization
        self._socket: ssl.SSLSocket | None = None

    def __call__(self, request: Request) -> tuple[int, bytes]:
        for fresh in (False, True):
            line = self._open(fresh=fresh)
            try:
                line.sendall(request.wire(self._authorization))
                return self._read(line, request)
            except (ConnectionError, http.client.BadStatusLine, ssl.SSLError):
                self.close()
        # It has closed the connection without a word: allowed, as long as it answers the next one.
        return 0, b""

    def _open(self, *, fresh: bool) -> ssl.SSLSocket:
        if self._socket is None or fresh:
            self.close()
            host, port = str(self._address.hostname), self._address.port
            raw = socket.create_connection((host, int(port or 0)), timeout=ANSWER_WITHIN)
            self._socket = self._context.wrap_socket(raw, server_hostname=host)
        return self._socket

    def _read(self, line: ssl.SSLSocket, request: Request) -> tuple[int, bytes]:
        response = http.client.HTTPResponse(line, method=request.method)
        response.begin()
        body = response.read()
        if response.will_close or response.status == 101:
            self.close()
        return response.status, body

    def close(self) -> None:
        """Until the next request."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    """A lab of its own, in whose cluster a few things stand that requests can name."""
    state = process.start(tmp_path_factory.mktemp("hostile") / "lab", 1000.0, parent=os.getpid())
    wire = Wire(state)
    wire("POST", "/api/v1/namespaces", {"metadata": {"name": "probe"}})
    pod = {"containers": [{"name": "c", "image": "i"}]}
    for name in ("default", "probe"):
        wire("POST", f"/api/v1/namespaces/{name}/configmaps", {"metadata": {"name": "a"}, "data": {"k": "v"}})
        wire("POST", f"/api/v1/namespaces/{name}/pods", {"metadata": {"name": "a"}, "spec": pod})
        template = {"metadata": {"labels": {"app": "a"}}, "spec": pod}
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": template}
        wire("POST", f"/apis/apps/v1/namespaces/{name}/deployments", {"metadata": {"name": "a"}, "spec": spec})
    yield state
    if process.status(state.state_dir):
        process.stop(state.state_dir)


@pytest.fixture(scope="module")
def kubernetes(victim: LabState) -> Iterator[Line]:
    line = Line(victim.kube_url, victim, f"Bearer {Wire(victim).user['token']}")
    yield line
    line.close()


@pytest.fixture(scope="module")
def azure(victim: LabState) -> Iterator[Line]:
    form = f"grant_type=client_credentials&client_id={victim.client_id}&client_secret={victim.client_secret}"
    form += "&scope=https://management.azure.com/.default"
    login = Request(
        "POST", f"/{victim.tenant_id}/oauth2/v2.0/token",
        (("Content-Type", "application/x-www-form-urlencoded"),), form.encode(),
    )  # fmt: skip
    anonymous = Line(victim.arm_url, victim, "none")
    status, body = anonymous(login)
    anonymous.close()
    assert status == 200, body
    line = Line(victim.arm_url, victim, f"Bearer {json.loads(body)['access_token']}")
    yield line
    line.close()


@pytest.fixture(scope="module")
def kubernetes_requests(victim: LabState) -> st.SearchStrategy[Request]:
    """From the OpenAPI documents that the server serves."""
    wire = Wire(victim)
    operations: list[tuple[str, str, Mapping[str, str]]] = []
    schemas: dict[str, Any] = {}
    for path in wire("GET", "/openapi/v3").json()["paths"].values():
        document = wire("GET", path["serverRelativeURL"]).json()
        schemas |= document["components"]["schemas"]
        for template, item in document["paths"].items():
            for method in requests.METHODS:
                kind = item.get(method.lower(), {}).get("x-kubernetes-group-version-kind")
                if method.lower() in item:
                    operations.append((method, template, kind or {"group": "", "version": "v1", "kind": "Pod"}))
    return kubernetes_request(operations, Bodies(schemas))


@st.composite
def kubernetes_request(
    draw: st.DrawFn, operations: list[tuple[str, str, Mapping[str, str]]], bodies: Bodies
) -> Request:
    method, template, kind = draw(st.sampled_from(operations))
    path = draw(requests.filled(template))
    if draw(st.integers(0, 30)) == 0:
        path = draw(
            st.sampled_from(("/", "//", "/api//v1", "*", "/..", "/%", "/apis/%2e", "/aksdisks/v1/faults", path * 9))
        )
    if draw(st.integers(0, 30)) == 0:
        method = draw(st.sampled_from(requests.ODD_METHODS))
    name = path.rpartition("/")[2] if template.endswith("}") else draw(st.sampled_from(requests.NAMES))
    body = b""
    if method not in ("GET", "HEAD"):
        spoiled = draw(st.integers(0, 5)) == 0
        body = draw(st.sampled_from(requests.RAW_BODIES)) if spoiled else draw(bodies.of(bodies, kind, name))
        if not spoiled and kind["kind"] in good.GOOD and draw(st.booleans()):
            body = draw(requests.spoiled(good.GOOD[kind["kind"]], name))
    return Request(method, path + draw(requests.query()), draw(requests.headers(method)), body)


@pytest.fixture(scope="module")
def azure_requests(victim: LabState) -> st.SearchStrategy[Request]:
    subscription = f"/subscriptions/{victim.subscription_id}"
    compute = f"{subscription}/resourceGroups/{{group}}/providers/Microsoft.Compute"
    instances = f"{compute}/virtualMachineScaleSets/{{set}}/virtualMachines"
    accounts = f"{subscription}/resourceGroups/{{group}}/providers/Microsoft.Storage/storageAccounts"
    clusters = "Microsoft.ContainerService/managedClusters"
    reading, writing = ("GET",), ("GET", "PUT", "PATCH", "DELETE")
    paths = {
        "/metadata/endpoints": reading,
        f"/{victim.tenant_id}/oauth2/v2.0/token": ("POST",),
        "/subscriptions": reading,
        f"{subscription}/resourceGroups/{{group}}": reading,
        f"{subscription}/providers/Microsoft.Compute/disks": reading,
        f"{compute}/disks": reading,
        f"{compute}/disks/{{disk}}": writing,
        f"{compute}/virtualMachines/{{machine}}": writing,
        f"{compute}/virtualMachineScaleSets/{{set}}": writing,
        instances: reading,
        f"{instances}/{{number}}": writing,
        f"{instances}/{{number}}/instanceView": reading,
        f"{instances}/{{number}}/attachDetachDataDisks": ("POST",),
        f"{subscription}/providers/Microsoft.Compute/locations/{{place}}/operations/{{id}}": reading,
        f"{subscription}/resourceGroups/{{group}}/providers/{clusters}/{{name}}": reading,
        f"{subscription}/providers/Microsoft.Storage/checkNameAvailability": ("POST",),
        f"{accounts}/{{account}}": writing,
        f"{accounts}/{{account}}/listKeys": ("POST",),
        f"{accounts}/{{account}}/regenerateKey": ("POST",),
        f"{accounts}/{ACCOUNT}/fileServices/default": ("GET", "PUT"),
        f"{accounts}/{ACCOUNT}/fileServices/default/shares": reading,
        f"{accounts}/{ACCOUNT}/fileServices/default/shares/{{share}}": writing,
        f"{accounts}/{ACCOUNT}/fileServices/default/shares/{{share}}/restore": ("POST",),
        "/{one}/{two}/{three}": writing,
    }
    names = (victim.node_resource_group, victim.resource_group, "a", "0", "aks-agentpool-22115152-vmss", "westeurope")
    body = {"location": victim.location, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
    place = accounts.replace("{group}", victim.node_resource_group)
    assert signed_in(victim)("PUT", f"{place}/{ACCOUNT}?api-version=2025-01-01", body).status == 202
    return azure_request([(method, path) for path, methods in paths.items() for method in methods], names)


ACCOUNT = "hostile0"
OF_STORAGE = (
    *("shareQuota", "metadata", "enabledProtocols", "accessTier", "rootSquash", "provisionedIops", "keyPolicy"),
    *("shareDeleteRetentionPolicy", "protocolSettings", "encryption", "networkAcls", "largeFileSharesState"),
)
DATA_DISK = ("lun", "name", "managedDisk", "toBeDetached")
AZURE_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "location": requests.JUNK,
        "tags": requests.JUNK,
        "zones": requests.JUNK,
        "sku": st.one_of(requests.JUNK, st.fixed_dictionaries({"name": requests.JUNK})),
        "properties": st.one_of(
            requests.JUNK,
            st.fixed_dictionaries(
                {},
                optional={
                    "creationData": st.one_of(requests.JUNK, st.just({"createOption": "Empty"})),
                    "diskSizeGB": requests.JUNK,
                    **dict.fromkeys(OF_STORAGE, requests.JUNK),
                    "storageProfile": st.one_of(
                        requests.JUNK,
                        st.fixed_dictionaries(
                            {
                                "dataDisks": st.lists(
                                    st.fixed_dictionaries({}, optional=dict.fromkeys(DATA_DISK, requests.JUNK)),
                                    max_size=3,
                                )
                            }
                        ),
                    ),
                },
            ),
        ),
        **dict.fromkeys(("kind", "name", "keyName", "deletedShareName", "deletedShareVersion"), requests.JUNK),
        "dataDisksToAttach": requests.JUNK,
        "dataDisksToDetach": requests.JUNK,
    },
)


@st.composite
def azure_request(draw: st.DrawFn, operations: list[tuple[str, str]], names: tuple[str, ...]) -> Request:
    method, template = draw(st.sampled_from(operations))
    if draw(st.integers(0, 30)) == 0:
        method = draw(st.sampled_from(requests.ODD_METHODS))
    path = draw(requests.filled(template, names))
    query = draw(requests.query())
    if draw(st.integers(0, 9)):
        query += f"{'&' if query else '?'}api-version=2025-01-02"
    body = b""
    if method not in ("GET", "HEAD"):
        spoiled = draw(st.integers(0, 4)) == 0
        body = draw(st.sampled_from(requests.RAW_BODIES)) if spoiled else json.dumps(draw(AZURE_BODIES)).encode()
    return Request(method, path + query, draw(requests.headers(method)), body)


def hold(request: Request, send: Sender) -> None:
    """The answer is no failure, and tells nothing of the server's inside."""
    begun = time.monotonic()
    status, body = send(request)
    assert status not in FAILURES or REFUSED_WITH_500 in body, (request, status, body[:2000])
    found = [word for word in INSIDE if word in body and word not in request.wire("")]
    assert not found or status == 200, (request, status, body[:2000])
    assert time.monotonic() - begun < ANSWER_WITHIN


def many(count: int) -> settings:
    """Always the same requests: what fails, fails again."""
    return settings(
        max_examples=count, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )


def run(count: int, strategy: st.SearchStrategy[Request], send: Sender, state: LabState) -> None:
    beside = Path(state.state_dir).parent
    before = sorted(beside.iterdir())

    @many(count)
    @given(strategy)
    def each(request: Request) -> None:
        hold(request, send)

    each()
    assert process.status(state.state_dir) == state
    assert Wire(state)("GET", "/readyz").status == 200
    assert sorted(beside.iterdir()) == before
    log = Path(state.state_dir, "lab.log").read_text()
    assert "Traceback" not in log, log[:6000]


def test_kubernetes(victim: LabState, kubernetes: Line, kubernetes_requests: st.SearchStrategy[Request]) -> None:
    run(FEW, kubernetes_requests, kubernetes, victim)


def test_azure(victim: LabState, azure: Line, azure_requests: st.SearchStrategy[Request]) -> None:
    run(FEW, azure_requests, azure, victim)


@pytest.mark.slow
def test_kubernetes_long(victim: LabState, kubernetes: Line, kubernetes_requests: st.SearchStrategy[Request]) -> None:
    run(MANY, kubernetes_requests, kubernetes, victim)


@pytest.mark.slow
def test_azure_long(victim: LabState, azure: Line, azure_requests: st.SearchStrategy[Request]) -> None:
    run(MANY, azure_requests, azure, victim)


LIMIT = 3 * 1024 * 1024
MIB = b" " * 1024 * 1024


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_above_the_limit(method: str, victim: LabState) -> None:
    path = "/api/v1/namespaces/probe/configmaps" + ("" if method == "POST" else "/a")
    headers = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
    answer = Wire(victim)(method, path, b"{}" + MIB * 3, headers)
    assert (answer.status, answer.json()["reason"]) == (413, "RequestEntityTooLarge")
    assert answer.json()["message"] == f"Request entity too large: limit is {LIMIT}"


def test_a_body_just_below_the_limit(victim: LabState) -> None:
    body = json.dumps({"metadata": {"name": "big"}, "data": {"k": "v"}}).encode()
    padded = body + b" " * (LIMIT - len(body))
    assert Wire(victim)("POST", "/api/v1/namespaces/probe/configmaps?dryRun=All", padded).status == 201


def test_what_is_no_http_at_all(victim: LabState, kubernetes: Line) -> None:
    """A connection that talks nonsense is closed or told 400; the next one is served."""
    for junk in (
        b"\0\0\0\0",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"A" * 70000,
    ):
        line = kubernetes._open(fresh=True)
        line.settimeout(2)
        try:
            # A server that has heard enough closes while the rest is still being sent.
            line.sendall(junk + b"\r\n\r\n")
            told = line.recv(65536)
        except (TimeoutError, ConnectionError, ssl.SSLError):
            told = b""
        assert not told or told.split(b" ")[1] == b"400", told
        assert b"Traceback" not in told and b".py" not in told, told
    kubernetes.close()
    assert Wire(victim)("GET", "/readyz").status == 200

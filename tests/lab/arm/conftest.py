"""A cloud behind real HTTPS on a free port, for as long as a test module needs it."""

from __future__ import annotations

import asyncio
import heapq
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import requests
from aiohttp import web
from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient

from aksdisks.lab import scenario as scenarios
from aksdisks.lab import tls
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.entra.tokens import Tokens
from aksdisks.lab.arm.wire.app import arm_app
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids

SECRET = "the-secret"


class MovableClock(Clock):
    """A clock that a test can put forward, and on which what takes long can be kept from ending."""

    ahead = timedelta()

    def __init__(self, speed: float) -> None:
        super().__init__(speed)
        self._held_from = float("inf")
        self._released = asyncio.Event()

    def now(self) -> datetime:
        return super().now() + self.ahead

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        while seconds >= self._held_from:
            await self._released.wait()

    async def hold(self, seconds: float) -> None:
        self._held_from = seconds
        self._released.clear()

    async def release(self) -> None:
        self._held_from = float("inf")
        self._released.set()


class InstantClock(Clock):
    """A clock whose time passes only while somebody waits for it, and then at once: in the order of the deadlines."""

    def __init__(self) -> None:
        super().__init__()
        self._time = 0.0
        self._waiting: list[tuple[float, int, asyncio.Event]] = []
        self._count = 0
        self._driver: asyncio.Task[None] | None = None

    def monotonic(self) -> float:
        return self._time

    async def sleep(self, seconds: float) -> None:
        event = asyncio.Event()
        self._count += 1
        heapq.heappush(self._waiting, (self._time + seconds, self._count, event))
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive())
        await event.wait()

    async def _drive(self) -> None:
        while self._waiting:
            # Let everybody who can go on without time passing do so first.
            for _ in range(30):
                await asyncio.sleep(0)
            self._time, _, event = heapq.heappop(self._waiting)
            event.set()


class AzureServer:
    """The server's address and its inside; the loop runs in a thread of its own, since the SDK blocks."""

    def __init__(self, scenario, speed, ca_bundle):
        self.scenario = scenarios.load(scenario) if isinstance(scenario, str) else scenario
        self.clock = MovableClock(speed)
        self.ca_bundle = str(ca_bundle)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.tokens = Tokens(self.scenario.tenant_id, self.scenario.tenant_principals(SECRET), self.clock)
        self.cloud, self.runner, self.url = self.run(self._start(ca_bundle))
        self._clients = []

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    @contextmanager
    def holding(self, seconds):
        """What takes at least that many cluster seconds does not end before the test lets it, however slow or fast."""
        self.run(self.clock.hold(seconds))
        try:
            yield
        finally:
            self.run(self.clock.release())

    def client(self, secret=SECRET, subscription=None, kind=ComputeManagementClient, **changes):
        credential = ClientSecretCredential(
            changes.get("tenant", self.scenario.tenant_id),
            changes.get("client", self.scenario.client_id),
            secret,
            authority=self.url,
            disable_instance_discovery=True,
            connection_verify=self.ca_bundle,
        )
        client = kind(
            credential,
            subscription or self.scenario.subscription_id,
            base_url=self.url,
            credential_scopes=[changes.get("scope", "https://management.azure.com/.default")],
            connection_verify=self.ca_bundle,
        )
        self._clients += [credential, client]
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()
        try:
            self.run(self._stop())
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(timeout=30)
            self.loop.close()

    async def _start(self, ca_bundle):
        cloud = Cloud(self.scenario, self.clock, Ids(7))
        certificates = tls.issue()
        ca_bundle.write_bytes(certificates.authority)
        runner = web.AppRunner(arm_app(cloud, self.tokens))
        await runner.setup()
        context = tls.server_context(certificates, client_certificates=False)
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        return cloud, runner, f"https://127.0.0.1:{runner.addresses[0][1]}"

    async def _stop(self):
        await self.cloud.close()
        # The loop ends with its thread, so connections that a client still holds must not wait for its goodbye.
        for connection in self.runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await self.runner.cleanup()


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """A context manager: `with serve("regional", speed=500) as azure`."""

    @contextmanager
    def start(scenario: str | scenarios.Scenario = "regional", speed: float = 500) -> Iterator[AzureServer]:
        server = AzureServer(scenario, speed, tmp_path_factory.mktemp("ca") / "ca.crt")
        try:
            yield server
        finally:
            server.close()

    return start


@pytest.fixture(scope="module")
def azure(serve):
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def signed_in(azure):
    """A plain HTTPS session with a good token of Resource Manager's."""
    with requests.Session() as session:
        session.trust_env, session.verify = False, azure.ca_bundle
        session.headers["Authorization"] = f"Bearer {azure.tokens.issue('https://management.azure.com/')}"
        yield session


@pytest.fixture(scope="module")
def compute(azure):
    return azure.client()


@pytest.fixture
def cloud_of():
    """A cloud of a scenario, on time that passes at once; to be made inside a running loop where operations start."""

    def make(scenario: scenarios.Scenario) -> Cloud:
        return Cloud(scenario, InstantClock(), Ids(7))

    return make

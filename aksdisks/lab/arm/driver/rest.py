"""Requests to Resource Manager over HTTPS, as a driver sends them: with a token, retries, and operations followed."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from aksdisks.lab.arm.driver.retries import Retries
from aksdisks.lab.arm.errors import CloudError, FailedOperation

if TYPE_CHECKING:
    from aksdisks.lab.clock import Clock

Json = dict[str, Any]

DISKS_VERSION, MACHINES_VERSION, STORAGE_VERSION = "2025-01-02", "2025-04-01", "2025-01-01"
"""What the drivers speak (facts E, api-versions; azurefile-csi-driver vendor/…/armstorage/v2)."""

_DISKS_API = ("disks", "snapshots")
_STORAGE = "/providers/microsoft.storage/"

POLL = 5.0
"""Seconds between two looks at an operation whose server names none (facts D: SDK poll)."""

EARLY = 60.0
"""Seconds before its end in which a token is replaced."""


@dataclass(frozen=True)
class ArmAddress:
    """Where Azure is, and as whom to ask it; `ca_bundle` a PEM file, empty for the system's authorities."""

    url: str
    authority: str
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    subscription_id: str
    node_resource_group: str
    location: str
    ca_bundle: str = ""
    audience: str = "https://management.azure.com"


@dataclass(frozen=True)
class _Reply:
    status: int
    body: Any
    headers: Mapping[str, str]


class ArmRest:
    """One driver's. `close` it.

    It waits in real seconds, as its server asks it to, whatever the speed of the clock.
    """

    def __init__(self, address: ArmAddress, clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self._retries = Retries(clock, clock.speed)
        self._session: aiohttp.ClientSession | None = None
        self._token, self._token_until = "", 0.0

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> Json:
        """What stands at a path. Raises `CloudError`, `ThrottledError`."""
        reply = await self._ask("GET", self._url(path))
        return dict(reply.body or {})

    async def list(self, path: str) -> list[Json]:
        """All pages of a list."""
        entries: list[Json] = []
        url = self._url(path)
        while url:
            body = (await self._ask("GET", url)).body
            entries += body["value"]
            url = self._own(body.get("nextLink") or "")
        return entries

    async def change(self, method: str, resource_id: str, body: Json | None) -> Json:
        """Follow the operation that the request starts to its end (facts E, LRO)."""
        reply = await self._ask(method, self._url(resource_id), body)
        operation, state = self._own(reply.headers.get("Azure-AsyncOperation", "")), reply
        result = "" if operation else self._own(reply.headers.get("Location", ""))
        while result and state.status == 202:  # the storage provider names no operation
            await self._wait(_pause(state.headers) or POLL)
            state = await self._ask("GET", result)
        if not operation:
            return dict(state.body or {})
        while True:
            await self._wait(_pause(state.headers) or POLL)
            state = await self._ask("GET", operation)
            status = state.body.get("status")
            if status in ("Failed", "Canceled"):
                raise _refusal(
                    state.status, state.body, state.headers, FailedOperation(urlsplit(operation).path, state.body)
                )
            if status == "Succeeded":
                break
        return {} if method == "DELETE" else await self.get(resource_id)

    async def _ask(self, method: str, url: str, body: Json | None = None) -> _Reply:
        """One request with its retries. Raises `CloudError`, `ThrottledError`."""
        path = urlsplit(url).path
        kind = "storage" if _STORAGE in path.lower() else "machines"
        kind = next((kind for kind in _DISKS_API if f"/{kind}/" in path.lower()), kind)

        async def once() -> _Reply:
            try:
                return await self._once(method, url, body)
            except CloudError as error:
                error.request = (method, path)
                raise

        return await self._retries.ask(kind, method, once)

    async def _once(self, method: str, url: str, body: Json | None) -> _Reply:
        """One request; a token that is refused is replaced once. Raises `CloudError`."""
        for renewed in (False, True):
            try:
                reply = await self._exchange(method, url, body, {"Authorization": f"Bearer {await self._bearer()}"})
            except (aiohttp.ClientError, TimeoutError) as error:
                raise CloudError(503, "ServiceUnavailable", f"{method} {url}: {error!r}") from error
            if reply.status < 400:
                return reply
            if reply.status != 401 or renewed:
                break
            self._token_until = 0.0
        raise _refusal(reply.status, reply.body, reply.headers)

    async def _bearer(self) -> str:
        now = self._clock.now().timestamp()
        if now >= self._token_until:
            address = self._address
            form = {
                "grant_type": "client_credentials",
                "client_id": address.client_id,
                "client_secret": address.client_secret,
                "scope": f"{address.audience}/.default",
            }
            url = f"{address.authority}/{address.tenant_id}/oauth2/v2.0/token"
            reply = await self._exchange("POST", url, form, {})
            if reply.status != 200:
                message = str((reply.body or {}).get("error_description", ""))
                raise CloudError(reply.status, str((reply.body or {}).get("error", "")), message)
            self._token = str(reply.body["access_token"])
            self._token_until = now + max(0.0, float(reply.body["expires_in"]) - EARLY)
        return self._token

    async def _exchange(self, method: str, url: str, body: Json | None, headers: Mapping[str, str]) -> _Reply:
        if self._session is None:
            context = ssl.create_default_context(cafile=self._address.ca_bundle or None)
            connector = aiohttp.TCPConnector(ssl=context)
            timeout = aiohttp.ClientTimeout(total=60)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False)
        form = body is not None and "grant_type" in body
        data = body if form else None if body is None else orjson.dumps(body)
        more = {} if form or body is None else {"Content-Type": "application/json"}
        async with self._session.request(method, url, data=data, headers={**headers, **more}) as response:
            content = await response.read()
            try:
                found = orjson.loads(content) if content else None
            except orjson.JSONDecodeError:
                found = None
            return _Reply(response.status, found, response.headers)

    def _url(self, path: str) -> str:
        version = STORAGE_VERSION if _STORAGE in path.lower() else MACHINES_VERSION
        version = DISKS_VERSION if any(f"/{kind}/" in path.lower() for kind in _DISKS_API) else version
        return f"{self._address.url}{path}?api-version={version}"

    def _own(self, url: str) -> str:
        """An address that the server named, on the host that was asked: a token goes nowhere else."""
        if not url:
            return ""
        parts = urlsplit(url)
        return f"{self._address.url}{parts.path}?{parts.query}"

    async def _wait(self, seconds: float) -> None:
        """Real seconds."""
        await self._clock.sleep(seconds * self._clock.speed)


def _pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait."""
    for name, unit in (("x-ms-retry-after-ms", 1000.0), ("retry-after-ms", 1000.0), ("Retry-After", 1.0)):
        value = headers.get(name, "")
        if value.isdecimal():
            return int(value) / unit
    return None


def _refusal(
    status: int, body: Any, headers: Mapping[str, str], operation: FailedOperation | None = None
) -> CloudError:
    """The server's refusal, wrapped in `error` or not (facts E)."""
    body = body if isinstance(body, dict) else {}
    inner = body.get("error")
    wrapped = isinstance(inner, dict)
    inner = inner if isinstance(inner, dict) else body
    pause = headers.get("Retry-After", "")
    return CloudError(
        status,
        str(inner.get("code", "")),
        str(inner.get("message", "")),
        inner.get("target"),
        inner.get("details") or (),
        retry_after=int(pause) if pause.isdecimal() else None,
        wrapped=wrapped,
        operation=operation,
    )

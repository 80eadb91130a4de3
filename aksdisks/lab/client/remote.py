"""The Kubernetes API over HTTPS, for agents that run apart from the control plane that they serve."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import aiohttp
import orjson

from aksdisks.lab.client.interface import ApiError, Object, PatchType, WatchEvent
from aksdisks.lab.client.kubeconfig import Cluster
from aksdisks.lab.clock import Clock

_MEDIA_TYPES: Mapping[PatchType, str] = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
}
_PAGE = 500
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)
_WATCH_SECONDS = (300, 600)
"""A watch is asked to last as long as one of these, at random, so that not all begin anew at once (client-go)."""
_SILENCE = 90.0
"""Seconds beyond that after which a watch that says nothing is given up: its server is gone without a word."""
_RETRIES = 8
_PAUSE = 1.0
"""Real seconds before a failure to reach the server is told: who is told tries again at once."""
_TURNS = 3
"""Of the event loop, in which the connections of a closed session go."""


class ApiResource(Protocol):
    """A kind, as far as its path and its type go."""

    @property
    def kind(self) -> str:
        """As `PersistentVolumeClaim`."""

    @property
    def api_version(self) -> str:
        """`v1` for the core group, else `group/version`."""

    @property
    def namespaced(self) -> bool:
        """Whether its objects are in namespaces."""


class RemoteApi:
    """`KubernetesApi` by REST, to be used as an asynchronous context manager.

    A server that cannot be reached is an `ApiError` 503, so that callers meet one kind of refusal only.
    """

    def __init__(self, cluster: Cluster, clock: Clock, resources: Mapping[str, ApiResource]) -> None:
        """`resources`: the kinds by their plural names."""
        self._resources = resources
        self._cluster = cluster
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> RemoteApi:
        loopback = urlsplit(self._cluster.server).hostname in ("127.0.0.1", "::1", "localhost")
        connector = aiohttp.TCPConnector(ssl=self._cluster.tls, limit=0)
        # The user's proxy, whatever it is, does not lead to this machine.
        self._session = aiohttp.ClientSession(connector=connector, trust_env=not loopback)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            for _ in range(_TURNS):
                await self._clock.sleep(0)

    async def get(self, resource: str, name: str, namespace: str | None = None) -> Object:
        """See `KubernetesApi`."""
        return await self._ask("GET", self._path(resource, namespace, name))

    async def list(
        self, resource: str, namespace: str | None = None, *, label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Object], str]:
        """See `KubernetesApi`; page by page, all of one moment."""
        kind = self._resources[resource]
        query = {"limit": str(_PAGE), "labelSelector": label_selector, "fieldSelector": field_selector}
        objects: list[Object] = []
        while True:
            page = await self._ask("GET", self._path(resource, namespace), query=query)
            # A typed list leaves out what all its items share.
            objects += [_typed(kind, item) for item in page.get("items") or ()]
            if not page["metadata"].get("continue"):
                return objects, str(page["metadata"]["resourceVersion"])
            query["continue"] = page["metadata"]["continue"]

    async def watch(
        self, resource: str, namespace: str | None = None, *, resource_version: str, field_selector: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """See `KubernetesApi`; bookmarks come along. It ends when the server ends it, which is no error."""
        seconds = random.randint(*_WATCH_SECONDS)
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "fieldSelector": field_selector,
            "timeoutSeconds": str(seconds),
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=_SILENCE + seconds)
        url, headers = self._request(self._path(resource, namespace))
        try:
            async with self._http.get(url, params=_given(query), headers=headers, timeout=timeout) as response:
                if response.status >= 400:
                    raise _refusal(response.status, await response.read())
                try:
                    async for line in _lines(response.content):
                        yield _event(line)
                finally:
                    # The caller stopped early: closed without TLS's close_notify, which nobody would wait for.
                    if response.connection is not None and response.connection.transport is not None:
                        response.connection.transport.abort()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise await self._unreachable("watch", url, error) from error

    async def create(self, resource: str, obj: Object, namespace: str | None = None) -> Object:
        """See `KubernetesApi`."""
        where = namespace or obj["metadata"].get("namespace")
        return await self._ask("POST", self._path(resource, where or "default"), _typed(self._resources[resource], obj))

    async def update(self, resource: str, obj: Object, *, subresource: str | None = None) -> Object:
        """See `KubernetesApi`."""
        metadata = obj["metadata"]
        path = self._path(resource, metadata.get("namespace"), metadata["name"], subresource)
        return await self._ask("PUT", path, _typed(self._resources[resource], obj))

    async def patch(
        self,
        resource: str,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        patch_type: PatchType = "merge",
    ) -> Object:
        """See `KubernetesApi`."""
        path = self._path(resource, namespace, name, subresource)
        return await self._ask("PATCH", path, patch, media_type=_MEDIA_TYPES[patch_type])

    async def delete(
        self,
        resource: str,
        name: str,
        namespace: str | None = None,
        *,
        propagation: Literal["Background", "Foreground", "Orphan"] | None = None,
        grace_period_seconds: int | None = None,
        uid: str | None = None,
    ) -> Object:
        """See `KubernetesApi`."""
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if propagation is not None:
            options["propagationPolicy"] = propagation
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        return await self._ask("DELETE", self._path(resource, namespace, name), options)

    async def bind(self, namespace: str, name: str, node: str) -> None:
        """Assign a pod to a node (pods/binding)."""
        binding = {
            "kind": "Binding",
            "apiVersion": "v1",
            "metadata": {"name": name, "namespace": namespace},
            "target": {"kind": "Node", "apiVersion": "v1", "name": node},
        }
        await self._ask("POST", self._path("pods", namespace, name, "binding"), binding)

    @property
    def _http(self) -> aiohttp.ClientSession:
        assert self._session is not None, "a context manager that was not entered"
        return self._session

    def _request(self, path: str) -> tuple[str, dict[str, str]]:
        headers = {"Accept": "application/json", "User-Agent": "aksdisks-agents"}
        if token := self._cluster.token():
            headers["Authorization"] = f"Bearer {token}"
        return f"{self._cluster.server}{path}", headers

    def _path(self, resource: str, namespace: str | None, name: str = "", subresource: str | None = None) -> str:
        kind = self._resources[resource]
        root = f"/apis/{kind.api_version}" if "/" in kind.api_version else f"/api/{kind.api_version}"
        if kind.namespaced and (namespace or name):
            root += f"/namespaces/{namespace or 'default'}"
        plural = resource.partition(".")[0]
        return "/".join(part for part in (f"{root}/{plural}", name, subresource or "") if part)

    async def _ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        media_type: str = "application/json",
    ) -> Object:
        """One request; again where the server says when, and where it closed a connection that nothing was sent on."""
        data = None if body is None else orjson.dumps(body)
        for attempt in range(_RETRIES + 1):
            url, headers = self._request(path)
            if data is not None:
                headers["Content-Type"] = media_type
            try:
                async with self._http.request(
                    method, url, params=_given(query or {}), data=data, headers=headers, timeout=_TIMEOUT
                ) as response:
                    content = await response.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if isinstance(error, aiohttp.ServerDisconnectedError) and method == "GET" and attempt == 0:
                    continue
                raise await self._unreachable(method, url, error) from error
            if response.status < 400:
                answer: Object = orjson.loads(content)
                return answer
            pause = response.headers.get("Retry-After", "")
            if not pause.isdecimal() or attempt == _RETRIES:
                raise _refusal(response.status, content)
            await self._wait(float(pause))
        raise AssertionError("unreachable: the last attempt raises")

    async def _unreachable(self, method: str, url: str, error: BaseException) -> ApiError:
        await self._wait(_PAUSE)
        return ApiError(503, "ServiceUnavailable", f"{method} {url}: {error!r}")

    async def _wait(self, seconds: float) -> None:
        """Real seconds."""
        await self._clock.sleep(seconds * self._clock.speed)


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines, however long: an object may be larger than the reader's own limit."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line


def _typed(kind: ApiResource, obj: Object) -> Object:
    return {"kind": kind.kind, "apiVersion": kind.api_version, **obj}


def _given(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if value}


def _event(line: bytes) -> WatchEvent:
    event = orjson.loads(line)
    if event["type"] == "ERROR":
        raise _error(int(event["object"].get("code") or 500), event["object"])
    return WatchEvent(event["type"], event["object"])


def _refusal(status: int, content: bytes) -> ApiError:
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = content.decode(errors="replace")[:500]
    return _error(status, body if isinstance(body, dict) else {"message": str(body)})


def _error(code: int, status: Object) -> ApiError:
    reason = str(status.get("reason") or ("Expired" if code == 410 else "Unknown"))
    return ApiError(code, reason, str(status.get("message") or ""), status.get("details"))

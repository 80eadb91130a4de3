"""What faults do to the API server's answers: connections dropped, errors instead of answers, watches that expire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection

import orjson
from aiohttp import web

from aksdisks.lab import tls
from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.faults import endpoint
from aksdisks.lab.faults.registry import Faults, drop_connection
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.wire import negotiation
from aksdisks.lab.kube.wire.injection import FAULTS, ApiServerInjection
from aksdisks.lab.kube.wire.request_info import RequestInfo

SERVER = "server/kubernetes"


class ApiServerFaults(ApiServerInjection):
    """Requests under the path by which faults are switched are never disturbed."""

    def __init__(self, faults: Faults, store: Store) -> None:
        self._faults = faults
        self._store = store

    def drop_connection(self, request: web.Request, info: RequestInfo) -> None:
        """Raises `ConnectionResetError` once the connection is dropped."""
        if info.segments[:3] != FAULTS:
            drop_connection(request, self._faults, SERVER)

    def check(self, info: RequestInfo) -> None:
        """Raises what upstream answers when its database does not."""
        if info.segments[:3] != FAULTS and self._faults.occurs("server-errors", SERVER):
            raise ApiError(500, "", "etcdserver: request timed out")

    async def watched(
        self, request: web.Request, info: RequestInfo, answer: Awaitable[web.StreamResponse]
    ) -> web.StreamResponse:
        """The answer; while watch-expiry is on no watch goes on: it is refused, or was cut off by the switch."""
        if info.verb != "watch":
            return await answer
        work, over = asyncio.ensure_future(answer), asyncio.ensure_future(self._expiry())
        try:
            if self._faults.occurs("watch-expiry") and request.query.get("resourceVersion", "0") not in ("", "0"):
                return await self._expired(request)
            await asyncio.wait([work, over], return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
        finally:
            # Also when the client went away: each watch would leave a task that waits for the fault.
            work.cancel()
            over.cancel()
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("watch ended on purpose")

    async def administer(self, request: web.Request, groups: Collection[str], name: str) -> Object:
        """Only administrators switch faults."""
        if tls.ADMIN_GROUP not in groups:
            raise endpoint.forbidden()
        return await endpoint.answer(request, self._faults, name)

    async def _expiry(self) -> None:
        """Until the fault is switched on anew."""
        while True:
            before = self._faults.switch_for("watch-expiry")
            await self._faults.until_switched()
            if self._faults.switch_for("watch-expiry") not in (None, before):
                return

    async def _expired(self, request: web.Request) -> web.StreamResponse:
        """A watch has begun with 200, so upstream tells by an event (K storage/cacher watch_cache.go)."""
        text = f"too old resource version: {request.query['resourceVersion']} ({self._store.resource_version})"
        line = {"type": "ERROR", "object": negotiation.status(ApiError(410, "Expired", text))}
        response = web.StreamResponse(headers={"Content-Type": negotiation.JSON, "Cache-Control": "no-cache, private"})
        await response.prepare(request)
        await response.write(orjson.dumps(line) + b"\n")
        await response.write_eof()
        return response

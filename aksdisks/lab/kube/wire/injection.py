"""Where faults reach into the API server's answers. This class injects none; the one in faults/api_server.py does."""

from __future__ import annotations

from collections.abc import Awaitable, Collection

from aiohttp import web

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.status import no_such_resource
from aksdisks.lab.kube.wire.request_info import RequestInfo

FAULTS = ("aksdisks", "v1", "faults")
"""The path by which faults are switched; the name of one may follow."""


class ApiServerInjection:
    """Asked once for each request, in this order."""

    def drop_connection(self, request: web.Request, info: RequestInfo) -> None:
        """Before anything else. Raises `ConnectionResetError` once the connection is closed."""

    def check(self, info: RequestInfo) -> None:
        """Once the request is authorised. Raises `ApiError` instead of an answer."""

    async def watched(
        self, request: web.Request, info: RequestInfo, answer: Awaitable[web.StreamResponse]
    ) -> web.StreamResponse:
        """The answer, which a watch can be kept from going on with."""
        del request, info
        return await answer

    async def administer(self, request: web.Request, groups: Collection[str], name: str) -> Object:
        """What the path answers by which a user of these groups switches faults. Raises `ApiError`."""
        del request, groups, name
        raise no_such_resource()

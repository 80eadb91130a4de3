"""Where faults reach into the API server's answers. This class lets everything pass; faults/api_server.py does not."""

from __future__ import annotations

from collections.abc import Awaitable, Collection

from aiohttp import web

from aksdisks.lab.client.interface import ApiError, Object


class ApiServerInjection:
    """Asked once for each request, in this order."""

    def drop_connection(self, request: web.Request) -> None:
        """Before anything is looked at. Raises `ConnectionResetError` once the connection is closed."""

    def check(self, request: web.Request) -> None:
        """Once the request is authorised. Raises `ApiError` instead of an answer."""

    async def watched(self, request: web.Request, answer: Awaitable[web.StreamResponse]) -> web.StreamResponse:
        """The answer, which a watch can be kept from going on with."""
        del request
        return await answer

    async def administer(self, request: web.Request, groups: Collection[str], name: str) -> Object:
        """What the path answers by which a user of these groups switches faults. Raises `ApiError`."""
        del request, groups, name
        raise ApiError(404, "NotFound", "the server could not find the requested resource", {})

"""The lab's two HTTPS servers: they listen on loopback, and no answer goes out before what it tells is kept."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterable, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aksdisks.lab.errors import LabError, PortInUse
from aksdisks.lab.persistence import settings
from aksdisks.lab.persistence.records import Records
from aksdisks.lab.server import malformed

HOST = "127.0.0.1"
_BACKLOG = 512
_LONGEST_LINE = 1 << 20
"""Bytes of a request's first line, as Go has it: a command for a pod goes in the URL."""


class Servers:
    """Servers by name; `close` them."""

    def __init__(self, records: Records, ports: Mapping[str, int], middlewares: Iterable[Middleware] = ()) -> None:
        """`ports`: those asked for, by the servers' names; 0 is the one of before, or a free one."""
        self._records = records
        self._ports = {name: settings.port(records, name, asked) for name, asked in ports.items()}
        self._middlewares = (_settling(records), *middlewares)
        self._listening: dict[str, int] = {}
        self._runners: list[web.AppRunner] = []

    async def serve(self, name: str, app: web.Application, context: ssl.SSLContext) -> int:
        """Answer from now on; the port. Raises `PortInUse`, `LabError`."""
        app.middlewares.extend(self._middlewares)
        malformed.log_in_one_line()
        # A client that goes away ends its watch at once (handler_cancellation), not at the next event.
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, handler_cancellation=True, shutdown_timeout=0.1,
            keepalive_timeout=600, max_line_size=_LONGEST_LINE,
        )  # fmt: skip
        await runner.setup()
        self._runners.append(runner)
        port = self._ports[name]
        try:
            listener = _listen(port.number)
        except PortInUse:
            if port.wanted:
                raise
            listener = _listen(0)
        await web.SockSite(runner, listener, ssl_context=context, backlog=_BACKLOG).start()
        self._listening[name] = listener.getsockname()[1]
        return self._listening[name]

    def keep_ports(self) -> None:
        """From now on these are the ports of before."""
        for name, number in self._listening.items():
            settings.keep_port(self._records, name, number, wanted=self._ports[name].wanted)

    async def close(self) -> None:
        """Answer no more."""
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))


def _settling(records: Records) -> Middleware:
    @web.middleware
    async def settled(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        try:
            await records.settled()
        except LabError as error:
            return web.Response(status=500, text=str(error))
        return response

    return settled


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Without it a port that was in use a moment ago could not be taken again for a minute.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise PortInUse(f"port {port}: expected a free port of {HOST}, found it in use") from error
        raise LabError(f"port {port}: expected one of {HOST} to listen on, found: {error}") from error
    listener.setblocking(False)
    return listener

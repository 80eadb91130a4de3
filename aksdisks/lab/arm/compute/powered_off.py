"""Which machines do not run: their nodes send no heartbeats until they are started again."""

from __future__ import annotations

import asyncio


class PoweredOff:
    """Nodes by name. It is no fault: machines are stopped and started through Azure."""

    def __init__(self) -> None:
        self._nodes: set[str] = set()
        self._changed = asyncio.Event()

    def __contains__(self, node_name: str) -> bool:
        return node_name in self._nodes

    def put(self, node_name: str, *, off: bool) -> None:
        """The node's machine is off, or runs."""
        (self._nodes.add if off else self._nodes.discard)(node_name)
        self._changed.set()
        self._changed = asyncio.Event()

    async def until_on(self, node_name: str) -> None:
        """Wait until the node's machine runs."""
        while node_name in self._nodes:
            await self._changed.wait()

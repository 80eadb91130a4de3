"""Runs the commands of exec probes, confined like those of `kubectl exec`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aksdisks.lab.client.interface import Object
from aksdisks.lab.images import has_shell
from aksdisks.lab.sandbox.command import Running, Wanted, start
from aksdisks.lab.sandbox.confine import Sandbox, SandboxError, find
from aksdisks.lab.sandbox.containers import Containers

_MOST_OUTPUT = 10 * 1024
"""Bytes (K pkg/probe/exec/exec.go)."""
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended; `skipped`: why it could not be run here at all."""

    code: int
    output: str = ""
    skipped: str = ""


class Prober:
    """One for a lab; a few commands at a time."""

    def __init__(self, containers: Containers, sandbox: Sandbox) -> None:
        self._containers = containers
        self._sandbox = sandbox
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def run(self, pod: Object, container: Object, command: list[str], seconds: float) -> Result:
        """How the command ended; a failure where it is not there or takes more than `seconds`."""
        if not command or not (has_shell(container["image"]) and find(command[0])):
            return Result(127, f"exec: {(command or [''])[0]!r}: executable file not found in $PATH")
        async with self._room:
            try:
                confined = await self._containers.view(pod, container, terminal=False)
                arguments = await self._sandbox.command(confined, command)
                running = await start(arguments, Wanted(stdout=True, stderr=True))
            except (SandboxError, OSError, ValueError) as error:
                return Result(0, skipped=str(error))
            try:
                return await asyncio.wait_for(_ended(running), seconds)
            except TimeoutError:
                return Result(1, f"command timed out: {' '.join(command)!r} timed out after {seconds:g}s")
            finally:
                running.kill()


async def _ended(running: Running) -> Result:
    output = b""
    async for _, data in running.outputs():
        output = (output + data)[:_MOST_OUTPUT]
    return Result(await running.wait(), output.decode(errors="replace"))

"""Exec probes run their commands: the exit code makes a container ready, or restarts it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.sandbox.probes import Result

Run = Callable[[Object, Object, list[str], float], Awaitable[Result]]
"""Runs a command in a pod's container for at most so many real seconds."""

OFTEN_REAL = 1.0
"""Real seconds: no probe is run more often, however fast the lab is."""

KINDS = {"startupProbe": "Startup", "readinessProbe": "Readiness", "livenessProbe": "Liveness"}


async def apart(_pod: Object, _container: Object, _command: list[str], _seconds: float) -> Result:
    """Exec probes succeed without being run where the agents run apart from the lab."""
    return Result(0, skipped="these agents run apart from the lab, which has the volumes' bytes")


def probed(container: Object, *kinds: str) -> bool:
    """Whether the container has an exec probe of one of the kinds, or of any."""
    return any("exec" in container.get(kind, {}) for kind in kinds or KINDS)


@dataclass(frozen=True)
class Probes:
    """The probes of one container from one start to the next (K pkg/kubelet/prober).

    `tell(reason, message)` writes a Warning event; `ready(bool)` follows the readiness probe, and says no until the
    startup probe has succeeded once.
    """

    clock: Clock
    run: Run
    pod: Callable[[], Object]
    container: Object
    tell: Callable[[str, str], None]
    ready: Callable[[bool], Awaitable[None]]

    async def follow(self) -> str:
        """Until a probe says that the container must be restarted: which kind, as events name it."""
        if probed(self.container, "startupProbe") and not await self._until("startupProbe", succeeded=True):
            return "startup"
        if not probed(self.container, "readinessProbe"):
            await self.ready(True)
        followed = [asyncio.create_task(self._liveness()), asyncio.create_task(self._readiness())]
        try:
            await followed[0]
        finally:
            for task in followed:
                task.cancel()
            await asyncio.gather(*followed, return_exceptions=True)
        return "liveness"

    async def _liveness(self) -> None:
        if not probed(self.container, "livenessProbe"):
            await asyncio.Event().wait()
        await self._until("livenessProbe", succeeded=False)

    async def _readiness(self) -> None:
        wanted = first = True
        while probed(self.container, "readinessProbe"):
            await self._until("readinessProbe", succeeded=wanted, first=first)
            await self.ready(wanted)
            wanted, first = not wanted, False

    async def _until(self, kind: str, *, succeeded: bool, first: bool = True) -> bool:
        """Probe until the threshold of successes or failures is met; a startup probe ends by either."""
        probe = self.container[kind]
        period = max(probe.get("periodSeconds", 10), OFTEN_REAL * self.clock.speed)
        await self.clock.sleep(probe.get("initialDelaySeconds", 0) if first else period)
        counted, last = 0, None
        while True:
            good = await self._once(kind, probe)
            counted, last = (counted + 1 if good == last else 1), good
            met = counted >= probe.get("successThreshold" if good else "failureThreshold", 1)
            if met and (good == succeeded or kind == "startupProbe"):
                return good
            await self.clock.sleep(period)

    async def _once(self, kind: str, probe: Object) -> bool:
        command, seconds = probe["exec"].get("command") or [], float(probe.get("timeoutSeconds", 1))
        result = await self.run(self.pod(), self.container, command, seconds)
        if result.skipped:
            self.tell("ProbeSkipped", f"{KINDS[kind]} probe counts as succeeded, it cannot be run: {result.skipped}")
        elif result.code:
            self.tell("Unhealthy", f"{KINDS[kind]} probe failed: {result.output}")
        return not result.code

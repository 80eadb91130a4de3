"""Gathers what the disk driver asks of one machine into one full list of data disks at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aksdisks.lab.arm.driver.retries import DeadlineExceededError, DriverError, within
from aksdisks.lab.arm.errors import CloudError, machine_is_no_more

if TYPE_CHECKING:
    from aksdisks.lab.clock import Clock

Json = dict[str, Any]

BATCH_DELAY = 1.0
"""Cluster seconds in which requests for one node gather into one PUT (facts D: driver, batch delay 1000 ms)."""

DETACH_PATIENCE, DETACH_WATCH = 200.0, 41.5
"""Seconds that the driver waits for a detach, and then watches the machine for its end, before it forces it
(CSI azure_controller_common.go: vmssDetachTimeout, pollForDetachCompletion's seven steps)."""

MAX_LUN = 64


@dataclass(eq=False)
class Request:
    """One disk that shall come or go; the answer is its LUN, -1 of one that went."""

    kind: Literal["attach", "detach"]
    disk_id: str
    caching: str
    answer: asyncio.Future[int]


@dataclass(frozen=True)
class Wanted:
    """The list to send, the LUN of each disk by its id in lower case, and whether anything differs from before."""

    entries: tuple[Json, ...]
    luns: dict[str, int]
    changed: bool


Send = Callable[[str, Sequence[Request], bool], Coroutine[Any, Any, dict[str, int]]]
"""Sends a batch for a node, with force or without; the LUN of each disk that is then attached."""


Reread = Callable[[], Coroutine[Any, Any, object]]
"""Reads the machines again after an attach that failed; that it fails as well is nobody's concern."""


class Batches:
    """A queue for each node: a batch of one kind after another, each sent when the one before is done."""

    def __init__(
        self, clock: Clock, send: Send, *, pace: float = 1.0, forces: bool = True, reread: Reread | None = None
    ) -> None:
        """`pace`: cluster seconds in a second of `send`'s; `forces`: a detach that fails is tried again by force.

        Without `reread` who waits for an attach hears of its failure at once.
        """
        self._clock = clock
        self._send = send
        self._pace = pace
        self._forces = forces
        self._reread = reread
        self._pending: dict[str, list[Request]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}

    async def ask(self, node_name: str, kind: Literal["attach", "detach"], disk_id: str, caching: str = "") -> int:
        """Queue it and wait. Raises what sending its batch raised."""
        node_name = node_name.lower()
        request = Request(kind, disk_id.lower(), caching, asyncio.get_running_loop().create_future())
        self._pending.setdefault(node_name, []).append(request)
        if node_name not in self._workers:
            self._workers[node_name] = asyncio.create_task(self._work(node_name), name=f"compute {node_name}")
        return await request.answer

    async def close(self) -> None:
        """Stop sending; requests that wait are cancelled."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for requests in self._pending.values():
            for request in requests:
                request.answer.cancel()

    async def _work(self, node_name: str) -> None:
        """Send what waits for one node until nothing waits."""
        batch: list[Request] = []
        try:
            while self._pending[node_name]:
                await self._clock.sleep(BATCH_DELAY)
                waiting = self._pending[node_name]
                batch = [request for request in waiting if request.kind == waiting[0].kind]
                self._pending[node_name] = [request for request in waiting if request.kind != waiting[0].kind]
                await self._answer(node_name, batch)
        except asyncio.CancelledError:
            for request in batch:
                request.answer.cancel()
            raise
        finally:
            del self._workers[node_name]

    async def _answer(self, node_name: str, batch: Sequence[Request]) -> None:
        try:
            if batch[0].kind == "detach" and self._forces:
                luns = await self._detach(node_name, batch)
            else:
                luns = await self._send(node_name, batch, False)
        except Exception as error:  # each of those who wait gets it
            if batch[0].kind == "attach" and self._reread is not None:
                with contextlib.suppress(CloudError, DriverError):
                    await self._reread()
            for request in batch:
                if not request.answer.done():
                    request.answer.set_exception(error)
            return
        for request in batch:
            if not request.answer.done():
                request.answer.set_result(luns.get(request.disk_id, -1))

    async def _detach(self, node_name: str, batch: Sequence[Request]) -> dict[str, int]:
        """A detach that fails or takes too long is sent again by force (CSI azure_controller_common.go DetachDisk)."""
        try:
            return await within(self._clock, DETACH_PATIENCE * self._pace, self._send(node_name, batch, False))
        except DeadlineExceededError:
            await self._clock.sleep(DETACH_WATCH * self._pace)
        except (CloudError, DriverError) as error:
            if machine_is_no_more(error):
                raise
        return await self._send(node_name, batch, True)


def wanted(present: Sequence[Json], batch: Sequence[Request], *, forced: bool = False) -> Wanted:
    """What the machine's list of data disks shall be (facts E, Attach).

    Ids are lower-cased, a new disk gets the lowest free LUN, and what shall go is marked `toBeDetached`.
    """
    by_force = {"detachOption": "ForceDetach"} if forced else {}
    entries = [dict(entry) for entry in present]
    luns = {entry["managedDisk"]["id"].lower(): int(entry["lun"]) for entry in entries}
    changed = False
    for request in batch:
        if request.kind == "detach":
            for entry in entries:
                if entry["managedDisk"]["id"].lower() == request.disk_id:
                    changed = True
                    entry |= {"toBeDetached": True, **by_force}
        elif request.disk_id not in luns:
            lun = next((lun for lun in range(MAX_LUN) if lun not in luns.values()), MAX_LUN)
            entries.append(_attach_entry(request, lun))
            luns[request.disk_id] = lun
            changed = True
    return Wanted(tuple(entries), luns, changed)


def _attach_entry(request: Request, lun: int) -> Json:
    return {
        "lun": lun,
        "name": request.disk_id.rpartition("/")[2],
        "caching": request.caching,
        "createOption": "Attach",
        "managedDisk": {"id": request.disk_id},
        "writeAcceleratorEnabled": False,
    }

"""Long-running operations: work that goes on after Azure has answered, and what its status address tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from aksdisks.lab.arm.errors import CloudError, FailedOperation

if TYPE_CHECKING:
    from aksdisks.lab.clock import Clock
    from aksdisks.lab.ids import Ids

Json = dict[str, Any]
Kind = Literal["DiskOperations", "operations", "operationresults", "asyncoperations"]
_PROVIDERS = {"asyncoperations": "Microsoft.Storage"}
"""Whose an operation is by its kind, but for Microsoft.Compute's."""
Listener = Callable[["Operation"], None]
Work = Callable[[], Awaitable[Json | None]]
"""What an operation does before it ends; what it returns is the operation's result."""

KEPT = 1000
"""How many operations stay readable; Azure forgets too, though by age."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Purpose:
    """What an operation does, as far as a restarted lab must know to go on with it.

    `settle` a disk or a storage account (by its key) after `seconds` of the cluster's, `delete` a disk, `complete` a
    snapshot that is copied in the background, `change` a machine (by its id), or the `power` of some (ids with commas
    between), with the act as `detail`; or `delete group` by its name. Of what is found by a key the `detail` is its
    unique id: another one may have its name by then.
    """

    act: Literal["settle", "delete", "complete", "fail", "change", "power", "delete group"]
    subject: str
    seconds: float
    detail: str = ""


@dataclass(eq=False)
class Operation:
    """One operation, from its start on; `result` is the resource as it is afterwards, None after a deletion."""

    id: str
    kind: Kind
    started: datetime
    status: Literal["InProgress", "Succeeded", "Failed", "Canceled"] = "InProgress"
    ended: datetime | None = None
    result: Json | None = None
    error: CloudError | None = None
    purpose: Purpose | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    async def done(self) -> Json | None:
        """Wait for the end; the result. Raises the `CloudError` it ended with."""
        await self.finished.wait()
        if self.error is not None:
            raise self.error
        return self.result

    def to_json(self) -> Json:
        """The body of its status address (facts E, LRO)."""
        body: Json = {"startTime": azure_time(self.started)}
        if self.ended is not None:
            body["endTime"] = azure_time(self.ended)
        body["status"] = self.status
        if self.error is not None:
            body["error"] = self.error.inner()
        elif self.result is not None:
            body["properties"] = {"output": self.result}
        body["name"] = self.id
        return body


class Operations:
    """The operations that Azure knows of, newest kept."""

    def __init__(self, clock: Clock, ids: Ids, subscription: str, location: str) -> None:
        """`subscription`: its id as a path; `location`: where operations are asked for."""
        self._clock = clock
        self._subscription = subscription
        self._location = location
        self._ids = ids
        self._known: dict[str, Operation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_change: Listener = lambda _operation: None
        self.on_forgotten: Listener = lambda _operation: None

    def start(self, kind: Kind, work: Work, purpose: Purpose | None = None) -> Operation:
        """Begin `work` in the background; without a purpose it does not survive a restart."""
        operation = Operation(self._ids.uid(), kind, self._clock.now(), purpose=purpose)
        self.enter(operation)
        self.on_change(operation)
        self.go_on(operation, work)
        return operation

    def enter(self, operation: Operation) -> None:
        """It is known from now on; the oldest one is forgotten for it."""
        self._known[operation.id] = operation
        while len(self._known) > KEPT:
            oldest = next(iter(self._known))
            if not self._known[oldest].finished.is_set():
                break
            self.on_forgotten(self._known.pop(oldest))

    def go_on(self, operation: Operation, work: Work) -> None:
        """Do the work of an operation that is known, in the background."""
        task = asyncio.create_task(self._run(operation, work), name=f"azure {operation.kind} {operation.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def get(self, kind: str, operation_id: str) -> Operation | None:
        """The operation of that id, if it is still known."""
        operation = self._known.get(operation_id.lower())
        return operation if operation is not None and operation.kind.lower() == kind.lower() else None

    def path(self, operation: Operation) -> str:
        """The path of its status address."""
        provider = _PROVIDERS.get(operation.kind, "Microsoft.Compute")
        place = f"{self._subscription}/providers/{provider}/locations/{self._location}"
        return f"{place}/{operation.kind}/{operation.id}"

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, operation: Operation, work: Work) -> None:
        try:
            operation.result = await work()
            operation.status = "Succeeded"
        except CloudError as error:
            operation.error, operation.status = error, "Failed"
            operation.ended = self._clock.now()
            error.operation = FailedOperation(self.path(operation), operation.to_json())
        except asyncio.CancelledError:
            operation.error, operation.status = CloudError(409, "Canceled", "The operation was canceled."), "Canceled"
            raise
        except Exception:
            # A fault of the lab itself: whoever waits must still be told.
            log.exception("operation %s", operation.id)
            operation.error = CloudError(500, "InternalServerError", "An internal error occurred.")
            operation.status = "Failed"
        finally:
            operation.ended = operation.ended or self._clock.now()
            self.on_change(operation)
            operation.finished.set()


def azure_time(moment: datetime) -> str:
    """ISO 8601 with seven decimals, as the compute provider writes times."""
    return f"{moment.isoformat(timespec='microseconds')[:26]}0+00:00"

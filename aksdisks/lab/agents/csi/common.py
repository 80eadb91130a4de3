"""What the parts of the disk driver share: names, back-off, and Azure's refusals as the driver words them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from aksdisks.lab.arm.driver.refusals import response_error_text
from aksdisks.lab.arm.driver.retries import DeadlineExceededError, DriverError, within
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import driver_and_handle

T = TypeVar("T")

RETRY_FIRST = 1.0
RETRY_LAST = 300.0
MESSAGE_LIMIT = 990
"""Characters of an attach error; the middle of a longer one is left out (facts C: CSI controllerserver.go)."""

INTERNAL, UNKNOWN, INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION = 13, 2, 3, 5, 9
DEADLINE_EXCEEDED, ALREADY_EXISTS, ABORTED, UNIMPLEMENTED = 4, 6, 10, 12
_CODES = {
    DEADLINE_EXCEEDED: "DeadlineExceeded",
    ALREADY_EXISTS: "AlreadyExists",
    ABORTED: "Aborted",
    UNIMPLEMENTED: "Unimplemented",
    INTERNAL: "Internal",
    UNKNOWN: "Unknown",
    INVALID_ARGUMENT: "InvalidArgument",
    NOT_FOUND: "NotFound",
    FAILED_PRECONDITION: "FailedPrecondition",
}

AzureError = CloudError | DriverError


class RpcError(Exception):
    """A failed call to the driver, as its sidecars print it; `reason` is the code's name."""

    def __init__(self, code: int, description: str) -> None:
        """`code` is gRPC's number."""
        self.code, self.reason, self.description = code, _CODES[code], description
        super().__init__(f"rpc error: code = {self.reason} desc = {description}")


class RefusalError(Exception):
    """The provisioner's own refusal, in its words."""


@dataclass
class Backoff:
    """The sidecars' retry interval for each key: 1 s, doubled up to `last`, until success (cluster seconds)."""

    clock: Clock
    last: float = RETRY_LAST
    _failures: dict[str, int] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)

    def failed(self, key: str) -> float:
        """Count a failure; how long to wait now."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(self.last, RETRY_FIRST * 2.0 ** min(failures, 16))
        self._until[key] = self.clock.monotonic() + delay
        return delay

    def left(self, key: str) -> float:
        """How long `key` must still wait; 0 when it need not."""
        return max(0.0, self._until.get(key, 0.0) - self.clock.monotonic())

    def succeeded(self, key: str) -> None:
        """The next failure is the first again."""
        self._failures.pop(key, None)
        self._until.pop(key, None)


class Paced(Protocol):
    """A driver's view of Azure, as far as the patience of its callers goes: see `AzureCompute`."""

    pace: float


async def called(azure: Paced, clock: Clock, timeout: float, work: Coroutine[Any, Any, T]) -> T:
    """A call to the driver, for which its sidecar waits `timeout` seconds. Raises `RpcError` when they are over."""
    try:
        return await within(clock, timeout * azure.pace, work)
    except DeadlineExceededError as error:
        raise RpcError(DEADLINE_EXCEEDED, str(error)) from error


class Kept(Generic[T]):
    """What a driver keeps in mind for a while and then finds out anew (cloud-provider-azure pkg/cache)."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        """`seconds`: of the cluster's."""
        self._clock = clock
        self._seconds = seconds
        self._kept: dict[str, tuple[T, float]] = {}

    def get(self, key: str) -> T | None:
        """What is known, None where that is nothing, or too long ago."""
        value, until = self._kept.get(key, (None, 0.0))
        return value if self._clock.monotonic() < until else None

    def put(self, key: str, value: T) -> None:
        """Know it from now on."""
        self._kept[key] = (value, self._clock.monotonic() + self._seconds)

    def drop(self, key: str) -> None:
        """Find it out anew."""
        self._kept.pop(key, None)


def refusal_text(error: AzureError, method: str, resource_id: str) -> str:
    """Azure's refusal of a request, or the driver's own, as the driver prints it."""
    return response_error_text(error, method, resource_id) if isinstance(error, CloudError) else str(error)


def shortened(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """The text without its middle where it is too long: two fifths stay before it, the rest after (truncateErrMsg)."""
    if len(text) <= limit:
        return text
    dots = " ... "
    head = (limit - len(dots)) * 2 // 5
    return f"{text[:head]}{dots}{text[head + len(dots) - limit :]}"


def parameter(parameters: Mapping[str, str], *names: str) -> str:
    """The value of the first of these parameters, whatever its case; empty when none is there."""
    lowered = {name.lower(): value for name, value in parameters.items()}
    return next((lowered[name] for name in names if lowered.get(name)), "")


def bound_volume(claim: Object, find_volume: Callable[[str], Object | None], driver: str) -> tuple[Object, str] | None:
    """The volume of a bound claim and its handle; None where the claim is not bound, or not to one of the driver's."""
    if (claim.get("status") or {}).get("phase") != "Bound":
        return None
    volume = find_volume(claim["spec"].get("volumeName", ""))
    found = None if volume is None else driver_and_handle(volume)
    return None if volume is None or found is None or found[0] != driver else (volume, found[1])


def machine_id(node: Object | None) -> str:
    """The ARM id of the node's machine, from its providerID."""
    provider = str(((node or {}).get("spec") or {}).get("providerID", ""))
    return provider.removeprefix("azure://")


def managed_by_id(machine: str) -> str:
    """What a disk's managedBy says of a machine: a scale set's ends in `V_0`, not in `0` (facts E, providerID)."""
    head, scale_sets, tail = machine.partition("/virtualMachineScaleSets/")
    if not scale_sets:
        return machine
    scale_set, _, instance = tail.partition("/virtualMachines/")
    return f"{head}{scale_sets}{scale_set}/virtualMachines/{scale_set}_{instance}"

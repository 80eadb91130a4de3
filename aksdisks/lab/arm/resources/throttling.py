"""Azure's limits on requests: buckets that every request takes from and that fill up with time (facts D).

They fill in cluster seconds, like everything else here: a client that follows a fast lab sends more requests in a
second and is allowed as many more. Retry-After is in the seconds of whoever waits, and in whole ones, as HTTP has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aksdisks.lab.arm import errors

if TYPE_CHECKING:
    from aksdisks.lab.clock import Clock
    from aksdisks.lab.scenario import Principal


@dataclass(frozen=True)
class Limit:
    """A bucket's size, and how much of it comes back in a cluster second."""

    name: str
    size: int
    per_second: float


SUBSCRIPTION = {
    "GET": Limit("reads", 250, 25),
    "HEAD": Limit("reads", 250, 25),
    "DELETE": Limit("deletes", 200, 10),
    "PUT": Limit("writes", 200, 10),
    "PATCH": Limit("writes", 200, 10),
    "POST": Limit("writes", 200, 10),
}
"""Resource Manager's own, for each principal in a subscription."""

EVERYONE = 15
"""How much more than one principal all of them together may (learn.microsoft.com request-limits-and-throttling)."""

GET_MACHINE = Limit("GetVMResource", 36, 12 / 60)
UPDATE_MACHINE = Limit("UpdateVMResource", 12, 4 / 60)
LIST_MACHINES = Limit("ListVMSubscription", 900, 300 / 60)
"""Compute's, for each machine and for all of a subscription's lists. The names are the lab's."""

LIST_STORAGE = Limit("List_ObservationWindow_00:05:00", 100, 100 / 300)
READ_STORAGE = Limit("Read_ObservationWindow_00:05:00", 800, 800 / 300)
CHANGE_STORAGE = Limit("Write_ObservationWindow_00:00:01", 10, 10)
"""The storage provider's, in a subscription (velero#4282, azurefile-csi-driver#1345); that of 1200 changes an hour is
left out."""

_FORGET = 10_000


@dataclass
class _Bucket:
    level: float
    at: float


class Throttle:
    """The buckets of one subscription."""

    def __init__(self, clock: Clock, subscription_id: str) -> None:
        self._clock = clock
        self._subscription_id = subscription_id
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, principal: Principal, method: str, template: str) -> Mapping[str, str]:
        """A request reaches Resource Manager; headers that tell what is left. Raises SubscriptionRequestsThrottled.

        `template` is the route's path with its parameters' places left out, which the refusal names.
        """
        limit = SUBSCRIPTION[method]
        left, wait = self._take(limit, principal.client_id.lower())
        everyones = Limit(f"global-{limit.name}", limit.size * EVERYONE, limit.per_second * EVERYONE)
        left_to_all, wait_of_all = (0, 0.0) if wait else self._take(everyones, "")
        if wait or wait_of_all:
            operation = f"{method}{template}".upper()
            longest = max(wait, wait_of_all)
            refusal = errors.subscription_throttled(self._subscription_id, operation, retry_after(self._clock, longest))
            refusal.pause = longest
            raise refusal
        return {
            f"x-ms-ratelimit-remaining-subscription-{limit.name}": str(left),
            f"x-ms-ratelimit-remaining-subscription-{everyones.name}": str(left_to_all),
        }

    def take_provider(self, action: str, scope: str) -> Mapping[str, str]:
        """A request reaches its provider; headers that tell what is left. Raises the 429 of compute and of storage."""
        if action.startswith("Microsoft.Storage/"):
            limit = _storage_limit(action, scope)
            _, wait = self._take(limit, "")
            if wait:
                raise self._refused(errors.storage_throttled(limit.name, retry_after(self._clock, wait)), wait)
            return {}
        found = _compute_limit(action, scope)
        if found is None:
            return {}
        left, wait = self._take(found, scope.lower())
        if wait:
            pause, now = retry_after(self._clock, wait), self._clock.now()
            raise self._refused(errors.too_many_requests(found.name, pause, now, found.size), wait)
        return {"x-ms-ratelimit-remaining-resource": f"Microsoft.Compute/{found.name};{left}"}

    @staticmethod
    def _refused(refusal: errors.CloudError, wait: float) -> errors.CloudError:
        refusal.pause = wait
        return refusal

    def _take(self, limit: Limit, key: str) -> tuple[int, float]:
        """What is left, and how many cluster seconds to wait (0: the request passes)."""
        now = self._clock.monotonic()
        if len(self._buckets) > _FORGET:
            self._buckets.clear()
        bucket = self._buckets.setdefault((limit.name, key), _Bucket(limit.size, now))
        bucket.level = min(float(limit.size), bucket.level + max(0.0, now - bucket.at) * limit.per_second)
        bucket.at = now
        if bucket.level < 1:
            return 0, (1 - bucket.level) / limit.per_second
        bucket.level -= 1
        return int(bucket.level), 0.0


def retry_after(clock: Clock, cluster_seconds: float) -> int:
    """The whole seconds, at least one, that whoever waits is told to wait."""
    return max(1, math.ceil(cluster_seconds / clock.speed))


def _compute_limit(action: str, scope: str) -> Limit | None:
    """The limit of an action on machines, None for one that has none here."""
    parts = action.split("/")
    if parts[0] != "Microsoft.Compute" or "virtualMachines" not in parts:
        return None
    if parts[-1] != "read":
        return UPDATE_MACHINE
    one = "/virtualmachines/" in scope.lower().partition("/providers/")[2]
    return GET_MACHINE if one else LIST_MACHINES


def _storage_limit(action: str, scope: str) -> Limit:
    """The limit of an action of the storage provider; who reads a type at what is above it gets a list."""
    kind, _, verb = action.rpartition("/")
    if verb == "read":
        return READ_STORAGE if f"/{kind.rpartition('/')[2].lower()}/" in scope.lower() else LIST_STORAGE
    return READ_STORAGE if verb == "action" else CHANGE_STORAGE

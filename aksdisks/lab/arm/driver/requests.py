"""How the drivers' requests reach the lab's Azure in process: past faults, limits and locks, with retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aksdisks.lab.arm.driver.retries import Retries
from aksdisks.lab.arm.errors import CloudError, check_subscription

if TYPE_CHECKING:
    from collections.abc import Callable

    from aksdisks.lab.arm.cloud import Cloud
    from aksdisks.lab.arm.injection import RequestInjection

T = TypeVar("T")


class Requests:
    """The requests of one driver to one provider. Azure's limits on them hold here where the scenario says so."""

    def __init__(self, cloud: Cloud, provider: str, injection: RequestInjection | None = None) -> None:
        """`provider`: such as `Microsoft.Compute`; `injection`: what faults refuse the driver, a client like any."""
        self._cloud = cloud
        self._provider = provider
        self._injection = injection
        # As in a cluster whose nodes' identity is a service principal.
        self._principal = cloud.scenario.tenant_principals("")[0]
        self._retries = Retries(cloud.clock) if cloud.scenario.era == "today" else None

    async def ask(self, method: str, act: str, scope: str, send: Callable[[], T]) -> T:
        """One request with its retries; `act` as roles name it, such as `disks/write`. Raises `CloudError`."""
        kind = act.rpartition("/")[0]
        action = f"{self._provider}/{act}"

        async def once() -> T:
            try:
                check_subscription(scope.split("/")[2], self._cloud.scenario.subscription_id)
                self._let_pass(method, kind, action, scope)
                self._cloud.locks.check(method, action, scope)
                return send()
            except CloudError as error:
                error.request = (method, scope)
                raise

        return await (once() if self._retries is None else self._retries.ask(kind, method, once))

    def _let_pass(self, method: str, kind: str, action: str, scope: str) -> None:
        """What faults and Azure's limits refuse. Raises `CloudError`."""
        if self._injection is not None:
            self._injection.check(action, scope, self._principal)
        if self._cloud.scenario.throttling == "everyone":
            template = f"/subscriptions/resourceGroups/providers/{self._provider}/{kind.rpartition('/')[2]}"
            self._cloud.throttle.take(self._principal, method, template)
            self._cloud.throttle.take_provider(action, scope)

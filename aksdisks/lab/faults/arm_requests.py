"""Faults of requests to Azure Resource Manager: throttling, expired tokens, missing roles, errors."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.injection import RequestInjection
from aksdisks.lab.arm.resources.throttling import READ_STORAGE, retry_after
from aksdisks.lab.faults.registry import Faults, drop_connection

if TYPE_CHECKING:
    from aiohttp import web

    from aksdisks.lab.clock import Clock
    from aksdisks.lab.scenario import Principal

_PAUSE = 5.0
"""Cluster seconds that a throttled client is told to wait."""


class RequestFaults(RequestInjection):
    """One for the server and the disk driver."""

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock

    def drop_connection(self, request: web.BaseRequest) -> None:
        """Drop the connection instead of answering, while that fault is on; raises `ConnectionResetError`."""
        drop_connection(request, self._faults, "server/azure")

    def check(self, action: str, scope: str, principal: Principal) -> None:
        """Let the principal's action (`Microsoft.Compute/disks/write`) on an ARM id pass, or raise `CloudError`."""
        if self._faults.occurs("server-errors", "server/azure"):
            raise errors.internal_server_error()
        if self._faults.occurs("token-expired"):
            now = self._clock.now()
            raise errors.token_expired(now - timedelta(minutes=5), now)
        if self._faults.occurs("role-missing", f"action/{action}"):
            raise errors.not_authorised(principal.client_id, principal.object_id, action, scope)
        if self._faults.occurs("throttled"):
            pause = retry_after(self._clock, _PAUSE)
            refusal = errors.subscription_throttled(scope.split("/")[2], action.upper(), pause)
            if action.startswith("Microsoft.Compute/"):
                refusal = errors.too_many_requests("HighCostGet30Min", pause)
            elif action.startswith("Microsoft.Storage/"):
                refusal = errors.storage_throttled(READ_STORAGE.name, pause)
            refusal.pause = _PAUSE
            raise refusal

"""What Azure Resource Manager refuses while a fault is on, whatever is asked: throttling, tokens, roles, errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.throttling import retry_after
from aksdisks.lab.faults import Faults, drop

if TYPE_CHECKING:
    from aiohttp import web

    from aksdisks.lab.arm.compute import AzureCompute
    from aksdisks.lab.clock import Clock
    from aksdisks.lab.scenario import Principal, Scenario

Json = dict[str, Any]

_PAUSE = 5.0
"""Cluster seconds that a throttled client is told to wait."""


class Gate:
    """Every request of a client and of the disk driver passes here."""

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock

    def hold_line(self, request: web.BaseRequest) -> None:
        """Drop the connection instead of answering, while that fault is on; raises `ConnectionResetError`."""
        drop(request, self._faults, "server/azure")

    def check(self, action: str, scope: str, principal: Principal) -> None:
        """Let the principal's action (`Microsoft.Compute/disks/write`) on an ARM id pass, or raise `CloudError`."""
        if self._faults.active("server-errors", "server/azure"):
            raise errors.internal_server_error()
        if self._faults.active("token-expired"):
            now = self._clock.now()
            raise errors.token_expired(now - timedelta(minutes=5), now)
        if self._faults.active("role-missing", f"action/{action}"):
            raise errors.not_authorised(principal.client_id, principal.object_id, action, scope)
        if self._faults.active("throttled"):
            pause = retry_after(self._clock, _PAUSE)
            if action.startswith("Microsoft.Compute/"):
                raise errors.too_many_requests("HighCostGet30Min", pause)
            subscription = scope.split("/")[2]
            raise errors.subscription_throttled(subscription, action.upper(), pause)


class GatedCompute:
    """`AzureCompute` that asks the gate first: the disk driver is a client like any other."""

    def __init__(self, compute: AzureCompute, gate: Gate, scenario: Scenario) -> None:
        self._compute = compute
        self._gate = gate
        self._scenario = scenario
        self._group = f"{scenario.subscription}/resourceGroups/{scenario.node_resource_group}"
        # As in a cluster whose nodes' identity is a service principal.
        self._principal = scenario.tenant_principals("")[0]

    async def create_disk(
        self,
        name: str,
        size_gib: int,
        sku: str,
        tags: Mapping[str, str],
        zone: str | None = None,
        max_shares: int = 1,
        source_id: str = "",
    ) -> str:
        """See `AzureCompute`."""
        self._check("Microsoft.Compute/disks/write", f"{self._group}/providers/Microsoft.Compute/disks/{name}")
        return await self._compute.create_disk(name, size_gib, sku, tags, zone, max_shares, source_id)

    async def get_disk(self, disk_id: str) -> Json:
        """See `AzureCompute`."""
        self._check("Microsoft.Compute/disks/read", disk_id)
        return await self._compute.get_disk(disk_id)

    async def delete_disk(self, disk_id: str) -> None:
        """See `AzureCompute`."""
        self._check("Microsoft.Compute/disks/delete", disk_id)
        await self._compute.delete_disk(disk_id)

    async def attach_disk(self, node_name: str, disk_id: str, caching: str = "ReadOnly") -> int:
        """See `AzureCompute`."""
        self._check_machine(node_name)
        return await self._compute.attach_disk(node_name, disk_id, caching)

    async def detach_disk(self, node_name: str, disk_id: str) -> None:
        """See `AzureCompute`."""
        self._check_machine(node_name)
        await self._compute.detach_disk(node_name, disk_id)

    async def resize_disk(self, disk_id: str, size_gib: int) -> None:
        """See `AzureCompute`."""
        self._check("Microsoft.Compute/disks/write", disk_id)
        await self._compute.resize_disk(disk_id, size_gib)

    def _check(self, action: str, scope: str) -> None:
        self._gate.check(action, scope, self._principal)

    def _check_machine(self, node_name: str) -> None:
        sets = "virtualMachineScaleSets/" if self._scenario.machine_kind == "vmss" else ""
        for spec in self._scenario.machines:
            if spec.node_name == node_name:
                self._check(f"Microsoft.Compute/{sets}virtualMachines/write", spec.resource_id)

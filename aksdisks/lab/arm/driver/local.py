"""The disk driver's requests to the lab's own Azure, in process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aksdisks.lab.arm.compute.disk import group_and_name
from aksdisks.lab.arm.driver.batches import Batches
from aksdisks.lab.arm.driver.client import DriverClient, Place
from aksdisks.lab.arm.driver.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from aksdisks.lab.arm.cloud import Cloud
    from aksdisks.lab.arm.compute.disks import Disks
    from aksdisks.lab.arm.compute.snapshots import Snapshots
    from aksdisks.lab.arm.injection import RequestInjection
    from aksdisks.lab.arm.resources.operations import Operation

Json = dict[str, Any]


class CloudCompute(DriverClient):
    """`AzureCompute` on a cloud. Azure's limits on requests hold here too where the scenario says so."""

    pace = 1.0

    def __init__(self, cloud: Cloud, injection: RequestInjection | None = None) -> None:
        """`injection`: what faults refuse the driver, a client like any other."""
        self._cloud = cloud
        self._ask = Requests(cloud, "Microsoft.Compute", injection).ask
        scenario = cloud.scenario
        today, in_set = scenario.era == "today", scenario.machine_kind == "vmss"
        self._machines = "virtualMachineScaleSets/virtualMachines" if in_set else "virtualMachines"
        self._group = f"{scenario.subscription}/resourceGroups/{scenario.node_resource_group}"
        reread = self._list_machines if today and in_set else None
        batches = Batches(cloud.clock, self.send, forces=today, reread=reread)
        super().__init__(scenario.location, self._group, batches)

    async def _read(self, path: str) -> Json:
        kind, collection = self._collection(path)
        place = group_and_name(path)
        return await self._ask("GET", f"{kind}/read", path, lambda: collection.get(*place).to_json())

    async def _change(self, method: str, resource_id: str, body: Json | None) -> Json:
        send, kind = self._sending(method, resource_id, body or {})
        act = f"{kind}/{'delete' if method == 'DELETE' else 'write'}"
        operation = await self._ask(method, act, resource_id, send)
        return {} if operation is None else await operation.done() or {}

    def _sending(self, method: str, resource_id: str, body: Json) -> tuple[Callable[[], Operation | None], str]:
        """The request, which may be sent again, and the type of resource that it is about."""
        if "/virtualmachines/" in resource_id.lower():
            return lambda: self._cloud.machines.update(resource_id, body), self._machines
        (kind, collection), place = self._collection(resource_id), group_and_name(resource_id)
        if method == "DELETE":
            return lambda: collection.delete(*place), kind
        change = collection.put if method == "PUT" else collection.patch
        return lambda: change(*place, body), kind

    def _collection(self, path: str) -> tuple[str, Disks | Snapshots]:
        """The type of resource that a path names, and all of it."""
        if "/snapshots/" in path.lower():
            return "snapshots", self._cloud.snapshots
        return "disks", self._cloud.disks

    async def _place(self, node_name: str) -> Place:
        machine = self._cloud.machines.named(node_name)
        return Place(machine.spec.resource_id, machine.managed_by)

    async def _data_disks(self, place: Place) -> Sequence[Json]:
        return self._cloud.machines.get(place.id).data_disks_json()

    async def _list_machines(self) -> None:
        """The driver looks up what manages a node once an attach has failed, before its sidecar hears of it.

        Source: cloud-provider-azure pkg/provider/azure_vmss_cache.go DeleteCacheForNode; seen with the real driver.
        """
        await self._ask("GET", "virtualMachines/read", self._group, lambda: None)

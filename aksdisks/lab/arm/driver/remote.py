"""The disk driver's Azure over HTTPS: the same questions as in process, for agents that run apart from the lab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aksdisks.lab.arm.driver.batches import Batches
from aksdisks.lab.arm.driver.client import DriverClient, Place
from aksdisks.lab.arm.driver.rest import ArmAddress, ArmRest
from aksdisks.lab.arm.errors import resource_not_found

if TYPE_CHECKING:
    from aksdisks.lab.clock import Clock

Json = dict[str, Any]


class ArmCompute(DriverClient):
    """`AzureCompute` by Resource Manager's REST interface. `close` it.

    It waits in real seconds, as its server asks it to, whatever the speed of the clock; `clock` paces the batches.
    """

    def __init__(self, address: ArmAddress, clock: Clock) -> None:
        self._address = address
        self.pace = clock.speed
        self.arm = ArmRest(address, clock)
        self._places: dict[str, Place] = {}
        group = f"/subscriptions/{address.subscription_id}/resourceGroups/{address.node_resource_group}"
        batches = Batches(clock, self.send, pace=self.pace, reread=self._list_machines)
        super().__init__(address.location, group, batches)

    async def _read(self, path: str) -> Json:
        return await self.arm.get(path)

    async def _change(self, method: str, resource_id: str, body: Json | None) -> Json:
        return await self.arm.change(method, resource_id, body)

    async def close(self) -> None:
        """Stop sending; requests that wait are cancelled."""
        await super().close()
        await self.arm.close()

    # Machines

    async def _list_machines(self) -> None:
        """See `CloudCompute`: of nodes in scale sets."""
        if any("/virtualmachinescalesets/" in place.id.lower() for place in self._places.values()):
            await self.arm.list(f"{self._compute}/virtualMachines")

    async def _place(self, node_name: str) -> Place:
        """The machine whose computer has that name; Azure is asked again for one not seen before."""
        key = node_name.lower()
        if key not in self._places:
            found = await self.arm.list(f"{self._compute}/virtualMachines")
            for scale_set in await self.arm.list(f"{self._compute}/virtualMachineScaleSets"):
                found += await self.arm.list(f"{scale_set['id']}/virtualMachines")
            for machine in found:
                # An instance is named by its number in its id and by its VM's name in managedBy (facts E).
                managed_by = f"{machine['id'].rpartition('/')[0]}/{machine['name']}"
                computer = machine["properties"]["osProfile"]["computerName"]
                self._places[computer.lower()] = Place(machine["id"], managed_by)
        try:
            return self._places[key]
        except KeyError:
            group = self._address.node_resource_group
            raise resource_not_found(f"Microsoft.Compute/virtualMachines/{node_name}", group) from None

    async def _data_disks(self, place: Place) -> Sequence[Json]:
        machine = await self.arm.get(place.id)
        disks: Sequence[Json] = machine["properties"]["storageProfile"].get("dataDisks") or ()
        return disks

"""What faults keep Azure from doing in time or at all; the cloud asks before it begins and before it ends a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.compute import attachments, refusals
from aksdisks.lab.arm.compute.disks import SKUS
from aksdisks.lab.arm.compute.injection import OperationInjection
from aksdisks.lab.arm.compute.machines import DataDisk, Machine
from aksdisks.lab.faults.registry import Faults

if TYPE_CHECKING:
    from aksdisks.lab.arm.compute.disks import Disk
    from aksdisks.lab.clock import Clock

SLOW = 240.0
"""Cluster seconds that attach-slow adds: with the attach itself more than twice what Kubernetes waits for (facts D)."""

_FAILING = ("detach-stuck", "detach-fails")


class OperationFaults(OperationInjection):
    """One for a cloud."""

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock

    def check_change(self, machine: Machine, change: attachments.Change | None) -> None:
        """A disk that will not go keeps others from coming, and is the one that is named (AKS#1278)."""
        for entry in machine.data_disks if change is not None and change.attach else ():
            places = _places(machine, entry)
            if entry.state == "DetachFailed" and any(self._faults.hit(name, *places) for name in _FAILING):
                raise errors.disk_is_being_detached(entry.disk.name, machine.spec.vm_name)

    def check_new(self, disk: Disk, used: int) -> None:
        """Whether a fault withholds the SKU, or any disk more than the `used`."""
        if self._faults.active("sku-unavailable", f"sku/{disk.sku}"):
            raise refusals.sku_not_supported(disk.sku, [sku for sku in SKUS if sku != disk.sku])
        if self._faults.active("disk-quota"):
            raise refusals.quota_exceeded(disk.sku, disk.location, used)

    def limit(self, used: int, limit: int) -> int:
        """How far a disk quota goes of which so much is used."""
        return used if self._faults.hit("disk-quota") else limit

    def offers(self, sku: str) -> bool:
        """Whether the region has disks of that kind."""
        return self._faults.hit("sku-unavailable", f"sku/{sku}") is None

    async def delay(self, machine: Machine, change: attachments.Change | None) -> None:
        """As long as a fault makes it take beyond its time."""
        node = f"node/{machine.spec.node_name}"
        for entry in change.attach if change is not None else ():
            disk = f"disk/{entry.disk.name}"
            if self._faults.active("attach-slow", node, disk):
                await self._faults.passed("attach-slow", node, disk, at_most=SLOW, clock=self._clock)
                break
        await self._faults.passed("machine-stuck", node)

    def stuck(self, machine: Machine, change: attachments.Change | None) -> list[DataDisk]:
        """What will not be detached: by force neither, or only by force."""
        return [
            entry
            for entry in (change.detach if change is not None else ())
            if self._faults.active("detach-stuck", *_places(machine, entry))
            or (
                change is not None
                and entry.key not in change.forced
                and self._faults.active("detach-fails", *_places(machine, entry))
            )
        ]


def _places(machine: Machine, entry: DataDisk) -> tuple[str, str]:
    return f"node/{machine.spec.node_name}", f"disk/{entry.disk.name}"

"""Faults of what Azure does: changes that are refused, late, or fail in part; SKUs and quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aksdisks.lab.arm.compute import attachments, refusals
from aksdisks.lab.arm.compute.disk import SKUS
from aksdisks.lab.arm.compute.injection import OperationInjection
from aksdisks.lab.arm.compute.machine import DataDisk, Machine
from aksdisks.lab.faults.registry import Faults

if TYPE_CHECKING:
    from aksdisks.lab.arm.compute.disk import Disk
    from aksdisks.lab.clock import Clock

SLOW = 240.0
"""Cluster seconds that attach-slow adds: with the attach itself more than twice what Kubernetes waits for (facts D)."""

SLOW_COPY = 1800.0
"""Cluster seconds that snapshot-slow adds: of the minutes that users wait on Premium SSD v2, many (AKS#4555)."""

_FAILING = ("detach-stuck", "detach-fails")


class OperationFaults(OperationInjection):
    """One for a cloud, which asks before it begins and before it ends a change."""

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock

    def check_change(self, machine: Machine, change: attachments.Change | None) -> None:
        """A disk that cannot be detached keeps others from being attached; the refusal names it (AKS#1278)."""
        for entry in machine.data_disks if change is not None and change.attach else ():
            places = _places(machine, entry)
            if entry.state == "DetachFailed" and any(self._faults.is_on(name, *places) for name in _FAILING):
                raise refusals.disk_is_being_detached(entry.disk.name, machine.spec.vm_name)

    def check_new_disk(self, disk: Disk, used: int) -> None:
        """Refuses a SKU that the region does not offer, and any disk beyond the quota."""
        if self._faults.occurs("sku-unavailable", f"sku/{disk.sku}"):
            raise refusals.sku_not_supported(disk.sku, [sku for sku in SKUS if sku != disk.sku])
        if self._faults.occurs("disk-quota"):
            raise refusals.quota_exceeded(disk.sku, disk.location, used)

    def fails_snapshot(self, source: str) -> bool:
        """Whether making a snapshot of the disk of that name fails."""
        return self._faults.occurs("snapshot-failed", f"disk/{source}")

    def slows_snapshot(self, source: str) -> bool:
        """Whether a snapshot of the disk of that name is there before all of it is copied, whatever its SKU."""
        return self._faults.occurs("snapshot-slow", f"disk/{source}")

    async def delay_snapshot(self, source: str) -> None:
        """Wait as long as a fault makes the copy take beyond its time."""
        await self._faults.until_off("snapshot-slow", f"disk/{source}", at_most=SLOW_COPY, clock=self._clock)

    def disk_limit(self, used: int, limit: int) -> int:
        """The limit of a disk quota of which so much is used."""
        return used if self._faults.is_on("disk-quota") else limit

    def offers_sku(self, sku: str) -> bool:
        """Whether the region has disks of that kind."""
        return not self._faults.is_on("sku-unavailable", f"sku/{sku}")

    async def delay_change(self, machine: Machine, change: attachments.Change | None) -> None:
        """Wait as long as a fault makes the change take beyond its time."""
        node = f"node/{machine.spec.node_name}"
        for entry in change.attach if change is not None else ():
            disk = f"disk/{entry.disk.name}"
            if self._faults.occurs("attach-slow", node, disk):
                await self._faults.until_off("attach-slow", node, disk, at_most=SLOW, clock=self._clock)
                break
        await self._faults.until_off("machine-stuck", node)

    def failed_detaches(self, machine: Machine, change: attachments.Change | None) -> list[DataDisk]:
        """The disks that are not detached: not even by force, or not without force."""
        return [
            entry
            for entry in (change.detach if change is not None else ())
            if self._faults.occurs("detach-stuck", *_places(machine, entry))
            or (
                change is not None
                and entry.key not in change.forced
                and self._faults.occurs("detach-fails", *_places(machine, entry))
            )
        ]


def _places(machine: Machine, entry: DataDisk) -> tuple[str, str]:
    return f"node/{machine.spec.node_name}", f"disk/{entry.disk.name}"

"""Where faults reach into what Azure does. This class changes nothing; faults/azure_operations.py does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aksdisks.lab.arm.compute.attachments import Change
    from aksdisks.lab.arm.compute.disk import Disk
    from aksdisks.lab.arm.compute.machine import DataDisk, Machine


class OperationInjection:
    """The cloud asks before it begins and before it ends a change."""

    def check_change(self, machine: Machine, change: Change | None) -> None:
        """Raises `CloudError` for a change of a machine that cannot begin."""

    def check_new_disk(self, disk: Disk, used: int) -> None:
        """Raises `CloudError` for a disk that cannot be made beside the `used`."""

    def fails_snapshot(self, source: str) -> bool:
        """Whether making a snapshot of the disk of that name fails."""
        del source
        return False

    def slows_snapshot(self, source: str) -> bool:
        """Whether a snapshot of the disk of that name is there before all of it is copied, whatever its SKU."""
        del source
        return False

    async def delay_snapshot(self, source: str) -> None:
        """Wait before a snapshot of the disk of that name, which has taken its usual time, is complete."""

    def disk_limit(self, used: int, limit: int) -> int:
        """The limit of a disk quota of which so much is used."""
        del used
        return limit

    def offers_sku(self, sku: str) -> bool:
        """Whether the region has disks of that kind."""
        del sku
        return True

    async def delay_change(self, machine: Machine, change: Change | None) -> None:
        """Wait before a change that has taken its usual time ends."""

    def failed_detaches(self, machine: Machine, change: Change | None) -> list[DataDisk]:
        """The disks that are not detached."""
        del machine, change
        return []

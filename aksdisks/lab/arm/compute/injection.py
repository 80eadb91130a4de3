"""Where faults reach into Azure's changes. Here all goes well; faults/azure_operations.py is what disturbs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aksdisks.lab.arm.compute.attachments import Change
    from aksdisks.lab.arm.compute.disks import Disk
    from aksdisks.lab.arm.compute.machines import DataDisk, Machine


class OperationInjection:
    """The cloud asks before it begins and before it ends a change."""

    def check_change(self, machine: Machine, change: Change | None) -> None:
        """Raises `CloudError` for a change of a machine that cannot begin."""

    def check_new(self, disk: Disk, used: int) -> None:
        """Raises `CloudError` for a disk that there cannot be beside the `used`."""

    def limit(self, used: int, limit: int) -> int:
        """How far a disk quota goes of which so much is used."""
        del used
        return limit

    def offers(self, sku: str) -> bool:
        """Whether the region has disks of that kind."""
        del sku
        return True

    async def delay(self, machine: Machine, change: Change | None) -> None:
        """Return once the change of a machine can end that has taken its time."""

    def stuck(self, machine: Machine, change: Change | None) -> list[DataDisk]:
        """What will not be detached."""
        del machine, change
        return []

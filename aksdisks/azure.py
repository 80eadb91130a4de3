"""Compute calls of Azure Resource Manager, typed values out; what cannot be read is Unknown, with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.model import Disk, Machine, Unknown


class Azure:
    """The disks and machines of one node resource group (read only: nothing here ever changes Azure)."""

    subscription: str
    resource_group: str

    def disks(self) -> tuple[Disk, ...] | Unknown:
        """All disks of the node resource group, by name."""
        ...

    def disk(self, disk_id: str) -> Disk | None | Unknown:
        """One disk by its id; None when it is gone."""
        ...

    def machines(self) -> tuple[Machine, ...] | Unknown:
        """All scale-set instances and virtual machines of the node resource group, by node name."""
        ...

    def follow_disks(self) -> Iterator[tuple[Disk, ...] | Unknown]:
        """The disks again and again, at the pace that ARM asks for; what `waiting.wait` eats."""
        ...

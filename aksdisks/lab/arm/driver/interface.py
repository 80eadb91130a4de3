"""What the disk driver asks of Azure, whichever way it reaches it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]


@dataclass(frozen=True)
class NewSnapshot:
    """A snapshot of a disk, or a copy of a snapshot in another region; `access` holds properties of who may reach it.

    `location` empty: the cluster's own. `minutes`: how long it can be used before it is complete, None for not at all.
    """

    id: str
    source_id: str
    tags: Mapping[str, str]
    incremental: bool = True
    location: str = ""
    minutes: int | None = None
    access: Mapping[str, str] = field(default_factory=dict)


class AzureCompute(Protocol):
    """The driver's view of Azure; ids in any case, sizes in GiB. Each call waits for Azure.

    Raises `CloudError`, and `DriverError` for what the driver gives up by itself. `pace`: cluster seconds in a second
    of Azure's, in which its callers' patience is counted.
    """

    pace: float

    @property
    def group(self) -> str:
        """The id of the node resource group."""

    @property
    def location(self) -> str:
        """The region of the cluster."""

    async def create_disk(
        self,
        name: str,
        size_gib: int,
        sku: str,
        tags: Mapping[str, str],
        zone: str | None = None,
        max_shares: int = 1,
        source_id: str = "",
        iops: int | None = None,
        mbps: int | None = None,
    ) -> str:
        """Create a disk in the node resource group, or find the one of that name; its id. Empty without `source_id`.

        `size_gib` 0: as large as its source.
        """

    async def get_disk(self, disk_id: str) -> Json:
        """The disk as Azure shows it; 404 when there is none, `DriverError` for what is not made as an ARM id."""

    async def delete_disk(self, disk_id: str) -> None:
        """Delete it; already gone is success. `AttachedDiskError` when a machine has it."""

    async def attach_disk(
        self, node_name: str, disk_id: str, caching: str = "ReadOnly", disk: Json | None = None
    ) -> int:
        """Attach it to the node's machine; the LUN. Idempotent.

        `disk`: as it was read before; `AttachedDiskError` when another machine has it then. None: not looked at.
        """

    async def detach_disk(self, node_name: str, disk_id: str) -> None:
        """Detach it from the node's machine, by force where it does not go else; not attached is success."""

    async def resize_disk(self, disk_id: str, size_gib: int) -> None:
        """Grow it."""

    async def create_snapshot(self, wanted: NewSnapshot) -> None:
        """Make the snapshot, or find the one of that id."""

    async def get_snapshot(self, snapshot_id: str) -> Json:
        """The snapshot as Azure shows it; 404 when there is none."""

    async def delete_snapshot(self, snapshot_id: str) -> None:
        """Delete it; already gone is success."""

    async def modify_disk(self, disk_id: str, sku: str, iops: int | None, mbps: int | None) -> None:
        """Give it another SKU (empty: the one that it has), IOPS, MB/s (None: as they are)."""

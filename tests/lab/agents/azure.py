"""An Azure that takes two seconds for everything, notes what it was asked, and refuses when told to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aksdisks.lab.arm.driver.interface import NewSnapshot
from aksdisks.lab.arm.driver.refusals import disk_path
from aksdisks.lab.arm.errors import resource_not_found
from aksdisks.lab.clock import Clock
from tests.lab.controllers.storage_objects import DISKS


class FakeCompute:
    """`AzureCompute`; `refusals` are what its calls come to: an error, so many seconds more, or success (None)."""

    pace = 1.0
    group = "/subscriptions/S/resourceGroups/MC_g"
    location = "westeurope"

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self.calls: list[str] = []
        self.refusals: list[Exception | float | None] = []
        self.tags: Mapping[str, str] = {}
        self.disks: dict[str, dict[str, Any]] = {}
        self.missing: set[str] = set()
        self.reads: list[Exception] = []
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.made: NewSnapshot | None = None
        self.completion: float | None = None

    async def _take(self, call: str) -> None:
        self.calls.append(call)
        assert self.clock is not None
        await self.clock.sleep(2)
        refusal = self.refusals.pop(0) if self.refusals else None
        if isinstance(refusal, Exception):
            raise refusal
        await self.clock.sleep(refusal or 0)

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
        self.tags = tags
        shared = f" for {max_shares}" if max_shares > 1 else ""
        copied = f" from {source_id.rpartition('/')[2]}" if source_id else ""
        asked = f" {iops} IOPS {mbps} MB/s" if iops or mbps else ""
        await self._take(f"create {name} {size_gib} {sku} {zone}{shared}{copied}{asked}")
        return f"{DISKS}/{name}"

    async def get_disk(self, disk_id: str) -> dict[str, Any]:
        name = disk_path(disk_id).rpartition("/")[2]
        if self.reads:
            raise self.reads.pop(0)
        if name in self.missing:
            raise resource_not_found(f"Microsoft.Compute/disks/{name}", "MC_g")
        empty = {"properties": {"diskSizeGB": 25, "diskState": "Unattached", "creationData": {"createOption": "Empty"}}}
        return self.disks.get(name, empty)

    async def delete_disk(self, disk_id: str) -> None:
        await self._take(f"delete {disk_id.rpartition('/')[2]}")

    async def attach_disk(
        self, node_name: str, disk_id: str, caching: str = "ReadOnly", disk: dict[str, Any] | None = None
    ) -> int:
        assert disk is None or "properties" in disk
        await self._take(f"attach {disk_id.rpartition('/')[2]} {node_name} {caching}")
        return 3

    async def detach_disk(self, node_name: str, disk_id: str) -> None:
        await self._take(f"detach {disk_id.rpartition('/')[2]} {node_name}")

    async def create_snapshot(self, wanted: NewSnapshot) -> None:
        self.made = wanted
        await self._take(f"snapshot {wanted.id.rpartition('/')[2]} of {wanted.source_id.rpartition('/')[2]}")
        creation: dict[str, Any] = {"sourceResourceId": wanted.source_id}
        if wanted.minutes is not None:
            creation["instantAccessDurationMinutes"] = wanted.minutes
        properties: dict[str, Any] = {"creationData": creation, "diskSizeGB": 25, "diskSizeBytes": 25 * 2**30}
        properties |= {"timeCreated": "2026-11-23T03:28:41.4841150+00:00", "provisioningState": "Succeeded"}
        if self.completion is not None:
            properties["completionPercent"] = self.completion
        self.snapshots[wanted.id] = {"id": wanted.id, "properties": properties}

    async def get_snapshot(self, snapshot_id: str) -> dict[str, Any]:
        if snapshot_id not in self.snapshots:
            raise resource_not_found(f"Microsoft.Compute/snapshots/{snapshot_id.rpartition('/')[2]}", "MC_g")
        return self.snapshots[snapshot_id]

    async def delete_snapshot(self, snapshot_id: str) -> None:
        await self._take(f"delete {snapshot_id.rpartition('/')[2]}")
        self.snapshots.pop(snapshot_id, None)

    async def resize_disk(self, disk_id: str, size_gib: int) -> None:
        await self._take(f"resize {disk_id.rpartition('/')[2]} {size_gib}")

    async def modify_disk(self, disk_id: str, sku: str, iops: int | None, mbps: int | None) -> None:
        await self._take(f"modify {disk_id.rpartition('/')[2]} {sku or '-'} {iops} {mbps}")

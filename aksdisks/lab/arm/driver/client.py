"""How the disk driver asks: reads before it changes, full lists of data disks; the same in process and over HTTPS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aksdisks.lab.arm.compute.disk import PROVISIONED
from aksdisks.lab.arm.driver.batches import Batches, Request, wanted
from aksdisks.lab.arm.driver.interface import NewSnapshot
from aksdisks.lab.arm.driver.refusals import check_free, check_owner, disk_path, is_arm_id
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.arm.errors import CloudError

Json = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A machine's id and how disks name it (`managedBy`)."""

    id: str
    managed_by: str


class DriverClient(ABC):
    """`AzureCompute` but for the way of a request.

    Changes of a machine are gathered and sent one PUT at a time, each with the machine's full list of data disks, as
    the driver does (facts E, Attach).
    """

    def __init__(self, location: str, group: str, batches: Batches) -> None:
        """`group`: the id of the node resource group."""
        self.group = group
        self.location = location
        self._compute = f"{group}/providers/Microsoft.Compute"
        self._batches = batches

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
        """See `AzureCompute`."""
        body = new_disk(self.location, size_gib, sku, tags, zone, max_shares, source_id)
        body["properties"] |= performance(sku, iops, mbps, "UltraSSD_LRS")
        disk = await self._change("PUT", f"{self._compute}/disks/{name}", body)
        return str(disk["id"])

    async def get_disk(self, disk_id: str) -> Json:
        """See `AzureCompute`."""
        return await self._read(disk_path(disk_id))

    async def delete_disk(self, disk_id: str) -> None:
        """See `AzureCompute`. What is no ARM id counts as gone (CSI pkg/azuredisk/controllerserver.go DeleteVolume)."""
        if not is_arm_id(disk_id):
            return
        try:
            disk = await self.get_disk(disk_id)
        except CloudError as error:
            if error.status != 404:
                raise
            return
        check_free(disk_id, str(disk.get("managedBy") or ""))
        await self._change("DELETE", disk_path(disk_id), None)

    async def attach_disk(
        self, node_name: str, disk_id: str, caching: str = "ReadOnly", disk: Json | None = None
    ) -> int:
        """See `AzureCompute`."""
        place = await self._place(node_name)
        check_owner(disk_id, disk, place.managed_by, node_name)
        return await self._batches.ask(node_name, "attach", disk_id, caching)

    async def detach_disk(self, node_name: str, disk_id: str) -> None:
        """See `AzureCompute`."""
        await self._batches.ask(node_name, "detach", disk_id)

    async def resize_disk(self, disk_id: str, size_gib: int) -> None:
        """See `AzureCompute`."""
        if (await self.get_disk(disk_id))["properties"]["diskSizeGB"] < size_gib:
            await self._change("PATCH", disk_path(disk_id), {"properties": {"diskSizeGB": size_gib}})

    async def modify_disk(self, disk_id: str, sku: str, iops: int | None, mbps: int | None) -> None:
        """See `AzureCompute`; sent where something can change (CSI azure_managedDiskController.go ModifyDisk)."""
        had = str((await self.get_disk(disk_id))["sku"]["name"])
        wanted = sku or had
        body: Json = {} if wanted == had else {"sku": {"name": wanted}}
        asked = performance(wanted, iops, mbps, "UltraSSD_LRS or PremiumV2_LRS")
        if wanted in PROVISIONED:
            body["properties"] = asked
        if body:
            await self._change("PATCH", disk_path(disk_id), body)

    async def create_snapshot(self, wanted: NewSnapshot) -> None:
        """See `AzureCompute`."""
        await self._change("PUT", wanted.id, new_snapshot(self.location, wanted))

    async def get_snapshot(self, snapshot_id: str) -> Json:
        """See `AzureCompute`."""
        return await self._read(snapshot_id)

    async def delete_snapshot(self, snapshot_id: str) -> None:
        """See `AzureCompute`."""
        await self._change("DELETE", snapshot_id, None)

    async def close(self) -> None:
        """Stop sending; requests that wait are cancelled."""
        await self._batches.close()

    async def send(self, node_name: str, batch: Sequence[Request], forced: bool) -> dict[str, int]:
        """One PUT for the batch, none when it would change nothing; the LUN of each disk that is then attached."""
        place = await self._place(node_name)
        goal = wanted(await self._data_disks(place), batch, forced=forced)
        if goal.changed:
            await self._change("PUT", place.id, data_disks_body(place.id, self.location, goal.entries))
        return goal.luns

    @abstractmethod
    async def _read(self, path: str) -> Json:
        """The disk as Azure shows it. Raises `CloudError`."""

    @abstractmethod
    async def _change(self, method: str, resource_id: str, body: Json | None) -> Json:
        """Change a disk or a machine, and wait for the end; the resource as it is then. Raises `CloudError`."""

    @abstractmethod
    async def _place(self, node_name: str) -> Place:
        """The machine whose computer has that name. Raises `CloudError`."""

    @abstractmethod
    async def _data_disks(self, place: Place) -> Sequence[Json]:
        """The machine's data disks as Azure shows them. Raises `CloudError`."""


def new_disk(
    location: str,
    size_gib: int,
    sku: str,
    tags: Mapping[str, str],
    zone: str | None,
    max_shares: int,
    source_id: str = "",
) -> Json:
    """The body of the driver's PUT of a disk, empty or a copy (facts E, CSI PUT; getValidCreationData)."""
    creation = {"createOption": "Copy", "sourceResourceId": source_id} if source_id else {"createOption": "Empty"}
    body: Json = {
        "location": location,
        "tags": dict(tags),
        "sku": {"name": sku},
        "properties": {
            "creationData": creation,
            **({"diskSizeGB": size_gib} if size_gib else {}),
            "networkAccessPolicy": "DenyAll",
            "publicNetworkAccess": "Disabled",
        },
    }
    if max_shares > 1:
        body["properties"]["maxShares"] = max_shares
    if zone:
        body["zones"] = [zone]
    return body


def new_snapshot(location: str, wanted: NewSnapshot) -> Json:
    """The body of the driver's PUT of a snapshot (CSI pkg/azuredisk/controllerserver.go CreateSnapshot)."""
    option = "CopyStart" if wanted.location else "Copy"
    creation: Json = {"createOption": option, "sourceResourceId": wanted.source_id}
    if wanted.minutes is not None:
        creation["instantAccessDurationMinutes"] = wanted.minutes
    return {
        "location": wanted.location or location,
        "tags": dict(wanted.tags),
        "properties": {"creationData": creation, "incremental": wanted.incremental, **wanted.access},
    }


def performance(sku: str, iops: int | None, mbps: int | None, where: str) -> Json:
    """The properties that ask for it; `where`: the SKUs that the driver names. Raises `DriverError` for other ones."""
    asked = {"IOPS": iops, "MBps": mbps}
    for name, number in asked.items():
        if number is not None and sku not in PROVISIONED:
            raise DriverError(f"AzureDisk - Disk{name}ReadWrite parameter is only applicable in {where} disk type")
    return {f"disk{name}ReadWrite": number for name, number in asked.items() if number is not None}


def data_disks_body(machine_id: str, location: str, entries: Sequence[Json]) -> Json:
    """The body of the driver's PUT of a machine: data disks only; a VM's, not an instance's, also has its location."""
    body: Json = {"properties": {"storageProfile": {"dataDisks": list(entries)}}}
    return body if "/virtualmachinescalesets/" in machine_id.lower() else {"location": location, **body}

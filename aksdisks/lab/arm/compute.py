"""What the disk driver asks of Azure, and the answer in process: batched changes of a machine's data disks."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aksdisks.lab.arm.cloud import Cloud
    from aksdisks.lab.arm.errors import CloudError

BATCH_DELAY = 1.0
"""Cluster seconds in which requests for one node gather into one PUT (facts D: driver, batch delay 1000 ms)."""

MAX_LUN = 64


class AttachedDiskError(Exception):
    """The driver's own refusal, made without asking Azure: another machine (`managed_by`) has the disk.

    The message is the driver's (CSI pkg/azuredisk/azure_managedDiskController.go, azure_controller_common.go).
    """

    def __init__(self, message: str, managed_by: str) -> None:
        super().__init__(message)
        self.managed_by = managed_by


class AzureCompute(Protocol):
    """The driver's view of Azure; ids in any case, sizes in GiB. Each call waits for Azure; raises `CloudError`."""

    async def create_disk(
        self, name: str, size_gib: int, sku: str, tags: Mapping[str, str], zone: str | None = None
    ) -> str:
        """Create an empty disk in the node resource group, or find the one of that name; its id."""

    async def delete_disk(self, disk_id: str) -> None:
        """Delete it; already gone is success. `AttachedDiskError` when a machine has it."""

    async def attach_disk(self, node_name: str, disk_id: str, caching: str = "ReadOnly") -> int:
        """Attach it to the node's machine; the LUN. Idempotent. `AttachedDiskError` when another machine has it."""

    async def detach_disk(self, node_name: str, disk_id: str) -> None:
        """Detach it from the node's machine; not attached is success."""

    async def resize_disk(self, disk_id: str, size_gib: int) -> None:
        """Grow it."""


@dataclass(eq=False)
class _Request:
    kind: Literal["attach", "detach"]
    disk_id: str
    caching: str
    answer: asyncio.Future[int]


class CloudCompute:
    """`AzureCompute` on the lab's own cloud, in process.

    Changes of a machine are gathered and sent one PUT at a time, each with the machine's full list of data disks, as
    the driver does (facts E, Attach): ids lower-cased, lowest free LUN, `toBeDetached` on what shall go.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._pending: dict[str, list[_Request]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}

    async def create_disk(
        self, name: str, size_gib: int, sku: str, tags: Mapping[str, str], zone: str | None = None
    ) -> str:
        """See `AzureCompute`."""
        scenario = self._cloud.scenario
        body: dict[str, Any] = {
            "location": scenario.location,
            "tags": dict(tags),
            "sku": {"name": sku},
            "properties": {
                "creationData": {"createOption": "Empty"},
                "diskSizeGB": size_gib,
                "networkAccessPolicy": "DenyAll",
                "publicNetworkAccess": "Disabled",
            },
        }
        if zone:
            body["zones"] = [zone]
        operation = self._cloud.create_or_update_disk(scenario.node_resource_group, name, body)
        disk = await operation.done()
        assert disk is not None
        return str(disk["id"])

    async def delete_disk(self, disk_id: str) -> None:
        """See `AzureCompute`."""
        disk = self._cloud.find_disk(disk_id)
        if disk is None:
            return
        if disk.managed_by:
            raise AttachedDiskError(
                f"disk({disk_id}) already attached to node({disk.managed_by}), could not be deleted", disk.managed_by
            )
        operation = self._cloud.delete_disk(disk.group, disk.name)
        if operation is not None:
            await operation.done()

    async def attach_disk(self, node_name: str, disk_id: str, caching: str = "ReadOnly") -> int:
        """See `AzureCompute`."""
        machine = self._cloud.machine_named(node_name)
        disk = self._cloud.find_disk(disk_id)
        if disk is not None and disk.managed_by and disk.managed_by.lower() != machine.managed_by.lower():
            raise AttachedDiskError(
                f"disk({disk_id}) already attached to node({disk.managed_by}), "
                f"could not be attached to node({node_name})",
                disk.managed_by,
            )
        return await self._ask(node_name, "attach", disk_id, caching)

    async def detach_disk(self, node_name: str, disk_id: str) -> None:
        """See `AzureCompute`."""
        await self._ask(node_name, "detach", disk_id, "")

    async def resize_disk(self, disk_id: str, size_gib: int) -> None:
        """See `AzureCompute`."""
        group, name = self._cloud.disk_path(disk_id)
        await self._cloud.update_disk(group, name, {"properties": {"diskSizeGB": size_gib}}).done()

    async def close(self) -> None:
        """Stop sending; requests that wait are cancelled."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for requests in self._pending.values():
            for request in requests:
                request.answer.cancel()

    async def _ask(self, node_name: str, kind: Literal["attach", "detach"], disk_id: str, caching: str) -> int:
        request = _Request(kind, disk_id.lower(), caching, asyncio.get_running_loop().create_future())
        self._pending.setdefault(node_name, []).append(request)
        if node_name not in self._workers:
            self._workers[node_name] = asyncio.create_task(self._work(node_name), name=f"compute {node_name}")
        return await request.answer

    async def _work(self, node_name: str) -> None:
        """Send what waits for one node, a batch of one kind after another, until nothing waits."""
        batch: list[_Request] = []
        try:
            while self._pending[node_name]:
                await self._cloud.clock.sleep(BATCH_DELAY)
                waiting = self._pending[node_name]
                batch = [request for request in waiting if request.kind == waiting[0].kind]
                self._pending[node_name] = [request for request in waiting if request.kind != waiting[0].kind]
                await self._send(node_name, batch)
        except asyncio.CancelledError:
            for request in batch:
                request.answer.cancel()
            raise
        finally:
            del self._workers[node_name]

    async def _send(self, node_name: str, batch: list[_Request]) -> None:
        try:
            luns = await self._put(node_name, batch)
        except Exception as error:  # each of those who wait gets it
            for request in batch:
                if not request.answer.done():
                    request.answer.set_exception(error)
            return
        for request in batch:
            if not request.answer.done():
                request.answer.set_result(luns.get(request.disk_id, -1))

    async def _put(self, node_name: str, batch: list[_Request]) -> dict[str, int]:
        """One PUT for the batch, none when it would change nothing; the LUN of each disk attached."""
        machine = self._cloud.machine_named(node_name)
        entries = machine.data_disks_json()
        luns = {entry["managedDisk"]["id"].lower(): int(entry["lun"]) for entry in entries}
        changed = False
        for request in batch:
            if request.kind == "detach":
                for entry in entries:
                    if entry["managedDisk"]["id"].lower() == request.disk_id:
                        entry["toBeDetached"] = changed = True
            elif request.disk_id not in luns:
                lun = next((lun for lun in range(MAX_LUN) if lun not in luns.values()), MAX_LUN)
                entries.append(_attach_entry(request, lun))
                luns[request.disk_id] = lun
                changed = True
        if changed:
            body = {"location": self._cloud.scenario.location, "properties": {"storageProfile": {"dataDisks": entries}}}
            await self._cloud.update_machine(machine.spec.resource_id, body).done()
        return luns


def _attach_entry(request: _Request, lun: int) -> dict[str, Any]:
    return {
        "lun": lun,
        "name": request.disk_id.rpartition("/")[2],
        "caching": request.caching,
        "createOption": "Attach",
        "managedDisk": {"id": request.disk_id},
        "writeAcceleratorEnabled": False,
    }


def response_error_text(error: CloudError, method: str, resource_id: str) -> str:
    """The refusal as the driver prints it (azcore internal/exported/response_error.go), for events and attachErrors."""
    line = "-" * 80
    return (
        f"{method} https://management.azure.com{resource_id}\n{line}\n"
        f"RESPONSE {error.status}: {error.status_line()}\nERROR CODE: {error.code}\n{line}\n"
        f"{json.dumps(error.body(), indent=2)}\n{line}\n"
    )

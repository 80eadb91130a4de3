"""What the disk driver asks of Azure, and the answer in process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from aksdisks.lab.arm.batches import Batches, Request, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aksdisks.lab.arm.cloud import Cloud
    from aksdisks.lab.arm.errors import CloudError

Json = dict[str, Any]


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
        self,
        name: str,
        size_gib: int,
        sku: str,
        tags: Mapping[str, str],
        zone: str | None = None,
        max_shares: int = 1,
        source_id: str = "",
    ) -> str:
        """Create a disk in the node resource group, or find the one of that name; its id. Empty without `source_id`."""

    async def get_disk(self, disk_id: str) -> Json:
        """The disk as Azure shows it; 404 when there is none."""

    async def delete_disk(self, disk_id: str) -> None:
        """Delete it; already gone is success. `AttachedDiskError` when a machine has it."""

    async def attach_disk(self, node_name: str, disk_id: str, caching: str = "ReadOnly") -> int:
        """Attach it to the node's machine; the LUN. Idempotent. `AttachedDiskError` when another machine has it."""

    async def detach_disk(self, node_name: str, disk_id: str) -> None:
        """Detach it from the node's machine; not attached is success."""

    async def resize_disk(self, disk_id: str, size_gib: int) -> None:
        """Grow it."""


class CloudCompute:
    """`AzureCompute` on the lab's own cloud, in process.

    Changes of a machine are gathered and sent one PUT at a time, each with the machine's full list of data disks, as
    the driver does (facts E, Attach). Azure's limits on requests hold here too where the scenario says so.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        # As in a cluster whose nodes' identity is a service principal.
        self._principal = cloud.scenario.tenant_principals("")[0]
        self._batches = Batches(cloud.clock, self._send)

    async def create_disk(
        self,
        name: str,
        size_gib: int,
        sku: str,
        tags: Mapping[str, str],
        zone: str | None = None,
        max_shares: int = 1,
        source_id: str = "",
    ) -> str:
        """See `AzureCompute`."""
        scenario = self._cloud.scenario
        body = new_disk(scenario.location, size_gib, sku, tags, zone, max_shares, source_id)
        self._take("PUT", "disks")
        operation = self._cloud.create_or_update_disk(scenario.node_resource_group, name, body)
        disk = await operation.done()
        assert disk is not None
        return str(disk["id"])

    async def get_disk(self, disk_id: str) -> Json:
        """See `AzureCompute`."""
        self._take("GET", "disks")
        return self._cloud.disk(*self._cloud.disk_path(disk_id)).to_json()

    async def delete_disk(self, disk_id: str) -> None:
        """See `AzureCompute`."""
        disk = self._cloud.find_disk(disk_id)
        if disk is None:
            return
        check_free(disk_id, disk.managed_by)
        self._take("DELETE", "disks")
        operation = self._cloud.delete_disk(disk.group, disk.name)
        if operation is not None:
            await operation.done()

    async def attach_disk(self, node_name: str, disk_id: str, caching: str = "ReadOnly") -> int:
        """See `AzureCompute`."""
        machine = self._cloud.machine_named(node_name)
        disk = self._cloud.find_disk(disk_id)
        owner = disk.managed_by if disk is not None and not disk.shared else ""
        check_owner(disk_id, owner, machine.managed_by, node_name)
        return await self._batches.ask(node_name, "attach", disk_id, caching)

    async def detach_disk(self, node_name: str, disk_id: str) -> None:
        """See `AzureCompute`."""
        await self._batches.ask(node_name, "detach", disk_id)

    async def resize_disk(self, disk_id: str, size_gib: int) -> None:
        """See `AzureCompute`."""
        group, name = self._cloud.disk_path(disk_id)
        self._take("PATCH", "disks")
        await self._cloud.update_disk(group, name, {"properties": {"diskSizeGB": size_gib}}).done()

    async def close(self) -> None:
        """Stop sending; requests that wait are cancelled."""
        await self._batches.close()

    async def _send(self, node_name: str, batch: Sequence[Request]) -> dict[str, int]:
        """One PUT for the batch, none when it would change nothing."""
        machine = self._cloud.machine_named(node_name)
        goal = wanted(machine.data_disks_json(), batch)
        if goal.changed:
            self._take("PUT", "virtualMachines", machine.spec.resource_id)
            body = data_disks_body(machine.spec.resource_id, self._cloud.scenario.location, goal.entries)
            await self._cloud.update_machine(machine.spec.resource_id, body).done()
        return goal.luns

    def _take(self, method: str, kind: str, machine_id: str = "") -> None:
        """Count a request. Raises `CloudError` 429."""
        if self._cloud.scenario.throttling == "everyone":
            template = f"/subscriptions/resourceGroups/providers/Microsoft.Compute/{kind}"
            self._cloud.throttle.take(self._principal, method, template)
            self._cloud.throttle.take_compute(f"Microsoft.Compute/{kind}/write", machine_id)


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
            "diskSizeGB": size_gib,
            "networkAccessPolicy": "DenyAll",
            "publicNetworkAccess": "Disabled",
        },
    }
    if max_shares > 1:
        body["properties"]["maxShares"] = max_shares
    if zone:
        body["zones"] = [zone]
    return body


def data_disks_body(machine_id: str, location: str, entries: Sequence[Json]) -> Json:
    """The body of the driver's PUT of a machine: data disks only; a VM's, not an instance's, also has its location."""
    body: Json = {"properties": {"storageProfile": {"dataDisks": list(entries)}}}
    return body if "/virtualmachinescalesets/" in machine_id.lower() else {"location": location, **body}


def check_free(disk_id: str, managed_by: str) -> None:
    """The driver deletes no disk that a machine has. Raises `AttachedDiskError`."""
    if managed_by:
        raise AttachedDiskError(
            f"disk({disk_id}) already attached to node({managed_by}), could not be deleted", managed_by
        )


def check_owner(disk_id: str, managed_by: str, wanted_owner: str, node_name: str) -> None:
    """The driver attaches no disk that another machine has. Raises `AttachedDiskError`."""
    if managed_by and managed_by.lower() != wanted_owner.lower():
        raise AttachedDiskError(
            f"disk({disk_id}) already attached to node({managed_by}), could not be attached to node({node_name})",
            managed_by,
        )


def response_error_text(error: CloudError, method: str, resource_id: str) -> str:
    """The refusal as the driver prints it (azcore internal/exported/response_error.go), for events and attachErrors.

    A failed operation is printed as the answer that told of it: that of its status address, which is 200.
    """
    line = "-" * 80
    status, body = f"{error.status}: {error.status_line()}", error.body()
    if error.operation is not None:
        method, resource_id, status, body = "GET", error.operation.path, "200: 200 OK", dict(error.operation.body)
    return (
        f"{method} https://management.azure.com{resource_id}\n{line}\n"
        f"RESPONSE {status}\nERROR CODE: {error.code}\n{line}\n"
        f"{json.dumps(body, indent=2)}\n{line}\n"
    )

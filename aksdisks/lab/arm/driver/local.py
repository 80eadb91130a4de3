"""What the disk driver asks of Azure, and the answer in process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from aksdisks.lab.arm.driver.batches import Batches, Request, wanted
from aksdisks.lab.arm.driver.retries import DriverError, Retries
from aksdisks.lab.arm.errors import CloudError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aksdisks.lab.arm.compute.cloud import Cloud
    from aksdisks.lab.arm.injection import RequestInjection

Json = dict[str, Any]
T = TypeVar("T")

_PROVIDER = "Microsoft.Compute"


class AttachedDiskError(DriverError):
    """The driver's own refusal, made without asking Azure: another machine (`managed_by`) has the disk.

    The message is the driver's (CSI pkg/azuredisk/azure_managedDiskController.go, azure_controller_common.go).
    """

    def __init__(self, message: str, managed_by: str) -> None:
        super().__init__(message)
        self.managed_by = managed_by


class AzureCompute(Protocol):
    """The driver's view of Azure; ids in any case, sizes in GiB. Each call waits for Azure.

    Raises `CloudError`, and `DriverError` for what the driver gives up by itself. `pace`: cluster seconds in a second
    of Azure's, in which its callers' patience is counted.
    """

    pace: float

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


class CloudCompute:
    """`AzureCompute` on the lab's own cloud, in process.

    Changes of a machine are gathered and sent one PUT at a time, each with the machine's full list of data disks, as
    the driver does (facts E, Attach). Azure's limits on requests hold here too where the scenario says so.
    """

    pace = 1.0

    def __init__(self, cloud: Cloud, injection: RequestInjection | None = None) -> None:
        """`injection`: what faults refuse the driver, a client like any other."""
        self._cloud = cloud
        self._injection = injection
        # As in a cluster whose nodes' identity is a service principal.
        self._principal = cloud.scenario.tenant_principals("")[0]
        today = cloud.scenario.era == "today"
        self._retries = Retries(cloud.clock) if today else None
        in_set = cloud.scenario.machine_kind == "vmss"
        reread = self._list_machines if today and in_set else None
        self._batches = Batches(cloud.clock, self._send, forces=today, reread=reread)
        sets = "virtualMachineScaleSets/" if in_set else ""
        self._machines = f"{sets}virtualMachines"

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
        group = scenario.node_resource_group
        body = new_disk(scenario.location, size_gib, sku, tags, zone, max_shares, source_id)
        disk_id = f"{scenario.subscription}/resourceGroups/{group}/providers/{_PROVIDER}/disks/{name}"
        create = lambda: self._cloud.create_or_update_disk(group, name, body)  # noqa: E731 - sent again, if need be
        operation = await self._ask("PUT", "disks/write", disk_id, create)
        disk = await operation.done()
        assert disk is not None
        return str(disk["id"])

    async def get_disk(self, disk_id: str) -> Json:
        """See `AzureCompute`."""
        path = self._cloud.disk_path(disk_id)
        return await self._ask("GET", "disks/read", disk_id, lambda: self._cloud.disk(*path).to_json())

    async def delete_disk(self, disk_id: str) -> None:
        """See `AzureCompute`."""
        try:
            disk = await self.get_disk(disk_id)
        except CloudError as error:
            if error.status != 404:
                raise
            return
        check_free(disk_id, str(disk.get("managedBy") or ""))
        path = self._cloud.disk_path(disk_id)
        operation = await self._ask("DELETE", "disks/delete", disk_id, lambda: self._cloud.delete_disk(*path))
        if operation is not None:
            await operation.done()

    async def attach_disk(
        self, node_name: str, disk_id: str, caching: str = "ReadOnly", disk: Json | None = None
    ) -> int:
        """See `AzureCompute`."""
        machine = self._cloud.machine_named(node_name)
        check_owner(disk_id, disk, machine.managed_by, node_name)
        return await self._batches.ask(node_name, "attach", disk_id, caching)

    async def detach_disk(self, node_name: str, disk_id: str) -> None:
        """See `AzureCompute`."""
        await self._batches.ask(node_name, "detach", disk_id)

    async def resize_disk(self, disk_id: str, size_gib: int) -> None:
        """See `AzureCompute`."""
        if (await self.get_disk(disk_id))["properties"]["diskSizeGB"] >= size_gib:
            return
        path, body = self._cloud.disk_path(disk_id), {"properties": {"diskSizeGB": size_gib}}
        grow = await self._ask("PATCH", "disks/write", disk_id, lambda: self._cloud.update_disk(*path, body))
        await grow.done()

    async def close(self) -> None:
        """Stop sending; requests that wait are cancelled."""
        await self._batches.close()

    async def _send(self, node_name: str, batch: Sequence[Request], forced: bool) -> dict[str, int]:
        """One PUT for the batch, none when it would change nothing."""
        machine = self._cloud.machine_named(node_name)
        goal = wanted(machine.data_disks_json(), batch, forced=forced)
        if goal.changed:
            machine_id = machine.spec.resource_id
            body = data_disks_body(machine_id, self._cloud.scenario.location, goal.entries)
            change = lambda: self._cloud.update_machine(machine_id, body)  # noqa: E731 - sent again, if need be
            operation = await self._ask("PUT", f"{self._machines}/write", machine_id, change)
            await operation.done()
        return goal.luns

    async def _list_machines(self) -> None:
        """The driver looks up what manages a node once an attach has failed, before its sidecar hears of it.

        Source: cloud-provider-azure pkg/provider/azure_vmss_cache.go DeleteCacheForNode; seen with the real driver.
        """
        scenario = self._cloud.scenario
        group = f"{scenario.subscription}/resourceGroups/{scenario.node_resource_group}"
        await self._ask("GET", "virtualMachines/read", group, lambda: None)

    async def _ask(self, method: str, act: str, scope: str, send: Callable[[], T]) -> T:
        """One request with its retries; `act` as roles name it, such as `disks/write`. Raises `CloudError`."""
        kind = act.rpartition("/")[0]

        async def once() -> T:
            try:
                self._let_pass(method, kind, f"{_PROVIDER}/{act}", scope)
                return send()
            except CloudError as error:
                error.request = (method, scope)
                raise

        return await (once() if self._retries is None else self._retries.ask(kind, method, once))

    def _let_pass(self, method: str, kind: str, action: str, scope: str) -> None:
        """What faults and Azure's limits refuse. Raises `CloudError`."""
        if self._injection is not None:
            self._injection.check(action, scope, self._principal)
        if self._cloud.scenario.throttling == "everyone":
            template = f"/subscriptions/resourceGroups/providers/{_PROVIDER}/{kind.rpartition('/')[2]}"
            self._cloud.throttle.take(self._principal, method, template)
            self._cloud.throttle.take_compute(action, scope)


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


def check_owner(disk_id: str, disk: Json | None, wanted_owner: str, node_name: str) -> None:
    """The driver attaches no disk that another machine has, and none that is in other use. Raises `DriverError`.

    Source: CSI azure_controller_common.go AttachDisk. A disk for several machines is Azure's to refuse.
    """
    if disk is None or int(disk["properties"].get("maxShares") or 1) > 1:
        return
    owner, state = str(disk.get("managedBy") or ""), str(disk["properties"].get("diskState") or "")
    if owner and owner.lower() != wanted_owner.lower():
        raise AttachedDiskError(
            f"disk({disk_id}) already attached to node({owner}), could not be attached to node({node_name})", owner
        )
    if not owner and state not in ("", "Unattached"):
        raise DriverError(f"state of disk({disk_id}) is {state}, not in expected Unattached state")


def response_error_text(error: CloudError, method: str, resource_id: str) -> str:
    """The refusal as the driver prints it (azcore internal/exported/response_error.go), for events and attachErrors.

    A failed operation is printed as the answer that told of it: that of its status address, which is 200.
    """
    line = "-" * 80
    method, resource_id = error.request or (method, resource_id)
    status, body = f"{error.status}: {error.status_line()}", error.body()
    if error.operation is not None:
        method, resource_id, status, body = "GET", error.operation.path, "200: 200 OK", dict(error.operation.body)
    return (
        f"{method} https://management.azure.com{resource_id}\n{line}\n"
        f"RESPONSE {status}\nERROR CODE: {error.code}\n{line}\n"
        f"{json.dumps(body, indent=2)}\n{line}\n"
    )

"""What the disk driver does of snapshots: makes, reads and deletes them in Azure, in its own words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from aksdisks.lab.agents.csi.common import INTERNAL, INVALID_ARGUMENT, RpcError, refusal_text
from aksdisks.lab.agents.csi.snapshot_parameters import SnapshotParameters
from aksdisks.lab.arm.driver.interface import AzureCompute, NewSnapshot
from aksdisks.lab.arm.driver.refusals import is_arm_id
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.arm.errors import CloudError

Json = dict[str, Any]

_TYPE = "providers/Microsoft.Compute/snapshots"
_GIB = 2**30


@dataclass(frozen=True)
class Taken:
    """A snapshot as the driver tells of it: its handle, when it was made, as Azure writes it, its size in bytes."""

    handle: str
    created: str
    size: int
    ready: bool


class SnapshotDriver:
    """CreateSnapshot and DeleteSnapshot (CSI pkg/azuredisk/controllerserver.go). It does not list: that is off."""

    def __init__(self, compute: AzureCompute) -> None:
        self._compute = compute

    async def create(self, name: str, disk_id: str, wanted: SnapshotParameters) -> Taken:
        """Make it, or find what was made before. Raises `RpcError`.

        One for another region is made in the disk's own first, then copied there, and then deleted here.
        """
        group = wanted.resource_group
        if not group:
            parts = disk_id.split("/")
            if len(parts) != 9:
                why = f"could not get resource group from diskURI({disk_id}) with error(invalid URI: {disk_id})"
                raise RpcError(INVALID_ARGUMENT, why)
            group = parts[4]
        own = self._compute.group.split("/")[2]
        place = f"/subscriptions/{wanted.subscription or own}/resourceGroups/{group}/{_TYPE}"
        tags = {**wanted.tags, "k8s-azure-created-by": "kubernetes-azure-dd", "source_volume_id": disk_id}
        abroad = bool(wanted.location) and wanted.location != self._compute.location
        if abroad and not wanted.incremental:
            raise RpcError(INVALID_ARGUMENT, "could not create snapshot cross region with incremental is false")
        asked = NewSnapshot(
            f"{place}/local_{name}" if abroad else f"{place}/{name}",
            disk_id, tags, wanted.incremental, minutes=wanted.minutes, access=wanted.access,
        )  # fmt: skip
        taken = await self._made(asked)
        if not abroad:
            return taken
        copy = replace(asked, id=f"{place}/{name}", source_id=taken.handle, location=wanted.location)
        if not taken.ready:
            return replace(taken, handle=copy.id)
        copied = await self._made(copy)
        if copied.ready:
            await self.delete(asked.id)
        return copied

    async def _made(self, wanted: NewSnapshot) -> Taken:
        try:
            before = await self._compute.get_snapshot(wanted.id)
        except (CloudError, DriverError):
            before = None
        if before is None or before["properties"]["creationData"]["sourceResourceId"] != wanted.source_id:
            try:
                await self._compute.create_snapshot(wanted)
            except (CloudError, DriverError) as error:
                why = f"create snapshot error: {refusal_text(error, 'PUT', wanted.id)}"
                raise RpcError(INTERNAL, why) from error
        try:
            return _taken(await self._compute.get_snapshot(wanted.id))
        except (CloudError, DriverError) as error:
            parts = wanted.id.split("/")
            why = f"get snapshot {parts[8]} from rg({parts[4]}) error: {refusal_text(error, 'GET', wanted.id)}"
            raise RpcError(INTERNAL, why) from error

    async def delete(self, handle: str) -> None:
        """Raises `RpcError`; what is gone already is no error."""
        path = f"{self._compute.group}/{_TYPE}/{handle}"
        if is_arm_id(handle):
            parts = handle.split("/")
            if len(parts) != 9:
                raise RpcError(INVALID_ARGUMENT, f"invalid URI: {handle}")
            path = f"/subscriptions/{parts[2]}/resourceGroups/{parts[4]}/{_TYPE}/{parts[8]}"
        try:
            await self._compute.delete_snapshot(path)
        except (CloudError, DriverError) as error:
            raise RpcError(INTERNAL, f"delete snapshot error: {refusal_text(error, 'DELETE', path)}") from error


def _taken(snapshot: Json) -> Taken:
    """It is ready once all of it is copied, or at once where it gives instant access (azure_snapshot_utils.go)."""
    properties = snapshot["properties"]
    complete = properties.get("completionPercent", 100) >= 100
    instant = properties["creationData"].get("instantAccessDurationMinutes") is not None
    return Taken(
        str(snapshot["id"]),
        str(properties["timeCreated"]),
        int(properties["diskSizeGB"]) * _GIB,
        properties["provisioningState"].lower() == "succeeded" and (complete or instant),
    )

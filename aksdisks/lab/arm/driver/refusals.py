"""What the disk driver refuses by itself, and how it prints what Azure refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aksdisks.lab.arm.driver.retries import DriverError

if TYPE_CHECKING:
    from aksdisks.lab.arm.errors import CloudError

Json = dict[str, Any]


class AttachedDiskError(DriverError):
    """The driver's own refusal, made without asking Azure: another machine (`managed_by`) has the disk.

    The message is the driver's (CSI pkg/azuredisk/azure_managedDiskController.go, azure_controller_common.go).
    """

    def __init__(self, message: str, managed_by: str) -> None:
        super().__init__(message)
        self.managed_by = managed_by


def disk_path(disk_id: str) -> str:
    """Where the driver looks for the disk of a volume's handle. Raises `DriverError` for what is not made as an ARM id.

    It takes subscription, group and name out of the handle by their places alone, whatever type that names
    (CSI pkg/azureutils/azure_disk_utils.go GetInfoFromURI).
    """
    parts = disk_id.split("/")
    if len(parts) != 9:
        raise DriverError(f"invalid URI: {disk_id}")
    return f"/subscriptions/{parts[2]}/resourceGroups/{parts[4]}/providers/Microsoft.Compute/disks/{parts[8]}"


def is_arm_id(disk_id: str) -> bool:
    """What the driver takes for an ARM id (CSI pkg/azureutils/azure_disk_utils.go IsARMResourceID)."""
    return "/subscriptions/" in disk_id.lower()


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

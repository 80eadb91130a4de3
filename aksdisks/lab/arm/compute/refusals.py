"""The compute provider's refusals: of what a disk should be or become, of attaching it, of changes of a machine."""

from __future__ import annotations

from collections.abc import Sequence

from aksdisks.lab.arm.errors import NOT_ACTIVE, CloudError


def zones_are_fixed(resource_id: str, zones: Sequence[str], wanted: Sequence[str]) -> CloudError:
    """A resource keeps its zone."""
    return CloudError(
        400,
        "ResourceAvailabilityZonesCannotBeModified",
        f"Resource '{resource_id}' has an existing availability zone constraint '{','.join(zones) or 'NO_ZONE'}' and "
        f"the request has availability zone constraint '{','.join(wanted) or 'NO_ZONE'}', which do not match. Zones "
        "cannot be added/updated/removed once the resource is created. The resource cannot be updated from regional "
        "to zonal or vice-versa.",
    )


def property_is_fixed(name: str) -> CloudError:
    """A property that is settled when the resource is made."""
    return CloudError(409, "PropertyChangeNotAllowed", f"Changing property '{name}' is not allowed.", target=name)


def incremental_only(sku: str) -> CloudError:
    """A full snapshot of such a disk (azure-docs virtual-machines/disks-incremental-snapshots.md); no public words."""
    why = f"Full snapshots are not supported for disks of SKU '{sku}'. Set 'incremental' to true."
    return CloudError(400, "BadRequest", why, target="incremental")


def snapshot_not_complete(name: str, percent: float) -> CloudError:
    """A disk of a snapshot of which part is not copied yet (the same page); no public words."""
    why = f"Snapshot {name} is not ready: {percent:g} percent of its background copy is complete."
    return CloudError(409, "OperationNotAllowed", why)


def sku_not_supported(sku: str, supported: Sequence[str]) -> CloudError:
    """The region has not got the SKU (azure-cli#22732, terraform-provider-azurerm#18520)."""
    return CloudError(
        400,
        "InvalidParameter",
        f"SKU {sku} is not supported for resource type Disk in this region. "
        f"Supported SKUs for this region are {','.join(supported)}",
        target="sku",
    )


def zone_needed(sku: str) -> CloudError:
    """PremiumV2 disks, and Ultra disks where there are zones, are zonal (CSI#1556, #1659)."""
    return CloudError(400, "InvalidParameter", f"{sku} disk is not supported.")


def zone_of_redundant_disk(sku: str) -> CloudError:
    """A zone-redundant disk has no zone of its own (terraform-azurerm-avm-res-compute-virtualmachine#236)."""
    return CloudError(409, "OperationNotAllowed", f"A disk with sku '{sku}' cannot be created in an availability zone.")


def several_zones(zones: Sequence[str]) -> CloudError:
    """A disk is in one zone (ansible#53788)."""
    return CloudError(
        400,
        "ResourceTypeNotSupportMultiZones",
        f"The resource type 'disks' does not support multiple availability zones. The provided zones are "
        f"'{','.join(zones)}'. Please provide a single availability zone.",
    )


def zone_not_supported(resource: str, zones: Sequence[str], location: str, supported: Sequence[str]) -> CloudError:
    """A zone that the region has not got (kubernetes/test-infra#24049)."""
    return CloudError(
        400,
        "InvalidAvailabilityZone",
        f"The zone(s) '{','.join(zones)}' for resource '{resource}' is not supported. "
        f"The supported zones for location '{location}' are '{','.join(supported)}'",
    )


def caching_not_supported(sku: str, caching: str) -> CloudError:
    """Disks without a host cache (azure-docs#83535)."""
    return CloudError(
        400,
        "InvalidParameter",
        f"Storage Account type {sku} is not supported with caching type {caching}. Please use caching type None.",
        target="dataDisk.caching",
    )


def caching_of_large_disk() -> CloudError:
    """Disks too large for a host cache (CSI#3072)."""
    return CloudError(
        400, "BadRequest", "Only Disk CachingType 'None' is supported for disk with size greater than 4095 GB."
    )


def ultra_not_enabled() -> CloudError:
    """The machine was made without the capability (azure-docs#59977)."""
    return CloudError(
        400,
        "InvalidParameter",
        "StorageAccountType UltraSSD_LRS can be used only when additionalCapabilities.ultraSSDEnabled is set.",
        target="managedDisk.storageAccountType",
    )


def resize_while_attached(name: str, machine_id: str) -> CloudError:
    """A running machine's OS disk (k/k#96706, of the time when that held for data disks too)."""
    return CloudError(
        409,
        "OperationNotAllowed",
        f"Cannot resize disk {name} while it is attached to running VM {machine_id}. Resizing a disk of an Azure "
        "Virtual Machine requires the virtual machine to be deallocated. Please stop your VM and retry the operation.",
    )


def growth_needs_detach(name: str, machine_id: str) -> CloudError:
    """Past 4095 GiB (azure-docs#89430)."""
    return CloudError(
        409,
        "OperationNotAllowed",
        f"Disks cannot be resized beyond 4095 GiB when attached to a VM. Detach disk {name} from VM {machine_id} and "
        "try again. If caching is enabled for this disk, it will not be supported for disks greater than 4095 GiB.",
    )


def change_while_attached(what: str, name: str, machine_id: str) -> CloudError:
    """Its SKU and `maxShares` are changed while no running machine has the disk (worded like the resize's)."""
    return CloudError(
        409,
        "OperationNotAllowed",
        f"Cannot change the {what} of disk {name} while it is attached to running VM {machine_id}. "
        "Please stop your VM and retry the operation.",
    )


def sku_is_fixed(name: str, had: str, wanted: str) -> CloudError:
    """No disk becomes an Ultra Disk, and none is one no longer (disks-convert-types.md; the wording has no source)."""
    return CloudError(
        409,
        "OperationNotAllowed",
        f"The storage account type of disk {name} cannot be changed from {had} to {wanted}. "
        "Please create a new disk with the storage account type that you need.",
        target="sku",
    )


def shrinking(disk_id: str) -> CloudError:
    """A disk can only grow (azure-docs#57951)."""
    return CloudError(
        409,
        "OperationNotAllowed",
        f"The disk/snapshot resource with id {disk_id} cannot be resized down. Reducing disk/snapshot size is not "
        "supported in Azure to prevent data loss. If you do need to reduce the size of the disk, please create new "
        "snapshot/disks with the appropriate size. More information is available at https://aka.ms/AzureDisksFAQ",
        target="disk.diskSizeGB",
    )


def quota_exceeded(sku: str, location: str, used: int) -> CloudError:
    """Compute's words for every quota (scylla-cluster-tests#12948), with the quota that a disk's SKU counts against."""
    return CloudError(
        409,
        "OperationNotAllowed",
        f"Operation could not be completed as it results in exceeding approved {sku.partition('_')[0]}DiskCount quota. "
        f"Additional details - Deployment Model: Resource Manager, Location: {location}, Current Limit: {used}, "
        f"Current Usage: {used}, Additional Required: 1, (Minimum) New Limit Required: {used + 1}. Setup Alerts when "
        "Quota reaches threshold. Learn more at https://aka.ms/quotamonitoringalerting .",
    )


def shares_invalid(name: str, shares: int, gib: int) -> CloudError:
    """More machines, or fewer, than may share a disk of that kind and size (terraform-provider-azurerm#13584)."""
    return CloudError(
        400,
        "BadRequest",
        f"MaxShares '{shares}' for disk '{name}' of size '{gib}' GB is invalid. Please refer to "
        "https://docs.microsoft.com/azure/virtual-machines/windows/disks-shared-enable#disk-sizes",
    )


def caching_of_shared_disk(name: str, shares: int) -> CloudError:
    """Machines that share a disk must not cache it (azure-docs#85683)."""
    message = f"Shared disk '{name}' with maxShares {shares} supports only Disk CachingType 'None'."
    return CloudError(400, "BadRequest", message)


def shares_used_up(disk_id: str, name: str, machine_id: str, holders: int) -> CloudError:
    """One machine too many (no public source: worded as for a disk that only one machine may have)."""
    return CloudError(
        409,
        "ConflictingUserInput",
        f"Cannot attach the disk {name} to VM {machine_id} because it is already attached to {holders} VMs. The disk "
        f"can be attached to only {holders} VMs at a time.",
        target=disk_id,
    )


def name_invalid(parameter: str) -> CloudError:
    """A name with other signs, too many, or the wrong ones at its ends (azure-powershell#4706)."""
    return CloudError(
        400,
        "InvalidParameter",
        f"The entity name '{parameter}' is invalid according to its validation rule: "
        "^[^_\\W][\\w-._]{0,79}(?<![-.])$.",
        target=parameter,
    )


def group_is_not_deleted(group: str, kinds: Sequence[str], details: Sequence[str]) -> CloudError:
    """Something in a group would not go; `kinds`: types and names, `details`: their ids."""
    return CloudError(
        409,
        "ResourceGroupDeletionBlocked",
        f"Deletion of resource group '{group}' failed as resources with identifiers '{','.join(kinds)}' could not be "
        "deleted. The provisioning state of the resource group will be rolled back. Please check audit logs for more "
        "details.",
        details=[{"code": "OperationNotAllowed", "target": target, "message": "It is in use."} for target in details],
    )


def disk_not_found(disk_id: str) -> CloudError:
    """Attaching a disk that does not exist (facts E, k/k#88444)."""
    return CloudError(404, "NotFound", f"Disk {disk_id.rpartition('/')[2]} is not found.", target=disk_id)


def disk_is_attached(name: str, machine_id: str) -> CloudError:
    """Deleting a disk that a machine has (facts E)."""
    return CloudError(409, "OperationNotAllowed", f"Disk {name} is attached to VM {machine_id}.")


def too_many_data_disks(maximum: int) -> CloudError:
    """Facts E (CSI#879)."""
    return CloudError(
        409,
        "OperationNotAllowed",
        f"The maximum number of data disks allowed to be attached to a VM of this size is {maximum}.",
        target="dataDisks",
    )


def disk_is_being_detached(disk_name: str, vm_name: str) -> CloudError:
    """Facts E (k/k#78657)."""
    return CloudError(
        409,
        "AttachDiskWhileBeingDetached",
        f"Cannot attach data disk '{disk_name}' to VM '{vm_name}' because the disk is currently being detached or the "
        "last detach operation failed. Please wait until the disk is completely detached and then try again or "
        "delete/detach the disk explicitly again.",
    )


def disk_is_owned(disk_id: str, machine_id: str) -> CloudError:
    """Facts E (aks-engine#1146)."""
    return CloudError(
        409,
        "ConflictingUserInput",
        f"Disk '{disk_id}' cannot be attached as the disk is already owned by VM '{machine_id}'.",
    )


def disk_is_elsewhere(disk_id: str, machine_id: str, other_id: str) -> CloudError:
    """Two machines ask for a disk at the same time (CSI#1378)."""
    return CloudError(
        409,
        "ConflictingUserInput",
        f"Cannot attach the disk {disk_id.rpartition('/')[2]} to VM {machine_id} because it is already attached to VM "
        f"{other_id}. A disk can be attached to only one VM at a time.",
        target=disk_id,
    )


def machine_is_deallocated(act: str, name: str) -> CloudError:
    """What only a machine in its place can do."""
    return CloudError(
        409,
        "OperationNotAllowed",
        f"Operation '{act}' is not allowed on VM '{name}' since the VM is either deallocated or marked to be "
        "deallocated.",
    )


def instance_not_a_number() -> CloudError:
    """An instance of a scale set is named by its number (cloud-provider-azure's VirtualMachineScaleSetVM.yaml)."""
    message = "Virtual Machine Scale Set VM instanceId must be a number."
    return CloudError(400, "InvalidParameter", message, target="instanceId")


def instance_not_active(instance: str) -> CloudError:
    """An instance that a scale set has not got, or no longer (onefuzz#2547)."""
    message = f"The provided instanceId {instance} is {NOT_ACTIVE}."
    return CloudError(400, "InvalidParameter", message, target="instanceIds")


def etag_differs(wanted: str, found: str) -> CloudError:
    """A change of something that is no longer what its caller has read (cloud-provider-azure#9728)."""
    message = f"Etag provided in if-match header {wanted} does not match etag {found} of resource."
    return CloudError(412, "PreconditionFailed", message)


def lun_is_taken(lun: int) -> CloudError:
    """Facts E."""
    return CloudError(400, "InvalidParameter", f"A disk at LUN {lun} already exists.", target="dataDisks")


def other_zone(disk_name: str, machine_zone: str, disk_zone: str) -> CloudError:
    """Facts E; a regional machine or disk has the zone `''`."""
    return CloudError(
        400,
        "BadRequest",
        f"Disk {disk_name} cannot be attached to the VM because it is not in the same zone as the VM. "
        f"VM zone: '{machine_zone}'. Disk zone: '{disk_zone}'.",
    )


def concurrent_request() -> CloudError:
    """A second change of one machine while the first is under way (facts E, Conflict)."""
    return CloudError(
        409,
        "Conflict",
        "The request failed due to conflict with a concurrent request. To resolve it, please refer to "
        "https://aka.ms/activitylog to get more details on the conflicting requests.",
    )


def internal_execution() -> CloudError:
    """What a failed operation on a machine says when Azure itself is at fault."""
    return CloudError(500, "InternalExecutionError", "An internal execution error occurred. Please retry later.")

"""Quotas and how much of each is used, the sizes of machines, and types of resources that there are none of."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes
from aksdisks.lab.arm.wire.api_versions import EMPTY
from aksdisks.lab.arm.wire.paths import COMPUTE, GROUP, LOCATION, SUBSCRIPTION
from aksdisks.lab.scenario import VM_SIZES

Json = dict[str, Any]

DISK_LIMIT, MACHINE_LIMIT, CORE_LIMIT = 50_000, 25_000, 100
"""What a subscription has at first (azure-docs includes of azure-subscription-service-limits.md)."""

DISK_COUNTS = (
    ("StandardDiskCount", "Standard Storage Managed Disks", "Standard_LRS"),
    ("PremiumDiskCount", "Premium Storage Managed Disks", "Premium_LRS"),
    ("StandardSSDDiskCount", "StandardSSDStorageDisks", "StandardSSD_LRS"),
    ("UltraSSDDiskCount", "UltraSSDStorageDisks", "UltraSSD_LRS"),
    ("PremiumV2DiskCount", "PremiumV2StorageDisks", "PremiumV2_LRS"),
    ("PremiumZRSDiskCount", "PremiumZRSStorageDisks", "Premium_ZRS"),
    ("StandardSSDZRSDiskCount", "StandardSSDZRSStorageDisks", "StandardSSD_ZRS"),
)


class UsageHandlers:
    """Quotas of one subscription, and lists of what it has none of."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        yield "GET", LOCATION + "/usages", self.list_usages
        for kind in EMPTY:
            yield "GET", f"{SUBSCRIPTION}{COMPUTE}/{kind}", self.list_none
            yield "GET", f"{GROUP}{COMPUTE}/{kind}", self.list_none
            yield "GET", f"{GROUP}{COMPUTE}/{kind}/{{name}}", partial(self.get_none, kind)

    def list_usages(self, call: Call) -> Answer:
        """How much of each quota is used in a location."""
        require_location(self._cloud, call)
        scenario, machines, disks = self._cloud.scenario, self._cloud.machines.all(), self._cloud.disks.all()
        skus = Counter(disk.sku for disk in disks)
        systems = Counter(disk.sku for disk in disks if disk.os_type)
        sets = int(scenario.machine_kind == "vmss")
        cores = scenario.size.cpus * len(machines)
        value = [
            _usage("availabilitySets", "Availability Sets", 1 - sets, 2500),
            _usage("cores", "Total Regional vCPUs", cores, CORE_LIMIT),
            _usage("virtualMachines", "Virtual Machines", len(machines), MACHINE_LIMIT),
            _usage("virtualMachineScaleSets", "Virtual Machine Scale Sets", sets, 2500),
            _usage(_family(scenario.vm_size), f"{_family(scenario.vm_size)} vCPUs", cores, CORE_LIMIT),
        ]
        for name, shown, sku in DISK_COUNTS:
            # The scenario's quota is of disks for claims; Azure's counts those of the machines' systems as well.
            limit = scenario.disk_quota + systems[sku] if scenario.disk_quota else DISK_LIMIT
            value.append(_usage(name, shown, skus[sku], self._cloud.injection.disk_limit(skus[sku], limit)))
        return Answer(200, {"value": value})

    def list_none(self, call: Call) -> Answer:
        """A list of what there is not."""
        if "group" in call.parameters:
            self._cloud.groups.name(call.parameters["group"])
        return Answer(200, {"value": []})

    def get_none(self, kind: str, call: Call) -> Answer:
        """One of these. Raises ResourceNotFound."""
        self.list_none(call)
        raise errors.resource_not_found(f"Microsoft.Compute/{kind}/{call.parameters['name']}", call.parameters["group"])


def require_location(cloud: Cloud, call: Call) -> None:
    """Raises `CloudError` for a path that names another location than the subscription has."""
    wanted = call.parameters.get("location")
    if wanted is not None and wanted.replace(" ", "").lower() != cloud.scenario.location:
        message = f"No registered resource provider found for location '{wanted}'."
        raise errors.CloudError(400, "NoRegisteredProviderFound", message)


def sizes() -> list[Json]:
    """The machines' sizes as the list of them shows each."""
    return [
        {
            "name": name,
            "numberOfCores": size.cpus,
            "osDiskSizeInMB": 1047552,
            "resourceDiskSizeInMB": 0,
            "memoryInMB": int(size.memory_gib * 1024),
            "maxDataDiskCount": size.max_data_disks,
        }
        for name, size in VM_SIZES.items()
    ]


def _family(size: str) -> str:
    """`standardDSv2Family` of `Standard_DS2_v2`."""
    tier, _, rest = size.partition("_")
    letters, _, version = rest.partition("_")
    return f"{tier.lower()}{''.join(sign for sign in letters if not sign.isdigit())}{version}Family"


def _usage(name: str, shown: str, used: int, limit: int) -> Json:
    return {
        "limit": limit,
        "unit": "Count",
        "currentValue": used,
        "name": {"value": name, "localizedValue": shown},
    }

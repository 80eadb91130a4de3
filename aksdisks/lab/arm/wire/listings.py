"""What else Azure tells of machines and disks: usage of quotas, a scale set's summary, sizes, availability sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.compute.cloud import Cloud
from aksdisks.lab.arm.compute.machines import Machine, availability_set_id
from aksdisks.lab.arm.resources.operations import azure_time
from aksdisks.lab.arm.wire.addresses import EMPTY
from aksdisks.lab.arm.wire.answers import Answer, Call, page
from aksdisks.lab.scenario import VM_SIZES

Json = dict[str, Any]
Handler = Callable[[Call], Answer]

SUBSCRIPTION = "/subscriptions/{subscription}"
COMPUTE = "/providers/Microsoft.Compute"
GROUP = SUBSCRIPTION + "/resourceGroups/{group}" + COMPUTE
LOCATION = SUBSCRIPTION + COMPUTE + "/locations/{location}"

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


class Inventory:
    """Routes that only read; no rules in here."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Method, path with parameters, handler."""
        scale_set, machine = GROUP + "/virtualMachineScaleSets/{scale_set}", GROUP + "/virtualMachines/{machine}"
        yield "GET", LOCATION + "/usages", self.usages
        yield "GET", LOCATION + "/virtualMachines", self.machines_there
        yield "GET", LOCATION + "/virtualMachineScaleSets", self.scale_sets_there
        yield "GET", scale_set + "/instanceView", self.scale_set_view
        yield "GET", scale_set + "/skus", self.scale_set_skus
        yield "GET", machine + "/vmSizes", self.sizes_of
        yield "GET", SUBSCRIPTION + COMPUTE + "/availabilitySets", self.availability_sets
        yield "GET", GROUP + "/availabilitySets", self.availability_sets
        yield "GET", GROUP + "/availabilitySets/{set}", self.availability_set
        for kind in EMPTY:
            yield "GET", f"{SUBSCRIPTION}{COMPUTE}/{kind}", self.nothing
            yield "GET", f"{GROUP}/{kind}", self.nothing
            yield "GET", f"{GROUP}/{kind}/{{name}}", partial(self.no_such, kind)
        snapshot = GROUP + "/snapshots/{snapshot}"
        yield "GET", SUBSCRIPTION + COMPUTE + "/snapshots", self.list_snapshots
        yield "GET", GROUP + "/snapshots", self.list_snapshots
        yield "GET", snapshot, self.get_snapshot
        for kind, handler in (("disks/{disk}", self.head_disk), ("virtualMachines/{machine}", self.head_machine)):
            yield "HEAD", f"{GROUP}/{kind}", handler

    def usages(self, call: Call) -> Answer:
        """How much of each quota is used in a location."""
        self._require_location(call)
        scenario, machines = self._cloud.scenario, self._cloud.machines()
        disks = Counter(disk.sku for disk in self._cloud.disks())
        systems = Counter(disk.sku for disk in self._cloud.disks() if disk.os_type)
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
            value.append(_usage(name, shown, disks[sku], self._cloud.injection.limit(disks[sku], limit)))
        return Answer(200, {"value": value})

    def machines_there(self, call: Call) -> Answer:
        """The VMs of a location."""
        self._require_location(call)
        machines = self._cloud.machines() if self._cloud.scenario.machine_kind == "vmas" else []
        seen = [machine for machine in machines if call.sees(machine.spec.resource_id)]
        return page(call, [(f"{machine.spec.index:08}", machine.to_json) for machine in seen])

    def scale_sets_there(self, call: Call) -> Answer:
        """The scale sets of a location."""
        self._require_location(call)
        sets = [self._cloud.scale_set_json()] if self._cloud.scenario.machine_kind == "vmss" else []
        return page(call, [(entry["id"], partial(dict, entry)) for entry in sets if call.sees(entry["id"])])

    def scale_set_view(self, call: Call) -> Answer:
        """How many instances are in which state."""
        self._require_scale_set(call)
        states = Counter(f"ProvisioningState/{entry.provisioning_state.lower()}" for entry in self._cloud.machines())
        summary = [{"code": code, "count": count} for code, count in sorted(states.items())]
        made = azure_time(self._cloud.created)
        status = {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded"}
        return Answer(200, {"virtualMachine": {"statusesSummary": summary}, "statuses": [{**status, "time": made}]})

    def scale_set_skus(self, call: Call) -> Answer:
        """The sizes that the scale set could have."""
        self._require_scale_set(call)
        capacity = {"minimum": 0, "maximum": 1000, "defaultCapacity": 1, "scaleType": "Automatic"}
        kind = "Microsoft.Compute/virtualMachineScaleSets"
        value = [
            {"resourceType": kind, "sku": {"name": name, "tier": "Standard"}, "capacity": capacity} for name in VM_SIZES
        ]
        return Answer(200, {"value": value})

    def sizes_of(self, call: Call) -> Answer:
        """The sizes that a VM could have."""
        self._machine(call)
        return Answer(200, {"value": sizes()})

    def availability_sets(self, call: Call) -> Answer:
        """The availability sets of the group or of the subscription."""
        group = call.parameters.get("group")
        there = group is None or self._cloud.group(group) == self._cloud.scenario.node_resource_group
        sets = [self._availability_set()] if there and self._cloud.scenario.machine_kind == "vmas" else []
        return Answer(200, {"value": [entry for entry in sets if call.sees(entry["id"])]})

    def availability_set(self, call: Call) -> Answer:
        """One availability set."""
        group, name = call.parameters["group"], call.parameters["set"]
        found = self._availability_set()
        right = self._cloud.group(group) == self._cloud.scenario.node_resource_group
        if self._cloud.scenario.machine_kind != "vmas" or not right or name.lower() != found["name"].lower():
            raise errors.resource_not_found(f"Microsoft.Compute/availabilitySets/{name}", group)
        return Answer(200, found)

    def nothing(self, call: Call) -> Answer:
        """A list of what there is not."""
        if "group" in call.parameters:
            self._cloud.group(call.parameters["group"])
        return Answer(200, {"value": []})

    def no_such(self, kind: str, call: Call) -> Answer:
        """One of these. Raises ResourceNotFound."""
        self.nothing(call)
        raise errors.resource_not_found(f"Microsoft.Compute/{kind}/{call.parameters['name']}", call.parameters["group"])

    def list_snapshots(self, call: Call) -> Answer:
        """The snapshots of the group or of the subscription."""
        found = self._cloud.snapshots.all(call.parameters.get("group"))
        return page(call, [(entry.key, entry.to_json) for entry in found if call.sees(entry.id)])

    def get_snapshot(self, call: Call) -> Answer:
        """One snapshot."""
        return Answer(200, self._cloud.snapshots.get(call.parameters["group"], call.parameters["snapshot"]).to_json())

    def head_disk(self, call: Call) -> Answer:
        """Whether there is that disk."""
        self._cloud.disk(call.parameters["group"], call.parameters["disk"])
        return Answer(204)

    def head_machine(self, call: Call) -> Answer:
        """Whether there is that VM."""
        self._machine(call)
        return Answer(204)

    def _availability_set(self) -> Json:
        scenario = self._cloud.scenario
        identity = availability_set_id(scenario)
        return {
            "name": identity.rpartition("/")[2],
            "id": identity,
            "type": "Microsoft.Compute/availabilitySets",
            "location": scenario.location,
            "sku": {"name": "Aligned"},
            "properties": {
                "platformUpdateDomainCount": 5,
                "platformFaultDomainCount": 3,
                "virtualMachines": [{"id": machine.spec.resource_id} for machine in self._cloud.machines()],
            },
        }

    def _machine(self, call: Call) -> Machine:
        group = f"{self._cloud.scenario.subscription}/resourceGroups/{self._cloud.group(call.parameters['group'])}"
        return self._cloud.machine(f"{group}{COMPUTE}/virtualMachines/{call.parameters['machine']}")

    def _require_location(self, call: Call) -> None:
        wanted, location = call.parameters["location"], self._cloud.scenario.location
        if wanted.replace(" ", "").lower() != location:
            message = f"No registered resource provider found for location '{wanted}'."
            raise errors.CloudError(400, "NoRegisteredProviderFound", message)

    def _require_scale_set(self, call: Call) -> None:
        scenario, group, name = self._cloud.scenario, call.parameters["group"], call.parameters["scale_set"]
        right_group = self._cloud.group(group) == scenario.node_resource_group
        if scenario.machine_kind != "vmss" or not right_group or name.lower() != scenario.scale_set.lower():
            raise errors.resource_not_found(f"Microsoft.Compute/virtualMachineScaleSets/{name}", group)


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

"""A node's machine: its data disks by LUN, their attachments, and its JSON as a VM or as an instance of a scale set."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aksdisks.lab import lifecycles
from aksdisks.lab.arm.compute.disk import Disk
from aksdisks.lab.arm.resources.operations import azure_time
from aksdisks.lab.persistence.records import Observable
from aksdisks.lab.scenario import MachineSpec, Scenario

if TYPE_CHECKING:
    from aksdisks.lab.arm.compute.subscription import ComputeSubscription

Json = dict[str, Any]


@dataclass(eq=False)
class DataDisk:
    """A disk's place on a machine; `disk_id` is written as the request wrote it."""

    lun: int
    disk_id: str
    name: str
    caching: str
    delete_option: str
    disk: Disk
    state: str = lifecycles.ATTACHMENT.initial

    @property
    def key(self) -> str:
        """The disk's id without case."""
        return self.disk_id.lower()

    def step(self, step: str) -> None:
        """Take a step of its life. Raises `lifecycles.IllegalStep`."""
        self.state = lifecycles.ATTACHMENT.after(self.state, step)

    def to_json(self) -> Json:
        """As an entry of `storageProfile.dataDisks`."""
        return {
            "lun": self.lun,
            "name": self.name,
            "createOption": "Attach",
            "caching": self.caching,
            "writeAcceleratorEnabled": False,
            "managedDisk": {"storageAccountType": self.disk.sku, "id": self.disk_id},
            "deleteOption": self.delete_option,
            "diskSizeGB": self.disk.size_gib,
            "toBeDetached": self.state in ("Detaching", "DetachFailed"),
        }


@dataclass(eq=False)
class Machine(Observable):
    """One VM, or one instance of the scale set."""

    scenario: Scenario
    spec: MachineSpec
    vm_id: str
    created: datetime
    os_disk: Disk
    provisioning_state: str = "Succeeded"
    power: str = "running"
    tags: dict[str, str] = field(default_factory=dict)
    data_disks: tuple[DataDisk, ...] = ()
    version: int = 1

    @property
    def etag(self) -> str:
        """Changes with every change that is asked for (cloud-provider-azure's VirtualMachineScaleSetVM.yaml)."""
        return f'"{self.version}"'

    @property
    def managed_by(self) -> str:
        """How disks name it: for an instance the id ends in the VM's name, not its number (facts E, providerID)."""
        group, _, _ = self.spec.resource_id.rpartition("/")
        return f"{group}/{self.spec.vm_name}"

    @property
    def running(self) -> bool:
        """Not deallocated; a machine that is only stopped keeps its place and its disks busy."""
        return self.power != "deallocated"

    @property
    def max_data_disks(self) -> int:
        """What its size allows."""
        return self.scenario.size.max_data_disks

    def detach_at_once(self, disk: Disk, now: datetime) -> None:
        """Detach the disk at once, if it is here."""
        if any(entry.disk is disk for entry in self.data_disks):
            self.data_disks = tuple(entry for entry in self.data_disks if entry.disk is not disk)
            disk.detach(self.managed_by, now)

    def remove(self, place: DataDisk) -> None:
        """That place is no more."""
        self.data_disks = tuple(entry for entry in self.data_disks if entry is not place)

    def attach_at_once(self, disk: Disk, now: datetime) -> None:
        """Attach the disk, which no machine has, at once."""
        taken = {entry.lun for entry in self.data_disks}
        lun = next(number for number in range(len(taken) + 1) if number not in taken)
        entry = DataDisk(lun, disk.id, disk.name, "None", "Detach", disk, "Attached")
        self.data_disks = (*self.data_disks, entry)
        disk.attach(self.managed_by, now)

    def data_disks_json(self) -> list[Json]:
        """A new list, in the order of LUNs."""
        return [entry.to_json() for entry in sorted(self.data_disks, key=lambda entry: entry.lun)]

    def to_json(self, *, instance_view: bool = False) -> Json:
        """As a GET answers it; `instance_view` as `$expand=instanceView` does."""
        scenario, spec = self.scenario, self.spec
        instance = scenario.machine_kind == "vmss"
        properties: Json = {
            "vmId": self.vm_id,
            "hardwareProfile": {"vmSize": scenario.vm_size},
            "storageProfile": {"osDisk": self._os_disk_json(), "dataDisks": self.data_disks_json()},
            "osProfile": {
                "computerName": spec.node_name,
                "adminUsername": "azureuser",
                "linuxConfiguration": {"disablePasswordAuthentication": True, "provisionVMAgent": True},
            },
            "networkProfile": {"networkInterfaces": [{"id": self._interface_id(), "properties": {"primary": True}}]},
            "provisioningState": self.provisioning_state,
            "timeCreated": azure_time(self.created),
        }
        if instance:
            properties = {"latestModelApplied": True, "modelDefinitionApplied": "VirtualMachineScaleSet", **properties}
        else:
            properties["availabilitySet"] = {"id": availability_set_id(scenario)}
        if instance_view:
            properties["instanceView"] = self.instance_view()
        body: Json = {
            "name": spec.vm_name,
            "id": spec.resource_id,
            "type": "Microsoft.Compute/virtualMachine" + ("ScaleSets/virtualMachines" if instance else "s"),
            "location": scenario.location,
            "tags": dict(self.tags),
        }
        if instance:
            body |= {"instanceId": spec.instance_id, "sku": {"name": scenario.vm_size, "tier": "Standard"}}
        if spec.zone:
            body["zones"] = [spec.zone]
        return {**body, "properties": properties, "etag": self.etag}

    def instance_view(self) -> Json:
        """What runs: the machine's and its disks' statuses, those disks only that are really there."""
        disks = [(self.os_disk.name, self.created)]
        for entry in self.data_disks:
            if entry.state in ("Attached", "Detaching", "DetachFailed"):
                disks.append((entry.name, entry.disk.owner_changed or self.created))
        return {
            "computerName": self.spec.node_name,
            "osName": "ubuntu",
            "disks": [{"name": name, "statuses": [_status("ProvisioningState/succeeded", at)]} for name, at in disks],
            "statuses": [
                _status(f"ProvisioningState/{self.provisioning_state.lower()}", self.created),
                {"code": f"PowerState/{self.power}", "level": "Info", "displayStatus": f"VM {self.power}"},
            ],
        }

    def _os_disk_json(self) -> Json:
        return {
            "osType": "Linux",
            "name": self.os_disk.name,
            "createOption": "FromImage",
            "caching": "ReadOnly",
            "managedDisk": {"storageAccountType": self.os_disk.sku, "id": self.os_disk.id},
            "diskSizeGB": self.os_disk.size_gib,
        }

    def _interface_id(self) -> str:
        if self.scenario.machine_kind == "vmss":
            return f"{self.spec.resource_id}/networkInterfaces/{self.scenario.scale_set}"
        compute, _, name = self.spec.resource_id.partition("/providers/Microsoft.Compute/virtualMachines/")
        return f"{compute}/providers/Microsoft.Network/networkInterfaces/{name}-nic-0"


def new_machine(
    subscription: ComputeSubscription, spec: MachineSpec, created: datetime, tags: dict[str, str]
) -> Machine:
    """A machine that runs, with its system disk."""
    scenario, ids = subscription.scenario, subscription.ids
    group = scenario.node_resource_group
    name = f"{spec.vm_name}_OsDisk_1_{ids.uid().replace('-', '')}"
    disk = Disk(
        id=subscription.compute_id(group, "disks", name),
        group=group,
        name=name,
        location=scenario.location,
        sku="Premium_LRS",
        size_gib=scenario.os_disk_gib,
        unique_id=ids.uid(),
        created=created,
        tags=dict(tags),
        zones=(spec.zone,) if spec.zone else (),
        create_option="FromImage",
        os_type="Linux",
    )
    machine = Machine(scenario, spec, ids.uid(), created, disk, tags=dict(tags))
    disk.attach(machine.managed_by, created)
    return machine


def availability_set_id(scenario: Scenario) -> str:
    """The set that the pool's VMs are in."""
    group = f"{scenario.subscription}/resourceGroups/{scenario.node_resource_group}"
    return f"{group}/providers/Microsoft.Compute/availabilitySets/{scenario.pool}-availabilitySet-{scenario.suffix}"


def scale_set_json(scenario: Scenario, created: datetime, unique_id: str, tags: dict[str, str]) -> Json:
    """The pool's scale set as a GET answers it."""
    group = f"{scenario.subscription}/resourceGroups/{scenario.node_resource_group}"
    body: Json = {
        "name": scenario.scale_set,
        "id": f"{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{scenario.scale_set}",
        "type": "Microsoft.Compute/virtualMachineScaleSets",
        "location": scenario.location,
        "tags": dict(tags),
        "sku": {"name": scenario.vm_size, "tier": "Standard", "capacity": scenario.node_count},
    }
    if scenario.zones:
        body["zones"] = list(scenario.zones)
    body["properties"] = {
        "singlePlacementGroup": False,
        "orchestrationMode": "Uniform",
        "upgradePolicy": {"mode": "Manual"},
        "virtualMachineProfile": {
            "osProfile": {"computerNamePrefix": scenario.scale_set, "adminUsername": "azureuser"},
            "storageProfile": {
                "osDisk": {
                    "osType": "Linux",
                    "createOption": "FromImage",
                    "caching": "ReadOnly",
                    "managedDisk": {"storageAccountType": "Premium_LRS"},
                    "diskSizeGB": scenario.os_disk_gib,
                }
            },
            "timeCreated": azure_time(created),
        },
        "provisioningState": "Succeeded",
        "overprovision": False,
        "uniqueId": unique_id,
        "platformFaultDomainCount": 1,
        "timeCreated": azure_time(created),
    }
    return body


def _status(code: str, moment: datetime) -> Json:
    return {
        "code": code,
        "level": "Info",
        "displayStatus": f"Provisioning {code.rpartition('/')[2]}",
        "time": azure_time(moment),
    }

"""Virtual machine scale sets and availability sets: what the machines of a pool are in."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.bodies import member
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.compute import power
from aksdisks.lab.arm.compute.machine import availability_set_id
from aksdisks.lab.arm.resources.operations import azure_time
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes, page
from aksdisks.lab.arm.wire.handlers.machines import machine_page
from aksdisks.lab.arm.wire.handlers.operations import accepted
from aksdisks.lab.arm.wire.handlers.usages import require_location
from aksdisks.lab.arm.wire.paths import COMPUTE, GROUP, LOCATION, SCALE_SET, SUBSCRIPTION
from aksdisks.lab.scenario import VM_SIZES

Json = dict[str, Any]


class ScaleSetHandlers:
    """The sets of one subscription."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._machines = cloud.machines

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        for scope in (SUBSCRIPTION + COMPUTE, GROUP + COMPUTE, LOCATION):
            yield "GET", scope + "/virtualMachineScaleSets", self.list_all
        yield "GET", SCALE_SET, self.get
        yield "GET", SCALE_SET + "/instanceView", self.get_instance_view
        yield "GET", SCALE_SET + "/skus", self.list_skus
        yield "GET", SCALE_SET + "/virtualMachines", self.list_instances
        for act in power.ACTS.values():
            yield "POST", f"{SCALE_SET}/{act.name}", partial(self.change_power, act)
        yield "GET", SUBSCRIPTION + COMPUTE + "/availabilitySets", self.list_availability_sets
        yield "GET", GROUP + COMPUTE + "/availabilitySets", self.list_availability_sets
        yield "GET", GROUP + COMPUTE + "/availabilitySets/{set}", self.get_availability_set

    def list_all(self, call: Call) -> Answer:
        """The scale sets of the group, the location or the subscription."""
        require_location(self._cloud, call)
        sets = self._machines.scale_sets(call.parameters.get("group"))
        return page(call, [(entry["id"], entry["id"], partial(dict, entry)) for entry in sets])

    def get(self, call: Call) -> Answer:
        """One scale set."""
        return Answer(200, self._scale_set(call))

    def get_instance_view(self, call: Call) -> Answer:
        """How many instances are in which state."""
        self._scale_set(call)
        states = Counter(f"ProvisioningState/{entry.provisioning_state.lower()}" for entry in self._machines.all())
        summary = [{"code": code, "count": count} for code, count in sorted(states.items())]
        made = azure_time(self._machines.created)
        status = {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded"}
        return Answer(200, {"virtualMachine": {"statusesSummary": summary}, "statuses": [{**status, "time": made}]})

    def list_skus(self, call: Call) -> Answer:
        """The sizes that the scale set could have."""
        self._scale_set(call)
        capacity = {"minimum": 0, "maximum": 1000, "defaultCapacity": 1, "scaleType": "Automatic"}
        kind = "Microsoft.Compute/virtualMachineScaleSets"
        value = [
            {"resourceType": kind, "sku": {"name": name, "tier": "Standard"}, "capacity": capacity} for name in VM_SIZES
        ]
        return Answer(200, {"value": value})

    def list_instances(self, call: Call) -> Answer:
        """The instances of a scale set."""
        self._scale_set(call)
        return machine_page(call, self._machines.all())

    def change_power(self, act: power.Act, call: Call) -> Answer:
        """Start, stop or make anew the instances that the body names, or all."""
        self._scale_set(call)
        wanted = member(call.body, "instanceIds", list) or ["*"]
        machines = [self._machines.instance(str(number)) for number in wanted if number != "*"]
        if "*" in wanted:
            machines = self._machines.all()
        operation = self._machines.change_power([machine.spec.resource_id for machine in machines], act)
        return accepted(self._cloud, call, operation, None)

    def list_availability_sets(self, call: Call) -> Answer:
        """The availability sets of the group or of the subscription."""
        sets = self._availability_sets(call.parameters.get("group"))
        return Answer(200, {"value": [entry for entry in sets if call.sees(entry["id"])]})

    def get_availability_set(self, call: Call) -> Answer:
        """One availability set."""
        group, name = call.parameters["group"], call.parameters["set"]
        for found in self._availability_sets(group):
            if found["name"].lower() == name.lower():
                return Answer(200, found)
        raise errors.resource_not_found(f"Microsoft.Compute/availabilitySets/{name}", group)

    def _availability_sets(self, group: str | None) -> list[Json]:
        scenario, machines = self._cloud.scenario, self._machines.vms(group)
        elsewhere = group is not None and self._cloud.groups.name(group) != scenario.node_resource_group
        if elsewhere or scenario.machine_kind != "vmas":
            return []
        identity = availability_set_id(scenario)
        found: Json = {
            "name": identity.rpartition("/")[2],
            "id": identity,
            "type": "Microsoft.Compute/availabilitySets",
            "location": scenario.location,
            "sku": {"name": "Aligned"},
            "properties": {
                "platformUpdateDomainCount": 5,
                "platformFaultDomainCount": 3,
                "virtualMachines": [{"id": machine.spec.resource_id} for machine in machines],
            },
        }
        return [found]

    def _scale_set(self, call: Call) -> Json:
        """The scale set that the path names. Raises `CloudError`."""
        return self._machines.scale_set(call.parameters["group"], call.parameters["scale_set"])

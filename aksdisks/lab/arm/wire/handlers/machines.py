"""Virtual machines and the instances of scale sets: the same calls for both."""

from __future__ import annotations

from functools import partial

from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.compute import power, refusals
from aksdisks.lab.arm.compute.machine import Machine
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes, page
from aksdisks.lab.arm.wire.handlers.operations import accepted
from aksdisks.lab.arm.wire.handlers.usages import require_location, sizes
from aksdisks.lab.arm.wire.paths import COMPUTE, GROUP, LOCATION, SCALE_SET, SUBSCRIPTION

MACHINE = GROUP + COMPUTE + "/virtualMachines/{machine}"
INSTANCE = SCALE_SET + "/virtualMachines/{instance}"


class MachineHandlers:
    """The machines of one subscription."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._machines = cloud.machines

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        for scope in (SUBSCRIPTION + COMPUTE, GROUP + COMPUTE, LOCATION):
            yield "GET", scope + "/virtualMachines", self.list_all
        yield "HEAD", MACHINE, self.head
        yield "GET", MACHINE + "/vmSizes", self.list_sizes
        for machine in (MACHINE, INSTANCE):
            yield "GET", machine, self.get
            yield "PUT", machine, self.update
            yield "PATCH", machine, self.update
            yield "GET", machine + "/instanceView", self.get_instance_view
            yield "POST", machine + "/attachDetachDataDisks", self.attach_detach
            for act in power.ACTS.values():
                yield "POST", f"{machine}/{act.name}", partial(self.change_power, act)

    def list_all(self, call: Call) -> Answer:
        """The VMs of the group, the location or the subscription; a scale set's instances are not among them."""
        require_location(self._cloud, call)
        return machine_page(call, self._machines.vms(call.parameters.get("group")))

    def get(self, call: Call) -> Answer:
        """One VM or instance, with what runs on it where `$expand` asks."""
        machine = self._machine(call)
        return Answer(200, machine.to_json(instance_view=_expands_view(call)), {"ETag": machine.etag})

    def head(self, call: Call) -> Answer:
        """Whether there is that VM."""
        self._machine(call)
        return Answer(204)

    def get_instance_view(self, call: Call) -> Answer:
        """What runs on one VM or instance."""
        return Answer(200, self._machine(call).instance_view())

    def list_sizes(self, call: Call) -> Answer:
        """The sizes that a VM could have."""
        self._machine(call)
        return Answer(200, {"value": sizes()})

    def update(self, call: Call) -> Answer:
        """PUT or PATCH of a VM or instance."""
        machine = self._machine(call)
        wanted = call.headers.get("If-Match", "*")
        if wanted not in ("*", machine.etag):
            raise refusals.etag_differs(wanted, machine.etag)
        operation = self._machines.update(machine.spec.resource_id, call.body)
        status = 200 if call.method == "PUT" else 202
        return accepted(self._cloud, call, operation, machine.to_json(), status)

    def attach_detach(self, call: Call) -> Answer:
        """POST of only what changes."""
        operation = self._machines.attach_detach(self._machine(call).spec.resource_id, call.body)
        return accepted(self._cloud, call, operation, None)

    def change_power(self, act: power.Act, call: Call) -> Answer:
        """Start, stop or make anew one VM or instance."""
        operation = self._machines.change_power([self._machine(call).spec.resource_id], act)
        return accepted(self._cloud, call, operation, None)

    def _machine(self, call: Call) -> Machine:
        """The machine that the path names. Raises `CloudError`."""
        parameters = call.parameters
        if "instance" not in parameters:
            return self._machines.vm(parameters["group"], parameters["machine"])
        self._machines.scale_set(parameters["group"], parameters["scale_set"])
        return self._machines.instance(parameters["instance"])


def machine_page(call: Call, machines: list[Machine]) -> Answer:
    """Those that the caller sees, with what runs on them where the query asks."""
    view = _expands_view(call) or call.query.get("statusOnly") == "true"
    rows = (
        (f"{each.spec.index:08}", each.spec.resource_id, partial(each.to_json, instance_view=view)) for each in machines
    )
    return page(call, rows)


def _expands_view(call: Call) -> bool:
    return call.query.get("$expand", "").lower() == "instanceview"

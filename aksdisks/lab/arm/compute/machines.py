"""The machines of one subscription: their data disks and their power are changed, and they are made and removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.bodies import objects, section, texts
from aksdisks.lab.arm.compute import attachments, disk_rules, power, refusals
from aksdisks.lab.arm.compute.disk import Disk
from aksdisks.lab.arm.compute.disks import Disks
from aksdisks.lab.arm.compute.kept_machines import KeptMachines
from aksdisks.lab.arm.compute.machine import Machine, new_machine, scale_set_json
from aksdisks.lab.arm.compute.powered_off import PoweredOff
from aksdisks.lab.arm.compute.subscription import ComputeSubscription
from aksdisks.lab.arm.resources.operations import Operation, Purpose, Work
from aksdisks.lab.scenario import MachineSpec

Json = dict[str, Any]


class Machines:
    """VMs in an availability set or a scale set's instances, as the scenario says.

    What changes something checks everything first, raises `CloudError` and has then changed nothing.
    """

    def __init__(self, subscription: ComputeSubscription, disks: Disks) -> None:
        records, ids = subscription.records, subscription.ids
        self._subscription = subscription
        self._scenario = subscription.scenario
        self._disks = disks
        now = subscription.clock.now().isoformat
        self.created = datetime.fromisoformat(records.remembered("azure", "created", now))
        self._scale_set_uid = records.remembered("azure", "scale-set", ids.uid)
        self._tags = {
            "aks-managed-createOperationID": records.remembered("azure", "create-operation", ids.uid),
            "aks-managed-poolName": self._scenario.pool,
            "poolName": self._scenario.pool,
        }
        self._named = KeptMachines(records, self._scenario, disks.by_key)
        self._by_id = {machine.spec.resource_id.lower(): machine for machine in self._named.values()}
        if records.fresh:
            for spec in self._scenario.machines:
                self.add(spec)
        self.powered_off = PoweredOff()
        for machine in self._named.values():
            self._follow_power(machine)

    def all(self, group: str | None = None) -> list[Machine]:
        """The machines in a group, or all. Raises ResourceGroupNotFound."""
        return sorted(self._named.values(), key=lambda machine: machine.spec.index) if self._in(group) else []

    def vms(self, group: str | None = None) -> list[Machine]:
        """Those that are no scale set's instances. Raises ResourceGroupNotFound."""
        found = self.all(group)
        return found if self._scenario.machine_kind == "vmas" else []

    def scale_sets(self, group: str | None = None) -> list[Json]:
        """The scale sets in a group, or all, as a GET answers them. Raises ResourceGroupNotFound."""
        if not self._in(group) or self._scenario.machine_kind != "vmss":
            return []
        return [scale_set_json(self._scenario, self.created, self._scale_set_uid, self._tags)]

    def scale_set(self, group: str, name: str) -> Json:
        """The scale set of that name. Raises ResourceNotFound, ResourceGroupNotFound."""
        for found in self.scale_sets(group):
            if found["name"].lower() == name.lower():
                return found
        raise errors.resource_not_found(f"Microsoft.Compute/virtualMachineScaleSets/{name}", group)

    def get(self, machine_id: str) -> Machine:
        """The machine of that id. Raises ResourceNotFound."""
        try:
            return self._by_id[machine_id.lower()]
        except KeyError:
            # A node may carry any text as its providerID, so it need not be a resource's id.
            _, _, resource = machine_id.partition("/providers/")
            group = dict(zip(machine_id.split("/"), machine_id.split("/")[1:], strict=False)).get("resourceGroups", "")
            raise errors.resource_not_found(resource or machine_id, group) from None

    def vm(self, group: str, name: str) -> Machine:
        """The VM of that name. Raises ResourceNotFound, ResourceGroupNotFound."""
        self._subscription.groups.name(group)
        return self.get(self._subscription.compute_id(group, "virtualMachines", name))

    def instance(self, number: str) -> Machine:
        """The scale set's instance of that number. Raises `CloudError`."""
        if not number.isdecimal():
            raise refusals.instance_not_a_number()
        machine = next((entry for entry in self._named.values() if entry.spec.instance_id == number), None)
        if machine is None:
            raise refusals.instance_not_active(number)
        return machine

    def named(self, computer_name: str) -> Machine:
        """The machine whose computer has that name. Raises ResourceNotFound."""
        try:
            return self._named[computer_name.lower()]
        except KeyError:
            kind = "virtualMachineScaleSets" if self._scenario.machine_kind == "vmss" else "virtualMachines"
            group = self._scenario.node_resource_group
            raise errors.resource_not_found(f"Microsoft.Compute/{kind}/{computer_name}", group) from None

    def update(self, machine_id: str, body: Json) -> Operation:
        """PUT or PATCH: merge the body into the machine; of it, tags and the full list of data disks have an effect."""
        machine = self.get(machine_id)
        tags, profile = texts(body, "tags"), section(body, "properties", "storageProfile")
        wanted = objects(profile, "dataDisks")
        change = None if wanted is None else attachments.plan(machine, wanted, self._disks.by_key, self._named.places)
        self._check_change(machine, change)
        if tags is not None:
            machine.tags = tags
        return self._change(machine, change)

    def attach_detach(self, machine_id: str, body: Json) -> Operation:
        """POST attachDetachDataDisks: only what changes, not the full list (SPEC ComputeRP 2024-11-01)."""
        machine = self.get(machine_id)
        wanted = attachments.full_list(machine, body)
        change = attachments.plan(machine, wanted, self._disks.by_key, self._named.places)
        self._check_change(machine, change)
        return self._change(machine, change)

    def change_power(self, machine_ids: Sequence[str], act: power.Act) -> Operation:
        """POST start, deallocate, …: the same for each of the machines, at the same time."""
        machines = [self.get(machine_id) for machine_id in machine_ids]
        for machine in machines:
            self._check_change(machine, None)
        for machine in machines:
            power.begin(machine, act)
        subject = ",".join(machine.spec.resource_id.lower() for machine in machines)
        purpose = Purpose("power", subject, act.seconds(self._scenario.delays), act.name.lower())
        work = self._powering(machines, act, purpose.seconds)
        return self._subscription.operations.start("operations", work, purpose)

    def work_again(self, purpose: Purpose, left: float) -> Work | None:
        """What an operation has still to do after a restart, `left` in cluster seconds; None for another's."""
        if purpose.act == "change" and purpose.subject in self._by_id:
            machine = self._by_id[purpose.subject]
            return self._changing(machine, attachments.under_way(machine), left)
        if purpose.act == "power":
            machines = [self._by_id[key] for key in purpose.subject.split(",") if key in self._by_id]
            return self._powering(machines, power.ACTS[purpose.detail], left)
        return None

    def attachment(self, disk: Disk) -> disk_rules.Attached | None:
        """Where the disk is attached, on a machine that runs if there is one; None where it is not."""
        if not disk.managed_by:
            return None
        holders = [entry for entry in self.all() if entry.managed_by in disk.holders]
        machine = next((entry for entry in holders if entry.running), next(iter(holders), None))
        if machine is None:
            return None
        place = next((entry for entry in machine.data_disks if entry.key == disk.key), None)
        return disk_rules.Attached(machine.managed_by, machine.running, "ReadOnly" if place is None else place.caching)

    def add(self, spec: MachineSpec) -> None:
        """Make the machine and its system disk."""
        machine = new_machine(self._subscription, spec, self.created, self._tags)
        self._disks.restore(machine.os_disk)
        self._named[spec.node_name.lower()] = machine
        self._by_id[spec.resource_id.lower()] = machine

    def remove(self, spec: MachineSpec) -> None:
        """Delete the machine with its system disk; its data disks stay, attached to nothing."""
        machine = self._named.pop(spec.node_name.lower())
        del self._by_id[spec.resource_id.lower()]
        self._disks.lose(machine.os_disk)
        for entry in machine.data_disks:
            machine.detach_at_once(entry.disk, self._subscription.clock.now())

    def lose_disk(self, disk: Disk) -> None:
        """The disk is no more, wherever it was attached."""
        for machine, _ in self._named.places(disk.key):
            machine.detach_at_once(disk, self._subscription.clock.now())
        self._disks.lose(disk)

    def _change(self, machine: Machine, change: attachments.Change | None) -> Operation:
        attachments.begin(machine, change)
        machine.provisioning_state, machine.version = "Updating", machine.version + 1
        delay = attachments.seconds(change, self._scenario.delays)
        purpose = Purpose("change", machine.spec.resource_id.lower(), delay)
        return self._subscription.operations.start("operations", self._changing(machine, change, delay), purpose)

    def _changing(self, machine: Machine, change: attachments.Change | None, delay: float) -> Work:
        clock, injection = self._subscription.clock, self._subscription.injection

        async def work() -> Json:
            state = "Succeeded"
            try:
                await clock.sleep(delay)
                await injection.delay_change(machine, change)
                self.get(machine.spec.resource_id)  # it may be gone by now
                stuck = injection.failed_detaches(machine, change)
                state = "Failed" if stuck else state
                attachments.finish(machine, change, self._disks.by_key, clock.now(), stuck)
            finally:
                machine.provisioning_state = state
            return machine.to_json()

        return work

    def _powering(self, machines: Sequence[Machine], act: power.Act, delay: float) -> Work:
        async def work() -> None:
            await self._subscription.clock.sleep(delay)
            for machine in machines:
                power.finish(machine, act, self._subscription.clock.now())
                machine.provisioning_state = "Succeeded"
                self._follow_power(machine)

        return work

    def _follow_power(self, machine: Machine) -> None:
        self.powered_off.put(machine.spec.node_name, off=machine.power not in power.REPORTING)

    def _check_change(self, machine: Machine, change: attachments.Change | None) -> None:
        if machine.provisioning_state == "Updating":
            raise refusals.concurrent_request()
        self._subscription.injection.check_change(machine, change)

    def _in(self, group: str | None) -> bool:
        """Whether that group has the machines. Raises ResourceGroupNotFound."""
        return group is None or self._subscription.groups.name(group) == self._scenario.node_resource_group

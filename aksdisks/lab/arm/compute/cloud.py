"""Azure's state and rules for one subscription: resource groups, disks, machines; it knows nothing of Kubernetes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.bodies import objects, section, texts
from aksdisks.lab.arm.compute import attachments, disk_rules, power, refusals
from aksdisks.lab.arm.compute.disks import Disk
from aksdisks.lab.arm.compute.injection import OperationInjection
from aksdisks.lab.arm.compute.kept_machines import KeptMachines
from aksdisks.lab.arm.compute.machines import Machine, disk_id, new_machine, scale_set_json
from aksdisks.lab.arm.compute.powered_off import PoweredOff
from aksdisks.lab.arm.compute.snapshots import Snapshots
from aksdisks.lab.arm.persistence import KeptByKey, KeptOperations
from aksdisks.lab.arm.resources.groups import Groups
from aksdisks.lab.arm.resources.operations import Operation, Operations, Purpose
from aksdisks.lab.arm.resources.throttling import Throttle
from aksdisks.lab.persistence.records import Records
from aksdisks.lab.scenario import MachineSpec, Scenario

if TYPE_CHECKING:
    from aksdisks.lab.clock import Clock
    from aksdisks.lab.ids import Ids

Json = dict[str, Any]
Work = Callable[[], Awaitable[Json | None]]


class Cloud:
    """What a subscription with one AKS cluster holds.

    Reads answer at once. What changes something checks everything first, raises `CloudError` and has then changed
    nothing; else it returns an `Operation` that goes on in the background for as long as the scenario's delays say.
    Names and ids are matched without case and answered as they were written when the resource was made.
    """

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        ids: Ids,
        injection: OperationInjection | None = None,
        records: Records | None = None,
    ) -> None:
        """`injection`: what faults do to changes. `records`: what there is from before, where every change is kept.

        `resume` goes on with it.
        """
        records = records or Records()
        self.scenario = scenario
        self.clock = clock
        self.injection = injection or OperationInjection()
        place = f"{scenario.subscription}/providers/Microsoft.Compute/locations/{scenario.location}"
        self.operations = Operations(clock, ids, place)
        self.kubeconfigs: dict[str, bytes] = {}
        self.throttle = Throttle(clock, scenario.subscription_id)
        self._ids = ids
        self.created = datetime.fromisoformat(records.remembered("azure", "created", clock.now().isoformat))
        self.groups = Groups(records, scenario)
        self._scale_set_uid = records.remembered("azure", "scale-set", ids.uid)
        self._tags = {
            "aks-managed-createOperationID": records.remembered("azure", "create-operation", ids.uid),
            "aks-managed-poolName": scenario.pool,
            "poolName": scenario.pool,
        }
        self._disks = KeptByKey(records, "azure/disk", Disk)
        self.on_deleted: Callable[[Disk], None] = lambda _disk: None
        self.snapshots = Snapshots(records, scenario, clock, ids, self.operations, self.groups, self.find_disk)
        self._named = KeptMachines(records, scenario, self._disks)
        self._machines = {machine.spec.resource_id.lower(): machine for machine in self._named.values()}
        if records.fresh:
            for spec in scenario.machines:
                self.add_machine(spec)
        self.powered_off = PoweredOff()
        for machine in self._named.values():
            self._follow_power(machine)
        kept = KeptOperations(records)
        self._unfinished = [operation for operation in kept.read() if not self._known_again(operation)]
        self.operations.on_change, self.operations.on_forgotten = kept.keep, kept.forget

    def _known_again(self, operation: Operation) -> bool:
        """Take in an operation from before a restart; whether it had ended."""
        self.operations.enter(operation)
        return operation.finished.is_set()

    def resume(self) -> None:
        """Go on with the operations that were under way; time that has passed since is over."""
        for operation in self._unfinished:
            work = self._work_again(operation.purpose, operation.started)
            self.operations.go_on(operation, work)

    def _work_again(self, purpose: Purpose | None, started: datetime) -> Work:
        passed = (self.clock.now() - started).total_seconds() * self.clock.speed
        left = 0.0 if purpose is None else max(0.0, purpose.seconds - passed)
        if purpose is not None and purpose.act == "change" and purpose.subject in self._machines:
            machine = self._machines[purpose.subject]
            return self._changing(machine, attachments.under_way(machine), left)
        if purpose is not None and purpose.act == "power":
            machines = [self._machines[key] for key in purpose.subject.split(",") if key in self._machines]
            return self._powering(machines, power.ACTS[purpose.detail], left)
        if purpose is not None and purpose.act == "delete group":
            if not self.groups.exists(purpose.subject):
                return self._nothing
            self.groups.begin_deletion(purpose.subject)
            return self._deleting_group(purpose.subject, left)
        of_snapshot = None if purpose is None else self.snapshots.work_again(purpose, left)
        if of_snapshot is not None:
            return of_snapshot
        disk = None if purpose is None else self._disks.get(purpose.subject)
        if purpose is None or disk is None or purpose.detail not in ("", disk.unique_id):
            return self._nothing
        if purpose.act == "delete":
            return self._deleting(disk, left)
        self.snapshots.copy_again(disk)
        return self._settling(disk, left)

    @staticmethod
    async def _nothing() -> None:
        """What it was about is gone."""

    async def close(self) -> None:
        """Stop the operations that are under way."""
        await self.operations.close()
        await self.snapshots.copies.close()

    # Resource groups

    def group(self, name: str) -> str:
        """The group's name as it was made. Raises ResourceGroupNotFound."""
        return self.groups.name(name)

    def delete_group(self, name: str) -> Operation:
        """Delete a group with all disks in it; what a machine has, and the cluster's groups, stay."""
        self.groups.begin_deletion(name)
        purpose = Purpose("delete group", self.group(name), self.scenario.delays.delete_disk)
        work = self._deleting_group(purpose.subject, purpose.seconds)
        return self.operations.start("operationresults", work, purpose)

    def _deleting_group(self, name: str, delay: float) -> Work:
        async def work() -> None:
            gone = False
            try:
                await self.clock.sleep(delay)
                keys = [disk.key for disk in self.disks(name)] + [entry.key for entry in self.snapshots.all(name)]
                await self.snapshots.copies.let_go(*keys)
                disks = self.disks(name)
                stay = [disk.id for disk in disks if disk.managed_by]
                if name == self.scenario.resource_group:
                    stay.append(self.scenario.cluster_id)
                if stay:
                    kinds = [entry.partition("/providers/")[2] for entry in stay]
                    raise refusals.group_is_not_deleted(name, kinds, stay)
                for disk in disks:
                    self._remove_disk(disk)
                self.snapshots.delete_all(name)
                gone = True
            finally:
                self.groups.end_deletion(name, gone=gone)

        return work

    # Disks

    def find_disk(self, disk_id: str) -> Disk | None:
        """The disk of that id."""
        return self._disks.get(disk_id.lower())

    def disk(self, group: str, name: str) -> Disk:
        """The disk of that name. Raises ResourceNotFound, ResourceGroupNotFound."""
        self.group(group)
        disk = self._disks.get(disk_id(self.scenario, group, name).lower())
        if disk is None:
            raise errors.resource_not_found(f"Microsoft.Compute/disks/{name}", group)
        return disk

    def disk_path(self, disk_id: str) -> tuple[str, str]:
        """Group and name out of an id. Raises ResourceNotFound when it is not a disk's id."""
        parts = disk_id.split("/")
        if len(parts) != 9 or parts[7].lower() != "disks":
            raise errors.disk_not_found(disk_id)
        return parts[4], parts[8]

    def disks(self, group: str | None = None) -> list[Disk]:
        """The disks of a group, or of the subscription, by id. Raises ResourceGroupNotFound."""
        wanted = None if group is None else self.group(group).lower()
        found = [disk for disk in self._disks.values() if wanted is None or disk.group.lower() == wanted]
        return sorted(found, key=lambda disk: disk.key)

    def create_or_update_disk(self, group: str, name: str, body: Json) -> Operation:
        """PUT: a new disk (createOption Empty or Copy), or the one of that name with what the body changes."""
        self.group(group)
        existing = self._disks.get(disk_id(self.scenario, group, name).lower())
        if existing is not None:
            return self.update_disk(group, name, body)
        source_id = disk_rules.source_id(body)
        source = self.snapshots.source(source_id) if source_id else None
        wanted = disk_rules.new(self.scenario, name, body, source.size_gib if source is not None else None)
        disk = Disk(
            id=disk_id(self.scenario, group, name),
            group=group,
            name=name,
            unique_id=self._ids.uid(),
            created=self.clock.now(),
            provisioning_state="Updating",
            create_option="Empty" if source is None else "Copy",
            source_id=source_id,
            source_unique_id="" if source is None else source.unique_id,
            **vars(wanted),
        )
        used = sum(not other.os_type for other in self._disks.values())
        self.injection.check_new(disk, used)
        if 0 < self.scenario.disk_quota <= used:
            raise refusals.quota_exceeded(disk.sku, disk.location, used)
        self._disks[disk.key] = disk
        if source is not None:
            self.snapshots.copies.begin(source, disk)
        return self._finish_later(disk, self.scenario.delays.create_disk)

    def update_disk(self, group: str, name: str, body: Json) -> Operation:
        """PATCH: size (upwards), tags, SKU, performance, access."""
        disk = self.disk(group, name)
        wanted = disk_rules.changed(self.scenario, disk, body, self._attached(disk))
        for field, value in vars(wanted).items():
            setattr(disk, field, value)
        disk.provisioning_state = "Updating"
        return self._finish_later(disk, self.scenario.delays.update_disk)

    def delete_disk(self, group: str, name: str) -> Operation | None:
        """Delete a disk that no machine has; None when there is none of that name.

        A disk in the middle of being attached has no machine yet and can be deleted, as in k/k#82714.
        """
        self.group(group)
        disk = self._disks.get(disk_id(self.scenario, group, name).lower())
        if disk is None:
            return None
        if disk.managed_by:
            raise errors.disk_is_attached(disk.name, disk.managed_by)
        purpose = Purpose("delete", disk.key, self.scenario.delays.delete_disk, disk.unique_id)
        return self.operations.start("DiskOperations", self._deleting(disk, purpose.seconds), purpose)

    def _deleting(self, disk: Disk, delay: float) -> Work:
        async def work() -> None:
            await self.clock.sleep(delay)
            await self.snapshots.copies.let_go(disk.key)
            if disk.managed_by:
                raise errors.disk_is_attached(disk.name, disk.managed_by)
            self._remove_disk(disk)

        return work

    def _remove_disk(self, disk: Disk) -> None:
        """Unless another deletion was faster: what has its name by now is another disk."""
        if self._disks.get(disk.key) is disk:
            del self._disks[disk.key]
            self.on_deleted(disk)

    # Machines

    def machines(self, group: str | None = None) -> list[Machine]:
        """The machines in a group, or all. Raises ResourceGroupNotFound."""
        if group is not None and self.group(group) != self.scenario.node_resource_group:
            return []
        return sorted(self._named.values(), key=lambda machine: machine.spec.index)

    def machine(self, machine_id: str) -> Machine:
        """The machine of that id. Raises ResourceNotFound."""
        try:
            return self._machines[machine_id.lower()]
        except KeyError:
            # A node may carry any text as its providerID, so it need not be a resource's id.
            _, _, resource = machine_id.partition("/providers/")
            group = dict(zip(machine_id.split("/"), machine_id.split("/")[1:], strict=False)).get("resourceGroups", "")
            raise errors.resource_not_found(resource or machine_id, group) from None

    def machine_named(self, computer_name: str) -> Machine:
        """The machine whose computer has that name. Raises ResourceNotFound."""
        try:
            return self._named[computer_name.lower()]
        except KeyError:
            kind = "virtualMachineScaleSets" if self.scenario.machine_kind == "vmss" else "virtualMachines"
            group = self.scenario.node_resource_group
            raise errors.resource_not_found(f"Microsoft.Compute/{kind}/{computer_name}", group) from None

    def scale_set_json(self) -> Json:
        """The pool's scale set."""
        return scale_set_json(self.scenario, self.created, self._scale_set_uid, self._tags)

    def update_machine(self, machine_id: str, body: Json) -> Operation:
        """PUT or PATCH: merge the body into the machine; of it, tags and the full list of data disks have an effect."""
        machine = self.machine(machine_id)
        tags, profile = texts(body, "tags"), section(body, "properties", "storageProfile")
        wanted = objects(profile, "dataDisks")
        change = attachments.plan(machine, wanted, self._disks, self.machines()) if wanted is not None else None
        self._check_change(machine, change)
        if tags is not None:
            machine.tags = tags
        return self._change_machine(machine, change)

    def attach_detach(self, machine_id: str, body: Json) -> Operation:
        """POST attachDetachDataDisks: only what changes, not the full list (SPEC ComputeRP 2024-11-01)."""
        machine = self.machine(machine_id)
        wanted = attachments.full_list(machine, body)
        change = attachments.plan(machine, wanted, self._disks, self.machines())
        self._check_change(machine, change)
        return self._change_machine(machine, change)

    def _change_machine(self, machine: Machine, change: attachments.Change | None) -> Operation:
        attachments.begin(machine, change)
        machine.provisioning_state, machine.version = "Updating", machine.version + 1
        delay = attachments.seconds(change, self.scenario.delays)
        purpose = Purpose("change", machine.spec.resource_id.lower(), delay)
        return self.operations.start("operations", self._changing(machine, change, delay), purpose)

    def _changing(self, machine: Machine, change: attachments.Change | None, delay: float) -> Work:
        async def work() -> Json:
            state = "Succeeded"
            try:
                await self.clock.sleep(delay)
                await self.injection.delay(machine, change)
                self.machine(machine.spec.resource_id)  # it may be gone by now
                stuck = self.injection.stuck(machine, change)
                state = "Failed" if stuck else state
                attachments.finish(machine, change, self._disks, self.clock.now(), stuck)
            finally:
                machine.provisioning_state = state
            return machine.to_json()

        return work

    def change_power(self, machine_ids: Sequence[str], act: power.Act) -> Operation:
        """POST start, deallocate, …: the same for each of the machines, at the same time."""
        machines = [self.machine(machine_id) for machine_id in machine_ids]
        for machine in machines:
            self._check_change(machine, None)
        for machine in machines:
            power.begin(machine, act)
        subject = ",".join(machine.spec.resource_id.lower() for machine in machines)
        purpose = Purpose("power", subject, act.seconds(self.scenario.delays), act.name.lower())
        return self.operations.start("operations", self._powering(machines, act, purpose.seconds), purpose)

    def _powering(self, machines: Sequence[Machine], act: power.Act, delay: float) -> Work:
        async def work() -> None:
            await self.clock.sleep(delay)
            for machine in machines:
                power.finish(machine, act, self.clock.now())
                machine.provisioning_state = "Succeeded"
                self._follow_power(machine)

        return work

    def _follow_power(self, machine: Machine) -> None:
        self.powered_off.put(machine.spec.node_name, off=machine.power not in power.HEARD)

    def _check_change(self, machine: Machine, change: attachments.Change | None) -> None:
        if machine.provisioning_state == "Updating":
            raise errors.concurrent_request()
        self.injection.check_change(machine, change)

    def _attached(self, disk: Disk) -> disk_rules.Attached | None:
        if not disk.managed_by:
            return None
        holders = [entry for entry in self.machines() if entry.managed_by in disk.holders]
        machine = next((entry for entry in holders if entry.running), next(iter(holders), None))
        if machine is None:
            return None
        place = next((entry for entry in machine.data_disks if entry.key == disk.key), None)
        return disk_rules.Attached(machine.managed_by, machine.running, "ReadOnly" if place is None else place.caching)

    def _finish_later(self, disk: Disk, delay: float) -> Operation:
        purpose = Purpose("settle", disk.key, delay, disk.unique_id)
        return self.operations.start("DiskOperations", self._settling(disk, delay), purpose)

    def _settling(self, disk: Disk, delay: float) -> Work:
        async def work() -> Json:
            await self.clock.sleep(delay)
            await self.snapshots.copies.made(disk.key)
            disk.provisioning_state = "Succeeded"
            return disk.to_json()

        return work

    def add_machine(self, spec: MachineSpec) -> None:
        """Make the machine and its system disk."""
        machine = new_machine(self.scenario, spec, self._ids, self.created, self._tags)
        self._disks[machine.os_disk.key] = machine.os_disk
        self._named[spec.node_name.lower()] = machine
        self._machines[spec.resource_id.lower()] = machine

    def remove_machine(self, spec: MachineSpec) -> None:
        """Delete the machine with its system disk; its data disks stay, attached to nothing."""
        machine = self._named.pop(spec.node_name.lower())
        del self._machines[spec.resource_id.lower()]
        self._disks.pop(machine.os_disk.key, None)
        for entry in list(machine.data_disks):
            machine.let_go(entry.disk, self.clock.now())

    def lose_disk(self, disk: Disk) -> None:
        """The disk is no more, wherever it was attached."""
        for machine in self.machines():
            machine.let_go(disk, self.clock.now())
        self._disks.pop(disk.key, None)

    def find_disk_again(self, disk: Disk) -> None:
        """A lost disk is back, unless one of its name was made meanwhile."""
        self._disks.setdefault(disk.key, disk)

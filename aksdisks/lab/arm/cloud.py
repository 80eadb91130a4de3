"""Azure as one subscription with an AKS cluster has it: its parts, put together; it knows nothing of Kubernetes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aksdisks.lab.arm.compute import refusals
from aksdisks.lab.arm.compute.copies import Copies
from aksdisks.lab.arm.compute.disk import Disk
from aksdisks.lab.arm.compute.disks import Disks
from aksdisks.lab.arm.compute.injection import OperationInjection
from aksdisks.lab.arm.compute.machines import Machines
from aksdisks.lab.arm.compute.snapshot import Snapshot
from aksdisks.lab.arm.compute.snapshots import Snapshots
from aksdisks.lab.arm.compute.subscription import ComputeSubscription
from aksdisks.lab.arm.persistence import KeptOperations
from aksdisks.lab.arm.resources.groups import Groups
from aksdisks.lab.arm.resources.locks import Locks
from aksdisks.lab.arm.resources.operations import Operation, Operations, Purpose, Work
from aksdisks.lab.arm.resources.subscription import Subscription
from aksdisks.lab.arm.resources.throttling import Throttle
from aksdisks.lab.arm.storage.storage import Storage
from aksdisks.lab.persistence.records import Records
from aksdisks.lab.scenario import Scenario

if TYPE_CHECKING:
    from aksdisks.lab.clock import Clock
    from aksdisks.lab.ids import Ids


class Cloud:
    """Resource groups, disks, snapshots, machines, storage accounts, and the operations that change them.

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
        self.operations = Operations(clock, ids, scenario.subscription, scenario.location)
        self.throttle = Throttle(clock, scenario.subscription_id)
        self.groups = Groups(records, scenario)
        self.locks = Locks(records)
        self.copies: Copies[Disk | Snapshot] = Copies()
        self.kubeconfigs: dict[str, bytes] = {}
        common = (scenario, clock, ids, records, self.groups, self.operations)
        self.storage = Storage(Subscription(*common))
        shared = ComputeSubscription(*common, self.injection, self.copies)
        self.disks = Disks(shared, self._find_source, lambda disk: self.machines.attachment(disk))
        self.snapshots = Snapshots(shared, self._find_source)
        self.machines = Machines(shared, self.disks)
        kept = KeptOperations(records)
        self._unfinished = [operation for operation in kept.read() if not self._known_again(operation)]
        self.operations.on_change, self.operations.on_forgotten = kept.keep, kept.forget

    def _find_source(self, resource_id: str) -> Disk | Snapshot | None:
        return self.disks.find(resource_id) or self.snapshots.find(resource_id)

    def _known_again(self, operation: Operation) -> bool:
        """Take in an operation from before a restart; whether it had ended."""
        self.operations.enter(operation)
        return operation.finished.is_set()

    def resume(self) -> None:
        """Go on with the operations that were under way; time that has passed since is over."""
        for operation in self._unfinished:
            self.operations.go_on(operation, self._work_again(operation.purpose, operation.started))

    def _work_again(self, purpose: Purpose | None, started: datetime) -> Work:
        if purpose is None:
            return _nothing
        passed = (self.clock.now() - started).total_seconds() * self.clock.speed
        left = max(0.0, purpose.seconds - passed)
        if purpose.act == "delete group" and self.groups.exists(purpose.subject):
            self.groups.begin_deletion(purpose.subject)
            return self._deleting_group(purpose.subject, left)
        for part in (self.machines, self.disks, self.snapshots, self.storage.accounts):
            if (work := part.work_again(purpose, left)) is not None:
                return work
        return _nothing

    async def close(self) -> None:
        """Stop the operations that are under way."""
        await self.operations.close()
        await self.copies.close()

    def delete_group(self, name: str) -> Operation:
        """Delete a group with all that is in it; what a machine has, and the cluster's groups, stay."""
        self.groups.begin_deletion(name)
        purpose = Purpose("delete group", self.groups.name(name), self.scenario.delays.delete_disk)
        work = self._deleting_group(purpose.subject, purpose.seconds)
        return self.operations.start("operationresults", work, purpose)

    def _deleting_group(self, name: str, delay: float) -> Work:
        async def work() -> None:
            gone = False
            try:
                await self.clock.sleep(delay)
                doomed: list[Disk | Snapshot] = [*self.disks.all(name), *self.snapshots.all(name)]
                await self.copies.until_idle(*(resource.key for resource in doomed))
                disks = self.disks.all(name)
                stay = [disk.id for disk in disks if disk.managed_by]
                if name == self.scenario.resource_group:
                    stay.append(self.scenario.cluster_id)
                if stay:
                    kinds = [entry.partition("/providers/")[2] for entry in stay]
                    raise refusals.group_is_not_deleted(name, kinds, stay)
                for disk in disks:
                    self.disks.remove(disk)
                for snapshot in self.snapshots.all(name):
                    self.snapshots.remove(snapshot)
                for account in self.storage.accounts.all(name):
                    self.storage.accounts.remove(account)
                gone = True
            finally:
                self.groups.end_deletion(name, gone=gone)

        return work


async def _nothing() -> None:
    """What the operation was about is gone."""

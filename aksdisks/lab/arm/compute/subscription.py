"""What the resources of one subscription have in common: groups, operations, clock, records, faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aksdisks.lab.arm.compute.copies import Copies
    from aksdisks.lab.arm.compute.disk import Disk
    from aksdisks.lab.arm.compute.injection import OperationInjection
    from aksdisks.lab.arm.compute.snapshot import Snapshot
    from aksdisks.lab.arm.resources.groups import Groups
    from aksdisks.lab.arm.resources.operations import Operations
    from aksdisks.lab.clock import Clock
    from aksdisks.lab.ids import Ids
    from aksdisks.lab.persistence.records import Records
    from aksdisks.lab.scenario import Scenario


@dataclass(frozen=True)
class Subscription:
    """`records`: what there is from before, and where changes are kept; `injection`: what faults do to changes."""

    scenario: Scenario
    clock: Clock
    ids: Ids
    records: Records
    injection: OperationInjection
    groups: Groups
    operations: Operations
    copies: Copies[Disk | Snapshot]

    def compute_id(self, group: str, kind: str, name: str) -> str:
        """The id of a resource of Microsoft.Compute; `kind` such as `disks`."""
        return f"{self.scenario.subscription}/resourceGroups/{group}/providers/Microsoft.Compute/{kind}/{name}"

"""What the resources of one subscription have in common, whichever provider's: groups, operations, clock, records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aksdisks.lab.arm.resources.groups import Groups
    from aksdisks.lab.arm.resources.operations import Operations
    from aksdisks.lab.clock import Clock
    from aksdisks.lab.ids import Ids
    from aksdisks.lab.persistence.records import Records
    from aksdisks.lab.scenario import Scenario


@dataclass(frozen=True)
class Subscription:
    """`records`: what there is from before, and where changes are kept."""

    scenario: Scenario
    clock: Clock
    ids: Ids
    records: Records
    groups: Groups
    operations: Operations

    def resource_id(self, group: str, kind: str, name: str) -> str:
        """The id of a resource; `kind` such as `Microsoft.Compute/disks`."""
        return f"{self.scenario.subscription}/resourceGroups/{group}/providers/{kind}/{name}"

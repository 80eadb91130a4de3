"""What disks, snapshots and machines of one subscription have in common beyond what all resources have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aksdisks.lab.arm.resources.subscription import Subscription

if TYPE_CHECKING:
    from aksdisks.lab.arm.compute.copies import Copies
    from aksdisks.lab.arm.compute.disk import Disk
    from aksdisks.lab.arm.compute.injection import OperationInjection
    from aksdisks.lab.arm.compute.snapshot import Snapshot


@dataclass(frozen=True)
class ComputeSubscription(Subscription):
    """`injection`: what faults do to changes."""

    injection: OperationInjection
    copies: Copies[Disk | Snapshot]

    def compute_id(self, group: str, kind: str, name: str) -> str:
        """The id of a resource of Microsoft.Compute; `kind` such as `disks`."""
        return self.resource_id(group, f"Microsoft.Compute/{kind}", name)

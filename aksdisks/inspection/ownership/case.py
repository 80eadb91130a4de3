"""One disk with all that it hangs on, as the rules of verdicts see it; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aksdisks.inspection.ownership.facts import Facts
from aksdisks.model import Disk, Machine, Unknown
from aksdisks.model.ownership import UsedDisk


@dataclass(frozen=True, kw_only=True)
class Case(UsedDisk):
    """A disk, or one that could not be read and that a volume names, among all that was read."""

    facts: Facts

    @property
    def namespace(self) -> str:
        """The namespace of its claim: as its volume says, else its tags."""
        if self.volume and (self.volume.claim_namespace or self.claim):
            return self.volume.claim_namespace or (self.claim.namespace if self.claim else "")
        return self.disk.claim_namespace if isinstance(self.disk, Disk) else ""

    @property
    def lun(self) -> int | Unknown | None:
        """Where it sits on its machine, by Azure."""
        if not isinstance(self.machine, Machine):
            return self.machine
        return self.facts.lun(self.machine, self.id)

    @property
    def made_for(self) -> str:
        """The claim that it was made for, by its tags, else the volume; empty where they name none."""
        if not isinstance(self.disk, Disk):
            return ""
        return (
            f"claim {self.disk.claim}" if self.disk.claim else f"volume {self.disk.volume}" if self.disk.volume else ""
        )

    @property
    def since(self) -> datetime | None:
        """Since when nobody can have used it: when it was detached, else made; None where Azure does not say."""
        if not isinstance(self.disk, Disk):
            return None
        return max((each for each in (self.disk.created, self.disk.owner_changed) if each), default=None)

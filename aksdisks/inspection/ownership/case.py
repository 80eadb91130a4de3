"""One disk or one share with all that it hangs on, as the rules of verdicts see it; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from aksdisks.inspection.ownership.facts import Facts
from aksdisks.model import Disk, FileShare, Machine, Unknown, share_key
from aksdisks.model.ownership import Used, UsedDisk, UsedShare

# What the driver names a share after, where its class does not say another name: the claim's uid
# (azurefile-csi-driver pkg/azurefile/controllerserver.go).
_BY_UID = re.compile(r"pvc[nd]?-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


@dataclass(frozen=True, kw_only=True)
class Case(UsedDisk):
    """A disk, or one that could not be read and that a volume names, among all that was read."""

    facts: Facts

    @property
    def namespace(self) -> str:
        """The namespace of its claim: as its volume says, else its tags."""
        if named := claim_namespace(self):
            return named
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


@dataclass(frozen=True, kw_only=True)
class ShareCase(UsedShare):
    """A share, or one that could not be read and that a volume names, among all that was read."""

    facts: Facts

    @property
    def namespace(self) -> str:
        """The namespace of its claim, as its volume says; nothing in Azure does."""
        return claim_namespace(self)

    @property
    def key(self) -> str:
        """`account/share`, by which volumes name it."""
        return share_key(self.account_name, self.name)

    @property
    def claim_uid(self) -> str:
        """The uid of the claim that it was made for, where the driver named it after that."""
        match = _BY_UID.fullmatch(self.name)
        return match[1] if match else ""

    @property
    def by_driver(self) -> bool:
        """Whether the driver made it: it says so itself, else the share's name does."""
        return bool(self.claim_uid) or (isinstance(self.share, FileShare) and self.share.made_by_driver)


def claim_namespace(used: Used) -> str:
    """The namespace of the claim, by the volume that names a disk or a share; empty where there is none."""
    if used.volume is None:
        return ""
    return used.volume.claim_namespace or (used.claim.namespace if used.claim else "")

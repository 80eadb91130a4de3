"""Whether a runbook may make disks and volumes of its own here."""

from __future__ import annotations

from aksdisks.model import Unknown
from aksdisks.model.checks import Holds
from aksdisks.session.azure_objects import may_make
from aksdisks.session.session import Session

_RIGHTS = ("create", "patch", "delete")
_NOT_HERE = "no disks may be made here: this is no lab, and the parameter make_disks is false"


def making_disks(session: Session) -> tuple[Holds, str]:
    """Whether disks and volumes may be made and deleted here, and what was seen of that."""
    if not may_make(session.connection):
        return None, _NOT_HERE
    if session.azure.unknown is not None:
        return session.azure.unknown, "Azure is not asked"
    if (written := writing_volumes(session)) is not True:
        return written, "not allowed"
    return True, "a lab" if session.disruption.in_a_lab else "make_disks is true"


def writing_volumes(session: Session) -> bool | Unknown:
    """Whether this identity may make, change and delete volumes."""
    for verb in _RIGHTS:
        if session.cluster.allowed(verb, "persistentvolumes") is not True:
            return Unknown(f"this identity may not {verb} persistentvolumes")
    return True

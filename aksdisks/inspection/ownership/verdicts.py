"""The verdict on a disk: rules in the order in which they are asked, each with its reason as a sentence; pure.

A rule takes states over words, and never takes what could not be read for gone: an `orphan` is only what no readable
fact speaks against.
"""

from __future__ import annotations

from collections.abc import Callable

from aksdisks.inspection.ownership.case import Case
from aksdisks.inspection.ownership.clusters import other_cluster
from aksdisks.inspection.ownership.uses import (
    Judgement,
    first_verdict,
    hangs_on,
    kept,
    moment,
    mounted,
    span,
    volumes_unread,
    without_claim,
)
from aksdisks.inspection.second_look import AT_REST, NAMED_BY_UID
from aksdisks.model import Disk, Unknown, id_key

Rule = Callable[[Case], Judgement | None]

# What the driver, and before it the in-tree one, writes on every disk that it makes
# (CSI docs/driver-parameters.md and driver-parameters-intree.md).
_MADE_BY = ("k8s-azure-created-by", "created-by")
_DRIVER = "kubernetes-azure-dd"


def judge(case: Case) -> Judgement:
    """The verdict of the first rule that has one; the reason names the other volumes that stand for the same disk."""
    return first_verdict(case, RULES, case.facts.volumes_of(case.id), "disk")


def _disk_unread(case: Case) -> Judgement | None:
    if not isinstance(case.disk, Unknown):
        return None
    where = "it is outside the node resource group, and " if case.facts.is_elsewhere(case.id) else ""
    return "unknown", f"{where}{case.disk.because}; {hangs_on(case)}"


def _elsewhere(case: Case) -> Judgement | None:
    if not case.facts.is_elsewhere(case.id):
        return None
    return "unknown", f"it is outside the node resource group: who else uses it cannot be told; {hangs_on(case)}"


def _kept(case: Case) -> Judgement | None:
    return kept(case, f"; it is still attached to {_holder(case)}" if _attached(case) else "")


def _attached_unnamed(case: Case) -> Judgement | None:
    """A machine has the disk, and no volume names it."""
    if not _attached(case) or not isinstance(case.disk, Disk):
        return None
    holder = _holder(case)
    if case.disk.os_type:
        return "foreign", f"{holder} starts from it: it has the operating system"
    if not case.made_for:
        return "foreign", f"no tag says that it was made for a claim; it is attached to {holder}"
    return "unknown", f"it is attached to {holder}, though no volume names it; it was made for {case.made_for}"


def _foreign(case: Case) -> Judgement | None:
    if not isinstance(case.disk, Disk) or case.made_for:
        return None
    if any(case.disk.tags.get(tag) == _DRIVER for tag in _MADE_BY):
        return "unknown", "the disk driver made it, and no tag says for which claim"
    return "foreign", "no tag says that it was made for a claim"


def _other_cluster(case: Case) -> Judgement | None:
    because = other_cluster(case.facts, case.disk.tags) if isinstance(case.disk, Disk) else ""
    return ("unknown", because) if because else None


def _busy(case: Case) -> Judgement | None:
    """Azure has the disk in another state than Unattached: somebody reads or writes it without a machine."""
    if not isinstance(case.disk, Disk):
        return None
    if because := case.facts.needing.get(id_key(case.id)):
        return "kept", because
    if case.disk.state != "Unattached":
        return "unknown", f"no volume names it, and Azure has it in state {case.disk.state or 'none'}"
    if case.disk.completion is not None and case.disk.completion < 100.0:
        return "unknown", f"no volume names it, and Azure is filling it: {case.disk.completion:.0f} % are there"
    if case.disk.provisioning_state not in ("", *AT_REST):
        return (
            "unknown",
            f"no volume names it, and Azure is changing it (provisioningState {case.disk.provisioning_state})",
        )
    return None


def _awaited(case: Case) -> Judgement | None:
    """The claim that the disk was made for is there, and has no other volume."""
    facts, disk = case.facts, case.disk
    if not isinstance(disk, Disk):
        return None
    if because := facts.unread("PersistentVolumeClaim"):
        return "unknown", f"no volume names it; whether claim {disk.claim or '?'} waits for it is not known: {because}"
    named = next((disk.name.removeprefix(begin) for begin in NAMED_BY_UID if disk.name.startswith(begin)), "")
    by_uid = facts.claims_by_uid.get(named)
    claim = by_uid or facts.claims.get(disk.claim)
    if claim is None:
        return None
    if claim.volume and claim.volume == disk.volume:
        named = f"it names volume {claim.volume}, which is gone, and this is its disk"
        return "kept", f"claim {claim.key} is {claim.phase}: {named}"
    if not claim.volume:
        source = f" from {claim.source_kind} {claim.source_name}" if claim.source_name else ""
        return "kept", f"claim {claim.key} is {claim.phase}: its disk is being made{source}"
    if by_uid:
        return "unknown", f"it was made for claim {claim.key}, which has volume {claim.volume} instead"
    return None


def _volume_of_that_name(case: Case) -> Judgement | None:
    """The volume that the disk was made for is there, and names another disk."""
    if not isinstance(case.disk, Disk) or not (volume := case.facts.volumes_by_name.get(case.disk.volume)):
        return None
    return "unknown", f"volume {volume.name}, which it was made for, is there and names another disk: {volume.disk_id}"


def _machines_unread(case: Case) -> Judgement | None:
    """A disk that is being attached says Unattached; the machine has it among its dataDisks by then (facts E)."""
    machines = case.facts.inventory.machines
    if not isinstance(machines, Unknown):
        return None
    return "unknown", f"no volume names it; whether a machine has it is {machines}"


def _left(case: Case) -> Judgement:
    """Nothing names the disk: an orphan once it is old enough."""
    facts = case.facts
    if case.since is None:
        return "unknown", f"no volume names it; it was made for {case.made_for}, and Azure does not say when"
    age = (facts.inventory.taken - case.since).total_seconds() * facts.inventory.time_scale
    text = f"it was made for {case.made_for}, no volume names it, and nothing has used it since {moment(case.since)}"
    if age < facts.grace:
        return "young", f"{text}, less than {span(facts.grace)} ago"
    return "orphan", text


RULES: tuple[Rule, ...] = (
    mounted,
    volumes_unread,
    _disk_unread,
    _elsewhere,
    _kept,
    without_claim,
    _attached_unnamed,
    _foreign,
    _other_cluster,
    _busy,
    _awaited,
    _volume_of_that_name,
    _machines_unread,
    _left,
)
"""The first that has a verdict is right; the last always has one."""


def _attached(case: Case) -> bool:
    """Whether Azure has the disk on a machine, by the disk or by the machine."""
    return isinstance(case.disk, Disk) and bool(case.facts.nodes_of(case.disk))


def _holder(case: Case) -> str:
    return ", ".join(sorted(case.facts.nodes_of(case.disk))) if isinstance(case.disk, Disk) else ""

"""The volume is released, and its disk cannot be deleted.

What it is
    The claim is gone and the policy is Delete, but the disk stays: it is still attached to a machine, also where
    Kubernetes knows of no attachment any more, or Azure refuses. The volume stays Released and the disk is paid for
    until an attempt succeeds; the provisioner tries again by itself, ever more rarely.

How it is recognised
    States: the volume is Released or Failed with policy Delete; in Azure the disk has a holder.
    Words: `VolumeFailedDelete` `disk(…) already attached to node(…), could not be deleted` (azuredisk-csi-driver
    pkg/azuredisk/azure_managedDiskController.go), `persistentvolume … is still attached to node …`
    (external-provisioner pkg/controller/controller.go), `Disk … is attached to VM …` (Azure).

What it is not
    The first minutes after a deletion, while the detach is under way and the first attempts fail (`volume-released`).
    A volume that was made by hand and that nothing deletes (`volume-released`). A refusal that has its own name:
    `not-authorized`, `denied-by-policy`, `throttled`.

Next
    Find out who holds the disk, in Azure. Only once no pod on that machine uses it is it safe to detach it there.

Links
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#delete
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.refusals import Refusal, act_of, in_a_line, refused
from aksdisks.inspection.diagnosis.rows import attachment_rows, disk_rows, disk_state, kubectl
from aksdisks.model import Disk

_PATIENCE = 600.0  # cluster seconds: longer than a detach takes, and the first attempts after it


def _rule(case: Case) -> Match | Not | None:
    volume = case.volume
    if case.kind != "PersistentVolume" or volume is None or volume.phase not in ("Released", "Failed"):
        return None
    if volume.is_left:
        return None
    failed = [row for row in case.messages if act_of(row) == "delete"]
    if not failed:
        return None
    held = refused(case, "held-in-azure", "held-in-kubernetes")
    if held is None:
        return _match(
            case, failed[-1], f"its {case.medium} cannot be deleted: {in_a_line(failed[-1].says.partition(': ')[2])}"
        )
    events = case.seen.events_of(volume, "VolumeFailedDelete")
    tried = case.seen.age(min((e.first for e in events if e.first), default=None))
    if tried is not None and tried < _PATIENCE and (case.attachments or _may_be_free(case)):
        return Not("the disk was still attached at the last attempt, which is tried again by itself")
    return _match(case, held.evidence, f"its disk cannot be deleted, because {_holder(case, held)}")


def _match(case: Case, row: Evidence, because: str) -> Match:
    volume = case.volume
    assert volume is not None
    about = f"PersistentVolume {volume.name}"
    return Match(
        because=because,
        evidence=(
            Evidence("Kubernetes", about, f"{volume.phase}, policy {volume.reclaim_policy}"),
            row,
            *attachment_rows(case),
            *disk_rows(case),
        ),
        next=(
            *([disk_state(case)] if volume.disk_id else []),
            kubectl(f"describe pv {volume.name}", volume, "what the last attempt said"),
        ),
    )


def _may_be_free(case: Case) -> bool:
    """Whether Azure may have let go of the disk since: it says so, the disk is deleted by now, or it was not asked."""
    return not (isinstance(case.disk, Disk) and case.disk.managed_by)


def _holder(case: Case, held: Refusal) -> str:
    groups = held.saying.groups
    if case.attachments:
        return f"Kubernetes has it attached to {case.attachments[0].node}"
    named = case.disk.managed_by if isinstance(case.disk, Disk) else groups.get("machine") or groups.get("vm") or ""
    if not named:
        return f"it was attached to {groups.get('node') or 'a machine'} at the last attempt"
    node, machine = case.seen.node_of(named), named.rstrip("/").rpartition("/")[2]
    return f"machine {machine}" + (f", which is node {node}," if node else "") + " holds it"


CAUSE = Cause(
    id="delete-failed",
    verdict="problem",
    rule=_rule,
    kinds=("PersistentVolume",),
    page=__doc__,
    over=("volume-released",),
    needs=("azure",),
)

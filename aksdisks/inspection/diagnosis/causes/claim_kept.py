"""The claim is bound and no pod mounts it: it is kept, with its disk.

What it is
    A claim outlives the pods that mounted it. A StatefulSet keeps its claims when it is scaled down or deleted, unless
    its persistentVolumeClaimRetentionPolicy says otherwise, so that the same pod finds its data again. The disk is paid
    for as long as the claim is there.

How it is recognised
    States: the claim is Bound and not being deleted, no pod that has not ended mounts it, and Azure has its disk or
    share. Where Azure cannot be read, or the disk is not in the node resource group, the finding says that this was not
    checked.

What it is not
    A claim that never had a pod (`no-consumer`: it is not bound). A volume whose claim is gone (`volume-released`).
    A disk or a share that Azure does not have any more (`disk-gone`, `share-missing`).

Next
    Nothing, if it is to be used again. Deleting the claim deletes the disk where the volume's policy is Delete.

Links
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Need
from aksdisks.inspection.diagnosis.rows import claim_row, kubectl
from aksdisks.model import Disk, FileShare


def _rule(case: Case) -> Match | None:
    claim = case.claim
    if case.kind != "PersistentVolumeClaim" or claim is None or claim.phase != "Bound" or claim.deleting:
        return None
    if not case.seen.saw("Pod") or case.seen.pods_of(claim.key) or _is_gone(case):
        return None
    rows = [claim_row(claim)]
    then = ""
    if case.volume:
        deletes = case.volume.reclaim_policy == "Delete"
        then = f"; deleting it deletes its {case.medium}" if deletes else "; its volume is retained even then"
        about = f"PersistentVolume {case.volume.name}"
        rows.append(Evidence("Kubernetes", about, f"{case.volume.phase}, policy {case.volume.reclaim_policy}"))
    there = isinstance(case.disk, Disk) or isinstance(case.share, FileShare)
    data, unchecked = (" with its data", "") if there else ("", f"; not checked: whether its {case.medium} is there")
    return Match(
        because=f"no pod mounts {claim.name}; it is kept{data} until it is deleted{then}{unchecked}",
        evidence=tuple(rows),
        next=(kubectl(f"describe pvc {claim.name}", claim, f"who used it last, and its {case.medium}"),),
        needs=_needs(case),
    )


def _is_gone(case: Case) -> bool:
    """Whether Azure was read and has not what the volume names: another cause tells of that."""
    volume = case.volume
    if volume is None:
        return False
    return case.share is None if volume.share else case.disk is None and case.seen.lists(volume.disk_id)


def _needs(case: Case) -> tuple[Need, ...]:
    """Azure's side of what the volume names; of another driver's volume Azure knows nothing."""
    volume = case.volume
    if volume is None:
        return ()
    return ("files",) if volume.share else ("azure",) if volume.disk_id else ()


CAUSE = Cause(id="claim-kept", verdict="expected", rule=_rule, kinds=("PersistentVolumeClaim",), page=__doc__)

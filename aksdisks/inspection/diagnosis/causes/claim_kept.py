"""The claim is bound and no pod mounts it: it is kept, with its disk.

What it is
    A claim outlives the pods that mounted it. A StatefulSet keeps its claims when it is scaled down or deleted, unless
    its persistentVolumeClaimRetentionPolicy says otherwise, so that the same pod finds its data again. The disk is paid
    for as long as the claim is there.

How it is recognised
    States: the claim is Bound and not being deleted, and no pod that has not ended mounts it. Of a share Azure is asked
    whether it is there; where that cannot be read, the finding says so.

What it is not
    A claim that never had a pod (`no-consumer`: it is not bound). A volume whose claim is gone (`volume-released`).
    A disk or a share that Azure, where it was asked, does not have any more (`disk-gone`, `share-missing`). It is not
    asked for the disk of a claim that nobody waits for; `aksdisks inventory` asks.

Next
    Nothing, if it is to be used again. Deleting the claim deletes the disk where the volume's policy is Delete.

Links
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import claim_row, kubectl
from aksdisks.model import FileShare


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
    share = case.volume is not None and case.volume.share is not None
    checked = not share or isinstance(case.share, FileShare)
    data, unchecked = (" with its data", "") if checked else ("", "; not checked: whether its share is there")
    return Match(
        because=f"no pod mounts {claim.name}; it is kept{data} until it is deleted{then}{unchecked}",
        evidence=tuple(rows),
        next=(kubectl(f"describe pvc {claim.name}", claim, f"who used it last, and its {case.medium}"),),
        needs=("files",) if share else (),
    )


def _is_gone(case: Case) -> bool:
    """Whether Azure was read and has not the share that the volume names: `share-missing` tells of that."""
    return case.volume is not None and case.volume.share is not None and case.share is None


CAUSE = Cause(id="claim-kept", verdict="expected", rule=_rule, kinds=("PersistentVolumeClaim",), page=__doc__)

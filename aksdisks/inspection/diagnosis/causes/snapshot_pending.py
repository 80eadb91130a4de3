"""The claim waits for a snapshot that is not ready yet.

What it is
    A claim is to be filled from a VolumeSnapshot that Azure is still taking. An incremental snapshot of most disks is
    ready in seconds; of PremiumV2 and Ultra disks its data is copied first, which takes minutes, and more for a full
    disk. It is worth a look after an hour, or at once where the snapshot says an error.

How it is recognised
    States: the claim is Pending and its source is a VolumeSnapshot whose `readyToUse` is false.
    Words: `snapshot … is not Ready` (external-provisioner pkg/controller/controller.go; AKS#4555).

What it is not
    A snapshot that is not there (`source-missing`).

Next
    Wait: `kubectl get volumesnapshot --watch` shows when it is ready.

Links
    https://learn.microsoft.com/azure/aks/azure-disk-csi#volume-snapshots
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import claim_row, duration, kubectl
from aksdisks.model import known


def _rule(case: Case) -> Match | Not | None:
    claim = case.claim
    if case.kind == "PersistentVolume" or claim is None or claim.phase != "Pending" or claim.deleting or claim.volume:
        return None
    if claim.source_kind != "VolumeSnapshot":
        return None
    key = f"{claim.namespace}/{claim.source_name}"
    snapshot = next((each for each in known(case.seen.inventory.snapshots) if each.key == key), None)
    told = case.says("snapshot-not-ready")
    if snapshot is not None and snapshot.ready:
        return Not(f"snapshot {snapshot.name} is ready") if told else None
    if snapshot is None and told is None:
        return None
    words = [told.evidence] if told else []
    age = case.seen.age(snapshot.created) if snapshot else None
    so_far = "" if age is None else f" after {duration(age)}"
    failed = snapshot.error if snapshot else ""
    because = f"claim {claim.name} waits for snapshot {claim.source_name}, which is not ready{so_far}"
    because += f": {' '.join(failed.split())}" if failed else "; it takes seconds, of PremiumV2 disks minutes"
    if snapshot:
        words.append(Evidence("Kubernetes", f"VolumeSnapshot {key}", failed or "readyToUse: false"))
    return Match(
        because=because,
        evidence=(*words, claim_row(claim)),
        next=(kubectl(f"get volumesnapshot {claim.source_name} --watch", claim, "when it is ready"),),
        confidence="certain" if snapshot else "likely",
        verdict="problem" if failed else None,
    )


CAUSE = Cause(
    id="snapshot-pending",
    verdict="wait",
    rule=_rule,
    kinds=("Pod", "PersistentVolumeClaim"),
    page=__doc__,
    over=("provisioning", "no-consumer", "unknown"),
    needs=("snapshots",),
)

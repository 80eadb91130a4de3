"""The snapshot is not ready yet, and what is to be filled from it waits.

What it is
    Azure is still taking a VolumeSnapshot, or a claim is to be filled from one that is not ready. An incremental
    snapshot of most disks is ready in seconds; of PremiumV2 and Ultra disks its data is copied first, which takes
    minutes, and more for a full disk. It is worth a look after an hour, or at once where the snapshot says an error,
    or where nothing has begun to make it after some minutes: that is what the snapshot controller is for.

How it is recognised
    States: the VolumeSnapshot's `readyToUse` is not true, or the claim is Pending and its source is such a
    VolumeSnapshot.
    Words: `snapshot … is not Ready`, `snapshot … not bound` (external-provisioner pkg/controller/controller.go;
    AKS#4555).

What it is not
    A snapshot that is not there, or that is made of a claim which is not there (`source-missing`). One that is refused
    (`snapshot-failed`).

Next
    Wait: `kubectl get volumesnapshot --watch` shows when it is ready. Writing goes on meanwhile: what counts is the
    moment in its `creationTime`.

Links
    https://learn.microsoft.com/azure/aks/azure-disk-csi#volume-snapshots
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Verdict
from aksdisks.inspection.diagnosis.refusals import in_a_line
from aksdisks.inspection.diagnosis.rows import claim_row, duration, kubectl, snapshot_row
from aksdisks.inspection.diagnosis.snapshots import failure
from aksdisks.model import Claim, VolumeSnapshot

USUAL = "it takes seconds, of PremiumV2 disks minutes"
# Cluster seconds: the controller makes the content of a snapshot at once; the copy of a full disk takes long.
_BEGUN, _WORRY = 600.0, 3600.0


def _rule(case: Case) -> Match | None:
    if case.kind == "VolumeSnapshot":
        return _of_snapshot(case, case.snapshot) if case.snapshot else None
    claim = case.claim
    if claim is None or claim.phase != "Pending" or claim.deleting or claim.volume:
        return None
    return _of_claim(case, claim) if claim.source_kind == "VolumeSnapshot" else None


def _of_snapshot(case: Case, snapshot: VolumeSnapshot) -> Match | None:
    if snapshot.ready or snapshot.deleting or case.messages:
        return None
    why, verdict = _how_far(case, snapshot)
    return Match(
        because=f"snapshot {snapshot.name}{_of(snapshot)} is not ready{why}",
        evidence=(snapshot_row(snapshot),),
        next=(kubectl(f"get volumesnapshot {snapshot.name} --watch", snapshot, "when it is ready"),),
        verdict=verdict,
    )


def _of(snapshot: VolumeSnapshot) -> str:
    return f" of claim {snapshot.claim}" if snapshot.claim else ""


def _how_far(case: Case, snapshot: VolumeSnapshot) -> tuple[str, Verdict | None]:
    """What has come of it so far, for how long, and whether that is too long."""
    age = case.seen.age(snapshot.created)
    so_far = "" if age is None else f" after {duration(age)}"
    if failed := failure(case.seen, snapshot):
        return f"{so_far}: {in_a_line(failed.says.partition(': ')[2])}", "problem"
    if not snapshot.content and age is not None and age >= _BEGUN:
        return f"{so_far}, and nothing has begun to make it: the snapshot controller would have by now", "problem"
    late = age is not None and age >= _WORRY
    return f"{so_far}; {USUAL}", "problem" if late else None


def _of_claim(case: Case, claim: Claim) -> Match | None:
    found = case.seen.snapshot(claim.source_key)
    snapshot = found if isinstance(found, VolumeSnapshot) else None
    told = case.says("snapshot-not-ready")
    if snapshot is not None and snapshot.ready:
        return _ready(claim, snapshot, told.evidence) if told else None
    if (snapshot is None and told is None) or (snapshot is not None and snapshot.deleting):
        return None
    why, verdict = _how_far(case, snapshot) if snapshot else (f"; {USUAL}", None)
    watched = snapshot or VolumeSnapshot(name=claim.source_name, namespace=claim.source_namespace or claim.namespace)
    rows: list[Evidence] = [told.evidence] if told else []
    return Match(
        because=f"claim {claim.name} waits for snapshot {claim.source_name}, which is not ready{why}",
        evidence=(*rows, *([snapshot_row(snapshot)] if snapshot else []), claim_row(claim)),
        next=(kubectl(f"get volumesnapshot {claim.source_name} --watch", watched, "when it is ready"),),
        confidence="certain" if snapshot else "likely",
        verdict=verdict,
    )


def _ready(claim: Claim, snapshot: VolumeSnapshot, told: Evidence) -> Match:
    return Match(
        because=f"snapshot {snapshot.name} is ready by now; the next attempt to fill claim {claim.name} finds it so",
        evidence=(told, snapshot_row(snapshot), claim_row(claim)),
        next=(kubectl(f"get pvc {claim.name} --watch", claim, "when it is bound; attempts come ever more rarely"),),
    )


CAUSE = Cause(
    id="snapshot-pending",
    verdict="wait",
    rule=_rule,
    kinds=("Pod", "PersistentVolumeClaim", "VolumeSnapshot"),
    page=__doc__,
    over=("provisioning", "no-consumer", "unknown"),
)

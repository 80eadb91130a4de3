"""The snapshot is to be deleted, and something keeps it.

What it is
    A VolumeSnapshot that is deleted stays while a claim is filled from it, also one that waits for its first pod, so
    that no restore is cut short. If the provisioner had not begun to fill it, it refuses that by now, and neither goes
    on before the claim is deleted. Then, with deletion policy Delete, Azure's snapshot is deleted first, and the
    VolumeSnapshot goes with its content. Where Azure refuses that, both stay, and Azure's snapshot is paid for.

How it is recognised
    States: `deletionTimestamp` is set, and a claim in its namespace is Pending with it as its source; else a finalizer
    keeps it.
    Words: `SnapshotDeletePending` `Snapshot is being used to restore a PVC` (external-snapshotter
    pkg/common-controller/snapshot_controller.go), `SnapshotDeleteError` on its content (pkg/sidecar-controller).

What it is not
    A claim that is being deleted while a snapshot of it is taken (`claim-protected`).

Next
    Let the claims be bound, or delete them. Stripping the finalizer instead leaves Azure's snapshot behind.

Links
    https://kubernetes.io/docs/concepts/storage/volume-snapshots/
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import claim_row, duration, kubectl, snapshot_row
from aksdisks.inspection.diagnosis.snapshots import FILLING
from aksdisks.model import Claim, KubeEvent, VolumeSnapshot


def _rule(case: Case) -> Match | None:
    snapshot = case.snapshot
    if snapshot is None or snapshot.deleting is None:
        return None
    claims = case.seen.filled_from(snapshot.key)
    told = case.seen.events_of(snapshot, "SnapshotDeletePending")[-1:]
    if claims:
        return _in_use(case, snapshot, claims, told)
    refused = case.seen.content_events(snapshot.content, "SnapshotDeleteError")[-1:]
    age = case.seen.age(snapshot.deleting)
    so_far = "" if age is None else f" for {duration(age)}"
    what = "Azure's snapshot cannot be deleted" if refused else "its content is being deleted first"
    content = snapshot.content or "NAME"
    keeps = Evidence("Kubernetes", f"VolumeSnapshot {snapshot.key}", f"finalizers: {', '.join(snapshot.finalizers)}")
    return Match(
        because=f"snapshot {snapshot.name} is being deleted{so_far}, and {what}",
        evidence=(snapshot_row(snapshot), *([keeps] if snapshot.finalizers else []), *map(said, (*told, *refused))),
        next=(Step(f"kubectl describe volumesnapshotcontent {content}", "whether Azure's snapshot is still there"),),
        verdict="problem" if refused else None,
    )


def _in_use(case: Case, snapshot: VolumeSnapshot, claims: tuple[Claim, ...], told: tuple[KubeEvent, ...]) -> Match:
    first, others = claims[0], len(claims) - 1
    refused = [] if FILLING in snapshot.finalizers else _refused(case, first)
    more = f" and {others} more" if others else ""
    idle = "" if first.selected_node else "; nothing fills it before a pod mounts it, where its class waits for one"
    if refused:
        idle = ", which nothing does any more: neither goes on before the claim is deleted"
    reads = f"claim {first.name}{more} is to be filled from it{idle}"
    return Match(
        because=f"snapshot {snapshot.name} is being deleted, and {reads}",
        evidence=(snapshot_row(snapshot), *map(said, (*told, *refused[-1:])), *map(claim_row, claims[:3])),
        next=(
            kubectl(f"delete pvc {first.name}", first, "the snapshot goes after it; the claim has no data yet")
            if refused
            else kubectl(f"get pvc {first.name} --watch", first, "when it is bound: then the snapshot goes"),
        ),
        verdict="problem" if refused else None,
    )


def _refused(case: Case, claim: Claim) -> list[KubeEvent]:
    """What the provisioner said of filling a claim from a snapshot that is to go, before it had begun."""
    return [each for each in case.seen.events_of(claim, "ProvisioningFailed") if "is being deleted" in each.message]


CAUSE = Cause(id="snapshot-protected", verdict="wait", rule=_rule, kinds=("VolumeSnapshot",), page=__doc__)

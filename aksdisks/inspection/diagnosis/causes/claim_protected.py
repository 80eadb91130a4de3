"""The deletion waits for whoever still uses it.

What it is
    A claim that is deleted stays, Terminating, while a pod on a node mounts it, so that nobody loses data under a
    running program; a volume stays while a claim is bound to it. It ends by itself with the last user. A pod that has
    ended counts as well until it is deleted, such as that of a finished Job.

How it is recognised
    States: `deletionTimestamp` is set and a finalizer keeps it: `kubernetes.io/pvc-protection` with a pod on a node
    that mounts the claim (kubernetes pkg/controller/volume/pvcprotection), `kubernetes.io/pv-protection` with a bound
    claim, or the protection of a source that is still being copied from.

What it is not
    A released volume whose disk cannot be deleted (`delete-failed`). A pod that is itself lost on a silent node:
    `holder-lost` and `node-lost` say so.

Next
    Delete the pod, or the workload that makes it, and the claim goes. Stripping the finalizer instead takes the disk
    away under a pod that writes.

Links
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.refusals import in_a_line
from aksdisks.inspection.diagnosis.rows import claim_row, kubectl, pod_row, snapshot_row
from aksdisks.inspection.diagnosis.snapshots import failure
from aksdisks.model import Claim, Volume, VolumeSnapshot, known

_USED = "kubernetes.io/pvc-protection"
_SNAPSHOT = "snapshot.storage.kubernetes.io/pvc-as-source-protection"
_COPIED = {
    "provisioner.storage.kubernetes.io/cloning-protection": "another claim's disk is being copied from it",
    _SNAPSHOT: "a snapshot of it is being taken",
}


def _rule(case: Case) -> Match | Not | None:
    if case.kind == "PersistentVolume":
        return _of_volume(case.volume) if case.volume and case.volume.deleting else None
    claim = case.claim
    if claim is None or claim.deleting is None:
        return None
    if case.kind == "Pod" and not (case.pod and not case.pod.node and case.says("claim-goes")):
        return None
    copied = next((why for finalizer, why in _COPIED.items() if finalizer in claim.finalizers), "")
    taken = next(iter(_taken(case, claim)), None)
    if taken:
        failed = failure(case.seen, taken)
        copied = f"snapshot {taken.name} of it is being taken" + (
            f": {in_a_line(failed.says.partition(': ')[2])}" if failed else ""
        )
    users = case.seen.users_of(claim.key) if _USED in claim.finalizers else ()
    if not users and not copied:
        return Not("no pod on a node mounts it, so it is about to go") if case.seen.saw("Pod") else None
    first = users[0].name if users else ""
    others = f" and {len(users) - 1} more" if len(users) > 1 else ""
    return Match(
        because=f"claim {claim.name} is being deleted, and " + (copied or f"pod {first}{others} still uses it"),
        evidence=(
            claim_row(claim),
            Evidence("Kubernetes", f"PersistentVolumeClaim {claim.key}", f"finalizers: {', '.join(claim.finalizers)}"),
            *map(pod_row, users[:3]),
            *([snapshot_row(taken)] if taken else []),
        ),
        next=(
            kubectl(f"get volumesnapshot {taken.name} --watch", taken, "when it is taken")
            if taken
            else kubectl(f"get pods --output wide {first}".rstrip(), claim, f"whether {first or 'a pod'} may go"),
            *([kubectl(f"delete pod {first}", claim, "the claim goes after it", "restarts")] if first else []),
        ),
    )


def _taken(case: Case, claim: Claim) -> Iterator[VolumeSnapshot]:
    """The snapshots that are being taken of a claim, which keep it."""
    for each in known(case.seen.inventory.volume_snapshots) if _SNAPSHOT in claim.finalizers else ():
        if (each.namespace, each.claim, each.ready) == (claim.namespace, claim.name, False):
            yield each


def _of_volume(volume: Volume) -> Match | None:
    if volume.phase != "Bound":
        return None
    about = f"PersistentVolume {volume.name}"
    claim = Claim(name=volume.claim_name, namespace=volume.claim_namespace)
    return Match(
        because=f"it is being deleted, and claim {volume.claim} is bound to it",
        evidence=(Evidence("Kubernetes", about, f"Terminating, {volume.phase} to {volume.claim}", volume.deleting),),
        next=(kubectl(f"get pvc {volume.claim_name}", claim, "whether the claim may go"),),
    )


CAUSE = Cause(id="claim-protected", verdict="wait", rule=_rule, page=__doc__)

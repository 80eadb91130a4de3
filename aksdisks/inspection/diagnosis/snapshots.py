"""What a VolumeSnapshot says: a failure that still stands, and that a claim is being filled from it; pure."""

from __future__ import annotations

from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.seen import Seen
from aksdisks.model import VolumeSnapshot

FILLING = "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection"
"""The provisioner's finalizer of a snapshot of which it makes a disk (external-provisioner controller.go)."""


def failure(seen: Seen, snapshot: VolumeSnapshot) -> Evidence | None:
    """Its status.error, unless the snapshot is ready, or was taken after that: it stays there until it is ready.

    The controller quotes the driver's answer in Go's way; here its lines are lines again.
    """
    if snapshot.ready or not snapshot.error:
        return None
    taken = [snapshot.taken, *(each.last for each in seen.events_of(snapshot, "SnapshotCreated"))]
    if snapshot.error_at is not None and any(at is not None and at >= snapshot.error_at for at in taken):
        return None
    said = snapshot.error.replace("\\n", "\n").replace('\\"', '"')
    return Evidence("Kubernetes", f"VolumeSnapshot {snapshot.key}", f"status.error: {said}", snapshot.error_at)

"""The snapshot controller's custom resources as frozen values: VolumeSnapshot and VolumeSnapshotContent."""

# `at` and the like make a new field at each call, as `field` itself does.

from __future__ import annotations

from dataclasses import dataclass

from aksdisks.model.decoding import at
from aksdisks.model.kubernetes import Named


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Named):
    """A VolumeSnapshot; `error` is what its controller says of its last failure."""

    ready: bool = at("status.readyToUse", False)
    error: str = at("status.error.message")
    claim: str = at("spec.source.persistentVolumeClaimName")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotContent(Named):
    """A VolumeSnapshotContent: `snapshot_id` is the driver's handle, Azure's id, empty until the snapshot is made.

    `snapshot` and `snapshot_namespace` are those of the VolumeSnapshot that it is bound to
    (kubernetes-csi/external-snapshotter client/config/crd).
    """

    driver: str = at("spec.driver")
    snapshot_id: str = at("status.snapshotHandle spec.source.snapshotHandle")
    deletion_policy: str = at("spec.deletionPolicy")
    snapshot: str = at("spec.volumeSnapshotRef.name")
    snapshot_namespace: str = at("spec.volumeSnapshotRef.namespace")
    snapshot_uid: str = at("spec.volumeSnapshotRef.uid")

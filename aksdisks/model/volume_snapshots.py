"""The snapshot controller's custom resources as frozen values: snapshots, their contents and their classes."""

# `at` and the like make a new field at each call, as `field` itself does.
# ruff: noqa: RUF009

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aksdisks.model.decoding import at, find, mapping, read, time, whole
from aksdisks.model.kubernetes import DISK_DRIVERS, Named

_DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"


def _taken(raw: Any) -> datetime | None:
    """A content's time of creation, which stands there in nanoseconds since 1970."""
    found = find(raw, "status.creationTime")
    if not isinstance(found, int) or isinstance(found, bool) or not 0 < found < 10**19:
        return None
    return datetime.fromtimestamp(found / 1e9, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSnapshot(Named):
    """A VolumeSnapshot: that a claim's disk is to be kept as it is at one moment, `taken`.

    `claim` is the claim that it is made of, `source_content` the content of a snapshot that exists already; one of both
    is filled. `content` is what it is bound to, empty until then. `restore_size` is a Kubernetes quantity. `error` is
    what the controller says of the last failure, which may be over by itself
    (kubernetes-csi/external-snapshotter client/config/crd).
    """

    ready: bool = at("status.readyToUse", False)
    error: str = at("status.error.message")
    error_at: datetime | None = time("status.error.time")
    claim: str = at("spec.source.persistentVolumeClaimName")
    source_content: str = at("spec.source.volumeSnapshotContentName")
    snapshot_class: str = at("spec.volumeSnapshotClassName")
    content: str = at("status.boundVolumeSnapshotContentName")
    taken: datetime | None = time("status.creationTime")
    restore_size: str = at("status.restoreSize")


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSnapshotContent(Named):
    """A VolumeSnapshotContent: `snapshot_id` is the driver's handle, Azure's id, empty until the snapshot is made.

    `snapshot` and `snapshot_namespace` are those of the VolumeSnapshot that it is bound to, `disk_id` is the handle of
    the volume that it is made of, empty for a snapshot that exists already. `restore_size` is in bytes
    (kubernetes-csi/external-snapshotter client/config/crd).
    """

    driver: str = at("spec.driver")
    snapshot_id: str = at("status.snapshotHandle spec.source.snapshotHandle")
    disk_id: str = at("spec.source.volumeHandle")
    deletion_policy: str = at("spec.deletionPolicy")
    snapshot_class: str = at("spec.volumeSnapshotClassName")
    snapshot: str = at("spec.volumeSnapshotRef.name")
    snapshot_namespace: str = at("spec.volumeSnapshotRef.namespace")
    snapshot_uid: str = at("spec.volumeSnapshotRef.uid")
    ready: bool = at("status.readyToUse", False)
    error: str = at("status.error.message")
    error_at: datetime | None = time("status.error.time")
    taken: datetime | None = read(_taken)
    restore_size: int | None = whole("status.restoreSize")

    @property
    def snapshot_key(self) -> str:
        """`namespace/name` of the VolumeSnapshot that it is bound to or reserved for."""
        return f"{self.snapshot_namespace}/{self.snapshot}" if self.snapshot else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSnapshotClass(Named):
    """A VolumeSnapshotClass; `deletion_policy` says whether Azure's snapshot goes with the VolumeSnapshot.

    `is_default`: VolumeSnapshots of its driver's claims that name no class get it.
    """

    driver: str = at("driver")
    deletion_policy: str = at("deletionPolicy")
    parameters: Mapping[str, str] = at("parameters", {})
    is_default: bool = read(lambda raw: mapping(raw, "metadata.annotations").get(_DEFAULT) == "true", False)

    @property
    def snapshots_disks(self) -> bool:
        """True for classes of the disk driver."""
        return self.driver in DISK_DRIVERS

"""Of each kind of Kubernetes' objects the value that one of them is read as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aksdisks.model.classes import StorageClass, VolumeAttributesClass
from aksdisks.model.kubernetes import (
    Attachment,
    Claim,
    CSINode,
    KubeEvent,
    Named,
    Node,
    Pod,
    Volume,
)
from aksdisks.model.stores import EndpointSlice, ReplicatedStore
from aksdisks.model.volume_snapshots import VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent
from aksdisks.model.workloads import Workload

_KINDS: Mapping[str, type[Named]] = {
    "PersistentVolume": Volume,
    "PersistentVolumeClaim": Claim,
    "VolumeAttachment": Attachment,
    "Node": Node,
    "CSINode": CSINode,
    "Pod": Pod,
    "Event": KubeEvent,
    "StorageClass": StorageClass,
    "VolumeAttributesClass": VolumeAttributesClass,
    "Deployment": Workload,
    "ReplicaSet": Workload,
    "StatefulSet": Workload,
    "Job": Workload,
    "CronJob": Workload,
    "ReplicatedStore": ReplicatedStore,
    "EndpointSlice": EndpointSlice,
    "VolumeSnapshot": VolumeSnapshot,
    "VolumeSnapshotContent": VolumeSnapshotContent,
    "VolumeSnapshotClass": VolumeSnapshotClass,
}


def decode(kind: str, raw: Mapping[str, Any]) -> Any:
    """The value of an object of this kind; of others than these only names, labels and times matter."""
    # The items of a list do not say of what kind they are.
    return _KINDS.get(kind, Named).of(raw if "kind" in raw else {"kind": kind, **raw})

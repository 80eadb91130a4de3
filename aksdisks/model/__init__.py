"""Frozen values that travel between the stages, and how they are read from what an API answered; no I/O."""

from aksdisks.model.azure import CLUSTER_TAG, DataDisk, Disk, DiskSnapshot, Machine, id_key
from aksdisks.model.classes import StorageClass, VolumeAttributesClass
from aksdisks.model.inventory import Chain, Inventory
from aksdisks.model.kinds import decode
from aksdisks.model.kubernetes import (
    DISK_DRIVERS,
    Attachment,
    Change,
    Claim,
    Condition,
    ContainerState,
    CSINode,
    KubeEvent,
    Named,
    Node,
    Pod,
    Taint,
    Volume,
    with_drivers,
)
from aksdisks.model.shares import (
    FILE_DRIVERS,
    AzureFiles,
    FileShare,
    ShareSource,
    StorageAccount,
    handle_key,
    share_key,
    unread_files,
)
from aksdisks.model.stores import EndpointSlice, ReplicatedStore
from aksdisks.model.unknown import NoCredential, NotAsked, NotPermitted, NotServed, Unknown, known
from aksdisks.model.volume_snapshots import VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent
from aksdisks.model.workloads import Workload

__all__ = [
    "CLUSTER_TAG",
    "DISK_DRIVERS",
    "FILE_DRIVERS",
    "Attachment",
    "AzureFiles",
    "CSINode",
    "Chain",
    "Change",
    "Claim",
    "Condition",
    "ContainerState",
    "DataDisk",
    "Disk",
    "DiskSnapshot",
    "EndpointSlice",
    "FileShare",
    "Inventory",
    "KubeEvent",
    "Machine",
    "Named",
    "NoCredential",
    "Node",
    "NotAsked",
    "NotPermitted",
    "NotServed",
    "Pod",
    "ReplicatedStore",
    "ShareSource",
    "StorageAccount",
    "StorageClass",
    "Taint",
    "Unknown",
    "Volume",
    "VolumeAttributesClass",
    "VolumeSnapshot",
    "VolumeSnapshotClass",
    "VolumeSnapshotContent",
    "Workload",
    "decode",
    "handle_key",
    "id_key",
    "known",
    "share_key",
    "unread_files",
    "with_drivers",
]

"""Frozen values that travel between the stages, and how they are read from what an API answered; no I/O."""

from aksdisks.model.azure import DataDisk, Disk, Machine
from aksdisks.model.inventory import Chain, Inventory
from aksdisks.model.kubernetes import (
    DISK_DRIVERS,
    Attachment,
    Change,
    Claim,
    Condition,
    ContainerState,
    KubeEvent,
    Named,
    Node,
    Pod,
    Snapshot,
    StorageClass,
    Taint,
    Volume,
    Workload,
    decode,
)
from aksdisks.model.unknown import NoCredential, NotAsked, NotPermitted, Unknown, known

__all__ = [
    "DISK_DRIVERS",
    "Attachment",
    "Chain",
    "Change",
    "Claim",
    "Condition",
    "ContainerState",
    "DataDisk",
    "Disk",
    "Inventory",
    "KubeEvent",
    "Machine",
    "Named",
    "NoCredential",
    "Node",
    "NotAsked",
    "NotPermitted",
    "Pod",
    "Snapshot",
    "StorageClass",
    "Taint",
    "Unknown",
    "Volume",
    "Workload",
    "decode",
    "known",
]

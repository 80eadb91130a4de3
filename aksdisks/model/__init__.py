"""Frozen values that travel between the stages, and how they are read from what an API answered; no I/O."""

from aksdisks.model.azure import DataDisk, Disk, Machine
from aksdisks.model.inventory import Chain, Inventory
from aksdisks.model.kubernetes import (
    DISK_DRIVERS,
    Attachment,
    Change,
    Claim,
    KubeEvent,
    Named,
    Node,
    Pod,
    StorageClass,
    Taint,
    Volume,
    decode,
)
from aksdisks.model.unknown import NotPermitted, Unknown, known

__all__ = [
    "DISK_DRIVERS",
    "Attachment",
    "Chain",
    "Change",
    "Claim",
    "DataDisk",
    "Disk",
    "Inventory",
    "KubeEvent",
    "Machine",
    "Named",
    "Node",
    "NotPermitted",
    "Pod",
    "StorageClass",
    "Taint",
    "Unknown",
    "Volume",
    "decode",
    "known",
]

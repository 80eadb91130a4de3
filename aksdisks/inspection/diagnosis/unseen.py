"""What a diagnosis could not see, why, and what cannot be told without it; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aksdisks.inspection.diagnosis.findings import Finding, Unseen
from aksdisks.model import Inventory, NotAsked, Unknown

# kind: (what cannot be told without it, whether its absence can hide a problem where nothing waits)
_LIMITS: dict[str, tuple[str, bool]] = {
    "Pod": ("whether pods are stuck, and who uses a claim", True),
    "PersistentVolumeClaim": ("whether claims are bound, expanded or deleted", True),
    "PersistentVolume": ("which disk a claim has, and whether volumes are released or cannot be deleted", True),
    "VolumeAttachment": ("to which node a disk is attached, and the errors of attaching and detaching", True),
    "Node": ("whether nodes are Ready, their zones, and where Azure has them", True),
    "CSINode": ("whether a node has the disk driver, and how many disks it takes", False),
    "StorageClass": ("whether a claim's class exists and when it binds", False),
    "Event": ("the words of scheduler, driver and kubelet; causes come from states alone", False),
}


def unseen(inventory: Inventory, findings: Sequence[Finding]) -> tuple[Unseen, ...]:
    """What could not be read although it was asked for; Azure that nothing needed is not among it."""
    waits = any(finding.verdict == "wait" for finding in findings)
    return tuple(_unseen(inventory, waits))


def _unseen(inventory: Inventory, waits: bool) -> Iterator[Unseen]:
    for kind, because in inventory.unreadable.items():
        limits, hides = _LIMITS[kind]
        yield Unseen(kind, because, limits, hides or waits)
    for what, values, limits in (
        ("Azure's disks", inventory.disks, "who holds a disk, and whether it exists"),
        ("Azure's machines", inventory.machines, "whether a machine runs, and which disks are on it"),
        ("workloads", inventory.workloads, "whether a Deployment surges"),
        ("VolumeSnapshots", inventory.snapshots, "whether a claim's source exists and is ready"),
    ):
        if isinstance(values, Unknown) and not isinstance(values, NotAsked):
            yield Unseen(what, values.because, limits, waits)

"""The catalogue of faults: the name of each, what it means, and what it can be aimed at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class FaultKind:
    """One thing that can go wrong: what it means, and the kinds of object that it can be aimed at (none: at all)."""

    name: str
    meaning: str
    aims: tuple[str, ...] = ()


@dataclass(frozen=True)
class FaultSwitch:
    """A fault that is on: `object` as KIND/NAME, empty for everything; `rate`: how often it occurs, 1 for always."""

    name: str
    object: str = ""
    rate: float = 1.0


KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        FaultKind(
            "account-key-changed", "the keys of a storage account are made anew behind Kubernetes' back", ("account",)
        ),
        FaultKind("attach-slow", "attaching a disk takes Azure four minutes longer", ("node", "disk")),
        FaultKind("detach-fails", "detaching a disk fails unless it is forced", ("node", "disk")),
        FaultKind(
            "detach-stuck", "detaching a disk fails, forced or not, and it stays half detached", ("node", "disk")
        ),
        FaultKind("device-missing", "an attached disk does not show up on its machine", ("node", "disk")),
        FaultKind("disk-elsewhere", "a disk is attached to another machine behind Kubernetes' back", ("disk",)),
        FaultKind("disk-gone", "a disk is deleted behind Kubernetes' back", ("disk",)),
        FaultKind("disk-quota", "the subscription's quota allows no further disk"),
        FaultKind("driver-down", "the disk driver does not run, or not on the node it is aimed at", ("node",)),
        FaultKind("dropped-connections", "connections are closed instead of an answer", ("server",)),
        FaultKind(
            "fsgroup-slow", "a volume with very many files: applying fsGroup takes half an hour", ("node", "disk")
        ),
        FaultKind("machine-stuck", "a machine's update does not end, and no other can begin", ("node",)),
        FaultKind("node-gone", "a node's machine is deleted in Azure", ("node",)),
        FaultKind("node-silent", "a node's kubelet is cut off; its machine and containers run on", ("node",)),
        FaultKind("role-missing", "Azure allows the disk driver and other clients no action", ("action",)),
        FaultKind("server-errors", "a server answers 500 instead of what was asked", ("server",)),
        FaultKind("share-gone", "a file share is deleted behind Kubernetes' back", ("share",)),
        FaultKind("sku-unavailable", "the region does not offer a disk SKU", ("sku",)),
        FaultKind("snapshot-failed", "making a snapshot of a disk fails in Azure", ("disk",)),
        FaultKind("snapshot-slow", "a snapshot of a disk takes half an hour more to be copied", ("disk",)),
        FaultKind("throttled", "Azure Resource Manager answers 429"),
        FaultKind("token-expired", "every access token of Azure counts as expired"),
        FaultKind("watch-expiry", "watches end, and where they stood is too long ago to go on from"),
        FaultKind("zone-empty", "a zone has no machine any more", ("zone",)),
    )
}
SERVERS = ("kubernetes", "azure")
"""What a fault of a server can be aimed at."""

"""Which of Azure's meters a disk, a snapshot or a share is billed by, and how many units of each; pure.

Products and meters have the names of Azure's retail price list. Not here, because Azure does not tell it with the disk:
transactions (Standard SSD and HDD), bursting on demand, and the mounts of a shared disk
(learn.microsoft.com, "Understand Azure Disk Storage billing").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aksdisks.model import Disk, DiskSnapshot, FileShare, StorageAccount, Unknown
from aksdisks.prices.tiers import TIER_LETTERS, disk_tier

TIERED: Mapping[str, str] = {
    "Premium": "Premium SSD Managed Disks",
    "StandardSSD": "Standard SSD Managed Disks",
    "Standard": "Standard HDD Managed Disks",
}


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A product that is billed by GiB, IOPS and MB/s; what each disk has of the last two without a charge."""

    product: str
    word: str
    free_iops: int = 0
    free_mbps: int = 0


PROVISIONED: Mapping[str, Provisioned] = {
    "PremiumV2": Provisioned("Azure Premium SSD v2", "Premium", free_iops=3000, free_mbps=125),
    "UltraSSD": Provisioned("Ultra Disks", "Ultra"),
}
FILES = "Premium Files"
"""The product of premium shares of the first generation, which are billed by the GiB of their quota; its meter is
`Premium LRS Provisioned` (learn.microsoft.com, "Understand Azure Files billing")."""
PRODUCTS = frozenset(TIERED.values()) | {each.product for each in PROVISIONED.values()} | {FILES}


@dataclass(frozen=True, slots=True)
class Use:
    """So many units of a product's meter; `free` of them cost nothing."""

    product: str
    meter: str
    units: float = 1.0
    free: float = 0.0


def uses_of_disk(disk: Disk) -> tuple[Use, ...] | Unknown:
    """The meters that a disk is billed by, attached or not; Unknown where Azure does not say enough of it."""
    family, _, redundancy = disk.sku.partition("_")
    if disk.size_gib is None:
        return Unknown("Azure does not say its size")
    if family in TIERED:
        # A performance tier is above that of the size, and is what is billed.
        told = disk.tier if disk.tier.startswith(TIER_LETTERS[family]) else ""
        tier = told or disk_tier(disk.sku, disk.size_gib)
        if tier is None:
            return Unknown(f"no tier of {disk.sku} has {disk.size_gib} GiB")
        return (Use(TIERED[family], f"{tier} {redundancy} Disk"),)
    if family not in PROVISIONED:
        return Unknown(f"of SKU {disk.sku!r} no meter is known" if disk.sku else "Azure does not say its SKU")
    if disk.iops is None or disk.mbps is None:
        return Unknown("Azure does not say its IOPS and MB/s")
    kind = PROVISIONED[family]
    meter = f"{kind.word} {redundancy} Provisioned"
    return (
        Use(kind.product, f"{meter} Capacity", disk.size_gib),
        Use(kind.product, f"{meter} IOPS", disk.iops, kind.free_iops),
        Use(kind.product, f"{meter} Throughput (MBps)", disk.mbps, kind.free_mbps),
    )


def uses_of_snapshot(snapshot: DiskSnapshot) -> tuple[Use, ...] | Unknown:
    """The meter that a snapshot is billed by, as if it were full: Azure bills what is used, and does not tell that."""
    family, _, redundancy = snapshot.sku.partition("_")
    if snapshot.size_gib is None:
        return Unknown("Azure does not say its size")
    # An incremental one is always on Standard HDD.
    product = TIERED.get("Standard" if snapshot.incremental else family)
    if product is None or not redundancy:
        return Unknown(f"of SKU {snapshot.sku!r} no meter is known" if snapshot.sku else "Azure does not say its SKU")
    return (Use(product, f"{redundancy} Snapshots", snapshot.size_gib),)


def uses_of_share(share: FileShare, account: StorageAccount) -> tuple[Use, ...] | Unknown:
    """The meter that a share is billed by: of premium ones its quota. What is in a standard one Azure does not tell."""
    family, _, redundancy = account.sku.partition("_")
    if family == "Standard":
        return Unknown(
            "a standard share costs what is stored in it, and its transactions, which its account does not say"
        )
    if family != "Premium" or not redundancy:
        return Unknown(f"of SKU {account.sku!r} no meter is known" if account.sku else "Azure does not say its SKU")
    if share.quota_gib is None:
        return Unknown("Azure does not say its quota")
    return (Use(FILES, f"Premium {redundancy} Provisioned", share.quota_gib),)

"""What a file share may be: its name, its quota by the account's tier, its protocol."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aksdisks.lab.arm.bodies import member, section, texts
from aksdisks.lab.arm.storage import refusals
from aksdisks.lab.arm.storage.account import FILE_KIND, Account
from aksdisks.lab.arm.storage.share import Share

Json = dict[str, Any]

SHORTEST, LONGEST = 3, 63
_NAME = re.compile(r"[a-z0-9](?:-?[a-z0-9])*")
"""Lower-case letters, digits and single hyphens (azure-docs management/resource-name-rules.md)."""

LARGEST_GIB = 102_400
LARGEST_STANDARD_GIB = 5_120
"""GiB; of a standard account without large file shares."""

SMALLEST_PREMIUM_GIB = 100
SMALLEST_PROVISIONED_GIB = 32
"""GiB; of the second generation of provisioned shares (azure-docs storage/files/storage-files-scale-targets.md)."""
LARGEST_PROVISIONED_GIB = 262_144

IOPS = {"StandardV2": (500, 1000, 0.2, 50_000), "PremiumV2": (3000, 3000, 1, 102_400)}
MIBPS = {"StandardV2": (60, 60, 0.02, 5_120), "PremiumV2": (100, 100, 0.1, 10_340)}
"""The least, what a share without wishes gets and how much more for each GiB of it, the most; of the second generation
(learn.microsoft.com storage/files/understanding-billing, "Provisioned v2 provisioning detail")."""

STANDARD_TIERS = ("TransactionOptimized", "Hot", "Cool")
PROTOCOLS = ("SMB", "NFS")
SQUASHES = ("NoRootSquash", "RootSquash", "AllSquash")


@dataclass(frozen=True)
class ShareProperties:
    """A share as a request wants it."""

    quota_gib: int
    protocol: str
    access_tier: str
    root_squash: str
    metadata: Mapping[str, str]
    iops: int | None
    mibps: int | None


def check_name(name: str, now: datetime) -> None:
    """Raises OutOfRangeInput, InvalidResourceName."""
    if not SHORTEST <= len(name) <= LONGEST:
        raise refusals.share_name_length(now)
    if not _NAME.fullmatch(name):
        raise refusals.share_name_invalid(now)


def quota_bounds(account: Account) -> tuple[int, int]:
    """The smallest and the largest share of an account, in GiB."""
    if "V2_" in account.sku:
        return SMALLEST_PROVISIONED_GIB, LARGEST_PROVISIONED_GIB
    if account.premium_files:
        return SMALLEST_PREMIUM_GIB, LARGEST_GIB
    return 1, LARGEST_GIB if account.large_shares else LARGEST_STANDARD_GIB


def new(account: Account, body: Json, now: datetime) -> ShareProperties:
    """The share that a PUT asks for; without a quota it is as large as it may be. Raises `CloudError`."""
    properties = section(body, "properties")
    protocol = _one_of(member(properties, "enabledProtocols", str) or "SMB", PROTOCOLS, now)
    if protocol == "NFS" and not account.premium_files:
        raise refusals.nfs_not_supported()
    squash = member(properties, "rootSquash", str)
    if squash and protocol != "NFS":
        raise refusals.header_value_invalid(now)
    quota = member(properties, "shareQuota", int)
    quota = _quota(account, quota_bounds(account)[1] if quota is None else quota, now)
    default_tier = "Premium" if account.kind == FILE_KIND else STANDARD_TIERS[0]
    return ShareProperties(
        quota_gib=quota,
        protocol=protocol,
        access_tier=_tier(account, member(properties, "accessTier", str) or default_tier, now),
        root_squash=_one_of(squash or SQUASHES[0], SQUASHES, now) if protocol == "NFS" else "",
        metadata=texts(properties, "metadata") or {},
        iops=_provisioned(account, IOPS, member(properties, "provisionedIops", int), quota, now),
        mibps=_provisioned(account, MIBPS, member(properties, "provisionedBandwidthMibps", int), quota, now),
    )


def changed(account: Account, share: Share, body: Json, now: datetime) -> ShareProperties:
    """The share after a PATCH, or after a PUT of one that is there. Raises `CloudError`."""
    properties = section(body, "properties")
    protocol = member(properties, "enabledProtocols", str)
    squash, metadata = member(properties, "rootSquash", str), texts(properties, "metadata")
    if (protocol and protocol.upper() != share.protocol) or (squash and share.protocol != "NFS"):
        raise refusals.header_value_invalid(now)
    quota = member(properties, "shareQuota", int)
    return ShareProperties(
        quota_gib=share.quota_gib if quota is None else _quota(account, quota, now),
        protocol=share.protocol,
        access_tier=_tier(account, member(properties, "accessTier", str) or share.access_tier, now),
        root_squash=_one_of(squash, SQUASHES, now) if squash else share.root_squash,
        metadata=share.metadata if metadata is None else metadata,
        iops=_provisioned(account, IOPS, member(properties, "provisionedIops", int) or share.iops, 0, now),
        mibps=_provisioned(account, MIBPS, member(properties, "provisionedBandwidthMibps", int) or share.mibps, 0, now),
    )


def check_service(account: Account) -> None:
    """Raises FeatureNotSupportedForAccount for an account that has no file service, or no shares on its SKU."""
    if not account.has_files or (account.kind != FILE_KIND and account.sku.startswith("Premium")):
        raise refusals.no_file_service()


def _quota(account: Account, gib: int, now: datetime) -> int:
    least, most = quota_bounds(account)
    if not least <= gib <= most:
        raise refusals.header_value_invalid(now)
    return gib


def _provisioned(
    account: Account, limits: Mapping[str, tuple[int, int, float, int]], asked: int | None, gib: int, now: datetime
) -> int | None:
    """What a share of that size is provisioned with; None in an account of the first generation, which decides it."""
    limit = limits.get(account.sku.partition("_")[0])
    if limit is None:
        if asked is not None:
            raise refusals.header_value_invalid(now)
        return None
    least, start, slope, most = limit
    if asked is None:
        return min(start + math.ceil(slope * gib), most)
    if not least <= asked <= most:
        raise refusals.header_value_invalid(now)
    return asked


def _tier(account: Account, tier: str, now: datetime) -> str:
    return _one_of(tier, ("Premium",) if account.kind == FILE_KIND else STANDARD_TIERS, now)


def _one_of(value: str, known: tuple[str, ...], now: datetime) -> str:
    for entry in known:
        if entry.lower() == value.lower():
            return entry
    raise refusals.header_value_invalid(now)

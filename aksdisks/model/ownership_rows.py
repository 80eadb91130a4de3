"""The rows of an ownership table, plain values under stated columns: frames, CSV, JSON and pages are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aksdisks.model.azure import Disk, Machine
from aksdisks.model.ownership import OwnedDisk, OwnedShare, OwnedSnapshot, Price, Used
from aksdisks.model.records import NUMBER, TEXT, TIME, TRUTH, WHOLE, Records, Row
from aksdisks.model.shares import FileShare, StorageAccount
from aksdisks.model.unknown import Unknown, known

_JUDGED = {"name": TEXT, "verdict": TEXT, "because": TEXT}
_PRICED = {"price_a_month": NUMBER, "currency": TEXT, "price_source": TEXT}
DISKS: Mapping[str, str] = {
    **_JUDGED,
    **_PRICED,
    "size_gib": WHOLE,
    "sku": TEXT,
    "tier": TEXT,
    "iops": WHOLE,
    "mbps": WHOLE,
    "zone": TEXT,
    "state": TEXT,
    "machine": TEXT,
    "node": TEXT,
    "lun": WHOLE,
    "volume": TEXT,
    "namespace": TEXT,
    "claim": TEXT,
    "pod": TEXT,
    "workload": TEXT,
    "created": TIME,
    "owner_changed": TIME,
    "managed_by": TEXT,
    "resource_group": TEXT,
    "id": TEXT,
    "unknown": TEXT,
}
"""`price_source` says whose price it is, or why there is none; `unknown` why something of the row could not be read."""

SNAPSHOTS: Mapping[str, str] = {
    **_JUDGED,
    **_PRICED,
    "size_gib": WHOLE,
    "sku": TEXT,
    "state": TEXT,
    "completion": NUMBER,
    "incremental": TRUTH,
    "source": TEXT,
    "namespace": TEXT,
    "volume_snapshot": TEXT,
    "created": TIME,
    "resource_group": TEXT,
    "id": TEXT,
}

SHARES: Mapping[str, str] = {
    **_JUDGED,
    **_PRICED,
    "size_gib": WHOLE,
    "sku": TEXT,
    "tier": TEXT,
    "protocol": TEXT,
    "account": TEXT,
    "volume": TEXT,
    "namespace": TEXT,
    "claim": TEXT,
    "pod": TEXT,
    "workload": TEXT,
    "modified": TIME,
    "resource_group": TEXT,
    "id": TEXT,
    "unknown": TEXT,
}
"""`size_gib` is the share's quota, `sku` its account's, `modified` when its properties changed last."""


def share_rows(shares: tuple[OwnedShare, ...] | Unknown) -> Records:
    """A row for each share, likewise."""
    return Records(SHARES, [_in_order(_share(each), SHARES) for each in known(shares)], _because(shares))


def disk_rows(disks: tuple[OwnedDisk, ...] | Unknown) -> Records:
    """A row for each disk; what a disk does not have, or what could not be read, is None."""
    return Records(DISKS, [_in_order(_disk(each), DISKS) for each in known(disks)], _because(disks))


def snapshot_rows(snapshots: tuple[OwnedSnapshot, ...] | Unknown) -> Records:
    """The same of the snapshots."""
    rows = [_in_order(_snapshot(each), SNAPSHOTS) for each in known(snapshots)]
    return Records(SNAPSHOTS, rows, _because(snapshots))


def _disk(owned: OwnedDisk) -> Row:
    disk = owned.disk if isinstance(owned.disk, Disk) else None
    machine = owned.machine if isinstance(owned.machine, Machine) else None
    namespace, claim = _claim(owned, disk)
    unread = (each.because for each in (owned.disk, owned.machine, owned.lun) if isinstance(each, Unknown))
    return {
        **_judged(owned.name, owned.verdict, owned.because, owned.price),
        **_fields(disk, "size_gib", "sku", "tier", "iops", "mbps", "state", "created", "owner_changed", "managed_by"),
        "zone": ",".join(disk.zones) or None if disk else None,
        "machine": machine.name if machine else None,
        "node": machine.node if machine else owned.attachment.node if owned.attachment else None,
        "lun": None if isinstance(owned.lun, Unknown) else owned.lun,
        "volume": owned.volume.name if owned.volume else disk.volume or None if disk else None,
        "namespace": namespace or None,
        "claim": claim or None,
        **_users(owned),
        "resource_group": disk.resource_group if disk else _group(owned.id),
        "id": owned.id,
        "unknown": next(unread, None),
    }


def _share(owned: OwnedShare) -> Row:
    share = owned.share if isinstance(owned.share, FileShare) else None
    account = owned.account if isinstance(owned.account, StorageAccount) else None
    namespace = owned.volume.claim_namespace if owned.volume else owned.claim.namespace if owned.claim else ""
    key = owned.claim.key if owned.claim else owned.volume.claim if owned.volume else ""
    return {
        **_judged(owned.name, owned.verdict, owned.because, owned.price),
        **_fields(account, "sku"),
        **_fields(share, "tier", "protocol", "modified"),
        "size_gib": share.quota_gib if share else None,
        "account": owned.account_name or None,
        "volume": owned.volume.name if owned.volume else None,
        "namespace": namespace or None,
        "claim": key or None,
        **_users(owned),
        "resource_group": (share.resource_group if share else "") or _group(owned.id),
        "id": owned.id,
        "unknown": next((each.because for each in (owned.share, owned.account) if isinstance(each, Unknown)), None),
    }


def _users(owned: Used) -> dict[str, Any]:
    return {"pod": ",".join(pod.name for pod in owned.pods) or None, "workload": owned.workload or None}


def _snapshot(owned: OwnedSnapshot) -> Row:
    snapshot = owned.snapshot
    plain = ("size_gib", "sku", "state", "completion", "incremental", "source", "created", "resource_group", "id")
    key = f"{owned.namespace}/{owned.volume_snapshot}" if owned.volume_snapshot else None
    return {
        **_judged(snapshot.name, owned.verdict, owned.because, owned.price),
        **_fields(snapshot, *plain),
        "namespace": owned.namespace or None,
        "volume_snapshot": key,
    }


def _claim(owned: OwnedDisk, disk: Disk | None) -> tuple[str, str]:
    """The claim's namespace and its key: the claim that is there, else the volume's, else that of the disk's tags."""
    if owned.claim:
        return owned.claim.namespace, owned.claim.key
    if owned.volume:
        return owned.volume.claim_namespace, owned.volume.claim
    return (disk.claim_namespace, disk.claim) if disk else ("", "")


def _judged(name: str, verdict: str, because: str, price: Price | Unknown) -> dict[str, Any]:
    found = price if isinstance(price, Price) else None
    return {
        "name": name,
        "verdict": verdict,
        "because": because,
        "price_a_month": found.a_month if found else None,
        "currency": found.currency if found else None,
        "price_source": found.source if found else str(price),
    }


def _fields(value: Any, *names: str) -> dict[str, Any]:
    """These fields of a value; an empty text is missing, and so is all of a value that is not there."""
    found = {name: getattr(value, name, None) for name in names}
    return {name: None if field == "" else field for name, field in found.items()}


def _group(id_: str) -> str | None:
    """The resource group in an ARM id."""
    parts = id_.split("/")
    return parts[4] if len(parts) > 4 else None


def _in_order(row: Row, columns: Mapping[str, str]) -> Row:
    """The row with its columns in the order of these, in which documents have them, too."""
    return {name: row[name] for name in columns}


def _because(found: object) -> str:
    return found.because if isinstance(found, Unknown) else ""

"""An ownership table made by hand: a disk of each verdict, two snapshots, and what stands beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from aksdisks.model import DiskSnapshot, FileShare, StorageAccount, Unknown
from aksdisks.model.ownership import (
    Disagreement,
    NodeSlots,
    OwnedDisk,
    OwnedShare,
    OwnedSnapshot,
    Ownership,
    Price,
    Verdict,
)
from tests.world import GROUP, START, attachment, claim, disk, machine, pod, volume

SOURCE = "list prices of westeurope, 2026-11-01"
HOSTILE = "\"><script>document.title='owned'</script><img src=x onerror=document.title='owned'>'</script>"


def price(a_month: float = 5.28) -> Price:
    return Price(a_month=a_month, currency="USD", source=SOURCE)


def owned(
    of: str, verdict: Verdict, because: str, *, space: str = "shop", on: int | None = None, **more: Any
) -> OwnedDisk:
    """An owned disk; without more it hangs on nothing."""
    tags = {"kubernetes.io-created-for-pvc-namespace": space, "kubernetes.io-created-for-pvc-name": of}
    changed = START - timedelta(days=12)
    plain = disk(of, on=on, tags=tags if space else {}, owner_changed=changed, iops=120, mbps=25, zones=("1",), age=2e6)
    found = {"id": plain.id, "disk": plain, "price": price(), "verdict": verdict, "because": because}
    return OwnedDisk(**found | more)


def used(of: str, number: int, **more: Any) -> OwnedDisk:
    """One in use, with all that a disk can hang on."""
    mine, held = {"namespace": "shop"}, disk(of, on=number)
    whole = replace(
        owned(of, "in-use", f"pod shop/{of}-0 mounts claim shop/{of}", on=number),
        volume=volume(of, claim_namespace="shop"), claim=claim(of, **mine), workload="StatefulSet/db",
        pods=(pod(f"{of}-0", number, claim=of, **mine),), attachment=attachment(of, number),
        machine=machine(number, held), lun=0,
    )  # fmt: skip
    return replace(whole, **more)


def snapshot(name: str, verdict: Verdict, because: str, **changes: Any) -> OwnedSnapshot:
    plain = {
        "id": f"{GROUP}/snapshots/{name}", "name": name, "resource_group": "MC_disks_article_westeurope",
        "size_gib": 25, "sku": "Standard_LRS", "state": "Unattached", "completion": 100.0, "incremental": True,
        "source": f"{GROUP}/disks/pvc-data", "created": START,
    }  # fmt: skip
    made = DiskSnapshot(**plain | changes)
    return OwnedSnapshot(
        snapshot=made, verdict=verdict, because=because, namespace="shop", volume_snapshot="nightly", price=price(1.25)
    )


def shared(name: str, verdict: Verdict, because: str, **more: Any) -> OwnedShare:
    """A share; without more it hangs on nothing."""
    account = StorageAccount(name="f1", sku="Standard_LRS")
    made = FileShare(
        id=f"/subscriptions/s/resourceGroups/g/accounts/f1/{name}",
        name=name,
        account="f1",
        quota_gib=5,
        tier="Hot",
        modified=START,
    )
    plain = {"id": made.id, "name": name, "account_name": "f1", "share": made, "account": account}
    return OwnedShare(**plain | {"verdict": verdict, "because": because, "price": Unknown("no prices")} | more)


SHARES = (
    shared("pvc-2", "orphan", "the driver made it, and no volume names it"),
    shared(
        "docs", "in-use", "pod shop/web-0 mounts claim shop/docs", workload="Deployment/web",
        volume=volume("docs", disk_id="", claim_namespace="shop"), claim=claim("docs", namespace="shop"),
        pods=(pod("web-0", 0, claim="docs", namespace="shop"), pod("web-1", 1, claim="docs", namespace="shop")),
    ),
)  # fmt: skip


def ownership(**parts: Any) -> Ownership:
    """A disk of each verdict, one that could not be read, and one with hostile names; unless told otherwise."""
    kept = owned("kept", "kept", "StatefulSet db is scaled to 0", claim=claim("kept", namespace="shop"),
                 volume=volume("kept", claim_namespace="shop"), workload="StatefulSet/db")  # fmt: skip
    released = owned("released", "released", "claim shop/released is gone, and volume pvc-released retains its disk",
                     volume=volume("released", phase="Released", claim_namespace="shop"))  # fmt: skip
    elsewhere = owned(
        "elsewhere", "unknown", "it is outside of the node resource group, and could not be read", space=""
    )
    elsewhere = replace(
        elsewhere, disk=Unknown("Azure answers 403 AuthorizationFailed"), price=Unknown("its SKU is unknown")
    )
    hostile = owned("hostile", "foreign", f"no tag says that it was made for a claim {HOSTILE}", space=HOSTILE)
    plain = {
        "taken": START,
        "resource_group": "MC_disks_article_westeurope",
        "disks": (
            owned("left", "orphan", "made for claim billing/left, no volume names it", space="billing"),
            owned("fresh", "young", "made for claim shop/fresh, no volume names it, unattached for 2 hours"),
            released,
            kept,
            elsewhere,
            hostile,
            used("data", 0),
            used("logs", 1, price=Unknown("the list has no price of Odd_LRS")),
        ),
        "snapshots": (
            snapshot("snapshot-2", "orphan", "its disk and its content are gone", source=""),
            snapshot("snapshot-1", "kept", "disk pvc-data, of which it was made, is there"),
        ),
        "without_disk": (
            ("PersistentVolumeClaim shop/waits", "it is Pending"),
            ("PersistentVolume pvc-gone", "Azure has no such disk"),
        ),
        "disagreements": (
            Disagreement(disk="pvc-kept", volume="pvc-kept", node="aks-1", kubernetes="attached", azure="unattached"),
        ),
        "slots": (
            NodeSlots(node="aks-0", limit=8, by_kubernetes=1, by_azure=0),
            NodeSlots(node="aks-1", limit=8, by_kubernetes=7, by_azure=None),
        ),
        "grace": 86400.0,
    }  # fmt: skip
    return Ownership(**plain | parts)

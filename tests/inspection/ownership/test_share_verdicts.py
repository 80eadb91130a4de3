"""Each verdict on a share of Azure Files with its reason, and what is no orphan where something is not known."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aksdisks.model import (
    AzureFiles,
    FileShare,
    NotAsked,
    ShareSource,
    StorageAccount,
    Unknown,
    VolumeSnapshotContent,
    decode,
)
from aksdisks.model.ownership_rows import share_rows
from tests.inspection.ownership.rows import DAY, OF_ACCOUNT, table
from tests.world import CLAIM, SPACE, START, claim, pod, volume

KEY = f"{SPACE}/{CLAIM}"
UID = "0f2b8c1e-6a51-4b39-9a54-2a1c5f0b7d11"
NAME = f"pvc-{UID}"
DRIVER = "file.csi.azure.com"
SOURCE = ShareSource(account="f1", share=NAME, resource_group="MC_disks_article_westeurope")
NAMED = volume(disk_id="", driver=DRIVER, share=SOURCE)
BOUND = {"claims": (claim(),), "volumes": (NAMED,)}
BY_DRIVER = {"k8s-azure-created-by": "azure"}
UNREAD = Unknown("Azure answers AuthorizationFailed: no")
LEFT = "the driver made it, no volume names it, and its properties are as they are since 2026-11-21 04:25 UTC"


def share(name=NAME, *, days=2.0, account="f1", **changes):
    plain = {"quota_gib": 5, "protocol": "SMB", "tier": "Hot", "modified": START - timedelta(days=days)}
    plain["id"] = f"{OF_ACCOUNT}/{account}/fileServices/default/shares/{name}"
    return FileShare(name=name, account=account, resource_group="MC_g", **plain | changes)


def files(*shares, tags=BY_DRIVER, **changes):
    account = StorageAccount(id=f"{OF_ACCOUNT}/f1", name="f1", sku="Standard_LRS", tags=tags)
    return AzureFiles(**{"listed": (account,), "shares": {"f1": tuple(shares)}} | changes)


HELD = {"files": files(share())}
ELSEWHERE = OF_ACCOUNT.replace("MC_disks_article_westeurope", "data")
FAR = replace(SOURCE, resource_group="data")
OUTSIDE = {
    "volumes": (replace(NAMED, share=FAR),),
    "files": AzureFiles(
        elsewhere={"f1": StorageAccount(id=f"{ELSEWHERE}/f1", name="f1")},
        shares={"f1": (share(id=f"{ELSEWHERE}/f1/fileServices/default/shares/{NAME}"), share("another's"))},
    ),
}
OF_SHARE = VolumeSnapshotContent(name="c", driver=DRIVER, snapshot_id=f"g#f1#{NAME}###s#2026-11-01T00:00:00.0000000Z")
INLINE = {"spec": {"volumes": [{"name": "v", "csi": {"driver": DRIVER, "volumeAttributes": {"shareName": NAME}}}]}}


@pytest.mark.parametrize(
    ("parts", "verdict", "because"),
    [
        pytest.param(
            {**HELD, **BOUND, "pods": (pod("a", 0), pod("b", 1))},
            "in-use",
            f"pod walk/a, walk/b mounts claim {KEY}",
            id="pods on two nodes mount it",
        ),
        pytest.param(
            {
                **HELD,
                "volumes": (NAMED, volume("b", disk_id="", share=SOURCE)),
                "claims": (claim(), claim("b")),
                "pods": (pod("a", 0, claim="b"),),
            },
            "in-use",
            f"pod walk/a mounts claim walk/b; also of this share: volume pvc-{CLAIM}",
            id="two volumes name it, which is allowed",
        ),
        pytest.param(
            {**HELD, **BOUND}, "kept", f"claim {KEY} is there, and no pod mounts it", id="a claim without a pod"
        ),
        pytest.param(
            {**HELD, "volumes": (replace(NAMED, phase="Released", reclaim_policy="Retain"),)},
            "released",
            f"claim {KEY} is gone, and volume pvc-{CLAIM} stays (policy Retain)",
            id="kept by a volume",
        ),
        pytest.param(
            {**HELD, "volumes": (replace(NAMED, phase="Available", claim_name="", claim_namespace="", claim_uid=""),)},
            "kept",
            f"volume pvc-{CLAIM} names it, and no claim has taken that yet",
            id="static, not taken yet",
        ),
        pytest.param(
            HELD, "orphan", f"{LEFT}; Azure does not tell whether files in it are used", id="nothing names it"
        ),
        pytest.param(
            {"files": files(share(days=0.5))},
            "young",
            "the driver made it, no volume names it, and its properties are as they are since 2026-11-22 16:25 UTC, "
            "less than 24 h ago",
            id="not long ago",
        ),
        pytest.param(
            {"files": files(share("docs", metadata={"createdBy": DRIVER}))},
            "orphan",
            f"{LEFT}; Azure does not tell whether files in it are used",
            id="of a class that names its share",
        ),
        pytest.param(
            {"files": files(share("docs"))}, "foreign", "nothing says that it was made for a claim", id="a person's"
        ),
        pytest.param(
            {"files": files(share(), tags={})},
            "unknown",
            "no volume names it; no driver made account f1, so that another cluster may use it",
            id="a person's account",
        ),
        pytest.param(
            {"files": files(share(), tags={**BY_DRIVER, "aks-managed-cluster-name": "shop"})},
            "unknown",
            "of its account f1: its tag aks-managed-cluster-name names another cluster, shop",
            id="another cluster's account",
        ),
        pytest.param(
            {"files": files(share(lease="Leased"))},
            "unknown",
            "no volume names it, and somebody has a lease on it",
            id="leased",
        ),
        pytest.param(
            {**HELD, "claims": (claim(uid=UID, phase="Pending", volume=""),)},
            "kept",
            f"claim {KEY} is Pending: its share is being made",
            id="being made",
        ),
        pytest.param(
            {
                **HELD,
                "claims": (claim(uid=UID, volume="mine"),),
                "volumes": (volume(name="mine", share=SOURCE, disk_id="", claim_uid=UID),),
            },
            "kept",
            f"claim {KEY} is there, and no pod mounts it",
            id="named by another volume",
        ),
        pytest.param(
            {**HELD, "claims": (claim(uid=UID, volume="mine"),), "volumes": (volume("x", name="mine"),)},
            "unknown",
            f"it was made for claim {KEY}, which has volume mine instead",
            id="its claim has another volume",
        ),
        pytest.param(
            {**HELD, "contents": (OF_SHARE,)}, "kept", "VolumeSnapshotContent c has its snapshot in it", id="snapshot"
        ),
        pytest.param(
            {**HELD, "pods": (replace(pod("a", 0), claims=(), inline_shares=decode("Pod", INLINE).inline_shares),)},
            "in-use",
            "pod walk/a mounts a share of this name without a claim",
            id="mounted without a claim",
        ),
        pytest.param(
            {**OUTSIDE, "claims": (claim(),), "pods": (pod("a", 0),)},
            "in-use",
            f"pod walk/a mounts claim {KEY}",
            id="in another group, and used",
        ),
        pytest.param(
            OUTSIDE,
            "unknown",
            "its account is outside the node resource group: who else uses it cannot be told; volume "
            f"pvc-{CLAIM}, of claim {KEY} names it",
            id="in another group",
        ),
    ],
)
def test_each_verdict_has_its_reason(parts, verdict, because):
    (found,) = table(**parts).shares
    assert (found.name, found.verdict, found.because) == (found.name, verdict, because)


@pytest.mark.parametrize(
    ("parts", "because"),
    [
        ({**HELD, "unread": ("PersistentVolume",)}, "PersistentVolumes cannot be read"),
        ({**HELD, "unread": ("PersistentVolumeClaim",)}, "whether its claim is there is not known"),
        ({**HELD, "unread": ("Pod",)}, "whether a pod mounts it without one is not known"),
        ({**HELD, "contents": Unknown("403")}, "whether a snapshot of it is kept is unknown, because 403"),
        ({"files": files(share(modified=None))}, "Azure does not say since when"),
        ({"volumes": (NAMED,), "files": files(shares={"f1": UNREAD})}, f"{UNREAD.because}; volume pvc-{CLAIM}"),
        ({"volumes": (NAMED,), "files": AzureFiles(listed=UNREAD, elsewhere={"f1": UNREAD})}, UNREAD.because),
    ],
)
def test_what_could_not_be_read_makes_no_orphan(parts, because):
    (found,) = table(**parts).shares
    assert found.verdict == "unknown" and because in found.because


def test_without_accounts_the_shares_are_unknown_and_not_none():
    assert table(files=AzureFiles(listed=UNREAD)).shares == UNREAD
    assert table(files=UNREAD).shares == UNREAD
    assert isinstance(table().shares, NotAsked)
    assert table(files=files()).shares == ()


def test_a_namespace_has_the_shares_of_its_claims_and_rows_have_both_sides():
    both = {**BOUND, "pods": (pod("a", 0),), "files": files(share(), share("docs"))}
    assert [each.name for each in table(**both).shares] == ["docs", NAME]
    (row,) = share_rows(table(**both, namespace=SPACE).shares).rows
    shown = {"account": "f1", "size_gib": 5, "sku": "Standard_LRS", "claim": KEY, "pod": "a", "price_a_month": None}
    assert {name: row[name] for name in shown} == shown and row[
        "price_source"
    ] == f"unknown, because no price for {NAME} of f1"


def test_a_grace_is_the_cluster_s_time():
    (found,) = table(files=files(share()), grace=3 * DAY).shares
    assert found.verdict == "young" and "less than 3 d ago" in found.because

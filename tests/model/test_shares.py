"""Accounts and shares as Azure answers them, and which share a volume names, dynamic, static and of 2019."""

from datetime import UTC, datetime

import pytest

from aksdisks.model import FileShare, ShareSource, StorageAccount, StorageClass, decode, share_key

pytestmark = pytest.mark.quick

GROUP = "/subscriptions/s/resourceGroups/MC_disks_article_westeurope"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/f1"
SECRET = "azure-storage-account-f1-secret"


def test_an_account_says_who_may_reach_it_and_never_a_key():
    raw = {
        "id": ACCOUNT,
        "name": "f1",
        "kind": "FileStorage",
        "sku": {"name": "Premium_LRS", "tier": "Premium"},
        "location": "westeurope",
        "tags": {"k8s-azure-created-by": "azure"},
        "properties": {
            "creationTime": "2026-11-30T11:23:12.5Z",
            "provisioningState": "Succeeded",
            "allowSharedKeyAccess": False,
            "supportsHttpsTrafficOnly": False,
            "publicNetworkAccess": "Disabled",
            "networkAcls": {"defaultAction": "Deny", "bypass": "AzureServices"},
        },
    }
    assert StorageAccount.of(raw) == StorageAccount(
        id=ACCOUNT, name="f1", resource_group="MC_disks_article_westeurope", location="westeurope", sku="Premium_LRS",
        kind="FileStorage", tags={"k8s-azure-created-by": "azure"}, provisioning_state="Succeeded", shared_keys=False,
        encrypted_only=False,
        created=datetime(2026, 11, 30, 11, 23, 12, 500000, tzinfo=UTC), networks="Deny", public_access="Disabled",
    )  # fmt: skip
    plain = StorageAccount.of({"id": ACCOUNT, "name": "f1", "properties": {"allowSharedKeyAccess": None}})
    assert (plain.shared_keys, plain.networks, plain.has_shares) == (True, "Allow", True)


def test_a_share_says_its_quota_and_who_made_it():
    raw = {
        "id": f"{ACCOUNT}/fileServices/default/shares/pvc-1",
        "name": "pvc-1",
        "properties": {
            "accessTier": "TransactionOptimized",
            "shareQuota": 5,
            "enabledProtocols": "NFS",
            "lastModifiedTime": "2026-11-30T11:23:12.0000000Z",
            "metadata": {"createdBy": "file.csi.azure.com"},
            "leaseState": "available",
            "shareUsageBytes": 4096,
        },
    }
    found = FileShare.of(raw)
    assert found == FileShare(
        id=raw["id"], name="pvc-1", account="f1", resource_group="MC_disks_article_westeurope", quota_gib=5,
        protocol="NFS", tier="TransactionOptimized", metadata={"createdBy": "file.csi.azure.com"},
        modified=datetime(2026, 11, 30, 11, 23, 12, tzinfo=UTC), lease="available", used_bytes=4096,
    )  # fmt: skip
    assert (found.key, found.made_by_driver) == ("f1/pvc-1", True)
    assert FileShare.of({"name": "x", "properties": {"shareQuota": True}}) == FileShare(name="x")


def volume(handle: str = "", claim: str = "walk", annotations: dict[str, str] | None = None, **csi):
    spec = {"claimRef": {"namespace": claim, "name": "data"}} if claim else {}
    csi = {"driver": "file.csi.azure.com", "volumeHandle": handle, **csi}
    return {"metadata": {"name": "pv", "annotations": annotations or {}}, "spec": {**spec, "csi": csi}}


@pytest.mark.parametrize(
    ("raw", "source"),
    [
        pytest.param(
            volume("MC_g#f1#pvc-1###walk", volumeAttributes={"skuName": "Standard_LRS", "protocol": "smb"}),
            ShareSource(account="f1", share="pvc-1", resource_group="MC_g", secret=f"walk/{SECRET}"),
            id="dynamic",
        ),
        pytest.param(
            volume("MC_g#f1#pvcn-1###walk", volumeAttributes={"protocol": "NFS"}),
            ShareSource(account="f1", share="pvcn-1", resource_group="MC_g", protocol="nfs"),
            id="NFS needs no secret",
        ),
        pytest.param(
            volume("MC_g#f1#pvc-1####other", volumeAttributes={"secretNamespace": "kube-system"}),
            ShareSource(
                account="f1", share="pvc-1", resource_group="MC_g", subscription="other", secret=f"kube-system/{SECRET}"
            ),
            id="in another subscription",
        ),
        pytest.param(
            volume("g#f1#docs", nodeStageSecretRef={"name": "key", "namespace": "walk"}),
            ShareSource(account="f1", share="docs", resource_group="g", secret="walk/key", must_have_secret=True),
            id="static, by its handle",
        ),
        pytest.param(
            volume(
                "f1_docs",
                volumeAttributes={
                    "resourceGroup": "g",
                    "storageAccount": "f1",
                    "shareName": "docs",
                    "folderName": "/a/",
                },
            ),
            ShareSource(account="f1", share="docs", resource_group="g", folder="a", secret=f"walk/{SECRET}"),
            id="static, by its attributes",
        ),
        pytest.param(
            volume("old#one#other", volumeAttributes={"storageaccount": "f1", "SHARENAME": "docs"}),
            ShareSource(account="f1", share="docs", resource_group="old", secret=f"walk/{SECRET}"),
            id="attributes prevail, and their case does not count",
        ),
        pytest.param(
            volume(
                "g#f1#docs-data##pvc-2#walk",
                volumeAttributes={
                    "shareName": "docs-${pvc.metadata.name}",
                    "csi.storage.k8s.io/pvc/name": "data",
                    "csi.storage.k8s.io/pvc/namespace": "walk",
                },
            ),
            ShareSource(account="f1", share="docs-data", resource_group="g", secret=f"walk/{SECRET}"),
            id="a class that names the share after the claim",
        ),
        pytest.param(
            volume("#f1#docs##ns", claim=""),
            ShareSource(account="f1", share="docs", secret=f"ns/{SECRET}"),
            id="translated from in-tree",
        ),
        pytest.param(
            volume(
                "anything", volumeAttributes={"server": "f1.privatelink.file.core.windows.net", "shareName": "docs"}
            ),
            ShareSource(account="f1", share="docs", secret=f"walk/{SECRET}"),
            id="a server of a private endpoint",
        ),
        pytest.param(volume("nonsense"), ShareSource(), id="a handle that tells nothing"),
        pytest.param(
            volume("g#f1#docs", volumeAttributes={"shareName": None, "protocol": 3, "server": ["x"]}),
            ShareSource(account="f1", share="docs", resource_group="g", secret=f"walk/{SECRET}"),
            id="attributes that are no texts",
        ),
        pytest.param(
            {"spec": {"azureFile": {"secretName": SECRET, "shareName": "docs", "secretNamespace": "walk"}}},
            ShareSource(account="f1", share="docs", secret=f"walk/{SECRET}", must_have_secret=True),
            id="in-tree",
        ),
        pytest.param({"spec": {"csi": {"driver": "disk.csi.azure.com", "volumeHandle": "a#b#c"}}}, None, id="a disk"),
    ],
)
def test_a_volume_names_its_share_as_the_driver_reads_it(raw, source):
    found = decode("PersistentVolume", raw)
    assert found.share == source and found.disk_id == ("" if source else "a#b#c")


def test_a_share_is_one_of_azure_s_by_account_and_name_whatever_the_group_is_called():
    source = ShareSource(account="f1", share="docs", resource_group="G")
    assert source.key == share_key("F1", "docs") == "f1/docs"
    assert source.id("s", "MC_disks_article_westeurope") == (
        "/subscriptions/s/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/f1"
        "/fileServices/default/shares/docs"
    )
    assert ShareSource(account="f1").id("s", "g") == ShareSource(share="docs").key == ""


def test_a_class_of_files_makes_shares_and_no_disks():
    made = [StorageClass(provisioner=f"{each}") for each in ("file.csi.azure.com", "kubernetes.io/azure-file")]
    assert [(each.makes_shares, each.makes_disks) for each in made] == [(True, False)] * 2
    assert not StorageClass(provisioner="disk.csi.azure.com").makes_shares

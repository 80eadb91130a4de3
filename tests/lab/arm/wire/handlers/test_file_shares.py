"""File shares through azure-mgmt-storage over HTTPS."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.storage import StorageManagementClient

GROUP, STANDARD, PREMIUM = "disks", "standard0", "premium0"


@pytest.fixture(scope="module")
def storage(azure):
    client = azure.client(kind=StorageManagementClient)
    for name, sku, kind in ((STANDARD, "Standard_LRS", "StorageV2"), (PREMIUM, "Premium_LRS", "FileStorage")):
        body = {"location": "westeurope", "sku": {"name": sku}, "kind": kind}
        client.storage_accounts.begin_create(GROUP, name, body).result()
    return client


@pytest.fixture(scope="module")
def shares(storage):
    return storage.file_shares


def asked(**properties):
    return {"properties": properties}


def refused(call, *arguments):
    with pytest.raises(HttpResponseError) as error:
        call(*arguments)
    return error.value.status_code, error.value.error.code, error.value.error.message.partition("\n")[0]


def test_a_shares_life(shares, azure, signed_in):
    """Compared with the recording in cloud-provider-azure (pkg/azclient/fileshareclient/testdata/AZURECLOUD.yaml)."""
    made = shares.create(GROUP, STANDARD, "life", asked(accessTier="Cool", enabledProtocols="SMB"))
    place = (
        f"{azure.scenario.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Storage/storageAccounts/{STANDARD}"
    )
    head = {
        "id": f"{place}/fileServices/default/shares/life",
        "name": "life",
        "type": "Microsoft.Storage/storageAccounts/fileServices/shares",
    }
    assert made.as_dict() == {**head, "properties": {"accessTier": "Cool", "enabledProtocols": "SMB"}}
    shown = shares.get(GROUP.upper(), STANDARD.upper(), "life").as_dict()
    times = [shown["properties"].pop(name) for name in ("lastModifiedTime", "accessTierChangeTime")]
    assert times[0] == times[1]
    etag = shown.pop("etag")
    assert etag.startswith('"0x8D')
    common = {"leaseStatus": "unlocked", "leaseState": "available", "accessTier": "Cool", "shareQuota": 5120}
    assert shown == {**head, "properties": {**common, "signedIdentifiers": []}}
    [listed] = [entry.as_dict() for entry in shares.list(GROUP, STANDARD)]
    assert listed["etag"] == etag
    assert listed["properties"]["enabledProtocols"] == "SMB"
    assert "signedIdentifiers" not in listed["properties"]

    def is_there(name):
        url = f"{azure.url}{place}/fileServices/default/shares/{name}?api-version=2023-05-01"
        return signed_in.head(url, timeout=10).status_code

    assert (is_there("life"), is_there("nothing")) == (204, 404)
    changed = shares.update(GROUP, STANDARD, "life", asked(shareQuota=7, metadata={"a": "b"}))
    assert changed.as_dict() == {**head, "properties": {"shareQuota": 7, "metadata": {"a": "b"}}}
    again = shares.create(GROUP, STANDARD, "life", asked(shareQuota=9))
    assert again.as_dict()["properties"] == {"shareQuota": 9}
    now = shares.get(GROUP, STANDARD, "life", expand="stats")
    assert (now.share_quota, now.metadata, now.share_usage_bytes) == (9, {"a": "b"}, 0)
    assert now.etag != etag

    shares.delete(GROUP, STANDARD, "life")
    shares.delete(GROUP, STANDARD, "life")
    assert refused(shares.get, GROUP, STANDARD, "life") == (404, "ShareNotFound", "The specified share does not exist.")


def test_a_deleted_share_is_listed_apart_and_restored(shares, storage):
    shares.create(GROUP, STANDARD, "back", asked(shareQuota=3))
    shares.delete(GROUP, STANDARD, "back")
    assert "back" not in [entry.name for entry in shares.list(GROUP, STANDARD)]
    [gone] = [entry for entry in shares.list(GROUP, STANDARD, expand="deleted") if entry.name == "back"]
    assert (gone.deleted, gone.remaining_retention_days, gone.id.endswith(f"/back_{gone.version}")) == (True, 6, True)
    wanted = {"deletedShareName": "back", "deletedShareVersion": gone.version}
    shares.restore(GROUP, STANDARD, "back", wanted)
    assert shares.get(GROUP, STANDARD, "back").share_quota == 3
    assert refused(shares.restore, GROUP, STANDARD, "back", wanted)[:2] == (404, "ShareNotFound")

    service = storage.file_services
    assert service.get_service_properties(GROUP, STANDARD).as_dict()["properties"] == {
        "protocolSettings": {"smb": {}},
        "cors": {"corsRules": []},
        "shareDeleteRetentionPolicy": {"enabled": True, "days": 7},
    }
    answer = service.set_service_properties(GROUP, STANDARD, asked(shareDeleteRetentionPolicy={"enabled": False}))
    assert answer.as_dict()["properties"] == {"shareDeleteRetentionPolicy": {"enabled": False}}
    shares.delete(GROUP, STANDARD, "back")
    assert "back" not in [entry.name for entry in shares.list(GROUP, STANDARD, expand="deleted")]
    wrong = asked(shareDeleteRetentionPolicy={"enabled": True, "days": 400})
    assert refused(service.set_service_properties, GROUP, STANDARD, wrong)[1] == "InvalidParameter"
    [listed] = service.list(GROUP, STANDARD).value
    assert listed.name == "default"


def test_pages(shares):
    for number in range(7):
        shares.create(GROUP, PREMIUM, f"page-{number}", asked(shareQuota=100))
    pages = [[entry.name for entry in page] for page in shares.list(GROUP, PREMIUM, maxpagesize="3").by_page()]
    assert pages == [["page-0", "page-1", "page-2"], ["page-3", "page-4", "page-5"], ["page-6"]]
    found = shares.list(GROUP, PREMIUM, filter="startswith(name, 'page-5')")
    assert [entry.name for entry in found] == ["page-5"]


@pytest.mark.parametrize(
    ("account", "name", "properties", "code", "words"),
    [
        (STANDARD, "Upper", {}, "InvalidResourceName", "The specifed resource name contains invalid characters."),
        (
            STANDARD,
            "ab",
            {},
            "OutOfRangeInput",
            "The specified resource name length is not within the permissible limits.",
        ),
        (
            PREMIUM,
            "small",
            {"shareQuota": 99},
            "InvalidHeaderValue",
            "The value for one of the HTTP headers is not in the correct format.",
        ),
        (
            STANDARD,
            "large",
            {"shareQuota": 5121},
            "InvalidHeaderValue",
            "The value for one of the HTTP headers is not in the correct format.",
        ),
        (
            STANDARD,
            "nfs",
            {"enabledProtocols": "NFS"},
            "FeatureNotSupportedForAccount",
            "NfsFileShares is not supported for the account.",
        ),
    ],
)
def test_what_azure_refuses_leaves_nothing(shares, account, name, properties, code, words):
    assert refused(shares.create, GROUP, account, name, asked(**properties)) == (400, code, words)
    assert name not in [entry.name for entry in shares.list(GROUP, account)]


def test_nfs_on_a_premium_account(shares):
    shares.create(GROUP, PREMIUM, "nfs", asked(shareQuota=100, enabledProtocols="NFS", rootSquash="RootSquash"))
    shown = shares.get(GROUP, PREMIUM, "nfs")
    assert (shown.enabled_protocols, shown.root_squash, shown.access_tier) == ("NFS", "RootSquash", "Premium")
    shares.update(GROUP, PREMIUM, "nfs", asked(rootSquash="NoRootSquash"))
    assert shares.get(GROUP, PREMIUM, "nfs").root_squash == "NoRootSquash"


def test_an_account_that_there_is_not_and_one_without_files(shares, storage, azure):
    with pytest.raises(ResourceNotFoundError) as missing:
        storage.file_services.get_service_properties(GROUP, "nobodys")
    account = (
        f"{azure.scenario.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Storage/storageAccounts/nobodys"
    )
    assert missing.value.error.code == "ParentResourceNotFound"
    assert missing.value.error.message == (
        "Failed to perform 'read' on resource(s) of type 'storageAccounts/fileServices', because the parent resource "
        f"'{account}' could not be found."
    )
    assert refused(shares.create, GROUP, "nobodys", "data", {})[1] == "ParentResourceNotFound"
    assert refused(shares.get, "nowhere", "nobodys", "data")[1] == "ResourceGroupNotFound"
    body = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "BlobStorage"}
    storage.storage_accounts.begin_create(GROUP, "blobs0", body).result()
    no_files = (400, "FeatureNotSupportedForAccount", "File is not supported for the account.")
    assert refused(shares.get, GROUP, "blobs0", "data") == no_files


def test_snapshots_are_not_emulated_and_that_is_said(shares):
    with pytest.raises(HttpResponseError, match="The lab does not emulate snapshots of file shares"):
        shares.create(GROUP, PREMIUM, "page-0", {}, expand="snapshots")

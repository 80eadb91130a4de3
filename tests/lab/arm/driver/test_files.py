"""What the file driver gets from the cloud in process: accounts found or made, keys, shares."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.driver.files import AccountWanted, CloudFiles
from aksdisks.lab.arm.driver.retries import ThrottledError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.faults.arm_requests import RequestFaults
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.ids import Ids

GROUP = "MC_disks_article_westeurope"
SMB = AccountWanted("Standard_LRS", "StorageV2", {"team": "a"}, settings={"allowBlobPublicAccess": False})
NFS = AccountWanted("Premium_LRS", "FileStorage", https_only=False, settings={"allowBlobPublicAccess": False})


@pytest.fixture
def walk(cloud_of):
    """Runs `story(files, cloud)` in a loop of its own."""

    def run(story):
        async def whole():
            cloud = cloud_of(scenarios.load("regional"))
            try:
                return await story(CloudFiles(cloud, Ids(3)), cloud)
            finally:
                await cloud.close()

        return asyncio.run(whole())

    return run


def test_an_account_is_made_once_and_found_again_where_it_fits(walk):
    async def story(files, cloud):
        started = cloud.clock.monotonic()
        name = await files.ensure_account(GROUP, SMB)
        assert cloud.clock.monotonic() - started == 18
        assert name.startswith("f")
        assert len(name) == 23
        made = await files.get_account(GROUP, name)
        assert made["tags"] == {"team": "a", "k8s-azure-created-by": "azure"}
        assert made["properties"]["minimumTlsVersion"] == "TLS1_2"
        assert await files.ensure_account(GROUP, dataclasses.replace(SMB, tags={})) == name
        assert await files.ensure_account(GROUP, dataclasses.replace(SMB, sku="")) == name
        for other in (
            NFS,
            dataclasses.replace(SMB, sku="Standard_ZRS"),
            dataclasses.replace(SMB, https_only=False),
            dataclasses.replace(SMB, tags={"team": "b"}, match_tags=True),
            dataclasses.replace(SMB, settings={**SMB.settings, "largeFileSharesState": "Enabled"}),
            dataclasses.replace(SMB, settings={**SMB.settings, "allowSharedKeyAccess": False}),
        ):
            another = await files.ensure_account(GROUP, other)
            assert another != name
            assert await files.ensure_account(GROUP, other) == another
            await files.tag_account(GROUP, another, {"skip-matching": ""})
        await files.tag_account(GROUP, name, {"skip-matching": ""})
        assert await files.ensure_account(GROUP, SMB) != name

    walk(story)


def test_a_share_is_made_grown_and_deleted(walk):
    async def story(files, cloud):
        account = await files.ensure_account(GROUP, SMB)
        await files.create_share(GROUP, account, "pvc-1", {"shareQuota": 5, "metadata": {"createdBy": "driver"}})
        await files.create_share(GROUP, account, "pvc-1", {"shareQuota": 5})
        shown = (await files.get_share(GROUP, account, "pvc-1"))["properties"]
        assert (shown["shareQuota"], shown["metadata"]) == (5, {"createdBy": "driver"})
        key = await files.account_key(GROUP, account)
        share = cloud.storage.open(account, "pvc-1", key)
        for size in (8, 6):
            await files.resize_share(GROUP, account, "pvc-1", size)
            assert share.quota_gib == 8
        await files.delete_share(GROUP, account, "pvc-1")
        await files.delete_share(GROUP, account, "pvc-1")
        assert cloud.storage.open(account, "pvc-1", key).reason == "share"
        with pytest.raises(CloudError) as refused:
            await files.get_share(GROUP, account, "pvc-1")
        assert (refused.value.status, refused.value.code) == (404, "ShareNotFound")
        assert refused.value.request[0] == "GET"

    walk(story)


def test_a_mount_needs_the_account_one_of_its_keys_and_the_share(walk):
    async def story(files, cloud):
        account = await files.ensure_account(GROUP, SMB)
        await files.create_share(GROUP, account, "smb", {})
        premium = await files.ensure_account(GROUP, NFS)
        await files.create_share(GROUP, premium, "nfs", {"enabledProtocols": "NFS"})
        open_, keys = cloud.storage.open, [entry["value"] for entry in cloud.storage.accounts.keys(GROUP, account)]
        assert {open_(account.upper(), "smb", key).name for key in keys} == {"smb"}
        assert open_(premium, "nfs", None).name == "nfs"
        assert open_("nobodys", "smb", keys[0]).reason == "account"
        assert open_(account, "smb", "ä").reason == "key"
        assert open_(account, "nfs", keys[0]).reason == "share"
        assert open_(account, "smb", None).reason == "share"
        closed = await files.ensure_account(
            GROUP, dataclasses.replace(SMB, settings={**SMB.settings, "allowSharedKeyAccess": False})
        )
        assert open_(closed, "smb", await files.account_key(GROUP, closed)).reason == "key"
        cloud.storage.accounts.regenerate(GROUP, account, {"keyName": "key1"})
        assert [getattr(open_(account, "smb", key), "reason", "") for key in keys] == ["key", ""]

    walk(story)


def test_faults_of_azure_reach_the_driver_in_the_providers_words(cloud_of):
    async def story():
        cloud = cloud_of(scenarios.load("regional"))
        faults = Faults()
        injection = RequestFaults(faults, cloud.clock)
        files = CloudFiles(cloud, Ids(3), injection)
        account = await files.ensure_account(GROUP, SMB)
        faults.on("role-missing", "action/Microsoft.Storage/storageAccounts/listKeys/action")
        with pytest.raises(CloudError, match=r"authorization to perform action 'Microsoft.Storage/") as no:
            await files.account_key(GROUP, account)
        assert no.value.code == "AuthorizationFailed"
        faults.on("throttled")
        with pytest.raises(ThrottledError):
            await files.get_account(GROUP, account)
        with pytest.raises(CloudError) as refused:
            injection.check("Microsoft.Storage/storageAccounts/read", cloud.scenario.subscription, None)
        assert (refused.value.status, refused.value.code) == (429, "TooManyRequests")
        assert "operation type - Read_ObservationWindow_00:05:00." in refused.value.message
        await cloud.close()

    asyncio.run(story())


def test_a_lock_keeps_the_driver_out_too(walk):
    async def story(files, cloud):
        account = await files.ensure_account(GROUP, SMB)
        await files.create_share(GROUP, account, "kept", {})
        cloud.locks.put(
            f"{cloud.scenario.subscription}/resourceGroups/{GROUP}", "l", {"properties": {"level": "ReadOnly"}}
        )
        for change in (
            files.ensure_account(GROUP, NFS),
            files.create_share(GROUP, account, "more", {}),
            files.delete_share(GROUP, account, "kept"),
        ):
            with pytest.raises(CloudError) as refused:
                await change
            assert refused.value.code == "ScopeLocked"

    walk(story)

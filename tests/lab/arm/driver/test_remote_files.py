"""The file driver's Azure over HTTPS gives what it gives in process."""

from __future__ import annotations

import asyncio

import pytest

from aksdisks.lab.arm.driver.files import AccountWanted
from aksdisks.lab.arm.driver.remote_files import ArmFiles
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from tests.lab.arm.driver.test_remote import address

SMB = AccountWanted("Standard_LRS", "StorageV2", {"team": "a"}, settings={"allowBlobPublicAccess": False})
NFS = AccountWanted("Premium_LRS", "FileStorage", https_only=False, settings={"allowBlobPublicAccess": False})


def test_accounts_and_shares_are_made_opened_and_deleted(serve) -> None:
    with serve("regional") as azure:
        group = azure.scenario.node_resource_group

        async def story(files: ArmFiles) -> None:
            name = await files.ensure_account(group, SMB)
            assert await files.ensure_account(group, SMB) == name
            assert azure.cloud.storage.accounts.find(name).tags == {"team": "a", "k8s-azure-created-by": "azure"}
            key = await files.account_key(group, name)
            await files.create_share(group, name, "pvc-1", {"shareQuota": 5})
            await files.resize_share(group, name, "pvc-1", 8)
            assert (await files.get_share(group, name, "pvc-1"))["properties"]["shareQuota"] == 8
            fast = await files.ensure_account(group, NFS)
            await files.create_share(group, fast, "pvcn-1", {"shareQuota": 100, "enabledProtocols": "NFS"})
            for account, share, with_key in (
                (name, "pvc-1", key), (name, "pvc-1", "d3Jvbmc="), (name, "pvc-2", key), ("nobodys", "pvc-1", key),
                (fast, "pvcn-1", None), (name, "pvc-1", None), (name, "Bad_Name", key),
            ):  # fmt: skip
                found = azure.cloud.storage.open(account, share, with_key)
                assert await files.closed(account, share, with_key) == getattr(found, "reason", None)
            await files.delete_share(group, name, "pvc-1")
            with pytest.raises(CloudError) as refused:
                await files.get_share(group, name, "pvc-1")
            assert (refused.value.code, (refused.value.request or ("",))[0]) == ("ShareNotFound", "GET")
            with pytest.raises(CloudError) as refused:
                await files.ensure_account("elsewhere", SMB)
            assert refused.value.code == "ResourceGroupNotFound"

        async def whole() -> None:
            files = ArmFiles(address(azure), Clock(azure.clock.speed), Ids(1))
            try:
                await story(files)
            finally:
                await files.close()

        asyncio.run(whole())

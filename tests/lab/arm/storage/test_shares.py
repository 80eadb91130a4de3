"""Shares over deletions, restorations and restarts, with their bytes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.disk_bytes import DiskBytes
from aksdisks.lab.ids import Ids
from aksdisks.lab.sandbox.volumes import Volumes
from tests.lab.arm.conftest import InstantClock
from tests.lab.arm.remembering import Remembering

GROUP, ACCOUNT = "disks", "filesofone"
BODY = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
PLACE = (GROUP, ACCOUNT, "data")


class Later(InstantClock):
    ahead = timedelta()

    def now(self):
        return super().now() + self.ahead


class Story:
    """A cloud with an account, and the directories of its shares; `restart` makes another one from what was kept."""

    def __init__(self, directory):
        self.directory, self.records, self.clock = directory, Remembering(), Later()
        self.cloud = None

    async def begin(self):
        await self.restart()
        await self.cloud.storage.accounts.put(GROUP, ACCOUNT, BODY).done()
        return self

    async def restart(self):
        if self.cloud is not None:
            await self.cloud.close()
            self.volumes.close()
            self.records = self.records.again()
        self.cloud = Cloud(scenarios.load("regional"), self.clock, Ids(5), records=self.records)
        self.volumes = Volumes(self.directory)
        self.bytes = DiskBytes(self.volumes, self.cloud, self.records)
        self.bytes.sweep([], [])
        self.cloud.resume()

    @property
    def shares(self):
        return self.cloud.storage.shares

    def write(self, share, text):
        (self.volumes.disk(self.bytes.directory_of_share(share)) / "file").write_text(text)

    def texts(self):
        """What is in the directories that pods can see."""
        return sorted(path.read_text() for path in self.directory.glob("volumes/share~~*/file"))

    def left(self):
        """How many shares' directories there are; one that is removed has another name at once."""
        return len(list(self.directory.glob("volumes/share~~*")))


def walk(tmp_path, tell):
    async def whole():
        story = await Story(tmp_path).begin()
        try:
            await tell(story)
        finally:
            await story.cloud.close()
            story.volumes.close()

    asyncio.run(whole())


def test_a_deleted_share_comes_back_with_its_bytes_also_after_a_restart(tmp_path):
    async def tell(story):
        first = story.shares.put(*PLACE, {"properties": {"shareQuota": 7, "metadata": {"a": "b"}}})
        story.write(first, "first")
        assert story.shares.used_bytes(first) == 5
        assert story.shares.delete(*PLACE)
        assert not story.shares.delete(*PLACE)
        second = story.shares.put(*PLACE, {})
        story.write(second, "second")
        assert story.texts() == ["first", "second"]
        await story.restart()
        assert story.texts() == ["first", "second"]
        [gone, there] = sorted(story.shares.all(GROUP, ACCOUNT, deleted=True), key=lambda share: share.quota_gib)
        assert [share.name for share in story.shares.all(GROUP, ACCOUNT)] == ["data"]
        assert (gone.quota_gib, there.quota_gib, there.deleted) == (7, 5120, None)
        shown = story.shares.to_json(gone)["properties"]
        assert (shown["deleted"], shown["remainingRetentionDays"], shown["version"]) == (True, 6, gone.version)
        wanted = {"deletedShareName": "data", "deletedShareVersion": gone.version}
        with pytest.raises(CloudError, match="The specified share already exists") as refused:
            story.shares.restore(*PLACE, wanted)
        assert refused.value.status == 409
        back = story.shares.restore(GROUP, ACCOUNT, "again", wanted)
        await story.restart()
        back = story.shares.get(GROUP, ACCOUNT, "again")
        assert (back.quota_gib, back.metadata, back.deleted, back.version) == (7, {"a": "b"}, None, "")
        assert story.shares.used_bytes(back) == 5

    walk(tmp_path, tell)


def test_what_was_deleted_long_ago_is_gone_with_its_bytes(tmp_path):
    async def tell(story):
        share = story.shares.put(*PLACE, {})
        story.write(share, "old")
        story.shares.delete(*PLACE)
        story.clock.ahead = timedelta(days=6, hours=23)
        assert len(story.shares.all(GROUP, ACCOUNT, deleted=True)) == 1
        story.clock.ahead = timedelta(days=7)
        assert story.shares.all(GROUP, ACCOUNT, deleted=True) == []
        assert story.left() == 0

    walk(tmp_path, tell)


@pytest.mark.parametrize("way", ["account", "group", "no retention"])
def test_the_bytes_go_with_what_holds_them(tmp_path, way):
    async def tell(story):
        cloud = story.cloud
        cloud.groups.put("mine", {"location": "westeurope"})
        await cloud.storage.accounts.put("mine", "another", BODY).done()
        for name in ("kept", "deleted"):
            story.write(story.shares.put("mine", "another", name, {}), name)
        if way == "no retention":
            account = cloud.storage.accounts.get("mine", "another")
            account.file_service = {"shareDeleteRetentionPolicy": {"enabled": False}}
            story.shares.delete("mine", "another", "kept")
        story.shares.delete("mine", "another", "deleted")
        if way == "account":
            assert cloud.storage.accounts.delete("mine", "another")
            assert not cloud.storage.accounts.delete("mine", "another")
        elif way == "group":
            await cloud.delete_group("mine").done()
        assert story.left() == 0
        assert story.shares.everything() == []
        await story.restart()
        assert story.shares.everything() == []

    walk(tmp_path, tell)


def test_provisioned_shares_fill_an_account_and_deleted_ones_too(tmp_path):
    async def tell(story):
        body = {**BODY, "sku": {"name": "Premium_LRS"}, "kind": "FileStorage"}
        await story.cloud.storage.accounts.put(GROUP, "premium", body).done()

        def full(change, name, gib):
            with pytest.raises(CloudError) as refused:
                change(GROUP, "premium", name, {"properties": {"shareQuota": gib}})
            words = "The total provisioned capacity of the shares cannot exceed the account maximum size limit."
            code = "TotalSharesProvisionedCapacityExceedsAccountLimit"
            assert (refused.value.status, refused.value.code, refused.value.message) == (409, code, words)

        story.shares.put(GROUP, "premium", "most", {"properties": {"shareQuota": 102_200}})
        story.shares.put(GROUP, "premium", "last", {"properties": {"shareQuota": 150}})
        full(story.shares.put, "more", 100)
        full(story.shares.patch, "last", 201)
        story.shares.patch(GROUP, "premium", "last", {"properties": {"shareQuota": 200}})
        story.shares.delete(GROUP, "premium", "most")
        full(story.shares.put, "more", 100)
        story.cloud.storage.accounts.get(GROUP, "premium").file_service = {}
        story.shares.delete(GROUP, "premium", "last")
        story.shares.put(GROUP, "premium", "more", {"properties": {"shareQuota": 200}})

    walk(tmp_path, tell)


def test_an_account_that_was_being_made_is_ready_after_a_restart(tmp_path):
    async def tell(story):
        story.cloud.storage.accounts.put(GROUP, "unfinished", BODY)
        with pytest.raises(CloudError) as refused:
            story.shares.put(GROUP, "unfinished", "data", {})
        assert (refused.value.status, refused.value.code) == (409, "StorageAccountIsNotProvisioned")
        keys = story.cloud.storage.accounts.get(GROUP, "unfinished").key1
        await story.restart()
        account = story.cloud.storage.accounts.get(GROUP, "unfinished")
        assert (account.provisioning_state, account.key1) == ("ResolvingDNS", keys)
        await story.clock.sleep(18)
        assert account.provisioning_state == "Succeeded"
        story.shares.put(GROUP, "unfinished", "data", {})

    walk(tmp_path, tell)

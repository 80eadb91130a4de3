"""Storage accounts and their file shares, typed values out; keys are never asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from aksdisks.azure.arm import STORAGE, Arm
from aksdisks.model import FileShare, StorageAccount, Unknown

_PROVIDER = "/providers/Microsoft.Storage/storageAccounts"
_ACCOUNT_ID = re.compile(rf"^/subscriptions/[^/]+/resourceGroups/[^/]+{re.escape(_PROVIDER)}/[^/]+$", re.IGNORECASE)
_SHARE_ID = re.compile(rf"{_ACCOUNT_ID.pattern[:-1]}/fileServices/default/shares/[^/]+$", re.IGNORECASE)


class StorageCalls(Arm):
    """What Azure has of Azure Files."""

    def storage_accounts(self) -> tuple[StorageAccount, ...] | Unknown:
        """All storage accounts of the node resource group, by name; the driver makes its own there."""
        return self._ask(
            lambda: tuple(
                sorted(
                    map(StorageAccount.of, self._pages(f"{self.group}{_PROVIDER}", STORAGE)),
                    key=lambda account: account.name,
                )
            )
        )

    def storage_account(self, id_: str) -> StorageAccount | Unknown | None:
        """An account of whatever resource group, by its id; None where Azure has none, Unknown for no account's id."""
        if not _ACCOUNT_ID.match(id_):
            return Unknown(f"{id_!r} is no id of a storage account")
        found = self.find(id_)
        return StorageAccount.of(found) if isinstance(found, dict) else found

    def file_shares(self, account: StorageAccount, *, deleted: bool = False) -> tuple[FileShare, ...] | Unknown:
        """The shares of an account, by name; none where accounts of its kind can have none.

        `deleted`: those that were deleted and can be restored yet, too.
        """
        if not account.has_shares:
            return ()
        path = f"{account.id}/fileServices/default/shares"
        query = {"$expand": "deleted"} if deleted else {}
        return self._ask(
            lambda: tuple(sorted(map(FileShare.of, self._pages(path, STORAGE, **query)), key=lambda share: share.name))
        )

    def file_share(self, id_: str, *, usage: bool = False) -> FileShare | Unknown | None:
        """A share of whatever account, by its id; None where Azure has none, Unknown for no share's id.

        `usage`: how many bytes are in it as well, which Azure counts anew at each such call.
        """
        if not _SHARE_ID.match(id_):
            return Unknown(f"{id_!r} is no id of a file share")
        found = self.find(id_, **({"$expand": "stats"} if usage else {}))
        return FileShare.of(found) if isinstance(found, dict) else found

    def follow_shares(self, ids: Collection[str]) -> Iterator[tuple[FileShare, ...] | Unknown | None]:
        """Those of these shares that are there, by their ids, again and again; as `Azure.follow_disks`."""

        def look() -> tuple[FileShare, ...] | Unknown:
            found = [self.file_share(each) for each in ids]
            unread = [each for each in found if isinstance(each, Unknown)]
            return unread[0] if unread else tuple(each for each in found if isinstance(each, FileShare))

        return self._again(look)

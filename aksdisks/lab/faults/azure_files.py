"""Faults of file shares and their accounts: shares lost, keys made anew; all is as before when the fault is off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aksdisks.lab.arm.persistence import KeptByKey
from aksdisks.lab.arm.storage.accounts import KEY_NAMES
from aksdisks.lab.arm.storage.share import Share
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.persistence.records import Records

if TYPE_CHECKING:
    from aksdisks.lab.arm.cloud import Cloud
    from aksdisks.lab.arm.storage.account import Account

_CHANGED = "azure/changed-key"


class FileFaults:
    """Changes the cloud's shares and accounts each time that a fault is switched."""

    def __init__(self, cloud: Cloud, faults: Faults, records: Records | None = None) -> None:
        """`records`: what was lost and changed before a restart, and where it is kept."""
        self._storage = cloud.storage
        self._faults = faults
        self._records = records or Records()
        self._lost = KeptByKey(self._records, "azure/lost-share", Share)
        # Of each account its keys before and since, by name.
        self._changed: dict[str, dict[str, list[str]]] = dict(self._records.values(_CHANGED))
        faults.subscribe(self.apply)

    def apply(self) -> None:
        """Do what has become due, and undo what is over."""
        for account in self._storage.accounts.all():
            if account.key not in self._changed and self._faults.occurs("account-key-changed", _name(account)):
                self._change_keys(account)
            for share in self._shares(account):
                if self._faults.occurs("share-gone", f"share/{share.name}"):
                    self._lost[share.key] = share
                    self._storage.shares.lose(share)
        for share in [share for share in self._lost.values() if not self._is_on("share-gone", f"share/{share.name}")]:
            del self._lost[share.key]
            if self._storage.accounts.by_key(share.account) is not None:
                self._storage.shares.bring_back(share)
        for key in list(self._changed):
            found = self._storage.accounts.by_key(key)
            if found is None or not self._is_on("account-key-changed", _name(found)):
                self._take_back(key, found)

    def lost(self) -> list[Share]:
        """The shares that are no more until their fault is off."""
        return list(self._lost.values())

    def _shares(self, account: Account) -> Iterator[Share]:
        for share in self._storage.shares.of(account):
            if share.deleted is None and share.key not in self._lost:
                yield share

    def _change_keys(self, account: Account) -> None:
        before = {name: getattr(account, name) for name in KEY_NAMES}
        for name in KEY_NAMES:
            self._storage.accounts.renew_key(account, name)
        self._changed[account.key] = {name: [before[name], getattr(account, name)] for name in KEY_NAMES}
        self._records.remember(_CHANGED, account.key, self._changed[account.key])

    def _take_back(self, key: str, account: Account | None) -> None:
        """The keys of before, but for one that somebody has made anew meanwhile."""
        changed = self._changed.pop(key)
        self._records.remove(_CHANGED, key)
        for name, (before, since) in changed.items():
            if account is not None and getattr(account, name) == since:
                setattr(account, name, before)

    def _is_on(self, name: str, reference: str) -> bool:
        return self._faults.is_on(name, reference)


def _name(account: Account) -> str:
    return f"account/{account.name}"

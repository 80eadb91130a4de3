"""The file shares of one subscription's accounts, with those that can still be restored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from aksdisks.lab.arm.bodies import member
from aksdisks.lab.arm.errors import missing_parameter
from aksdisks.lab.arm.persistence import KeptByKey
from aksdisks.lab.arm.resources.subscription import Subscription
from aksdisks.lab.arm.storage import refusals, share_rules
from aksdisks.lab.arm.storage.account import Account
from aksdisks.lab.arm.storage.accounts import Accounts
from aksdisks.lab.arm.storage.share import Share

Json = dict[str, Any]

_KIND = "storageAccounts/fileServices/shares"


class Shares:
    """What changes something checks everything first, raises `CloudError` and has then changed nothing.

    A deleted share of an account that retains them is kept with its bytes, and can be restored until its days are over.
    """

    def __init__(self, subscription: Subscription, accounts: Accounts) -> None:
        self._subscription = subscription
        self._accounts = accounts
        self._known: KeptByKey[Share] = KeptByKey(subscription.records, "azure/file-share", Share)
        self.on_deleted: Callable[[Share], None] = lambda _share: None
        self.used_bytes: Callable[[Share], int] = lambda _share: 0
        accounts.on_deleted = self._account_deleted

    def find(self, account: Account, name: str) -> Share | None:
        """The share of that name."""
        return self._known.get(self._id(account, name).lower())

    def exists(self, group: str, account_name: str, name: str) -> bool:
        """Whether there is one. Raises ParentResourceNotFound, ResourceGroupNotFound."""
        return self.find(self._account(group, account_name, "write"), name) is not None

    def get(self, group: str, account_name: str, name: str, verb: str = "read") -> Share:
        """One share. Raises ShareNotFound, ParentResourceNotFound, ResourceGroupNotFound, and of names."""
        account = self._account(group, account_name, verb)
        share_rules.check_name(name, self._now())
        share = self.find(account, name)
        if share is None:
            raise refusals.share_not_found(self._now())
        return share

    def all(self, group: str, account_name: str, *, deleted: bool = False) -> list[Share]:
        """Those of an account, by key; with `deleted` those as well that can be restored."""
        account = self._account(group, account_name, "read")
        self.forget_expired()
        own = self.of(account)
        return [share for share in own if deleted or share.deleted is None]

    def of(self, account: Account) -> list[Share]:
        """All of an account, by key, those that can be restored with them."""
        key = account.key
        return sorted((share for share in self._known.values() if share.account == key), key=lambda share: share.key)

    def everything(self) -> list[Share]:
        """All that there are or that can be restored."""
        return list(self._known.values())

    def to_json(self, share: Share, *, listed: bool = False, stats: bool = False) -> Json:
        """As a GET answers it, or as a list shows it; with `stats` how many bytes are used."""
        account = self._accounts.by_key(share.account)
        body = share.to_json(self._now(), _retention(account) if account is not None else 0)
        if not listed:
            # Only a list says that a share is one of SMB (fileshareclient/testdata/AZURECLOUD.yaml).
            if share.protocol == "SMB":
                del body["properties"]["enabledProtocols"]
            body["properties"]["signedIdentifiers"] = []
        if stats:
            body["properties"]["shareUsageBytes"] = self.used_bytes(share)
        return body

    def put(self, group: str, account_name: str, name: str, body: Json) -> Share:
        """Make one, or change the one of that name as the body says."""
        account = self._account(group, account_name, "write")
        now = self._now()
        share_rules.check_name(name, now)
        if self.find(account, name) is not None:
            return self.patch(group, account_name, name, body)
        wanted = share_rules.new(account, body, now)
        self._check_room(account, wanted.quota_gib)
        share = Share(
            id=self._id(account, name),
            account=account.key,
            name=name,
            unique_id=self._subscription.ids.uid(),
            created=now,
            modified=now,
            tier_changed=now,
            quota_gib=wanted.quota_gib,
            protocol=wanted.protocol,
            access_tier=wanted.access_tier,
            root_squash=wanted.root_squash,
            metadata=dict(wanted.metadata),
            iops=wanted.iops,
            mibps=wanted.mibps,
        )
        self._known[share.key] = share
        return share

    def patch(self, group: str, account_name: str, name: str, body: Json) -> Share:
        """Change quota (up and down), tier, metadata."""
        share = self.get(group, account_name, name, "write")
        now = self._now()
        account = self._account(group, account_name, "write")
        wanted = share_rules.changed(account, share, body, now)
        self._check_room(account, wanted.quota_gib - share.quota_gib)
        if wanted.access_tier != share.access_tier:
            share.access_tier, share.tier_changed = wanted.access_tier, now
        share.quota_gib, share.root_squash = wanted.quota_gib, wanted.root_squash
        share.iops, share.mibps = wanted.iops, wanted.mibps
        share.metadata, share.modified = dict(wanted.metadata), now
        return share

    def delete(self, group: str, account_name: str, name: str) -> bool:
        """Delete it; whether there was one. Where its account retains shares it can be restored."""
        account = self._account(group, account_name, "delete")
        share_rules.check_name(name, self._now())
        share = self.find(account, name)
        if share is None:
            return False
        if not _retention(account):
            self._forget(share)
            return True
        self._known.pop(share.key)
        share.version = f"{self._subscription.ids.number(2**63):016X}"
        share.deleted = self._now()
        self._known[share.key] = share
        return True

    def restore(self, group: str, account_name: str, name: str, body: Json) -> Share:
        """A deleted share is back with its bytes, under the name in the path."""
        account = self._account(group, account_name, "action")
        deleted_name, version = member(body, "deletedShareName", str), member(body, "deletedShareVersion", str)
        for given, parameter in ((deleted_name, "deletedShareName"), (version, "deletedShareVersion")):
            if not given:
                raise missing_parameter(parameter)
        self.forget_expired()
        share = self._known.get(f"{self._id(account, deleted_name or '').lower()}#{version}")
        if share is None:
            raise refusals.share_not_found(self._now())
        if self.find(account, name) is not None:
            raise refusals.share_exists(self._now())
        self._known.pop(share.key)
        share.id, share.name, share.deleted, share.version = self._id(account, name), name, None, ""
        self._known[share.key] = share
        return share

    def lose(self, share: Share) -> None:
        """It is no more; its bytes stay."""
        self._known.pop(share.key, None)

    def bring_back(self, share: Share) -> None:
        """A lost one is back, unless one of its name was made meanwhile."""
        self._known.setdefault(share.key, share)

    def forget_expired(self) -> None:
        """What was deleted so long ago that it cannot be restored any more is gone with its bytes."""
        now = self._now()
        for share in list(self._known.values()):
            account = self._accounts.by_key(share.account)
            until = share.expires(_retention(account)) if account is not None else None
            if until is not None and until <= now:
                self._forget(share)

    def _check_room(self, account: Account, more_gib: int) -> None:
        """Raises TotalSharesProvisionedCapacityExceedsAccountLimit; one share can be as large as all together."""
        if not account.provisioned or more_gib <= 0:
            return
        key = account.key
        taken = sum(share.quota_gib for share in self._known.values() if share.account == key)
        if taken + more_gib > share_rules.quota_bounds(account)[1]:
            raise refusals.account_is_full()

    def _account_deleted(self, account: Account) -> None:
        for share in self.of(account):
            self._forget(share)

    def _forget(self, share: Share) -> None:
        self._known.pop(share.key, None)
        self.on_deleted(share)

    def _account(self, group: str, name: str, verb: str) -> Account:
        account = self._accounts.parent(group, name, verb, _KIND)
        share_rules.check_service(account)
        return account

    def _id(self, account: Account, name: str) -> str:
        return f"{account.id}/fileServices/default/shares/{name}"

    def _now(self) -> datetime:
        return self._subscription.clock.now()


def _retention(account: Account) -> int:
    """For how many days an account keeps what was deleted of its shares; 0 where it does not."""
    policy = account.file_service.get("shareDeleteRetentionPolicy") or {}
    return int(policy.get("days") or 0) if policy.get("enabled") else 0

"""Microsoft.Storage of one subscription: accounts and shares put together, and who may open a share."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Literal

from aksdisks.lab.arm.resources.subscription import Subscription
from aksdisks.lab.arm.storage.accounts import Accounts
from aksdisks.lab.arm.storage.share import Share
from aksdisks.lab.arm.storage.shares import Shares

Reason = Literal["account", "key", "share"]
"""Why a share cannot be mounted: there is no such account, the key is not the account's, there is no such share."""


@dataclass(frozen=True)
class Closed:
    """A share that cannot be mounted."""

    reason: Reason


class Storage:
    """`accounts` and `shares`, as Resource Manager sees them; `open` is what a mount asks of the file service."""

    def __init__(self, subscription: Subscription) -> None:
        self.accounts = Accounts(subscription)
        self.shares = Shares(subscription, self.accounts)

    def open(self, account_name: str, share_name: str, key: str | None) -> Share | Closed:
        """The share that is mounted with an account's key; None as the key for NFS, which has none."""
        account = self.accounts.find(account_name)
        if account is None or account.provisioning_state != "Succeeded":
            return Closed("account")
        if key is not None and account.settings.get("allowSharedKeyAccess") is False:
            return Closed("key")
        if key is not None and not any(
            hmac.compare_digest(key.encode(), own.encode()) for own in (account.key1, account.key2)
        ):
            return Closed("key")
        share = self.shares.find(account, share_name)
        if share is None or (share.protocol == "NFS") is not (key is None):
            return Closed("share")
        if key is None and account.settings.get("supportsHttpsTrafficOnly", True):
            return Closed("key")  # NFS is not encrypted, and not to be had where transfer has to be
        return share

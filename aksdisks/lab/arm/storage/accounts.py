"""The storage accounts of one subscription: how the rules make and change them, and their keys."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.bodies import member
from aksdisks.lab.arm.persistence import KeptByKey
from aksdisks.lab.arm.resources.operations import Operation, Purpose, Work
from aksdisks.lab.arm.resources.subscription import Subscription
from aksdisks.lab.arm.storage import account_rules, refusals
from aksdisks.lab.arm.storage.account import TYPE, Account

Json = dict[str, Any]

KEY_NAMES = ("key1", "key2")
_KEY_BYTES = 64


class Accounts:
    """What changes something checks everything first, raises `CloudError` and has then changed nothing."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._known: KeptByKey[Account] = KeptByKey(subscription.records, "azure/storage-account", Account)
        self.on_deleted: Callable[[Account], None] = lambda _account: None

    def find(self, name: str) -> Account | None:
        """The account of that name, in any case and whatever its group: a name is given once in all of Azure."""
        wanted = name.lower()
        return next((account for account in self._known.values() if account.name == wanted), None)

    def by_key(self, key: str) -> Account | None:
        """The account of that id, in lower case."""
        return self._known.get(key)

    def exists(self, group: str, name: str) -> bool:
        """Whether there is one of that name in the group. Raises ResourceGroupNotFound."""
        self._subscription.groups.name(group)
        return self._id(group, name).lower() in self._known

    def get(self, group: str, name: str) -> Account:
        """The account of that name. Raises ResourceNotFound, ResourceGroupNotFound."""
        if not self.exists(group, name):
            raise errors.resource_not_found(f"{TYPE}/{name}", group)
        return self._known[self._id(group, name).lower()]

    def parent(self, group: str, name: str, verb: str, kind: str) -> Account:
        """The account that something hangs on. Raises ParentResourceNotFound, ResourceGroupNotFound.

        `verb`, `kind`: what is to be done to what, such as `read` and `storageAccounts/fileServices`.
        """
        if not self.exists(group, name):
            raise refusals.parent_not_found(verb, kind, self._id(group, name))
        account = self.get(group, name)
        if account.provisioning_state != "Succeeded":
            raise refusals.not_provisioned()
        return account

    def all(self, group: str | None = None) -> list[Account]:
        """The accounts of a group, or of the subscription, by id. Raises ResourceGroupNotFound."""
        wanted = None if group is None else self._subscription.groups.name(group).lower()
        found = [key for key, entry in self._known.items() if wanted is None or entry.group.lower() == wanted]
        return [self._known[key] for key in sorted(found)]

    def name_problem(self, name: str) -> tuple[str, str] | None:
        """Why no account can be made with that name, as code and words; None where one can."""
        if not account_rules.valid_name(name):
            return "AccountNameInvalid", refusals.account_name_invalid(name).message
        if self.find(name) is not None:
            return "AlreadyExists", refusals.account_taken(name).message
        return None

    def put(self, group: str, name: str, body: Json) -> Operation | None:
        """Make one, or change the one of that name as the body says; None for a change, which is done at once."""
        if self.exists(group, name):
            self.patch(group, name, body)
            return None
        subscription = self._subscription
        wanted = account_rules.new(subscription.scenario, name, body)
        if self.find(name) is not None:
            raise refusals.account_exists(name)
        now, group = subscription.clock.now(), subscription.groups.name(group)
        account = Account(
            id=self._id(group, name),
            group=group,
            name=name,
            location=subscription.scenario.location,
            unique_id=subscription.ids.uid(),
            created=now,
            key1=self._new_key(),
            key2=self._new_key(),
            key1_created=now,
            key2_created=now,
            sku=wanted.sku,
            kind=wanted.kind,
            tags=dict(wanted.tags),
            settings=dict(wanted.settings),
        )
        self._known[account.key] = account
        purpose = Purpose("settle", account.key, subscription.scenario.delays.create_account, account.unique_id)
        work = self._settling(account, purpose.seconds)
        return subscription.operations.start("asyncoperations", work, purpose)

    def patch(self, group: str, name: str, body: Json) -> Account:
        """Change it as the body says."""
        account = self.get(group, name)
        if account.provisioning_state != "Succeeded":
            raise refusals.not_provisioned()
        wanted = account_rules.changed(account, body)
        account.sku, account.kind = wanted.sku, wanted.kind
        account.tags, account.settings = dict(wanted.tags), dict(wanted.settings)
        return account

    def delete(self, group: str, name: str) -> bool:
        """It is no more, nor are its shares; whether there was one."""
        if not self.exists(group, name):
            return False
        self.remove(self.get(group, name))
        return True

    def remove(self, account: Account) -> None:
        """It is no more, nor are its shares."""
        if self._known.get(account.key) is account:
            del self._known[account.key]
            self.on_deleted(account)

    def keys(self, group: str, name: str) -> list[Json]:
        """Its two keys, as `listKeys` answers them."""
        account = self.get(group, name)
        if account.provisioning_state != "Succeeded":
            raise refusals.not_provisioned()
        return account.keys_json()

    def regenerate(self, group: str, name: str, body: Json) -> list[Json]:
        """Another key in place of the one that the body names; what was stored of the old one opens nothing."""
        account = self.get(group, name)
        wanted = member(body, "keyName", str)
        if wanted is None:
            raise errors.missing_parameter("keyName")
        if wanted.lower() not in KEY_NAMES:
            raise refusals.values_invalid("keyName")
        self.renew_key(account, wanted.lower())
        return account.keys_json()

    def renew_key(self, account: Account, key_name: str) -> None:
        """Give it another `key1` or `key2`."""
        setattr(account, key_name, self._new_key())
        setattr(account, f"{key_name}_created", self._subscription.clock.now())

    def work_again(self, purpose: Purpose, left: float) -> Work | None:
        """What an operation has still to do after a restart, `left` in cluster seconds; None for another's."""
        account = self._known.get(purpose.subject)
        same = account is not None and purpose.act == "settle" and purpose.detail == account.unique_id
        return self._settling(account, left) if account is not None and same else None

    def _settling(self, account: Account, delay: float) -> Work:
        async def work() -> Json:
            await self._subscription.clock.sleep(delay)
            account.provisioning_state = "Succeeded"
            return account.to_json()

        return work

    def _new_key(self) -> str:
        """512 bits in base 64, as Azure's keys are."""
        uids = "".join(self._subscription.ids.uid().replace("-", "") for _ in range(_KEY_BYTES // 16))
        return base64.b64encode(bytes.fromhex(uids)).decode()

    def _id(self, group: str, name: str) -> str:
        return self._subscription.resource_id(group, TYPE, name)

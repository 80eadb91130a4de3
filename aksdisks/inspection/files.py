"""Reads Azure's side of Azure Files: storage accounts and their shares, never a key."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from aksdisks.azure.compute import Azure
from aksdisks.model import AzureFiles, FileShare, ShareSource, StorageAccount, Unknown, known

# Accounts are few, and each is a request of its own.
_AT_ONCE = 4


def read_files(azure: Azure, sources: Iterable[ShareSource], *, everything: bool = False) -> AzureFiles:
    """The accounts that volumes name, with their shares and those that can be restored.

    `everything`: all of the node resource group's accounts as well, and no shares that were deleted.

    An account in another group is asked for by its id. One that no volume says the group of is Unknown where the node
    resource group does not have it: with a Secret it may be mounted from wherever it is.
    """
    # Of several volumes with one account, one that tells where it is.
    named = {each.account.lower(): each for each in sorted(sources, key=lambda each: each.resource_group)}
    named.pop("", None)
    if not (named or everything):
        return AzureFiles()
    listed = azure.storage_accounts()
    here = {each.name.lower(): each for each in known(listed)}
    with ThreadPoolExecutor(_AT_ONCE) as readers:
        asked = {
            name: readers.submit(copy_context().run, _account, azure, source, listed)
            for name, source in named.items()
            if name not in here
        }
        elsewhere = {name: answer.result() for name, answer in asked.items()}
        wanted = [*(here[name] for name in here if everything or name in named), *elsewhere.values()]
        shares_of = partial(azure.file_shares, deleted=not everything)
        of = {
            each.name.lower(): readers.submit(copy_context().run, shares_of, each)
            for each in wanted
            if isinstance(each, StorageAccount)
        }
        found = {name: answer.result() for name, answer in of.items()}
    shares = {name: _there(each) for name, each in found.items()}
    deleted = tuple(each for of_account in found.values() for each in known(of_account) if each.deleted)
    return AzureFiles(listed=listed, elsewhere=elsewhere, shares=shares, deleted=deleted)


def _there(shares: tuple[FileShare, ...] | Unknown) -> tuple[FileShare, ...] | Unknown:
    return shares if isinstance(shares, Unknown) else tuple(each for each in shares if not each.deleted)


def _account(
    azure: Azure, source: ShareSource, listed: tuple[StorageAccount, ...] | Unknown
) -> StorageAccount | Unknown | None:
    """An account that the node resource group's list does not have."""
    group, subscription = source.resource_group.lower(), source.subscription.lower()
    outside = group not in ("", azure.resource_group.lower()) or subscription not in ("", azure.subscription.lower())
    if isinstance(listed, Unknown) and (azure.unknown is not None or not outside):
        return listed
    if outside:
        return azure.storage_account(source.account_id(azure.subscription, azure.resource_group))
    return None if group else Unknown("it is not in the node resource group, and no volume tells in which it is")

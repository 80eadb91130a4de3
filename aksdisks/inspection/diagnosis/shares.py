"""Rows of evidence and next steps about shares of Azure Files. A step never shows a key."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import node_group
from aksdisks.model import FileShare, ShareSource, StorageAccount, Unknown

_NAMES = "'{{range $name, $value := .data}}{{$name}} {{end}}'"


def source_of(case: Case) -> ShareSource | None:
    """The share that the case's volume names, where the object is to keep it and does not run on it already."""
    volume = case.volume
    if volume is None or volume.share is None or case.subject.deleting or volume.deleting:
        return None
    return None if case.pod is not None and (case.mounted or not case.pod.node) else volume.share


def share_named(source: ShareSource) -> str:
    """`share docs of storage account f1`, as far as the volume tells."""
    account = f" of storage account {source.account}" if source.account else ""
    return f"share {source.share}{account}" if source.share else f"its share{account}"


def share_rows(case: Case, source: ShareSource) -> Iterator[Evidence]:
    """What the volume names, and what Azure says of account and share, as far as it was asked."""
    volume = case.volume
    if volume is not None:
        secret = f", key from Secret {source.secret}" if source.secret else ""
        says = f"{volume.phase}, {share_named(source)}{secret}"
        yield Evidence("Kubernetes", f"PersistentVolume {volume.name}", says)
    account, share = case.account, case.share
    if isinstance(account, StorageAccount):
        yield Evidence("Azure", f"storage account {account.name}", ", ".join(_admits(account, source)))
    elif account is None and source.account:
        yield Evidence("Azure", f"storage account {source.account}", "there is no such account")
    if isinstance(share, FileShare):
        yield Evidence("Azure", f"share {share.name}", f"{share.quota_gib} GiB, {share.protocol}")
    elif share is None and isinstance(account, StorageAccount):
        yield Evidence("Azure", f"share {source.share}", f"there is no such share in account {account.name}")
        if deleted := _restorable(case, source):
            days = "some time" if deleted.days_left is None else f"{deleted.days_left} days"
            says = f"it was deleted, and can be restored for {days}"
            yield Evidence("Azure", f"share {source.share}", says, deleted.deleted)


def _restorable(case: Case, source: ShareSource) -> FileShare | None:
    files = case.seen.inventory.files
    return None if isinstance(files, Unknown) else files.restorable(source)


def _admits(account: StorageAccount, source: ShareSource) -> Iterator[str]:
    yield account.provisioning_state or "is there"
    if not account.shared_keys:
        yield "accepts no keys (allowSharedKeyAccess is false)"
    if account.encrypted_only and source.protocol == "nfs":
        yield "wants encrypted transfer (supportsHttpsTrafficOnly is true)"
    if account.networks != "Allow":
        yield f"networks: {account.networks}"
    if account.public_access not in ("", "Enabled"):
        yield f"public access: {account.public_access}"


def account_state(case: Case, source: ShareSource) -> Step:
    """The command that shows whether the account is there, and whom it admits."""
    fields = "state: provisioningState, keys: allowSharedKeyAccess, encrypted: enableHttpsTrafficOnly"
    query = f'--query "{{{fields}, networks: networkRuleSet.defaultAction}}"'
    command = f"az storage account show {_account(case, source)} {query}"
    return Step(
        command, "whether the account is there, whether it accepts keys and wants encryption, and whom it admits"
    )


def shares_there(case: Case, source: ShareSource) -> Step:
    """The command that lists the account's shares, deleted ones among them, which Azure keeps for some days."""
    query = '--query "[].{name: name, deleted: deleted, version: version, days: remainingRetentionDays}"'
    command = f"az storage share-rm list {_account(case, source, '--storage-account')} --include-deleted {query}"
    return Step(command, "which shares there are, and which deleted ones can be restored")


def restored(case: Case, source: ShareSource) -> Step:
    """The command that brings a deleted share back."""
    name, where = quote(source.share or "SHARE"), _account(case, source, "--storage-account")
    deleted = _restorable(case, source)
    version = quote(deleted.version) if deleted and deleted.version else "VERSION"
    of = "" if version != "VERSION" else "; VERSION is that of the list"
    command = f"az storage share-rm restore {where} --name {name} --deleted-version {version}"
    return Step(command, f"the share is there again with its files{of}")


def names_in(secret: str) -> Step:
    """The command that shows which names a Secret has, and none of its values."""
    namespace, _, name = secret.partition("/")
    command = f"kubectl get secret {quote(name)} --namespace {quote(namespace)} --output go-template={_NAMES}"
    return Step(
        command, "whether it is there, with azurestorageaccountname and azurestorageaccountkey; no value is shown"
    )


def renewed(case: Case, source: ShareSource, secret: str) -> Step:
    """The command that writes the account's key of today into the Secret, without showing it."""
    namespace, _, name = secret.partition("/")
    keys = f"az storage account keys list {_account(case, source, '--account-name')} --query '[0].value' --output tsv"
    fields = f"--from-literal=azurestorageaccountname={quote(source.account or 'ACCOUNT')}"
    fields += f' --from-literal=azurestorageaccountkey="$({keys})"'
    made = f"kubectl create secret generic {quote(name)} --namespace {quote(namespace)} {fields}"
    proves = "the Secret has today's key; what it had is lost, for every volume that is mounted with it"
    return Step(f"{made} --dry-run=client --output yaml | kubectl apply --filename -", proves, "data")


def _account(case: Case, source: ShareSource, option: str = "--name") -> str:
    group = source.resource_group or node_group(case) or "NODE_RESOURCE_GROUP"
    subscription = f" --subscription {quote(source.subscription)}" if source.subscription else ""
    return f"{option} {quote(source.account or 'ACCOUNT')} --resource-group {quote(group)}{subscription}"

"""Azure Files: storage accounts, their file shares, and which share a PersistentVolume names; frozen values."""

# `at` and the like make a new field at each call, as `field` itself does.
# ruff: noqa: RUF009

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aksdisks.model.azure import group_of, tags_of
from aksdisks.model.decoding import Decoded, at, find, listed, mapping, read, time, whole
from aksdisks.model.unknown import NotAsked, Unknown, known

FILE_DRIVERS = ("file.csi.azure.com", "kubernetes.io/azure-file")
"""Of the CSI driver's volumes and of those that the in-tree driver of 2019 made."""
SECRET = "azure-storage-account-{}-secret"
"""The Secret in which the driver keeps an account's key (azurefile-csi-driver pkg/azurefile/azurefile.go)."""
_SECRET = re.compile(SECRET.format("(.+)"))
_PREFIX = "csi.storage.k8s.io/"
# What stands in a share's name for the volume's own (azurefile-csi-driver docs/driver-parameters.md), and where the
# driver takes it from.
_PLACEHOLDERS = {
    "${pvc.metadata.name}": f"{_PREFIX}pvc/name",
    "${pvc.metadata.namespace}": f"{_PREFIX}pvc/namespace",
    "${pv.metadata.name}": f"{_PREFIX}pv/name",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageAccount(Decoded):
    """An Azure storage account, without its keys; its name is the only one of that name in all of Azure.

    `shared_keys`: whether keys are accepted at all, which SMB mounts by key need. `encrypted_only`: whether transfer
    has to be encrypted (supportsHttpsTrafficOnly), as that of NFS is only where a volume asks for it. `networks` is
    what becomes of callers that no rule names, Allow or Deny; `public_access` Enabled, Disabled or empty, which means
    Enabled.
    """

    id: str = at("id")
    name: str = at("name")
    resource_group: str = read(group_of, "")
    location: str = at("location")
    sku: str = at("sku.name")
    kind: str = at("kind")
    tags: Mapping[str, str] = read(tags_of, {})
    created: datetime | None = time("properties.creationTime")
    provisioning_state: str = at("properties.provisioningState")
    shared_keys: bool = read(lambda raw: mapping(raw, "properties").get("allowSharedKeyAccess") is not False, True)
    encrypted_only: bool = read(
        lambda raw: mapping(raw, "properties").get("supportsHttpsTrafficOnly") is not False, True
    )
    networks: str = at("properties.networkAcls.defaultAction", "Allow")
    public_access: str = at("properties.publicNetworkAccess")

    @property
    def has_shares(self) -> bool:
        """Whether accounts of its kind have a file service: Azure refuses to list shares of the others."""
        return self.kind not in ("BlobStorage", "BlockBlobStorage")


def _account(raw: Any) -> str:
    parts = str(find(raw, "id", "")).split("/")
    return parts[8] if len(parts) > 8 else ""


def _metadata(raw: Any) -> dict[str, str]:
    return {key: value for key, value in mapping(raw, "properties.metadata").items() if isinstance(value, str)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileShare(Decoded):
    """An Azure file share; `quota_gib` is its size, of a premium one also what is paid for.

    `protocol` is SMB or NFS, `tier` its access tier such as TransactionOptimized or Premium. Azure does not say when it
    was made: `modified` is when its properties changed last. `used_bytes` is filled where it was asked for by itself,
    with its usage. A share that was deleted, and that can be restored yet, has `deleted`, its `version`, and in
    `days_left` for how many days.
    """

    id: str = at("id")
    name: str = at("name")
    account: str = read(_account, "")
    resource_group: str = read(group_of, "")
    quota_gib: int | None = whole("properties.shareQuota")
    protocol: str = at("properties.enabledProtocols", "SMB")
    tier: str = at("properties.accessTier")
    metadata: Mapping[str, str] = read(_metadata, {})
    modified: datetime | None = time("properties.lastModifiedTime")
    lease: str = at("properties.leaseState")
    used_bytes: int | None = whole("properties.shareUsageBytes")
    deleted: datetime | None = time("properties.deletedTime")
    days_left: int | None = whole("properties.remainingRetentionDays")
    version: str = at("properties.version")

    @property
    def key(self) -> str:
        """`account/share`, which is the only one of that name in all of Azure."""
        return share_key(self.account, self.name)

    @property
    def made_by_driver(self) -> bool:
        """Whether the driver says that it made it (azurefile-csi-driver pkg/azurefile/controllerserver.go, 2026)."""
        return {name.lower(): value for name, value in self.metadata.items()}.get("createdby") in FILE_DRIVERS


def share_key(account: str, share: str) -> str:
    """A share as it is compared: the case of neither name counts. Empty where one of both is not known."""
    return f"{account}/{share}".lower() if account and share else ""


def handle_key(handle: str) -> str:
    """The share that a handle of the driver names, of a volume or of a snapshot of one; empty for another text."""
    _, account, share, *_ = _parsed(handle)
    return share_key(account, share)


def mounted_shares(raw: Any) -> tuple[str, ...]:
    """The names of the shares that a raw pod mounts without a PersistentVolume, by either driver."""
    found = []
    for mounted in listed(raw, "spec.volumes"):
        if find(mounted, "csi.driver") in FILE_DRIVERS:
            attributes = {key.lower(): value for key, value in mapping(mounted, "csi.volumeAttributes").items()}
            found.append(attributes.get("sharename"))
        found.append(find(mounted, "azureFile.shareName"))
    return tuple(dict.fromkeys(name for name in found if name and isinstance(name, str)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureFiles:
    """Azure Files at one moment: the node resource group's accounts, those that volumes name elsewhere, their shares.

    `listed` are the node resource group's accounts; `elsewhere` has the others by name, in lower case: None where Azure
    has no such account. `shares` are an account's, by its name in lower case, as far as they were asked for; `deleted`
    those that can be restored yet, where these were.
    """

    listed: tuple[StorageAccount, ...] | Unknown = ()
    elsewhere: Mapping[str, StorageAccount | Unknown | None] = field(default_factory=dict)
    shares: Mapping[str, tuple[FileShare, ...] | Unknown] = field(default_factory=dict)
    deleted: tuple[FileShare, ...] = ()

    def account(self, name: str) -> StorageAccount | Unknown | None:
        """The account of this name; None where Azure has none, Unknown where it does not tell."""
        name = name.lower()
        if name in self.elsewhere:
            return self.elsewhere[name]
        return next((each for each in known(self.listed) if each.name.lower() == name), None)

    def share(self, source: ShareSource) -> FileShare | Unknown | None:
        """The share that a volume names, likewise."""
        if not source.key:
            return Unknown("the volume does not tell its account and its share")
        account = self.account(source.account)
        if account is None or isinstance(account, Unknown):
            return account
        shares = self.shares.get(source.account.lower(), Unknown("nothing needed the shares of its account"))
        return shares if isinstance(shares, Unknown) else next((e for e in shares if e.key == source.key), None)

    def restorable(self, source: ShareSource) -> FileShare | None:
        """The share of this name that was deleted last, if it can be restored yet and that is known."""
        found = [each for each in self.deleted if each.key == source.key and each.deleted]
        return max(found, key=lambda each: str(each.deleted), default=None)

    @property
    def unread(self) -> Mapping[str, str]:
        """What of it could not be read, and why."""
        parts: dict[str, object] = {"Azure's storage accounts": self.listed}
        parts |= {f"storage account {name}": each for name, each in self.elsewhere.items() if each != self.listed}
        parts |= {f"the shares of storage account {name}": each for name, each in self.shares.items()}
        return {what: each.because for what, each in parts.items() if isinstance(each, Unknown)}


def unread_files(files: AzureFiles | Unknown) -> Mapping[str, str]:
    """What of Azure Files was asked for and could not be read, and why."""
    if isinstance(files, Unknown):
        return {} if isinstance(files, NotAsked) else {"Azure's storage accounts": files.because}
    return files.unread


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareSource:
    """Which share a PersistentVolume names, and how it is mounted; what the volume does not say is empty.

    `resource_group` and `subscription` are empty for the node resource group's and the cluster's. `protocol` is smb or
    nfs. `secret` is `namespace/name` of the Secret with the account's name and key that a mount takes, empty for NFS,
    which needs none. `must_have_secret`: without that Secret a mount fails; else the driver asks Azure for the key, as
    the identity of the kubelet (azurefile-csi-driver docs/driver-parameters.md).
    """

    account: str = ""
    share: str = ""
    resource_group: str = ""
    subscription: str = ""
    protocol: str = "smb"
    folder: str = ""
    secret: str = ""
    must_have_secret: bool = False

    @property
    def key(self) -> str:
        """`account/share` as `FileShare.key` has it; empty where the volume does not tell both."""
        return share_key(self.account, self.share)

    def account_id(self, subscription: str, resource_group: str) -> str:
        """The ARM id of its account; the arguments are the cluster's subscription and the node resource group."""
        group = (
            f"/subscriptions/{self.subscription or subscription}/resourceGroups/{self.resource_group or resource_group}"
        )
        return f"{group}/providers/Microsoft.Storage/storageAccounts/{self.account}" if self.account else ""

    def id(self, subscription: str, resource_group: str) -> str:
        """The ARM id of the share; empty where the volume does not tell which it is."""
        account = self.account_id(subscription, resource_group)
        return f"{account}/fileServices/default/shares/{self.share}" if account and self.share else ""


def share_source(raw: Any) -> ShareSource | None:
    """The share that a raw PersistentVolume names; None for a volume of another driver.

    The handle is `group#account#share[#disk#uuid#secret namespace#subscription]`, as the driver makes it, or any text
    of a volume made by hand; volumeAttributes prevail over it, as in the driver (pkg/azurefile/azurefile.go).
    """
    if find(raw, "spec.azureFile"):
        return _in_tree(raw)
    if find(raw, "spec.csi.driver") not in FILE_DRIVERS:
        return None
    said = mapping(raw, "spec.csi.volumeAttributes").items()
    attributes = {key.lower(): value for key, value in said if isinstance(value, str)}
    group, account, share, namespace, subscription = _parsed(str(find(raw, "spec.csi.volumeHandle", "")))
    account = attributes.get("storageaccount") or account or attributes.get("server", "").partition(".")[0]
    share = attributes.get("sharename") or share
    for placeholder, attribute in _PLACEHOLDERS.items():
        share = share.replace(placeholder, attributes.get(attribute, placeholder))
    protocol = attributes.get("protocol", "smb").lower()
    staged = mapping(raw, "spec.csi.nodeStageSecretRef")
    name = attributes.get("secretname") or (SECRET.format(account) if account else "")
    namespace = attributes.get("secretnamespace") or namespace or attributes.get(f"{_PREFIX}pvc/namespace", "")
    namespace = namespace or str(find(raw, "spec.claimRef.namespace", "default"))
    secret = f"{staged.get('namespace', '')}/{staged['name']}" if staged.get("name") else f"{namespace}/{name}"
    return ShareSource(
        account=account,
        share=share,
        resource_group=attributes.get("resourcegroup") or group,
        subscription=attributes.get("subscriptionid") or subscription,
        protocol=protocol,
        folder=attributes.get("foldername", "").strip("/"),
        secret="" if protocol == "nfs" or not (staged.get("name") or name) else secret,
        must_have_secret=bool(staged.get("name")) and protocol != "nfs",
    )


def _parsed(handle: str) -> tuple[str, str, str, str, str]:
    """Group, account, share, the secret's namespace and the subscription of a handle; empty where it has no such form.

    Without a group, which translated in-tree volumes have, the namespace stands one place earlier.
    """
    parts = handle.split("#")
    if len(parts) < 3:
        return "", "", "", "", ""
    parts += [""] * (7 - len(parts))
    group, account, share = parts[:3]
    return (group, account, share, parts[5], parts[6]) if group else (group, account, share, parts[4], "")


def _in_tree(raw: Any) -> ShareSource:
    """A volume of the in-tree driver, which names a Secret that has the account (csi-translation-lib azure_file.go)."""
    name, share = str(find(raw, "spec.azureFile.secretName", "")), str(find(raw, "spec.azureFile.shareName", ""))
    default = find(raw, "spec.claimRef.namespace", "default")
    match = _SECRET.fullmatch(name)
    return ShareSource(
        account=match[1] if match else "",
        share=share,
        resource_group=str(mapping(raw, "metadata.annotations").get("kubernetes.io/azure-file-resource-group", "")),
        secret=f"{find(raw, 'spec.azureFile.secretNamespace', default)}/{name}",
        must_have_secret=True,
    )

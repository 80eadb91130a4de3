"""What a storage account may be: a request's body becomes its properties, checked against SKU and kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.bodies import location_of, member, section, texts
from aksdisks.lab.arm.storage import refusals
from aksdisks.lab.arm.storage.account import FILE_KIND, KINDS, TYPE, Account
from aksdisks.lab.scenario import Scenario

Json = dict[str, Any]

_NAME = re.compile(r"[a-z0-9]{3,24}")

STANDARD = ("Standard_LRS", "Standard_GRS", "Standard_RAGRS", "Standard_ZRS", "Standard_GZRS", "Standard_RAGZRS")
PREMIUM = ("Premium_LRS", "Premium_ZRS")
PROVISIONED = (
    "StandardV2_LRS",
    "StandardV2_GRS",
    "StandardV2_ZRS",
    "StandardV2_GZRS",
    "PremiumV2_LRS",
    "PremiumV2_ZRS",
)
SKUS = (*STANDARD, *PREMIUM, *PROVISIONED)

_SKUS_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "Storage": ("Standard_LRS", "Standard_GRS", "Standard_RAGRS", "Premium_LRS"),
    "StorageV2": (*STANDARD, "Premium_LRS"),
    "BlobStorage": ("Standard_LRS", "Standard_GRS", "Standard_RAGRS"),
    "BlockBlobStorage": PREMIUM,
    FILE_KIND: (*PREMIUM, *PROVISIONED),
}
"""azure-docs storage/common/storage-account-overview.md."""

SETTINGS: Mapping[str, type] = {
    "accessTier": str,
    "allowBlobPublicAccess": bool,
    "allowCrossTenantReplication": bool,
    "allowSharedKeyAccess": bool,
    "allowedCopyScope": str,
    "azureFilesIdentityBasedAuthentication": dict,
    "customDomain": dict,
    "defaultToOAuthAuthentication": bool,
    "dnsEndpointType": str,
    "enableExtendedGroups": bool,
    "encryption": dict,
    "immutableStorageWithVersioning": dict,
    "isHnsEnabled": bool,
    "isLocalUserEnabled": bool,
    "isNfsV3Enabled": bool,
    "isSftpEnabled": bool,
    "keyPolicy": dict,
    "largeFileSharesState": str,
    "minimumTlsVersion": str,
    "networkAcls": dict,
    "publicNetworkAccess": str,
    "routingPreference": dict,
    "sasPolicy": dict,
    "supportsHttpsTrafficOnly": bool,
}
"""The properties that an account's owner decides, which are shown as they were asked for."""

FIXED = ("dnsEndpointType", "isHnsEnabled", "isNfsV3Enabled")
"""Settled when the account is made. Large file shares, once there are, stay as well (azure-cli#10784)."""


@dataclass(frozen=True)
class AccountProperties:
    """An account as a request wants it."""

    sku: str
    kind: str
    tags: Mapping[str, str]
    settings: Mapping[str, Any]


def valid_name(name: str) -> bool:
    """Whether an account can have that name."""
    return _NAME.fullmatch(name) is not None


def new(scenario: Scenario, name: str, body: Json) -> AccountProperties:
    """The account that a PUT asks for. Raises `CloudError`."""
    location = location_of(body)
    if not location:
        raise errors.location_required()
    if location != scenario.location:
        raise errors.location_not_available(location, TYPE, scenario.location)
    if not valid_name(name):
        raise refusals.account_name_invalid(name)
    sku = member(section(body, "sku"), "name", str)
    if sku is None:
        raise errors.missing_parameter("sku.name")
    kind = member(body, "kind", str)
    if kind is None:
        raise errors.missing_parameter("kind")
    wanted = AccountProperties(_known(sku, SKUS, "sku"), _known(kind, KINDS, "kind"), texts(body, "tags") or {}, {})
    _check_kind(wanted)
    return AccountProperties(wanted.sku, wanted.kind, wanted.tags, _settings(body))


def changed(account: Account, body: Json) -> AccountProperties:
    """The account after a PATCH, or after a PUT of one that is there. Raises `CloudError`."""
    location = location_of(body)
    if location and location != account.location:
        raise errors.location_is_fixed(account.name, account.group, account.location, location)
    sku, kind, tags = member(section(body, "sku"), "name", str), member(body, "kind", str), texts(body, "tags")
    wanted = AccountProperties(
        account.sku if sku is None else _known(sku, SKUS, "sku"),
        account.kind if kind is None else _known(kind, KINDS, "kind"),
        account.tags if tags is None else tags,
        {**account.settings, **_settings(body)},
    )
    if wanted.kind != account.kind and (account.kind, wanted.kind) != ("Storage", "StorageV2"):
        raise refusals.values_invalid("kind")
    _check_kind(wanted)
    if _family(wanted.sku) != _family(account.sku):
        raise refusals.sku_is_fixed(account.sku, wanted.sku)
    for name in FIXED:
        if wanted.settings.get(name) != account.settings.get(name):
            raise refusals.property_is_fixed(name)
    if account.large_shares and not _large(wanted):
        raise refusals.property_is_fixed("largeFileSharesState")
    return wanted


def _settings(body: Json) -> Json:
    properties = section(body, "properties")
    found = {name: member(properties, name, kind) for name, kind in SETTINGS.items()}
    return {name: value for name, value in found.items() if value is not None}


def _check_kind(wanted: AccountProperties) -> None:
    if wanted.sku not in _SKUS_OF_KIND[wanted.kind]:
        raise refusals.values_invalid("kind", "sku")


def _family(sku: str) -> tuple[str, bool]:
    """What a PATCH leaves as it is: `Standard`, `Premium` and their second generations, and whether zones have copies.

    Source: azure-docs storage/common/redundancy-migration.md; other changes are conversions with a call of their own.
    """
    return sku.partition("_")[0], "ZRS" in sku


def _large(wanted: AccountProperties) -> bool:
    return wanted.settings.get("largeFileSharesState") == "Enabled"


def _known(value: str, known: tuple[str, ...], parameter: str) -> str:
    for entry in known:
        if entry.lower() == value.lower():
            return entry
    raise refusals.values_invalid(parameter)

"""The file service of a storage account: what is settled there for all of its shares."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.arm.bodies import member, section
from aksdisks.lab.arm.errors import bad_parameter
from aksdisks.lab.arm.storage.account import Account

Json = dict[str, Any]

TYPE = "Microsoft.Storage/storageAccounts/fileServices"
MOST_DAYS = 365

_PARTS = ("shareDeleteRetentionPolicy", "cors", "protocolSettings")


def to_json(account: Account) -> Json:
    """As a GET answers it (cloud-provider-azure pkg/azclient/fileservicepropertiesclient/testdata/AZURECLOUD.yaml)."""
    properties: Json = {"protocolSettings": {"smb": {}}, "cors": {"corsRules": []}, **account.file_service}
    return {"sku": account.sku_json(), **_head(account), "properties": properties}


def put(account: Account, body: Json) -> Json:
    """Change it as the body says; the answer, which holds what was asked for. Raises `CloudError`."""
    properties = section(body, "properties")
    asked = {name: found for name in _PARTS if (found := member(properties, name, dict)) is not None}
    policy = asked.get("shareDeleteRetentionPolicy", {})
    enabled, days = member(policy, "enabled", bool), member(policy, "days", int)
    if enabled and (days is None or not 1 <= days <= MOST_DAYS):
        raise bad_parameter("shareDeleteRetentionPolicy.days", days, 1, MOST_DAYS)
    account.file_service = {**account.file_service, **asked}
    return {**_head(account), "properties": asked}


def _head(account: Account) -> Json:
    return {"id": f"{account.id}/fileServices/default", "name": "default", "type": TYPE}

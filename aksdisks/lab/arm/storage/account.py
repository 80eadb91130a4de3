"""A storage account: its state, and its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aksdisks.lab.arm.storage.refusals import storage_time
from aksdisks.lab.persistence.records import Observable

Json = dict[str, Any]

TYPE = "Microsoft.Storage/storageAccounts"
FILE_KIND = "FileStorage"
SUFFIX = "core.windows.net"
"""What the addresses of Azure's public cloud end with."""

_ENDPOINTS = {
    "Storage": ("blob", "queue", "table", "file"),
    "StorageV2": ("dfs", "web", "blob", "queue", "table", "file"),
    "BlobStorage": ("dfs", "blob", "table"),
    "BlockBlobStorage": ("dfs", "web", "blob"),
    FILE_KIND: ("file",),
}
KINDS = tuple(_ENDPOINTS)
"""What an account may be, and the services that each has (azure-docs storage/common/storage-account-overview.md)."""

RETENTION_DAYS = 7
"""How long the shares of a new account come back after their deletion."""


@dataclass(eq=False)
class Account(Observable):
    """One account as Azure holds it; `settings` are the properties that its owner decides."""

    id: str
    group: str
    name: str
    location: str
    sku: str
    kind: str
    unique_id: str
    created: datetime
    key1: str
    key2: str
    key1_created: datetime
    key2_created: datetime
    tags: dict[str, str] = field(default_factory=dict)
    settings: Json = field(default_factory=dict)
    provisioning_state: str = "ResolvingDNS"
    file_service: Json = field(
        default_factory=lambda: {"shareDeleteRetentionPolicy": {"enabled": True, "days": RETENTION_DAYS}}
    )

    @property
    def key(self) -> str:
        """What it is found by: the id without case."""
        return self.id.lower()

    @property
    def has_files(self) -> bool:
        """Whether it has a file service."""
        return "file" in _ENDPOINTS[self.kind]

    @property
    def premium_files(self) -> bool:
        """Whether its shares are provisioned ones on SSDs."""
        return self.kind == FILE_KIND and self.sku.startswith("Premium")

    @property
    def provisioned(self) -> bool:
        """Whether its shares take of its capacity what they are provisioned with, not what is in them."""
        return self.kind == FILE_KIND

    @property
    def large_shares(self) -> bool:
        """Whether its standard shares may be larger than 5 TiB."""
        return self.settings.get("largeFileSharesState") == "Enabled"

    def keys_json(self) -> list[Json]:
        """As `listKeys` answers them."""
        return [
            {"creationTime": storage_time(created), "keyName": name, "value": value, "permissions": "FULL"}
            for name, value, created in (
                ("key1", self.key1, self.key1_created),
                ("key2", self.key2, self.key2_created),
            )
        ]

    def sku_json(self) -> Json:
        """Name and tier."""
        return {"name": self.sku, "tier": "Premium" if self.sku.startswith("Premium") else "Standard"}

    def to_json(self) -> Json:
        """As a GET answers it (cloud-provider-azure pkg/azclient/accountclient/testdata/AZURECLOUD.yaml)."""
        hosts = {
            service: f"https://{self.name}.{'z6.' if service == 'web' else ''}{service}.{SUFFIX}/"
            for service in _ENDPOINTS[self.kind]
        }
        services = [name for name in ("file", "blob") if name in hosts]
        enabled = {"keyType": "Account", "enabled": True, "lastEnabledTime": storage_time(self.created)}
        encryption: Json = {
            "requireInfrastructureEncryption": False,
            "services": {name: dict(enabled) for name in services},
            "keySource": "Microsoft.Storage",
        }
        properties: Json = {
            "keyCreationTime": {"key1": storage_time(self.key1_created), "key2": storage_time(self.key2_created)},
            "privateEndpointConnections": [],
            "minimumTlsVersion": "TLS1_0",
            "allowBlobPublicAccess": False,
            "networkAcls": {
                "ipv6Rules": [],
                "bypass": "AzureServices",
                "virtualNetworkRules": [],
                "ipRules": [],
                "defaultAction": "Allow",
            },
            "supportsHttpsTrafficOnly": True,
            **self.settings,
            "encryption": encryption | _without_services(self.settings.get("encryption", {})),
            "provisioningState": self.provisioning_state,
            "creationTime": storage_time(self.created),
            "primaryEndpoints": hosts,
            "primaryLocation": self.location,
            "statusOfPrimary": "available",
        }
        if self.kind in ("StorageV2", "BlobStorage"):
            properties.setdefault("accessTier", "Hot")
        return {
            "sku": self.sku_json(),
            "kind": self.kind,
            "id": self.id,
            "name": self.name,
            "type": TYPE,
            "location": self.location,
            "tags": dict(self.tags),
            "properties": properties,
        }


def _without_services(encryption: Json) -> Json:
    """What was asked for of encryption, but for the services, all of which always are encrypted."""
    return {name: value for name, value in encryption.items() if name != "services"}

"""A file share: its state, and its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aksdisks.lab.arm.storage.refusals import storage_time
from aksdisks.lab.persistence.records import Observable

Json = dict[str, Any]

TYPE = "Microsoft.Storage/storageAccounts/fileServices/shares"


@dataclass(eq=False)
class Share(Observable):
    """One share as Azure holds it; `unique_id` names its bytes, which another share of its name has not.

    `iops` and `mibps`: what is provisioned beside the size, in accounts of the second generation alone.
    `deleted`: when, of one that can still be restored, with the `version` by which; None of one that is there.
    """

    id: str
    account: str
    name: str
    unique_id: str
    quota_gib: int
    protocol: str
    access_tier: str
    created: datetime
    modified: datetime
    tier_changed: datetime
    root_squash: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    iops: int | None = None
    mibps: int | None = None
    deleted: datetime | None = None
    version: str = ""

    @property
    def key(self) -> str:
        """What it is found by: the id without case, and of a deleted one the version."""
        return f"{self.id.lower()}#{self.version}" if self.deleted else self.id.lower()

    @property
    def etag(self) -> str:
        """Another one after each change."""
        return f'"0x8D{int(self.modified.timestamp() * 1_000_000):013X}"'

    def to_json(self, now: datetime, retention_days: int) -> Json:
        """As a list shows it (cloud-provider-azure pkg/azclient/fileshareclient/testdata/AZURECLOUD.yaml).

        `now` and `retention_days`: for how long a deleted one can still be restored.
        """
        properties: Json = {
            "leaseStatus": "unlocked",
            "leaseState": "available",
            "accessTier": self.access_tier,
            "accessTierChangeTime": storage_time(self.tier_changed),
            "lastModifiedTime": storage_time(self.modified),
            "shareQuota": self.quota_gib,
            "enabledProtocols": self.protocol,
        }
        if self.root_squash:
            properties["rootSquash"] = self.root_squash
        if self.iops is not None:
            properties |= {"provisionedIops": self.iops, "provisionedBandwidthMibps": self.mibps}
        if self.metadata:
            properties["metadata"] = dict(self.metadata)
        if self.deleted is not None:
            left = self.deleted + timedelta(days=retention_days) - now
            properties |= {
                "version": self.version,
                "deleted": True,
                "deletedTime": storage_time(self.deleted),
                "remainingRetentionDays": max(0, left.days),
            }
        # The id of a deleted one ends with its version (azure-rest-api-specs DeletedFileSharesList.json).
        shown = f"{self.id}_{self.version}" if self.deleted else self.id
        return {"id": shown, "name": self.name, "type": TYPE, "etag": self.etag, "properties": properties}

    def expires(self, retention_days: int) -> datetime | None:
        """From when on a deleted one can no longer be restored; None of one that is there."""
        return None if self.deleted is None else self.deleted + timedelta(days=retention_days)

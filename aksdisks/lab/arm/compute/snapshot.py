"""A snapshot of a disk: its state and its JSON."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aksdisks.lab.arm.compute.disk import accepted_json
from aksdisks.lab.arm.resources.operations import azure_time
from aksdisks.lab.persistence.records import Observable

Json = dict[str, Any]


@dataclass(eq=False)
class Snapshot(Observable):
    """One snapshot as Azure holds it; `completion` (percent) where it is copied on in the background, else None.

    `instant_minutes`: how long disks can be made of it before that, None where they cannot.
    """

    id: str
    group: str
    name: str
    location: str
    sku: str
    size_gib: int
    unique_id: str
    created: datetime
    source_id: str
    source_unique_id: str
    incremental: bool
    tags: dict[str, str] = field(default_factory=dict)
    network_access_policy: str = "AllowAll"
    public_network_access: str = "Enabled"
    os_type: str = ""
    provisioning_state: str = "Updating"
    completion: float | None = None
    instant_minutes: int | None = None

    @property
    def usable(self) -> bool:
        """Whether disks can be made of it: all of it is copied, or it gives instant access until then."""
        return self.completion is None or self.completion >= 100 or self.instant_minutes is not None

    @property
    def key(self) -> str:
        """What it is found by: the id without case."""
        return self.id.lower()

    def to_json(self) -> Json:
        """As a GET answers it (cloud-provider-azure pkg/azclient/snapshotclient/testdata/Snapshot.yaml)."""
        creation: Json = {
            "createOption": "Copy",
            "sourceResourceId": self.source_id,
            "sourceUniqueId": self.source_unique_id,
        }
        if self.instant_minutes is not None:
            creation["instantAccessDurationMinutes"] = self.instant_minutes
        properties: Json = {"osType": self.os_type, "hyperVGeneration": "V2"} if self.os_type else {}
        properties |= {
            "creationData": creation,
            "diskSizeGB": self.size_gib,
            "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
            "incremental": self.incremental,
        }
        if self.incremental:
            # One for all that are made of the same disk.
            properties["incrementalSnapshotFamilyId"] = str(uuid.uuid5(uuid.NAMESPACE_OID, self.source_unique_id))
        properties |= {
            "networkAccessPolicy": self.network_access_policy,
            "publicNetworkAccess": self.public_network_access,
            "timeCreated": azure_time(self.created),
            "provisioningState": self.provisioning_state,
            "diskState": "Unattached",
            "diskSizeBytes": self.size_gib * 1024**3,
            "uniqueId": self.unique_id,
        }
        if self.completion is not None:
            properties["completionPercent"] = self.completion
        body = {"name": self.name, "id": self.id, "type": "Microsoft.Compute/snapshots", "location": self.location}
        tags = {"tags": dict(self.tags)} if self.tags else {}
        sku = {"name": self.sku, "tier": self.sku.partition("_")[0]}
        return {**body, **tags, "sku": sku, "properties": properties}

    def accepted_json(self, asked: Json, *, fresh: bool) -> Json:
        """As the answer to a PUT or PATCH shows it; the size of a new one is Azure's to find out."""
        return accepted_json(self.to_json(), asked, fresh=fresh, known=set() if fresh else {"diskSizeGB"})

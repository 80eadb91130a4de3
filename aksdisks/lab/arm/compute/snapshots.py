"""Snapshots of disks: what they are made from, their JSON, and the operations that make and delete them."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.bodies import member, section, texts
from aksdisks.lab.arm.compute import refusals
from aksdisks.lab.arm.compute.copies import Copies
from aksdisks.lab.arm.compute.disk_rules import canonical, check_name, location_of
from aksdisks.lab.arm.persistence import KeptByKey
from aksdisks.lab.arm.resources.operations import Operation, Operations, Purpose, azure_time
from aksdisks.lab.persistence.records import Noticed, Records

if TYPE_CHECKING:
    from aksdisks.lab.arm.compute.disks import Disk
    from aksdisks.lab.arm.resources.groups import Groups
    from aksdisks.lab.clock import Clock
    from aksdisks.lab.ids import Ids
    from aksdisks.lab.scenario import Scenario

Json = dict[str, Any]
Work = Callable[[], Awaitable[Json | None]]

SKUS = ("Standard_LRS", "Premium_LRS", "Standard_ZRS")


@dataclass(eq=False)
class Snapshot(Noticed):
    """One snapshot as Azure holds it."""

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

    @property
    def key(self) -> str:
        """What it is found by: the id without case."""
        return self.id.lower()

    def to_json(self) -> Json:
        """As a GET answers it (cloud-provider-azure pkg/azclient/snapshotclient/testdata/Snapshot.yaml)."""
        creation = {
            "createOption": "Copy",
            "sourceResourceId": self.source_id,
            "sourceUniqueId": self.source_unique_id,
        }
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
        body = {"name": self.name, "id": self.id, "type": "Microsoft.Compute/snapshots", "location": self.location}
        tags = {"tags": dict(self.tags)} if self.tags else {}
        sku = {"name": self.sku, "tier": self.sku.partition("_")[0]}
        return {**body, **tags, "sku": sku, "properties": properties}

    def accepted_json(self, asked: Json, *, fresh: bool) -> Json:
        """As the answer to a PUT or PATCH shows it; see `Disk.accepted_json`."""
        whole = self.to_json()
        body: Json = {key: whole[key] for key in ("name", "id", "type", "location", "tags") if key in whole}
        if not fresh or asked.get("sku"):
            body["sku"] = {"name": self.sku} if fresh else whole["sku"]
        creation = {key: value for key, value in whole["properties"]["creationData"].items() if key != "sourceUniqueId"}
        named = {
            "creationData",
            "provisioningState",
            *(() if fresh else ("diskSizeGB",)),
            *section(asked, "properties"),
        }
        known = {**whole["properties"], "creationData": creation, "provisioningState": "Updating"}
        return {**body, "properties": {key: value for key, value in known.items() if key in named}}


class Snapshots:
    """The snapshots of one subscription; like `Cloud`, checks everything first and raises `CloudError`."""

    def __init__(
        self,
        records: Records,
        scenario: Scenario,
        clock: Clock,
        ids: Ids,
        operations: Operations,
        groups: Groups,
        find_disk: Callable[[str], Disk | None],
    ) -> None:
        """`find_disk`: a disk by its id in any case."""
        self._scenario = scenario
        self._clock = clock
        self._ids = ids
        self._operations = operations
        self._groups = groups
        self._find_disk = find_disk
        self._known = KeptByKey(records, "azure/snapshot", Snapshot)
        self.copies: Copies[Disk | Snapshot] = Copies()
        self.on_deleted: Callable[[Snapshot], None] = lambda _snapshot: None

    def source(self, resource_id: str) -> Disk | Snapshot:
        """The disk or snapshot that something is to be a copy of. Raises ResourceNotFound."""
        found = self._find_disk(resource_id) or self._known.get(resource_id.lower())
        if found is None:
            parts = resource_id.split("/")
            raise errors.resource_not_found("/".join(parts[6:]) or resource_id, parts[4] if len(parts) > 4 else "")
        return found

    def get(self, group: str, name: str) -> Snapshot:
        """The snapshot of that name. Raises ResourceNotFound, ResourceGroupNotFound."""
        self._groups.name(group)
        found = self._known.get(self._id(group, name).lower())
        if found is None:
            raise errors.resource_not_found(f"Microsoft.Compute/snapshots/{name}", group)
        return found

    def exists(self, group: str, name: str) -> bool:
        """Whether there is one of that name. Raises ResourceGroupNotFound."""
        self._groups.name(group)
        return self._id(group, name).lower() in self._known

    def all(self, group: str | None = None) -> list[Snapshot]:
        """The snapshots of a group, or of the subscription, by id. Raises ResourceGroupNotFound."""
        wanted = None if group is None else self._groups.name(group).lower()
        found = [entry for entry in self._known.values() if wanted is None or entry.group.lower() == wanted]
        return sorted(found, key=lambda entry: entry.key)

    def put(self, group: str, name: str, body: Json) -> Operation:
        """Make one out of a disk or another snapshot, or change the one of that name."""
        if self.exists(group, name):
            return self.patch(group, name, body)
        check_name(name, "snapshot.name")
        location, properties = location_of(body), section(body, "properties")
        if not location:
            raise errors.location_required()
        if location != self._scenario.location:
            kind = "Microsoft.Compute/snapshots"
            raise refusals.location_not_available(location, kind, self._scenario.location)
        creation = section(properties, "creationData")
        option = member(creation, "createOption", str)
        if option is None:
            raise errors.missing_parameter("snapshot.creationData.createOption")
        if option.lower() != "copy":
            raise errors.bad_parameter("snapshot.creationData.createOption", option)
        source_id = member(creation, "sourceResourceId", str)
        if not source_id:
            raise errors.missing_parameter("snapshot.creationData.sourceResourceId")
        source = self.source(source_id)
        snapshot = Snapshot(
            id=self._id(self._groups.name(group), name),
            group=self._groups.name(group),
            name=name,
            location=location,
            sku=canonical(member(section(body, "sku"), "name", str) or "Standard_LRS", SKUS, "snapshot.sku.name"),
            size_gib=source.size_gib,
            unique_id=self._ids.uid(),
            created=self._clock.now(),
            source_id=source_id,
            source_unique_id=source.unique_id,
            incremental=member(properties, "incremental", bool) or False,
            tags=texts(body, "tags") or {},
            os_type=source.os_type,
        )
        self._set_access(snapshot, properties)
        self._known[snapshot.key] = snapshot
        self.copies.begin(source, snapshot)
        return self._finish_later(snapshot, self._scenario.delays.create_disk)

    def patch(self, group: str, name: str, body: Json) -> Operation:
        """Change tags, SKU and who may reach it; what it is a copy of stays."""
        snapshot, properties = self.get(group, name), section(body, "properties")
        source = member(section(properties, "creationData"), "sourceResourceId", str)
        if source is not None and source.lower() != snapshot.source_id.lower():
            raise refusals.property_is_fixed("creationData.sourceResourceId")
        incremental = member(properties, "incremental", bool)
        if incremental is not None and incremental != snapshot.incremental:
            raise refusals.property_is_fixed("incremental")
        sku, tags = member(section(body, "sku"), "name", str), texts(body, "tags")
        sku = snapshot.sku if sku is None else canonical(sku, SKUS, "snapshot.sku.name")
        self._set_access(snapshot, properties)
        snapshot.sku, snapshot.tags = sku, snapshot.tags if tags is None else tags
        snapshot.provisioning_state = "Updating"
        return self._finish_later(snapshot, self._scenario.delays.update_disk)

    def delete(self, group: str, name: str) -> Operation | None:
        """Delete it; None when there is none of that name. What was made of it stays."""
        if not self.exists(group, name):
            return None
        snapshot = self.get(group, name)
        purpose = Purpose("delete", snapshot.key, self._scenario.delays.delete_disk, snapshot.unique_id)
        return self._operations.start("DiskOperations", self._deleting(snapshot, purpose.seconds), purpose)

    def delete_all(self, group: str) -> None:
        """The group goes, and with it what is in it."""
        for snapshot in self.all(group):
            self._remove(snapshot)

    def work_again(self, purpose: Purpose, left: float) -> Work | None:
        """What an operation on a snapshot has still to do after a restart, None where it is not about one."""
        snapshot = self._known.get(purpose.subject)
        if snapshot is None or purpose.detail not in ("", snapshot.unique_id):
            return None
        if purpose.act == "delete":
            return self._deleting(snapshot, left)
        self.copy_again(snapshot)
        return self._settling(snapshot, left)

    def copy_again(self, copy: Disk | Snapshot) -> None:
        """After a restart: its bytes, if it was being made and they had not all been copied."""
        source = self._find_disk(copy.source_id) or self._known.get(copy.source_id.lower())
        if source is not None and source.unique_id == copy.source_unique_id and copy.provisioning_state == "Updating":
            self.copies.begin(source, copy, again=True)

    def _finish_later(self, snapshot: Snapshot, delay: float) -> Operation:
        purpose = Purpose("settle", snapshot.key, delay, snapshot.unique_id)
        return self._operations.start("DiskOperations", self._settling(snapshot, delay), purpose)

    def _settling(self, snapshot: Snapshot, delay: float) -> Work:
        async def work() -> Json:
            await self._clock.sleep(delay)
            await self.copies.made(snapshot.key)
            snapshot.provisioning_state = "Succeeded"
            return snapshot.to_json()

        return work

    def _deleting(self, snapshot: Snapshot, delay: float) -> Work:
        async def work() -> None:
            await self._clock.sleep(delay)
            await self.copies.let_go(snapshot.key)
            self._remove(snapshot)

        return work

    def _remove(self, snapshot: Snapshot) -> None:
        """Unless another deletion was faster: what has its name by now is another snapshot."""
        if self._known.get(snapshot.key) is snapshot:
            del self._known[snapshot.key]
            self.on_deleted(snapshot)

    @staticmethod
    def _set_access(snapshot: Snapshot, properties: Json) -> None:
        policy, public = (member(properties, name, str) for name in ("networkAccessPolicy", "publicNetworkAccess"))
        snapshot.network_access_policy = policy or snapshot.network_access_policy
        snapshot.public_network_access = public or snapshot.public_network_access

    def _id(self, group: str, name: str) -> str:
        return f"{self._scenario.subscription}/resourceGroups/{group}/providers/Microsoft.Compute/snapshots/{name}"

"""The snapshots of one subscription: the rules by which they are made and changed."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.bodies import location_of, member, section, texts
from aksdisks.lab.arm.compute import refusals
from aksdisks.lab.arm.compute.collection import Collection, FindSource
from aksdisks.lab.arm.compute.disk import PROVISIONED, Disk
from aksdisks.lab.arm.compute.disk_rules import canonical, check_name
from aksdisks.lab.arm.compute.snapshot import Snapshot
from aksdisks.lab.arm.compute.subscription import ComputeSubscription
from aksdisks.lab.arm.persistence import KeptByKey
from aksdisks.lab.arm.resources.operations import Operation, Purpose, Work

Json = dict[str, Any]

_COPIED_GIB = 100
"""Up to this size of a disk the scenario's time to copy is enough; more takes longer in proportion."""

SKUS = ("Standard_LRS", "Premium_LRS", "Standard_ZRS")


class Snapshots(Collection[Snapshot]):
    """Made of a disk or of another snapshot."""

    kind = "snapshots"

    def __init__(self, subscription: ComputeSubscription, find_source: FindSource) -> None:
        super().__init__(subscription, KeptByKey(subscription.records, "azure/snapshot", Snapshot), find_source)

    def _create(self, group: str, name: str, body: Json) -> Operation:
        scenario = self._subscription.scenario
        check_name(name, "snapshot.name")
        location, properties = location_of(body), section(body, "properties")
        if not location:
            raise errors.location_required()
        if location != scenario.location:
            raise errors.location_not_available(location, "Microsoft.Compute/snapshots", scenario.location)
        creation = section(properties, "creationData")
        option = member(creation, "createOption", str)
        if option is None:
            raise errors.missing_parameter("snapshot.creationData.createOption")
        if option.lower() != "copy":
            raise errors.bad_parameter("snapshot.creationData.createOption", option)
        source_id = member(creation, "sourceResourceId", str)
        if not source_id:
            raise errors.missing_parameter("snapshot.creationData.sourceResourceId")
        source, group = self._source(source_id), self._subscription.groups.name(group)
        incremental = member(properties, "incremental", bool) or False
        if source.sku in PROVISIONED and not incremental:
            raise refusals.incremental_only(source.sku)
        snapshot = Snapshot(
            id=self._id(group, name),
            group=group,
            name=name,
            location=location,
            sku=canonical(member(section(body, "sku"), "name", str) or "Standard_LRS", SKUS, "snapshot.sku.name"),
            size_gib=source.size_gib,
            unique_id=self._subscription.ids.uid(),
            created=self._subscription.clock.now(),
            source_id=source_id,
            source_unique_id=source.unique_id,
            incremental=incremental,
            instant_minutes=member(creation, "instantAccessDurationMinutes", int),
            tags=texts(body, "tags") or {},
            os_type=source.os_type,
        )
        _set_access(snapshot, properties)
        self.by_key[snapshot.key] = snapshot
        return self._begin(snapshot, source)

    def _begin(self, snapshot: Snapshot, source: Disk | Snapshot) -> Operation:
        """What a new one takes: time, more of it where all is copied before it can be used, and luck."""
        injection, delays = self._subscription.injection, self._subscription.scenario.delays
        if injection.fails_snapshot(source.name):
            purpose = Purpose("fail", snapshot.key, delays.create_disk, snapshot.unique_id)
            work = self._failing(snapshot, purpose.seconds)
            return self._subscription.operations.start("DiskOperations", work, purpose)
        self._subscription.copies.begin(source, snapshot)
        if source.sku in PROVISIONED:
            self._complete_later(snapshot, delays.copy_snapshot * max(1.0, source.size_gib / _COPIED_GIB))
        elif injection.slows_snapshot(source.name):
            self._complete_later(snapshot, 0.0)
        return self._settle(snapshot, delays.create_disk)

    def work_again(self, purpose: Purpose, left: float) -> Work | None:
        """As the base, and going on with what is copied in the background."""
        work = {"complete": self._completing, "fail": self._failing}.get(purpose.act)
        if work is None:
            return super().work_again(purpose, left)
        snapshot = self.by_key.get(purpose.subject)
        same = snapshot is not None and snapshot.unique_id == purpose.detail
        return work(snapshot, left) if snapshot is not None and same else None

    def _failing(self, snapshot: Snapshot, delay: float) -> Work:
        async def work() -> None:
            await self._subscription.clock.sleep(delay)
            self.remove(snapshot)
            raise refusals.internal_execution()

        return work

    def _complete_later(self, snapshot: Snapshot, seconds: float) -> None:
        """It is there at once, and complete once Azure has copied all of it: AKS#4555; learn.microsoft.com, "Create an
        incremental snapshot for managed disks"."""
        snapshot.completion = 0.0
        seconds += self._subscription.scenario.delays.create_disk
        purpose = Purpose("complete", snapshot.key, seconds, snapshot.unique_id)
        self._subscription.operations.start("DiskOperations", self._completing(snapshot, purpose.seconds), purpose)

    def _completing(self, snapshot: Snapshot, delay: float) -> Work:
        async def work() -> None:
            await self._subscription.clock.sleep(delay)
            await self._subscription.injection.delay_snapshot(snapshot.source_id.rpartition("/")[2])
            snapshot.completion = 100.0

        return work

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
        _set_access(snapshot, properties)
        snapshot.sku, snapshot.tags = sku, snapshot.tags if tags is None else tags
        snapshot.provisioning_state = "Updating"
        return self._settle(snapshot, self._subscription.scenario.delays.update_disk)


def _set_access(snapshot: Snapshot, properties: Json) -> None:
    policy, public = (member(properties, name, str) for name in ("networkAccessPolicy", "publicNetworkAccess"))
    snapshot.network_access_policy = policy or snapshot.network_access_policy
    snapshot.public_network_access = public or snapshot.public_network_access

"""The disks of one subscription: how the rules make and change them, and what keeps one from being deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aksdisks.lab.arm.compute import disk_rules, refusals
from aksdisks.lab.arm.compute.collection import Collection, FindSource
from aksdisks.lab.arm.compute.disk import Disk
from aksdisks.lab.arm.compute.snapshot import Snapshot
from aksdisks.lab.arm.compute.subscription import ComputeSubscription
from aksdisks.lab.arm.persistence import KeptByKey
from aksdisks.lab.arm.resources.operations import Operation
from aksdisks.lab.persistence.records import Records

Json = dict[str, Any]


class _KnownDisks(KeptByKey[Disk]):
    """The disks by their ids in lower case, and how many of them are no machine's system."""

    def __init__(self, records: Records) -> None:
        super().__init__(records, "azure/disk", Disk)
        self.data_disks = sum(not disk.os_type for disk in self.values())

    def __setitem__(self, key: str, disk: Disk) -> None:
        if key in self:
            del self[key]
        super().__setitem__(key, disk)
        self.data_disks += not disk.os_type

    def __delitem__(self, key: str) -> None:
        self.data_disks -= not self[key].os_type
        super().__delitem__(key)


class Disks(Collection[Disk]):
    """Disks for claims, and those of the machines' systems.

    A disk in the middle of being attached has no machine yet and can be deleted, as in k/k#82714.
    """

    kind = "disks"

    def __init__(
        self,
        subscription: ComputeSubscription,
        find_source: FindSource,
        attachment: Callable[[Disk], disk_rules.Attached | None],
    ) -> None:
        """`attachment`: where a disk is attached, None where it is not."""
        self._known = _KnownDisks(subscription.records)
        super().__init__(subscription, self._known, find_source)
        self._attachment = attachment

    def _create(self, group: str, name: str, body: Json) -> Operation:
        """A new disk: createOption Empty or Copy."""
        subscription = self._subscription
        source_id = disk_rules.source_id(body)
        source = self._source(source_id) if source_id else None
        if isinstance(source, Snapshot) and not source.usable:
            raise refusals.snapshot_not_complete(source.name, source.completion or 0.0)
        wanted = disk_rules.new(subscription.scenario, name, body, source.size_gib if source is not None else None)
        disk = Disk(
            id=self._id(group, name),
            group=group,
            name=name,
            unique_id=subscription.ids.uid(),
            created=subscription.clock.now(),
            provisioning_state="Updating",
            create_option="Empty" if source is None else "Copy",
            source_id=source_id,
            source_unique_id="" if source is None else source.unique_id,
            **vars(wanted),
        )
        used = self._known.data_disks
        subscription.injection.check_new_disk(disk, used)
        if 0 < subscription.scenario.disk_quota <= used:
            raise refusals.quota_exceeded(disk.sku, disk.location, used)
        self.by_key[disk.key] = disk
        if source is not None:
            subscription.copies.begin(source, disk)
        return self._settle(disk, subscription.scenario.delays.create_disk)

    def patch(self, group: str, name: str, body: Json) -> Operation:
        """Change size (upwards), tags, SKU, performance, access."""
        disk = self.get(group, name)
        wanted = disk_rules.changed(self._subscription.scenario, disk, body, self._attachment(disk))
        for field, value in vars(wanted).items():
            setattr(disk, field, value)
        disk.provisioning_state = "Updating"
        return self._settle(disk, self._subscription.scenario.delays.update_disk)

    def lose(self, disk: Disk) -> None:
        """The disk is no more; its bytes stay."""
        self.by_key.pop(disk.key, None)

    def restore(self, disk: Disk) -> None:
        """A lost disk is back, unless one of its name was made meanwhile."""
        self.by_key.setdefault(disk.key, disk)

    def _check_free(self, resource: Disk) -> None:
        if resource.managed_by:
            raise refusals.disk_is_attached(resource.name, resource.managed_by)

"""The directories that hold bytes follow Azure's disks, snapshots and file shares: copied, removed, swept with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.compute.disk import Disk
from aksdisks.lab.arm.compute.snapshot import Snapshot
from aksdisks.lab.arm.storage.share import Share
from aksdisks.lab.persistence.records import Records
from aksdisks.lab.sandbox.volumes import Volumes, directory_name


class DiskBytes:
    """What commands in pods see of a disk or a share is the directory that stands for it."""

    def __init__(self, volumes: Volumes, cloud: Cloud, records: Records) -> None:
        """Hears from now on of what the cloud copies and deletes."""
        self._volumes = volumes
        self._cloud = cloud
        self._records = records
        # Once the deletion is kept: until then a restart brings the disk back, and with it its bytes.
        cloud.disks.on_deleted = self._forget
        cloud.snapshots.on_deleted = self._forget
        cloud.copies.copy = self._copy
        cloud.storage.shares.on_deleted = self._forget
        cloud.storage.shares.used_bytes = lambda share: volumes.used(self.directory_of_share(share))

    def directory_of(self, disk_id: str) -> str | None:
        """The name of a disk's directory; None where there is no such disk."""
        disk = self._cloud.disks.find(disk_id)
        return None if disk is None else self._directory(disk)

    @staticmethod
    def directory_of_share(share: Share) -> str:
        """The name of a share's directory, which another share of its name does not get."""
        return f"share~~{share.unique_id}"

    def sweep(self, lost: Iterable[Disk | Share], pods: Collection[str]) -> None:
        """Remove the bytes of disks, shares and pods that are no more: a lab may end before it has done so.

        `lost`: disks and shares that may come back; `pods`: the uids of those that there are.
        """
        self._cloud.storage.shares.forget_expired()
        kept: list[Disk | Snapshot | Share] = [*self._cloud.disks.all(), *lost, *self._cloud.snapshots.all()]
        kept += self._cloud.storage.shares.everything()
        self._volumes.keep({self._directory(disk) for disk in kept}, pods)

    def _directory(self, disk: Disk | Snapshot | Share) -> str:
        if isinstance(disk, Share):
            return self.directory_of_share(disk)
        name = directory_name(disk.group, disk.name, self._cloud.scenario.node_resource_group)
        # No group's name has a tilde, so that no disk has this directory.
        return f"snapshot~~{name}" if isinstance(disk, Snapshot) else name

    async def _copy(self, source: Disk | Snapshot, copy: Disk | Snapshot, again: bool) -> None:
        # Only now is what had the copy's name before removed with its bytes.
        await self._records.settled()
        await self._volumes.copy_disk(self._directory(source), self._directory(copy), keep=again)

    def _forget(self, disk: Disk | Snapshot | Share) -> None:
        self._records.after(lambda: self._volumes.remove_disk(self._directory(disk)))

"""The verdict on an Azure snapshot: rules in the order in which they are asked; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from aksdisks.inspection.ownership.clusters import other_cluster
from aksdisks.inspection.ownership.facts import Facts
from aksdisks.inspection.ownership.uses import Judgement
from aksdisks.model import DiskSnapshot, Unknown, VolumeSnapshotContent, id_key, known

SAVED_TAG = "aksdisks-snapshot-of"
"""The tag of a snapshot that was made before its disk was deleted; its value is the disk's uniqueId."""
# The driver puts the first on each snapshot that it makes (CSI pkg/azuredisk/controllerserver.go). Its mark on disks
# says nothing here: backup tools give a snapshot all tags of its disk.
_SOURCE_TAG = "source_volume_id"
_NAME_TAG = "kubernetes.io-created-for-snapshot-name"
_NAMESPACE_TAG = "kubernetes.io-created-for-snapshot-namespace"


@dataclass(frozen=True)
class SnapshotRules:
    """The rules, over the facts; what they look up in is built once."""

    facts: Facts

    def judge(self, snapshot: DiskSnapshot) -> Judgement:
        """The verdict of the first rule that has one."""
        rules = (self._named, self._unread, self._of_a_disk, self._saved, self._foreign, self._other_cluster)
        return next(filter(None, (rule(snapshot) for rule in rules)), None) or self._left(snapshot)

    def made_for(self, snapshot: DiskSnapshot) -> tuple[str, str]:
        """The namespace and the name of its VolumeSnapshot, as its content says, else its tags."""
        content = self._contents.get(id_key(snapshot.id))
        if content:
            return content.snapshot_namespace, content.snapshot
        return snapshot.tags.get(_NAMESPACE_TAG, ""), snapshot.tags.get(_NAME_TAG, "")

    def _named(self, snapshot: DiskSnapshot) -> Judgement | None:
        """A VolumeSnapshotContent names it: as with volumes, its VolumeSnapshot may be gone."""
        content = self._contents.get(id_key(snapshot.id))
        if content is None:
            return None
        of = content.snapshot_key
        found = self.facts.snapshot(of)
        if isinstance(found, Unknown):
            return "kept", f"content {content.name} names it, of VolumeSnapshot {of}"
        if found and (not content.snapshot_uid or found.uid == content.snapshot_uid):
            return "kept", f"VolumeSnapshot {of} is {'being deleted' if found.deleting else 'there'}"
        if not content.snapshot_uid:
            return "kept", f"content {content.name} is reserved for VolumeSnapshot {of}, which is not there yet"
        return "released", f"VolumeSnapshot {of} is gone, and content {content.name} {_what_then(content)}"

    def _unread(self, _snapshot: DiskSnapshot) -> Judgement | None:
        contents = self.facts.contents
        return ("unknown", f"VolumeSnapshotContents: {contents.because}") if isinstance(contents, Unknown) else None

    def _of_a_disk(self, snapshot: DiskSnapshot) -> Judgement | None:
        disk = self.facts.disks_by_id.get(id_key(snapshot.source))
        if disk is None:
            return None
        _, name = self.made_for(snapshot)
        gone = f"; no VolumeSnapshotContent of VolumeSnapshot {name} names it any more" if name else ""
        return "kept", f"disk {disk.name}, of which it was made, is there{gone}"

    def _saved(self, snapshot: DiskSnapshot) -> Judgement | None:
        if SAVED_TAG not in snapshot.tags:
            return None
        return "kept", f"aksdisks made it before it deleted disk {snapshot.source.rpartition('/')[2]}"

    def _foreign(self, snapshot: DiskSnapshot) -> Judgement | None:
        made = any(tag in snapshot.tags for tag in (_SOURCE_TAG, _NAME_TAG))
        return None if made else ("foreign", "no tag says that it was made for a VolumeSnapshot")

    def _other_cluster(self, snapshot: DiskSnapshot) -> Judgement | None:
        because = other_cluster(self.facts, snapshot.tags)
        return ("unknown", because) if because else None

    def _left(self, snapshot: DiskSnapshot) -> Judgement:
        inventory = self.facts.inventory
        text = "the disk driver made it, and neither its disk nor a VolumeSnapshotContent is there"
        if isinstance(inventory.disks, Unknown):
            return "unknown", f"no VolumeSnapshotContent names it; its disk is {inventory.disks}"
        if snapshot.created is None:
            return "unknown", f"{text}; Azure does not say when it was made"
        age = (inventory.taken - snapshot.created).total_seconds() * inventory.time_scale
        return ("young" if age < self.facts.grace else "orphan"), text

    @cached_property
    def _contents(self) -> Mapping[str, VolumeSnapshotContent]:
        return {id_key(each.snapshot_id): each for each in known(self.facts.contents) if each.snapshot_id}


def _what_then(content: VolumeSnapshotContent) -> str:
    """What becomes of a content whose VolumeSnapshot is gone."""
    if content.deleting:
        return f"is to be deleted (policy {content.deletion_policy})"
    return "names it still" + (f" (policy {content.deletion_policy})" if content.deletion_policy else "")

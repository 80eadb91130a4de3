"""What of volumes and snapshots goes and what stays, and the lines in which a clean-up says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from aksdisks.model import Disk, Named, ShareSource, Volume, VolumeSnapshotContent
from aksdisks.session.azure_objects import AzureObject


def object_line(found: tuple[str, Named]) -> str:
    """`Kind name`."""
    kind, each = found
    return f"{kind} {each.name}"


def with_disk(volumes: Iterable[Volume]) -> tuple[Volume, ...]:
    """The volumes that have a disk."""
    return tuple(volume for volume in volumes if volume.disk_id)


def shares(volumes: Iterable[Volume]) -> tuple[ShareSource, ...]:
    """The shares that volumes name, as far as they tell which."""
    return tuple(volume.share for volume in volumes if volume.share and volume.share.key)


def share_lines(found: Iterable[ShareSource]) -> list[str]:
    """`share ACCOUNT/NAME` for each."""
    return sorted(f"share {each.key}" for each in found)


def deleted(volumes: Iterable[Volume]) -> tuple[Volume, ...]:
    """The volumes that follow their claims, and their disks them."""
    return tuple(volume for volume in volumes if volume.reclaim_policy == "Delete")


def is_held(found: AzureObject) -> bool:
    """Whether it is a disk that a machine holds."""
    return isinstance(found, Disk) and bool(found.managed_by)


def volume_lines(what: Literal["volume", "disk"], volumes: Iterable[Volume]) -> list[str]:
    """`volume NAME` or `disk NAME` for each, by name."""
    return [f"{what} {name}" for name in sorted(each.name if what == "volume" else each.disk_name for each in volumes)]


def handles(contents: Iterable[VolumeSnapshotContent]) -> list[str]:
    """The names of the contents' snapshots in Azure, as far as they are made."""
    return sorted(each.snapshot_id.rpartition("/")[2] for each in contents if each.snapshot_id)


def retained_lines(contents: Iterable[VolumeSnapshotContent]) -> list[str]:
    """What stays by intent: retained contents, and their snapshots in Azure."""
    kept = [each for each in contents if each.deletion_policy == "Retain"]
    return [f"content {each.name} of {each.snapshot} (deletion policy Retain)" for each in kept] + [
        f"snapshot {name} (its content is retained)" for name in handles(kept)
    ]


def content_lines(contents: Iterable[VolumeSnapshotContent]) -> list[str]:
    """What goes with snapshots: their contents, and what these name in Azure."""
    going = [each for each in contents if each.deletion_policy == "Delete"]
    return [f"content {name}" for name in sorted(each.name for each in going)] + [
        f"snapshot {name}" for name in handles(going)
    ]


def belongs(disk: Disk, volumes: Iterable[Volume]) -> bool:
    """Whether a disk is one of the volumes': by the volume's handle, else by the tags that the driver wrote."""
    return any(disk.id.lower() == volume.disk_id.lower() or disk.volume == volume.name for volume in volumes)

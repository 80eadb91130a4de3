"""Whether a disk that was an orphan a moment ago still is one: what is read again just before it is deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from aksdisks.azure.compute import Azure, same
from aksdisks.errors import ApiError, NotAllowed, NotReachable
from aksdisks.kube.client import Cluster
from aksdisks.model import (
    Claim,
    Disk,
    DiskSnapshot,
    Machine,
    NotServed,
    Unknown,
    Volume,
    VolumeSnapshotContent,
    id_key,
    known,
)

State = Literal["same", "gone", "re-made", "kept", "unseen"]
# What a disk is named after its claim's uid with: the driver's prefix, and that of 2019 (facts E, Tags).
NAMED_BY_UID = ("pvc-", "kubernetes-dynamic-pvc-")
# A resource that is in none of these states is being changed by somebody.
AT_REST = ("Succeeded", "Failed", "Canceled")


@dataclass(frozen=True, slots=True)
class SecondLook:
    """What was found, and why the disk may not be deleted; `same` alone says that it may.

    `gone`: Azure has none of that id; `re-made`: what has the id is another disk; `kept`: it has changed, or something
    needs it; `unseen`: what could need it could not be read.
    """

    state: State
    because: str = ""


def look_again(cluster: Cluster, azure: Azure, seen: Disk, own_snapshot: str = "") -> SecondLook:
    """Read all again by which a disk is no orphan, the volumes and then the disk itself last; nothing is changed.

    `own_snapshot` is the id of the snapshot that was made of it for its deletion.
    """
    disks, snapshots, machines = azure.disks(), azure.snapshots(), azure.machines()
    try:
        contents = cluster.volume_snapshot_contents()
        claims, volumes = cluster.claims(seen.claim_namespace), cluster.volumes()
    except (NotAllowed, NotReachable, ApiError) as error:
        return SecondLook("unseen", error.message)
    raw = azure.find(seen.id)
    for answer in (raw, disks, snapshots, machines, contents):
        if isinstance(answer, Unknown) and not isinstance(answer, NotServed):
            return SecondLook("unseen", answer.because)
    if raw is None:
        return SecondLook("gone", "Azure has no such disk any more")
    now = Disk.of(raw)
    if not now.unique_id:
        return SecondLook("unseen", "Azure does not say its uniqueId, so that one cannot tell it from another disk")
    if (now.unique_id, now.created) != (seen.unique_id, seen.created):
        return SecondLook("re-made", f"another disk has its name now: made {now.created}, uniqueId {now.unique_id}")
    others = [each for each in known(snapshots) if not same(each.id, own_snapshot)]
    needed = needed_by(known(disks), others, known(contents))
    reasons = (
        *changes(seen, now),
        *_held(now, known(machines)),
        *_wanted(now, claims, volumes),
        *(why for id_, why in needed if same(id_, now.id)),
    )
    return SecondLook("kept", "; ".join(reasons)) if reasons else SecondLook("same")


def changes(seen: Disk, now: Disk) -> Iterator[str]:
    """How the same disk differs from what was seen, as far as somebody may have begun to use it."""
    if now.holders:
        yield f"it is attached to {', '.join(each.rpartition('/')[2] for each in now.holders)}"
    elif now.state != "Unattached":
        yield f"its diskState is {now.state or 'not said'}"
    if now.owner_changed != seen.owner_changed:
        yield f"it was attached or detached at {now.owner_changed}"
    if now.provisioning_state not in AT_REST:
        yield f"its provisioningState is {now.provisioning_state or 'not said'}"
    elif now.completion is not None and now.completion < 100.0:
        yield f"it is being filled: {now.completion:.0f} % are there"
    if dict(now.tags) != dict(seen.tags):
        yield "its tags were changed"


def _held(disk: Disk, machines: Iterable[Machine]) -> Iterator[str]:
    """The machines that have a disk by their own word: one that is just being attached says so before the disk does."""
    for machine in machines:
        if any(same(held.disk_id, disk.id) for held in machine.data_disks):
            yield f"machine {machine.node or machine.name} has it among its data disks"


def _wanted(disk: Disk, claims: Iterable[Claim], volumes: Iterable[Volume]) -> Iterator[str]:
    """The volumes that name a disk, and the claims that it is, or will be, for."""
    for volume in volumes:
        if same(volume.disk_id, disk.id):
            yield f"PersistentVolume {volume.name} names it"
        elif volume.name == disk.volume:
            yield f"PersistentVolume {volume.name}, which it was made for, is there"
    for claim in claims:
        named_after = disk.name in [f"{prefix}{claim.uid}" for prefix in NAMED_BY_UID]
        of_its_tags = claim.key == disk.claim and claim.volume in ("", disk.volume)
        if named_after or of_its_tags:
            yield f"PersistentVolumeClaim {claim.key} ({claim.phase}) is the one that it was made for"


def under_way(copy: Disk | DiskSnapshot) -> bool:
    """Whether a copy is still being made (facts H: done when Succeeded, and completionPercent is absent or 100)."""
    return copy.provisioning_state not in AT_REST or (copy.completion is not None and copy.completion < 100.0)


def needed_by(
    disks: Collection[Disk], snapshots: Collection[DiskSnapshot], contents: Iterable[VolumeSnapshotContent]
) -> Iterator[tuple[str, str]]:
    """The ids of disks that something is being made of, with what that is: until it is done, it needs the disk.

    A copy of a snapshot needs the disk of that as well: it may read what the snapshot does not have yet. A content
    without a snapshot is still to be taken.
    """
    sources = {id_key(each.id): each for each in snapshots}
    for disk in (each for each in disks if each.source and under_way(each)):
        snapshot = sources.get(id_key(disk.source))
        if snapshot is None:
            yield disk.source, f"disk {disk.name} is still being copied from it"
        elif snapshot.source:
            yield snapshot.source, f"disk {disk.name} is still being copied from its snapshot {snapshot.name}"
    for each in (each for each in snapshots if each.source and under_way(each)):
        yield each.source, f"snapshot {each.name} is still being copied from it"
    for content in contents:
        if content.disk_id and not content.snapshot_id and not content.deleting:
            yield content.disk_id, f"VolumeSnapshotContent {content.name} is to be made of it"

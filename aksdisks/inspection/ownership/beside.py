"""Beside the table: what has no disk, share or snapshot in Azure, attachments that both sides see differently; pure."""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.ownership.facts import Facts, holders, is_taken
from aksdisks.model import (
    DISK_DRIVERS,
    FILE_DRIVERS,
    Attachment,
    Claim,
    Disk,
    Machine,
    ShareSource,
    Unknown,
    Volume,
    id_key,
    known,
)
from aksdisks.model.ownership import Disagreement

# Both sides are read within so many seconds; real ones.
_SETTLED = 300.0


def without_disk(facts: Facts) -> tuple[tuple[str, str], ...]:
    """The drivers' claims and volumes that have no disk or share, contents that have no snapshot, each with the reason.

    Named are they as `Kind namespace/name`.
    """
    found = [(f"PersistentVolume {volume.name}", why) for volume in _mine(facts) if (why := _volume(facts, volume))]
    claims = ((f"PersistentVolumeClaim {claim.key}", _claim(facts, claim)) for claim in facts.inventory.claims)
    return (*found, *((claim, why) for claim, why in claims if why), *_contents(facts))


def _contents(facts: Facts) -> Iterator[tuple[str, str]]:
    """Contents that were taken and whose snapshot Azure does not have, as far as both sides are known.

    What was made while they were read may be on one side only. Of a snapshot in another resource group it is said, too,
    that it could not be read: no list has it.
    """
    if isinstance(facts.snapshots, Unknown) or not facts.scope:
        return
    there = {id_key(each.id): each for each in facts.snapshots}
    for each in filter(is_taken, known(facts.contents)):
        mine = facts.inventory.namespace in (None, each.snapshot_namespace)
        if not mine or not each.created or (facts.inventory.taken - each.created).total_seconds() <= _SETTLED:
            continue
        key = id_key(each.snapshot_id)
        found = (facts.snapshots_elsewhere if facts.is_elsewhere(each.snapshot_id) else there).get(key)
        of = f"snapshot {each.snapshot_id}, of VolumeSnapshot {each.snapshot_key}"
        if found is None:
            yield f"VolumeSnapshotContent {each.name}", f"Azure has no {of}"
        elif isinstance(found, Unknown):
            yield f"VolumeSnapshotContent {each.name}", f"whether Azure has {of}, is {found}"


def disagreements(facts: Facts) -> tuple[Disagreement, ...]:
    """The volumes of which Kubernetes and Azure, as they were read, do not say the same machine.

    What is on its way, to or from a node, is none: there the sides may differ for a while.
    """
    if facts.unread("VolumeAttachment") or isinstance(facts.inventory.machines, Unknown):
        return ()
    pairs = ((volume, facts.disk_of(volume)) for volume in _mine(facts) if volume.disk_id)
    return tuple(found for volume, disk in pairs if isinstance(disk, Disk) for found in _differ(facts, volume, disk))


def _mine(facts: Facts) -> Iterator[Volume]:
    """The volumes of the inventory's namespace; of all where it has none."""
    namespace = facts.inventory.namespace
    return (
        volume
        for volume in facts.volumes
        if not namespace or namespace in (volume.claim_namespace, _namespace(facts.claim_of(volume)))
    )


def _namespace(claim: Claim | None) -> str:
    return claim.namespace if claim else ""


def _volume(facts: Facts, volume: Volume) -> str:
    """Why a volume has no disk or share; empty where it has one, that is not known, and for another driver's."""
    if volume.share is not None:
        return _share(facts, volume.share)
    if volume.disk_id and facts.disk_of(volume) is None:
        return f"Azure has no disk {volume.disk_id}"
    return "it names no disk" if volume.driver in DISK_DRIVERS and not volume.disk_id else ""


def _share(facts: Facts, source: ShareSource) -> str:
    files = facts.inventory.files
    if isinstance(files, Unknown):
        return ""
    if not source.key:
        return "it names no share" if source.account else "it names no storage account"
    if files.share(source) is not None:
        return ""
    gone = files.account(source.account) is None
    return (
        f"Azure has no storage account {source.account}"
        if gone
        else f"account {source.account} has no share {source.share}"
    )


def _claim(facts: Facts, claim: Claim) -> str:
    """The same of a claim."""
    if facts.unread("PersistentVolume"):
        return ""
    if claim.volume:
        volume = facts.volumes_by_name.get(claim.volume)
        if volume is None:
            return f"its volume {claim.volume} is gone" if _medium(facts, claim) else ""
        because = _volume(facts, volume)
        return f"volume {volume.name}: {because}" if because else ""
    if medium := _medium(facts, claim):
        source = (
            f"; its {medium} is to be filled from {claim.source_kind} {claim.source_name}" if claim.source_name else ""
        )
        return f"it is {claim.phase}, and has no volume yet{source}"
    name = claim.storage_class
    absent = name and name not in {each.name for each in facts.inventory.classes} and not facts.unread("StorageClass")
    return f"it is {claim.phase}, and its class {name} is not there" if absent and not claim.provisioner else ""


def _medium(facts: Facts, claim: Claim) -> str:
    """Whether a claim's class makes a disk or a share, as far as that can be told; empty for neither."""
    classes = (each.provisioner for each in facts.inventory.classes if each.name == claim.storage_class)
    made_by = claim.provisioner or next(classes, "")
    return "disk" if made_by in DISK_DRIVERS else "share" if made_by in FILE_DRIVERS else ""


def _differ(facts: Facts, volume: Volume, disk: Disk) -> Iterator[Disagreement]:
    # Of all volumes that name the disk: it is attached by any of them.
    attachments = tuple(held for each in facts.volumes_of(disk.id) for held in facts.attachments_of(each))
    if not attachments and volume.driver not in DISK_DRIVERS:
        return  # the in-tree driver attached without VolumeAttachments
    moving = {each.node for each in attachments if not each.attached or each.deleting}
    by_kubernetes = {each.node for each in attachments if each.attached}
    machine, by_azure = facts.holder(disk), facts.nodes_of(disk)
    if (by_kubernetes ^ by_azure) - moving:
        yield _disagreement(volume, disk, attachments, by_azure, "attached to " + ", ".join(sorted(by_azure)))
    elif isinstance(machine, Machine):
        yield from _luns(facts, volume, disk, attachments, machine)


def _luns(
    facts: Facts, volume: Volume, disk: Disk, attachments: tuple[Attachment, ...], machine: Machine
) -> Iterator[Disagreement]:
    """Both name one machine; the disk may sit elsewhere on it, or not be among the machine's own dataDisks."""
    held = facts.lun(machine, disk.id)
    noted = {each.lun for each in attachments if each.attached and each.lun is not None}
    node = machine.node or machine.name
    if held is None:
        said = f"the disk's managedBy names {node}, whose dataDisks do not have it"
        yield _disagreement(volume, disk, attachments, {node}, said)
    elif not holders(disk):
        said = f"the dataDisks of {node} have it, and the disk's managedBy names no machine"
        yield _disagreement(volume, disk, attachments, {node}, said)
    elif noted and held not in noted:
        yield _disagreement(volume, disk, attachments, {node}, f"attached to {node} at LUN {held}")


def _disagreement(
    volume: Volume, disk: Disk, attachments: tuple[Attachment, ...], by_azure: set[str], azure: str
) -> Disagreement:
    nodes = {each.node for each in attachments} | by_azure
    return Disagreement(
        disk=disk.name,
        volume=volume.name,
        node=", ".join(sorted(nodes)),
        kubernetes=", ".join(map(_said, attachments)) or "no VolumeAttachment",
        azure=azure if by_azure else f"attached to no machine (state {disk.state or 'none'})",
    )


def _said(attachment: Attachment) -> str:
    """What Kubernetes has of an attachment."""
    state = "detaching from" if attachment.deleting else "attached to" if attachment.attached else "attaching to"
    lun = f" at LUN {attachment.lun}" if attachment.lun is not None else ""
    return f"{state} {attachment.node}{lun}"

"""Joins what was read into the table: a row for each disk, snapshot and share, in the order of their verdicts; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from aksdisks.inspection.ownership.beside import disagreements, without_disk
from aksdisks.inspection.ownership.case import Case, ShareCase
from aksdisks.inspection.ownership.clusters import names_another
from aksdisks.inspection.ownership.facts import Facts
from aksdisks.inspection.ownership.owners import workload_of
from aksdisks.inspection.ownership.share_verdicts import judge_share
from aksdisks.inspection.ownership.snapshot_verdicts import SnapshotRules
from aksdisks.inspection.ownership.verdicts import judge
from aksdisks.inspection.slots import node_slots
from aksdisks.model import (
    Attachment,
    AzureFiles,
    Claim,
    Disk,
    DiskSnapshot,
    FileShare,
    Pod,
    ShareSource,
    Unknown,
    Volume,
    id_key,
    known,
    share_key,
)
from aksdisks.model.ownership import VERDICTS, OwnedDisk, OwnedShare, OwnedSnapshot, Ownership, UsedDisk, UsedShare
from aksdisks.prices import PriceList

_Way = tuple[Volume | None, Claim | None, tuple[Pod, ...]]


def ownership(facts: Facts, prices: PriceList) -> Ownership:
    """The whole table: the node resource group's disks and snapshots, and those that are named elsewhere.

    Where the inventory is a namespace's, only what belongs to that. Rows stand in the order of `VERDICTS`, then by the
    claim and the name. `disks` is Unknown only where neither Azure nor a volume tells of one.
    """
    inventory = facts.inventory
    cases = [case for case in _cases(facts) if _is_mine(facts, case.namespace)]
    disks: tuple[OwnedDisk, ...] | Unknown = tuple(sorted((_owned(case, prices) for case in cases), key=_place))
    if not disks and isinstance(inventory.disks, Unknown):
        disks = inventory.disks
    unread = facts.unread("VolumeAttachment")
    return Ownership(
        taken=inventory.taken,
        resource_group=inventory.resource_group,
        disks=disks,
        snapshots=_snapshots(facts, prices),
        without_disk=without_disk(facts),
        disagreements=disagreements(facts),
        slots=node_slots(inventory.nodes, None if unread else inventory.attached, inventory.machines),
        grace=facts.grace,
        shares=_shares(facts, prices),
    )


def _cases(facts: Facts) -> Iterator[Case]:
    """A case for each disk of the node resource group, and for each other that a volume names."""
    seen: set[str] = set()
    for disk in known(facts.inventory.disks):
        seen.add(id_key(disk.id))
        yield _case(facts, disk.id, disk)
    for volume in facts.volumes:
        key = id_key(volume.disk_id)
        # Two volumes may name one disk.
        if key and key not in seen and (found := facts.disk_of(volume)) is not None:
            seen.add(key)
            yield _case(facts, volume.disk_id, found)


def _case(facts: Facts, id_: str, disk: Disk | Unknown) -> Case:
    """A disk and what it hangs on."""
    volume, claim, pods = _best(facts, facts.volumes_of(id_))
    return Case(
        facts=facts,
        id=id_,
        disk=disk,
        volume=volume,
        claim=claim,
        pods=pods,
        workload=workload_of(facts, claim, pods) if claim else "",
        attachment=_attachment(facts, volume, pods),
        machine=facts.holder(disk) if isinstance(disk, Disk) else disk,
    )


def _best(facts: Facts, volumes: tuple[Volume, ...]) -> _Way:
    """Of several volumes that name one thing the one that pods use, else one with a claim.

    Else one that a claim may take yet: a Released one beside it does not make the thing released.
    """
    return max([_way(facts, volume) for volume in volumes] or [(None, None, ())], key=_weight)


def _way(facts: Facts, volume: Volume) -> _Way:
    claim = facts.claim_of(volume)
    return volume, claim, facts.pods_of(claim.key) if claim else ()


def _weight(way: _Way) -> tuple[bool, bool, bool]:
    volume, claim, pods = way
    return bool(pods), claim is not None, volume is not None and volume.phase == "Available"


def _attachment(facts: Facts, volume: Volume | None, pods: tuple[Pod, ...]) -> Attachment | None:
    """The attachment to a pod's node, else one that is attached, else any."""
    nodes = {pod.node for pod in pods}
    found = facts.attachments_of(volume) if volume else ()
    return max(found, key=lambda each: (each.node in nodes, each.attached), default=None)


def _owned(case: Case, prices: PriceList) -> OwnedDisk:
    verdict, because = judge(case)
    return OwnedDisk(
        **{each.name: getattr(case, each.name) for each in fields(UsedDisk)},
        verdict=verdict,
        because=because,
        lun=case.lun,
        price=case.disk if isinstance(case.disk, Unknown) else prices.disk(case.disk),
        of_another=isinstance(case.disk, Disk) and names_another(case.facts, case.disk.tags),
    )


def _shares(facts: Facts, prices: PriceList) -> tuple[OwnedShare, ...] | Unknown:
    """The shares of the node resource group's accounts, and those that volumes name elsewhere."""
    files = facts.inventory.files
    if isinstance(files, Unknown):
        return files
    found = {case.key: case for case in _share_cases(facts, files)}
    mine = [case for case in found.values() if _is_mine(facts, case.namespace)]
    shares = tuple(sorted((_owned_share(case, prices) for case in mine), key=_share_place))
    return files.listed if not shares and isinstance(files.listed, Unknown) else shares


def _share_cases(facts: Facts, files: AzureFiles) -> Iterator[ShareCase]:
    for account in known(files.listed):
        for share in known(files.shares.get(account.name.lower(), ())):
            yield _share_case(facts, files, share.account, share.name, share)
    for source in (volume.share for volume in facts.volumes if volume.share and volume.share.key):
        if (found := files.share(source)) is not None:
            yield _share_case(facts, files, source.account, source.share, found, source)


def _share_case(
    facts: Facts,
    files: AzureFiles,
    account: str,
    name: str,
    share: FileShare | Unknown,
    source: ShareSource | None = None,
) -> ShareCase:
    parts = facts.scope.split("/")
    here = (parts[2], parts[4]) if len(parts) > 4 else ("", "")
    volume, claim, pods = _best(facts, facts.volumes_of_share(share_key(account, name)))
    held = files.account(account)
    return ShareCase(
        facts=facts,
        id=share.id if isinstance(share, FileShare) else source.id(*here) if source else "",
        name=name,
        account_name=account,
        share=share,
        account=Unknown("Azure has no such account") if held is None else held,
        volume=volume,
        claim=claim,
        pods=pods,
        workload=workload_of(facts, claim, pods) if claim else "",
    )


def _owned_share(case: ShareCase, prices: PriceList) -> OwnedShare:
    verdict, because = judge_share(case)
    used = {each.name: getattr(case, each.name) for each in fields(UsedShare)}
    return OwnedShare(**used, verdict=verdict, because=because, price=prices.share(case.share, case.account))


def _share_place(owned: OwnedShare) -> tuple[int, str, str, str]:
    return VERDICTS.index(owned.verdict), owned.volume.claim if owned.volume else "", owned.account_name, owned.name


def _snapshots(facts: Facts, prices: PriceList) -> tuple[OwnedSnapshot, ...] | Unknown:
    if isinstance(facts.snapshots, Unknown):
        return facts.snapshots
    rules = SnapshotRules(facts)
    found = []
    elsewhere = (each for each in facts.snapshots_elsewhere.values() if isinstance(each, DiskSnapshot))
    for each in (*facts.snapshots, *elsewhere):
        namespace, name = rules.made_for(each)
        if _is_mine(facts, namespace):
            verdict, because = rules.judge(each)
            found.append(
                OwnedSnapshot(
                    snapshot=each,
                    verdict=verdict,
                    because=because,
                    namespace=namespace,
                    volume_snapshot=name,
                    price=prices.snapshot(each),
                )
            )
    return tuple(sorted(found, key=lambda each: (VERDICTS.index(each.verdict), each.snapshot.name)))


def _is_mine(facts: Facts, namespace: str) -> bool:
    return not facts.inventory.namespace or namespace == facts.inventory.namespace


def _place(owned: OwnedDisk) -> tuple[int, str, str]:
    """Where a row stands."""
    claim = owned.volume.claim if owned.volume else owned.disk.claim if isinstance(owned.disk, Disk) else ""
    return VERDICTS.index(owned.verdict), claim, owned.name

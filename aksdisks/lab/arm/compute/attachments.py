"""The rules of attaching and detaching: a wanted list of data disks becomes a change, checked before it begins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.bodies import member, objects, section
from aksdisks.lab.arm.compute import refusals
from aksdisks.lab.arm.compute.disk import Disk
from aksdisks.lab.arm.compute.disk_rules import canonical, check_attachable
from aksdisks.lab.arm.compute.machine import DataDisk, Machine
from aksdisks.lab.scenario import Delays

Json = dict[str, Any]
FindPlaces = Callable[[str], Sequence[tuple[Machine, DataDisk]]]

MAX_LUN = 64
CACHING = ("None", "ReadOnly", "ReadWrite")
DELETE_OPTIONS = ("Detach", "Delete")


@dataclass(frozen=True)
class Change:
    """What one request changes on one machine; `forced`: keys of disks that go whatever the machine does."""

    attach: tuple[DataDisk, ...]
    detach: tuple[DataDisk, ...]
    forced: frozenset[str] = frozenset()


def full_list(machine: Machine, body: Json) -> list[Json]:
    """The full list that a body of attachDetachDataDisks amounts to."""
    wanted = machine.data_disks_json()
    luns = {entry["lun"] for entry in wanted}
    for item in objects(body, "dataDisksToDetach") or ():
        key = (member(item, "diskId", str) or "").lower()
        for entry in wanted:
            if entry["managedDisk"]["id"].lower() == key:
                entry |= {"toBeDetached": True, "detachOption": item.get("detachOption")}
    for item in objects(body, "dataDisksToAttach") or ():
        lun = member(item, "lun", int)
        if lun is None:
            lun = next(number for number in range(MAX_LUN + 1) if number not in luns)
        luns.add(lun)
        options = {key: item[key] for key in ("caching", "deleteOption") if item.get(key) is not None}
        identity = {"id": member(item, "diskId", str)}
        wanted.append({"lun": lun, "createOption": "Attach", "managedDisk": identity, **options})
    return wanted


def plan(machine: Machine, wanted: Iterable[Json], disks: Mapping[str, Disk], places: FindPlaces) -> Change:
    """What has to change for the machine to have exactly `wanted`. Raises `CloudError`; changes nothing (facts E).

    `places` finds the places of a disk on machines.
    """
    present = {entry.key: entry for entry in machine.data_disks}
    staying: dict[str, DataDisk] = {}
    attach: list[DataDisk] = []
    luns: set[int] = set()
    forced: set[str] = set()
    for item in wanted:
        disk_id = member(section(item, "managedDisk"), "id", str)
        lun = member(item, "lun", int)
        if member(item, "toBeDetached", bool):
            option = member(item, "detachOption", str)
            if option is not None:
                canonical(option, ("ForceDetach",), "dataDisk.detachOption")
                forced.add((disk_id or "").lower())
            continue
        if not disk_id:
            raise errors.missing_parameter("dataDisk.managedDisk.id")
        if lun is None:
            raise errors.missing_parameter("dataDisk.lun")
        if not 0 <= lun < MAX_LUN:
            raise errors.bad_parameter("dataDisk.lun", lun)
        if lun in luns or any(entry.lun == lun and key != disk_id.lower() for key, entry in present.items()):
            raise refusals.lun_is_taken(lun)
        luns.add(lun)
        known = present.get(disk_id.lower())
        if known is not None and known.state not in ("Detaching", "DetachFailed"):
            staying[known.key] = known
        else:
            attach.append(_new_entry(machine, item, disk_id, lun, disks, places))
    if len(staying) + len(attach) > machine.max_data_disks:
        raise refusals.too_many_data_disks(machine.max_data_disks)
    detach = tuple(entry for key, entry in present.items() if key not in staying)
    return Change(tuple(attach), detach, frozenset(forced))


def under_way(machine: Machine) -> Change:
    """What a change that was begun has still to do."""
    attach = tuple(entry for entry in machine.data_disks if entry.state == "Attaching")
    return Change(attach, tuple(entry for entry in machine.data_disks if entry.state == "Detaching"))


def begin(machine: Machine, change: Change | None) -> None:
    """The request is accepted: entries appear, and those that go are marked."""
    if change is None:
        return
    for entry in change.detach:
        entry.step("detach")
    for entry in change.attach:
        entry.step("attach")
    machine.data_disks = (*machine.data_disks, *change.attach)


def finish(
    machine: Machine,
    change: Change | None,
    disks: Mapping[str, Disk],
    now: datetime,
    stuck: Collection[DataDisk] = (),
) -> None:
    """Azure is done: disks and machine agree, but for the `stuck` that would not be detached.

    Raises NotFound for a disk deleted while it was being attached, InternalExecutionError for one that is stuck.
    """
    if change is None:
        return
    for entry in change.detach:
        if entry not in machine.data_disks:  # taken away meanwhile
            continue
        if entry in stuck:
            entry.step("failed")
            continue
        entry.step("done")
        machine.remove(entry)
        entry.disk.detach(machine.managed_by, now)
    lost = [entry for entry in change.attach if disks.get(entry.key) is not entry.disk]
    for entry in change.attach:
        if entry in lost:
            entry.step("failed")
            machine.remove(entry)
        else:
            entry.step("done")
            entry.disk.attach(machine.managed_by, now)
            if not machine.running and not entry.disk.others:
                entry.disk.step("machine deallocated", managed_by=machine.managed_by, now=now)
    if lost:
        raise refusals.disk_not_found(lost[0].disk_id)
    if stuck:
        raise refusals.internal_execution()


def seconds(change: Change | None, delays: Delays) -> float:
    """How long Azure takes, in cluster seconds: all of one request goes on side by side."""
    if change is None:
        return 0.0
    return max(delays.attach if change.attach else 0.0, delays.detach if change.detach else 0.0)


def _new_entry(
    machine: Machine, item: Json, disk_id: str, lun: int, disks: Mapping[str, Disk], places: FindPlaces
) -> DataDisk:
    option = member(item, "createOption", str)
    if option is None:
        raise errors.missing_parameter("dataDisk.createOption")
    if option.lower() != "attach":
        raise errors.bad_parameter("dataDisk.createOption", option)
    disk = disks.get(disk_id.lower())
    if disk is None:
        raise refusals.disk_not_found(disk_id)
    there = places(disk.key)
    for other, entry in there:
        if disk.shared and other is not machine:
            continue
        if entry.state in ("Detaching", "DetachFailed"):
            raise refusals.disk_is_being_detached(disk.name, machine.spec.vm_name)
        if entry.state == "Attaching":
            raise refusals.disk_is_elsewhere(disk.id, machine.managed_by, other.managed_by)
        raise refusals.disk_is_owned(disk.id, other.managed_by)
    if disk.managed_by and not disk.shared:
        raise refusals.disk_is_owned(disk.id, disk.managed_by)
    if len(there) >= (disk.max_shares or 1):
        raise refusals.shares_used_up(disk.id, disk.name, machine.managed_by, len(there))
    # A disk of several zones (ZRS) names none of its own here; only a zonal one binds its machine.
    if not disk.sku.endswith("_ZRS") and (disk.zones or ("",)) != (machine.spec.zone,):
        raise refusals.other_zone(disk.name, machine.spec.zone, "".join(disk.zones))
    caching = canonical(member(item, "caching", str) or "None", CACHING, "dataDisk.caching")
    check_attachable(disk, caching)
    return DataDisk(
        lun=lun,
        disk_id=disk_id,
        name=member(item, "name", str) or disk.name,
        caching=caching,
        delete_option=canonical(member(item, "deleteOption", str) or "Detach", DELETE_OPTIONS, "dataDisk.deleteOption"),
        disk=disk,
    )

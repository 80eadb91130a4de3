"""Faults of Azure's resources: disks lost or moved, machines deleted; restored when the fault is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aksdisks.lab.arm.compute.disk import Disk
from aksdisks.lab.arm.persistence import KeptByKey
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.persistence.records import Records

if TYPE_CHECKING:
    from datetime import datetime

    from aksdisks.lab.arm.cloud import Cloud
    from aksdisks.lab.arm.compute.machine import Machine
    from aksdisks.lab.scenario import MachineSpec

_MOVED = "azure/moved-disk"


class ResourceFaults:
    """Changes the cloud each time that a fault is switched."""

    def __init__(self, cloud: Cloud, faults: Faults, records: Records | None = None) -> None:
        """`records`: what was lost and moved before a restart, and where it is kept."""
        self._cloud = cloud
        self._faults = faults
        self._records = records or Records()
        self._lost = KeptByKey(self._records, "azure/lost-disk", Disk)
        self._moved: dict[str, str] = dict(self._records.values(_MOVED))
        faults.subscribe(self.apply)

    def apply(self) -> None:
        """Do what has become due, and undo what is over."""
        there = {machine.spec for machine in self._cloud.machines.all()}
        for spec in self._cloud.scenario.machines:
            gone = machine_is_gone(self._faults, spec)
            if gone and spec in there:
                self._cloud.machines.remove(spec)
            elif not gone and spec not in there:
                self._cloud.machines.add(spec)
        for disk in [disk for disk in self._cloud.disks.all() if not disk.os_type]:
            reference = f"disk/{disk.name}"
            if disk.key not in self._lost and self._faults.occurs("disk-gone", reference):
                self._lost[disk.key] = disk
                self._cloud.machines.lose_disk(disk)
            elif disk.key not in self._moved and self._faults.occurs("disk-elsewhere", reference):
                self._move(disk)
        for disk in [disk for disk in self._lost.values() if not self._on("disk-gone", disk)]:
            self._cloud.disks.restore(self._lost.pop(disk.key))
        for key, node_name in list(self._moved.items()):
            moved = self._cloud.disks.find(key)
            if moved is None or not self._on("disk-elsewhere", moved):
                self._take_back(key, node_name)

    def lost(self) -> list[Disk]:
        """The disks that are no more until their fault is off."""
        return list(self._lost.values())

    def _take_back(self, key: str, node_name: str) -> None:
        """Detach a moved disk from the machine that it was moved to, if both are still there."""
        del self._moved[key]
        self._records.remove(_MOVED, key)
        disk = self._cloud.disks.find(key)
        for machine in self._cloud.machines.all():
            if disk is not None and machine.spec.node_name == node_name:
                machine.detach_at_once(disk, self._now())

    def _now(self) -> datetime:
        return self._cloud.clock.now()

    def _on(self, name: str, disk: Disk) -> bool:
        return self._faults.is_on(name, f"disk/{disk.name}")

    def _move(self, disk: Disk) -> None:
        """To the last machine that does not have it: the scheduler begins with the first."""
        holders: list[Machine] = []
        free: list[Machine] = []
        for machine in self._cloud.machines.all():
            (holders if any(entry.disk is disk for entry in machine.data_disks) else free).append(machine)
        if not free:
            return
        for machine in holders:
            machine.detach_at_once(disk, self._now())
        free[-1].attach_at_once(disk, self._now())
        self._moved[disk.key] = free[-1].spec.node_name
        self._records.remember(_MOVED, disk.key, self._moved[disk.key])


def machine_is_gone(faults: Faults, spec: MachineSpec) -> bool:
    """Whether a fault has deleted the machine."""
    by_zone = bool(spec.zone) and faults.is_on("zone-empty", f"zone/{spec.zone}")
    return by_zone or faults.is_on("node-gone", f"node/{spec.node_name}")

"""What happens to Azure's resources behind everyone's back while a fault is on, and is made good when it is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aksdisks.lab.arm.compute.disks import Disk
from aksdisks.lab.arm.persistence import KeptByKey
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.persistence.records import Records

if TYPE_CHECKING:
    from datetime import datetime

    from aksdisks.lab.arm.compute.cloud import Cloud
    from aksdisks.lab.arm.compute.machines import Machine
    from aksdisks.lab.scenario import MachineSpec

_MOVED = "azure/moved-disk"


class ResourceFaults:
    """Makes the cloud agree with the faults each time that one is switched: disks lost or moved, machines deleted."""

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
        there = {machine.spec for machine in self._cloud.machines()}
        for spec in self._cloud.scenario.machines:
            gone = machine_is_gone(self._faults, spec)
            if gone and spec in there:
                self._cloud.remove_machine(spec)
            elif not gone and spec not in there:
                self._cloud.add_machine(spec)
        for disk in [disk for disk in self._cloud.disks() if not disk.os_type]:
            reference = f"disk/{disk.name}"
            if disk.key not in self._lost and self._faults.active("disk-gone", reference):
                self._lost[disk.key] = disk
                self._cloud.lose_disk(disk)
            elif disk.key not in self._moved and self._faults.active("disk-elsewhere", reference):
                self._move(disk)
        for disk in [disk for disk in self._lost.values() if not self._on("disk-gone", disk)]:
            self._cloud.find_disk_again(self._lost.pop(disk.key))
        for key, node_name in list(self._moved.items()):
            moved = self._cloud.find_disk(key)
            if moved is None or not self._on("disk-elsewhere", moved):
                self._take_back(key, node_name)

    def lost(self) -> list[Disk]:
        """The disks that are no more until their fault is off."""
        return list(self._lost.values())

    def _take_back(self, key: str, node_name: str) -> None:
        """The machine that should not have the disk lets go of it, if both are still there."""
        del self._moved[key]
        self._records.remove(_MOVED, key)
        disk = self._cloud.find_disk(key)
        for machine in self._cloud.machines():
            if disk is not None and machine.spec.node_name == node_name:
                machine.let_go(disk, self._now())

    def _now(self) -> datetime:
        return self._cloud.clock.now()

    def _on(self, name: str, disk: Disk) -> bool:
        return self._faults.hit(name, f"disk/{disk.name}") is not None

    def _move(self, disk: Disk) -> None:
        """To the last machine that does not have it: the scheduler begins with the first."""
        holders: list[Machine] = []
        free: list[Machine] = []
        for machine in self._cloud.machines():
            (holders if any(entry.disk is disk for entry in machine.data_disks) else free).append(machine)
        if not free:
            return
        for machine in holders:
            machine.let_go(disk, self._now())
        free[-1].take(disk, self._now())
        self._moved[disk.key] = free[-1].spec.node_name
        self._records.remember(_MOVED, disk.key, self._moved[disk.key])


def machine_is_gone(faults: Faults, spec: MachineSpec) -> bool:
    """A fault says that the machine is no more."""
    by_zone = bool(spec.zone) and faults.hit("zone-empty", f"zone/{spec.zone}") is not None
    return by_zone or faults.hit("node-gone", f"node/{spec.node_name}") is not None

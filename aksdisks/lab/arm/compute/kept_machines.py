"""Azure's machines as records, with the disks that each has: kept as they change, and made again from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from aksdisks.lab.arm.compute.disk import Disk
from aksdisks.lab.arm.compute.machine import DataDisk, Machine
from aksdisks.lab.arm.persistence import decoded, encoded, guarded
from aksdisks.lab.persistence.records import Records

if TYPE_CHECKING:
    from aksdisks.lab.scenario import Scenario

Json = dict[str, Any]

_KIND = "azure/machine"


class KeptMachines(dict[str, Machine]):
    """The machines by their computers' names in lower case; what comes, changes and goes is kept."""

    def __init__(self, records: Records, scenario: Scenario, disks: Mapping[str, Disk]) -> None:
        super().__init__()
        self._records = records
        self._places: dict[str, list[tuple[Machine, DataDisk]]] = {}
        self._placed: dict[Machine, tuple[DataDisk, ...]] = {}
        specs = {spec.node_name.lower(): spec for spec in scenario.machines}
        for key, kept in records.values(_KIND):

            def make(key: str = key, kept: Json = kept) -> Machine:
                values = decoded(kept)
                entries = tuple(
                    DataDisk(disk=disks[entry.pop("disk")], **entry)
                    for entry in values.pop("data_disks")
                    # One that was deleted while it was being attached: the attachment would have failed.
                    if entry["disk"] in disks
                )
                os_disk = disks[values.pop("os_disk")]
                return Machine(scenario=scenario, spec=specs[key], os_disk=os_disk, data_disks=entries, **values)

            machine = guarded(records, make)
            super().__setitem__(key, machine)
            self._watch(machine)

    def __setitem__(self, key: str, machine: Machine) -> None:
        super().__setitem__(key, machine)
        self._watch(machine)
        self._keep(machine)

    def pop(self, key: str) -> Machine:  # type: ignore[override]
        """The machine, which goes. Raises KeyError."""
        machine = super().pop(key)
        machine.on_change = None
        self._file(machine, ())
        self._placed.pop(machine, None)
        self._records.remove(_KIND, key)
        return machine

    def places(self, key: str) -> list[tuple[Machine, DataDisk]]:
        """The places of the disk of that key, by the number of the machine; no machine is looked at that has none."""
        return sorted(self._places.get(key, ()), key=lambda place: place[0].spec.index)

    def _watch(self, machine: Machine) -> None:
        def changed() -> None:
            self._file(machine, machine.data_disks)
            self._keep(machine)

        self._file(machine, machine.data_disks)
        machine.on_change = changed

    def _file(self, machine: Machine, entries: tuple[DataDisk, ...]) -> None:
        filed = self._placed.get(machine, ())
        if filed is entries:
            return
        for entry in filed:
            there = self._places[entry.key]
            there.remove((machine, entry))
            if not there:
                del self._places[entry.key]
        for entry in entries:
            self._places.setdefault(entry.key, []).append((machine, entry))
        self._placed[machine] = entries

    def _keep(self, machine: Machine) -> None:
        def content() -> bytes:
            values = encoded(machine, ("scenario", "spec", "os_disk", "data_disks"))
            values["os_disk"] = machine.os_disk.key
            values["data_disks"] = [
                {**encoded(entry, ("disk",)), "disk": entry.disk.key} for entry in machine.data_disks
            ]
            return orjson.dumps(values)

        self._records.put(_KIND, machine.spec.node_name.lower(), content)

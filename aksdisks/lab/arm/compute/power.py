"""A machine's power: which act leads to which state, and what that means for its disks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aksdisks.lab.arm.compute import refusals
from aksdisks.lab.arm.compute.machine import Machine
from aksdisks.lab.scenario import Delays


@dataclass(frozen=True)
class Act:
    """What a machine is while the act is under way and afterwards; `deallocated`: whether it may be so before."""

    name: str
    during: str
    after: str
    deallocated: bool

    def seconds(self, delays: Delays) -> float:
        """How long Azure takes, in cluster seconds."""
        return delays.stop_machine if self.after != "running" else delays.start_machine


ACTS: Mapping[str, Act] = {
    act.name.lower(): act
    for act in (
        Act("start", "starting", "running", True),
        Act("restart", "starting", "running", False),
        Act("powerOff", "stopping", "stopped", False),
        Act("deallocate", "deallocating", "deallocated", True),
        Act("reimage", "starting", "running", True),
        Act("reimageAll", "starting", "running", True),
        Act("redeploy", "starting", "running", False),
        Act("performMaintenance", "starting", "running", False),
    )
}


REPORTING = ("running", "stopping", "deallocating")
"""The states in which the node sends heartbeats: until it has stopped, and again once it has started."""


def begin(machine: Machine, act: Act) -> None:
    """The request is accepted. Raises `CloudError` for an act that the machine's state does not allow."""
    if machine.power == "deallocated" and not act.deallocated:
        raise refusals.machine_is_deallocated(act.name, machine.spec.vm_name)
    machine.provisioning_state, machine.power = "Updating", act.during


def finish(machine: Machine, act: Act, now: datetime) -> None:
    """Azure is done. A deallocated machine's disks are reserved for it, and attached again when it starts."""
    machine.power = act.after
    step, before = ("machine started", "Reserved") if machine.running else ("machine deallocated", "Attached")
    for disk in (machine.os_disk, *(entry.disk for entry in machine.data_disks)):
        if disk.state == before and disk.holders == (machine.managed_by,):
            disk.step(step, managed_by=machine.managed_by, now=now)

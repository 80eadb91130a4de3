"""A change of the machine does not end in Azure, or it failed, and Azure begins no other.

What it is
    Attaching and detaching a disk is a change of a virtual machine, and Azure makes one at a time. While one does not
    end, or has left the machine in state Failed, disks neither come nor go there. Azure's error may name a disk of
    another pod: the one whose detach failed keeps all others from coming.

How it is recognised
    States: a pod waits for a disk, and Azure's provisioningState of the machine that should take it, or let it go, is
    Failed, or has been Updating for more than five minutes of the wait.
    Words: `AttachDiskWhileBeingDetached`, `disk is currently being detached or the last detach operation failed`
    (Azure's answer 409, quoted by the driver; kubernetes/kubernetes#78657).

What it is not
    An attach that takes its usual time, also up to some minutes (`attach-slow`). A detachError of the very volume that
    the pod waits for (`detach-failed`).

Next
    See what the machine does. If its change does not end, let Azure bring the machine to its wanted state; that may
    interrupt what runs there. Deleting pods over and over adds changes and does not help.

Links
    https://learn.microsoft.com/troubleshoot/azure/virtual-machines/linux/troubleshoot-vm-failed-state
    https://github.com/kubernetes/kubernetes/issues/78657
    https://github.com/Azure/AKS/issues/1278
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case, Saying
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import (
    attachment_rows,
    disk_rows,
    duration,
    machine_repair,
    machine_rows,
    machine_state,
)
from aksdisks.model import Machine

_FAILED, _UPDATING = 60.0, 300.0
"""Cluster seconds of waiting: the driver itself brings a Failed machine back first; an update takes up to minutes."""


def _rule(case: Case) -> Match | None:
    if not case.waits_for_disk or case.pod is None:
        return None
    if word := case.says("disk-being-detached"):
        return _match(case, case.pod.node, _refused(case, word), (word.evidence,))
    olds = [each.node for each in case.elsewhere] if case.blocked and not case.users else []
    waited = case.waited if olds else case.attaching
    for node in olds or [case.pod.node]:
        machine = case.seen.machine(node)
        state = machine.provisioning_state.lower() if isinstance(machine, Machine) else ""
        # A detach that failed leaves its machine so; then that is the cause, and says why.
        own = any(each.detach_error and each.node == node for each in case.attachments)
        if state == "failed" and not own and (waited is None or waited >= _FAILED):
            return _match(case, node, f"Azure could not end a change of the machine of {node}: it is in state Failed")
        if state == "updating" and waited is not None and waited >= _UPDATING:
            because = (
                f"a change of the machine of {node} has not ended for {duration(waited)}, and Azure begins no other"
            )
            return _match(case, node, because)
    return None


def _match(case: Case, node: str, because: str, said: tuple[Evidence, ...] = ()) -> Match:
    rows = (*said, *machine_rows(case.seen.machine(node)), *attachment_rows(case), *disk_rows(case))
    return Match(because, rows, (machine_state(case, node), machine_repair(case, node)))


def _refused(case: Case, word: Saying) -> str:
    node, disk = case.pod.node if case.pod else "", word.groups.get("disk", "")
    which = "a disk"
    if disk and case.volume:
        named = case.seen.named(f"{case.volume.disk_id.rpartition('/')[0]}/{disk}")
        which = f"its own disk {disk}" if disk.lower() == case.volume.disk_name.lower() else f"disk {disk} ({named})"
    return f"Azure attaches nothing to the machine of {node}: {which} is being detached, or its last detach failed"


CAUSE = Cause(
    id="machine-stuck",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    over=("attach-slow", "detach-pending"),
    needs=("azure",),
)

"""Taking the disk off a node failed, and it is tried again.

What it is
    Kubernetes asked the disk driver to detach the disk, and the driver or Azure refused. The driver tries again, after
    some minutes with force, and that often helps. Until then no other node can have the disk.

How it is recognised
    States: the volume's VolumeAttachment to another node than the pod's is not gone and has a `status.detachError`;
    without a pod that waits: the VolumeAttachment is being deleted and has one.
    Words: what the detachError says, such as `Could not detach volume … from node …` (azuredisk-csi-driver
    pkg/azuredisk/controllerserver.go), with Azure's answer. Where that names a cause of its own, such as a missing
    right, throttling or a node that is gone, that cause is told instead.

What it is not
    A detach that is under way (`detach-pending`). A detachError of a node that is gone (`stale-attachment`). A time-out
    because a change of the machine does not end in Azure (`machine-stuck`).

Next
    See what Azure says of the machine, and wait for the driver's next try. A machine in state Failed is brought back
    by an update of it (`machine-stuck`). Do not delete the VolumeAttachment: the disk would still be on the machine.

Links
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/1575
    https://github.com/kubernetes/kubernetes/issues/78657
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.refusals import in_a_line
from aksdisks.inspection.diagnosis.rows import attachment_rows, disk_rows, machine_rows, machine_state


def _rule(case: Case) -> Match | None:
    if not case.waits_for_disk and not case.unwaited:
        return None
    failed = next((e for e in case.attachments if e.detach_error and (e.deleting or e is not case.attachment)), None)
    if failed is None or (case.unwaited and not failed.deleting):
        return None
    machine = case.seen.machine(failed.node)
    about = f"VolumeAttachment {failed.name}"
    error = Evidence("Kubernetes", about, f"detachError: {failed.detach_error}", failed.detach_error_at)
    return Match(
        because=f"its disk could not be detached from {failed.node}: {in_a_line(failed.detach_error)}",
        evidence=(error, *attachment_rows(case), *machine_rows(machine), *disk_rows(case)),
        next=(
            machine_state(case, failed.node),
            Step("kubectl get volumeattachments --watch", "whether the driver's next try takes the disk off"),
        ),
    )


CAUSE = Cause(
    id="detach-failed",
    verdict="problem",
    rule=_rule,
    page=__doc__,
    over=("detach-pending",),
    fallback=True,
    needs=("azure",),
)

"""The disk is being attached to the pod's node.

What it is
    The pod was placed, and Kubernetes asks Azure to attach the disk. That usually takes 15 seconds to a minute, and
    longer where many disks move at once. Kubernetes says that it timed out after two minutes, and goes on trying.

How it is recognised
    States: the pod is placed, its volume has no attached VolumeAttachment to its node, and none to another node.
    Words: none are needed; after two minutes `timed out waiting for external-attacher of disk.csi.azure.com CSI driver
    to attach volume …` (kubernetes pkg/volume/csi/csi_attacher.go), which says that it takes long, not why. The
    kubelet's `Unable to attach or mount volumes: … timed out waiting for the condition` (until about 2023), in 2019
    `timeout expired waiting for volumes to attach or mount for pod …`, says only that it waits, whatever for.

What it is not
    A disk that is still on another node (`detach-pending`, `shared-claim`). A machine that Azure does not get done with
    (`machine-stuck`). An attachment on which nothing happens at all (`driver-down`).

Next
    Wait; after two minutes look at the VolumeAttachment's attachError and at the machine in Azure. An attachError that
    no other cause explains is a problem, which is said with its words.

Links
    https://github.com/kubernetes-sigs/cloud-provider-azure/issues/78
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/269
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Confidence, Evidence, Step
from aksdisks.inspection.diagnosis.refusals import in_a_line
from aksdisks.inspection.diagnosis.rows import (
    attachment_rows,
    disk_rows,
    duration,
    machine_rows,
    machine_state,
    pod_row,
)

_USUAL = 60.0
_WORRY = 120.0
"""Cluster seconds after which Kubernetes itself gives up waiting and begins anew (facts C, D)."""


def _rule(case: Case) -> Match | None:
    pod = case.pod
    if pod is None or not case.waits_for_disk or case.blocked or case.seen.lost(pod.node):
        return None
    attachment = case.attachment
    began = case.attaching
    late = began is not None and began > _WORRY
    since = f" for {duration(began)}" if began else ""
    error = " ".join(attachment.attach_error.split()) if attachment else ""
    if attachment and attachment.deleting:
        because = f"its earlier attachment to {pod.node} is still being taken off; then the disk comes back"
    elif error:
        because = f"attaching its disk to {pod.node} fails{since}: {in_a_line(error)}"
    else:
        because = f"its disk is being attached to {pod.node}{since}; that usually takes 15 s to 1 min"
    rows = [pod_row(pod), *attachment_rows(case), *machine_rows(case.machine), *disk_rows(case)]
    if attachment and error:
        about = f"VolumeAttachment {attachment.name}"
        rows.append(Evidence("Kubernetes", about, f"attachError: {error}", attachment.attach_error_at))
    elif told := case.says("attach-timeout"):
        rows.append(told.evidence)
    steps = [Step("kubectl get volumeattachments --watch", "when ATTACHED becomes true")]
    if late or error:
        steps.append(machine_state(case, pod.node))
    failing = bool(error) and late
    sure: Confidence = "certain" if case.seen.saw("VolumeAttachment") and not failing else "likely"
    # While all is as it usually is, Azure has nothing to add.
    usual = began is not None and began < _USUAL and not error
    return Match(because, tuple(rows), tuple(steps), sure, "problem" if failing else None, () if usual else None)


CAUSE = Cause(
    id="attach-slow", verdict="wait", rule=_rule, kinds=("Pod",), page=__doc__, fallback=True, needs=("azure",)
)

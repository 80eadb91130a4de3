"""A VolumeAttachment says that the disk is on a node which is gone.

What it is
    The node was deleted, and the VolumeAttachment to it was left behind. The attacher cannot detach without the node's
    CSINode, and Kubernetes attaches the disk nowhere else while it believes that it is there.

How it is recognised
    States: a pod waits for a disk, and its volume has a VolumeAttachment to a node that is not among the nodes.
    Words: the VolumeAttachment's detachError `csinode.storage.k8s.io "…" not found` (kubernetes-csi/external-attacher
    pkg/controller/csi_handler.go).

What it is not
    A node that exists and is NotReady (`holder-lost`). A disk that Azure has on another machine than the
    VolumeAttachment says (`disk-elsewhere`).

Next
    Prove in Azure that the machine is gone, or that the disk is not on it. Only then delete the VolumeAttachment: a
    machine that still runs may still write to the disk.

Links
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/1301
    https://github.com/kubernetes-csi/external-attacher/issues/215
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import (
    attachment_rows,
    disk_rows,
    disk_state,
    lost_rows,
    machine_rows,
    machine_state,
)
from aksdisks.inspection.diagnosis.words import heard
from aksdisks.model import Attachment, Machine


def _rule(case: Case) -> Match | None:
    if not (case.waits_for_disk or case.unwaited) or case.volume is None:
        return None
    stale = next((each for each in case.attachments if _is_stale(case, each)), None)
    if stale is None:
        return None
    gone = case.seen.gone(stale.node)
    machine = case.seen.machine(stale.node)
    places = [node.provider_id for node in case.seen.inventory.nodes if node.provider_id]
    # Where nodes are in several resource groups, the machine may be in one that was not asked for.
    proven = machine is None and all(map(case.seen.lists, [case.volume.disk_id, *places]))
    if proven:
        state = ", and Azure has no such machine any more"
    elif isinstance(machine, Machine):
        state = f"; its machine {machine.name} still exists in Azure" + (machine.power and f" and is {machine.power}")
    else:
        state = ""
    error = f"detachError: {stale.detach_error}"
    rows = [Evidence("Kubernetes", f"VolumeAttachment {stale.name}", error, stale.detach_error_at)]
    delete = Step(
        f"kubectl delete volumeattachment {stale.name} --wait=false",
        "Kubernetes may attach the disk elsewhere; only once the machine is proven gone, or the disk not on it",
        "data",
    )
    return Match(
        because=f"its volume is said to be on node {stale.node}, which is gone{state}",
        evidence=(
            *(rows if stale.detach_error else ()),
            *lost_rows(case.seen, stale.node),
            *attachment_rows(case),
            *machine_rows(machine),
            *disk_rows(case),
        ),
        next=(machine_state(case, stale.node), disk_state(case), delete),
        confidence="certain" if gone else "likely",
    )


def _is_stale(case: Case, attachment: Attachment) -> bool:
    says = any(each.id == "csinode-not-found" for each in heard(attachment.detach_error))
    if case.unwaited:
        # Nobody needs the disk elsewhere: what is left behind is cleaned up, unless that fails.
        return says and case.seen.node(attachment.node) is None
    if case.seen.saw("Node"):
        return attachment is not case.attachment and case.seen.gone(attachment.node)
    return says


CAUSE = Cause(
    id="stale-attachment",
    verdict="problem",
    rule=_rule,
    page=__doc__,
    over=("holder-lost", "detach-failed", "detach-pending", "machine-stuck"),
    needs=("azure",),
)

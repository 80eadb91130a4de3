"""The volume names a disk that does not exist in Azure.

What it is
    The managed disk was deleted behind Kubernetes' back, by a person, a script or a policy. The volume and the claim
    still look healthy; only attaching shows it. The data is gone unless a snapshot or backup has it.
    Or the volume was made by hand, and its handle is no disk's id: a name, or the handle of another driver's volume.

How it is recognised
    States: the volume's disk is not among the disks of the node resource group, and its id stands in that group.
    Words: `Volume not found, failed with error: …` with Azure's answer 404 ResourceNotFound (azuredisk-csi-driver
    pkg/azuredisk/controllerserver.go), or `Disk … is not found.`; in the VolumeAttachment or the pod's events. Of a
    handle that is no id: `Volume not found, failed with error: invalid URI`.

What it is not
    A claim whose PersistentVolume is missing (`claim-lost`). `Volume not found` with another answer of Azure's, such as
    403 (`not-authorized`) or 429 (`throttled`): the driver says so of every error. A volume whose claim was deleted:
    its disk is meant to go.

Next
    Look for the disk by its id, and for snapshots of it. Azure's activity log says who deleted it. To start anew,
    restore a snapshot into a new claim; an empty new disk does not bring the data back. A volume with a handle that is
    no id is made anew, with the id that `az disk show --query id` prints. The driver does not detach it either: its
    VolumeAttachment stays until somebody takes the finalizer out of it.

Links
    https://learn.microsoft.com/azure/azure-monitor/platform/activity-log
    https://github.com/kubernetes/kubernetes/issues/88444
"""

from __future__ import annotations

from shlex import quote

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import attachment_rows, disk_rows, disk_state, node_group
from aksdisks.model import Disk, Volume


def _rule(case: Case) -> Match | Not | None:
    volume = case.volume
    if volume is None or not volume.disk_id or case.subject.deleting or volume.deleting:
        return None
    if case.pod is None and case.disk is not None:
        return None  # what is said of a claim or volume by itself can only be that Azure lacks its disk
    if case.says("no-disk-id"):
        return _no_id(case, volume)
    word = case.says("disk-not-found")
    named = word.groups.get("disk", "").rpartition("/")[2] if word else ""
    if word and named and named.lower() != volume.disk_name.lower():
        whose = case.seen.named(f"{volume.disk_id.rpartition('/')[0]}/{named}")
        return _match(case, volume, f"Azure has no disk {named} ({whose}), which is to be attached along with its own")
    if isinstance(case.disk, Disk):
        return Not("Azure has its disk") if word else None
    missing = case.disk is None and case.seen.lists(volume.disk_id) and is_kept(case, volume)
    if not word and not missing:
        return None
    return _match(case, volume, f"Azure has no disk {volume.disk_name}, which volume {volume.name} names")


def _no_id(case: Case, volume: Volume) -> Match:
    word = case.says("no-disk-id")
    handle, group = quote("{.spec.csi.volumeHandle}"), quote(node_group(case) or "NODE_RESOURCE_GROUP")
    show = Step(f"kubectl get pv {quote(volume.name)} --output jsonpath={handle}", "what the volume names")
    ids = Step(f"az disk list --resource-group {group} --query '[].id'", "which disks there are")
    because = f"volume {volume.name} names {volume.disk_id}, which is no disk's id in Azure"
    return Match(because, (*((word.evidence,) if word else ()), *attachment_rows(case)), (show, ids))


def is_kept(case: Case, volume: Volume) -> bool:
    """Whether the volume is to have a disk: one whose claim is going may have lost it between two looks."""
    claim = case.claim or case.seen.claim(volume.claim)
    going = claim is not None and claim.deleting is not None
    return not going and (volume.phase in ("Bound", "Available") or volume.reclaim_policy == "Retain")


def _match(case: Case, volume: Volume, because: str) -> Match:
    word = case.says("disk-not-found")
    told = Evidence("Kubernetes", f"PersistentVolume {volume.name}", f"{volume.phase}, disk {volume.disk_id}")
    group = volume.disk_id.split("/")[4] if volume.disk_id.count("/") > 4 else ""
    same = f"[?creationData.sourceResourceId && ends_with(creationData.sourceResourceId, '/{volume.disk_name}')].id"
    search = f"az snapshot list --resource-group {quote(group)} --query {quote(same)}"
    return Match(
        because,
        (*((word.evidence,) if word else ()), told, *attachment_rows(case), *disk_rows(case)),
        (disk_state(case), *((Step(search, "whether a snapshot of the disk exists"),) if group else ())),
    )


CAUSE = Cause(
    id="disk-gone",
    verdict="problem",
    rule=_rule,
    page=__doc__,
    over=("claim-lost", "attach-slow", "detach-pending", "detach-failed"),
    needs=("azure",),
)

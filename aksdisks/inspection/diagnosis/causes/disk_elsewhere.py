"""Azure has the disk on another machine than Kubernetes believes.

What it is
    The disk is attached to a machine for which Kubernetes has no VolumeAttachment: somebody attached it by hand, a
    VolumeAttachment was deleted too early, another cluster uses the disk, or a detach was lost. Or two volumes name one
    disk, and the other one is attached. Azure attaches a disk to one machine, so it refuses.

How it is recognised
    States: a pod waits for the disk; Azure's `managedBy` of the disk names a machine that is neither that of the pod's
    node nor of any node that Kubernetes has the volume on.
    Words: `disk(…) already attached to node(…), could not be attached to node(…)` (azuredisk-csi-driver
    pkg/azuredisk/azure_controller_common.go), `refusing dangling detach`, and Azure's `already owned by VM`.

What it is not
    A disk that is on its way from a node that Kubernetes knows of (`detach-pending`).

Next
    See which machine has the disk, and whether anything there uses it. If that machine is a node without a
    VolumeAttachment for the disk, the driver detaches it by itself and tries again. If it is a foreign machine, only
    its owner can tell whether the disk may go; detaching a disk that is mounted loses data.

Links
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/1301
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/1687
"""

from __future__ import annotations

from shlex import quote

from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.rows import attachment_rows, disk_rows, disk_state, kubectl, machine_disks
from aksdisks.model import Disk, Unknown, Volume, id_key

# A claim is of one namespace: pods of another one can have its disk by another volume alone.
_ELSEWHERE = "in different namespaces"
_HANDLES = "custom-columns=NAME:.metadata.name,CLAIM:.spec.claimRef.name,DISK:.spec.csi.volumeHandle"


def _rule(case: Case) -> Match | Not | None:
    if not case.waits_for_disk or case.volume is None:
        return None
    word = case.says("disk-elsewhere")
    named = word.groups.get("disk", "") if word else ""
    ours = named.rpartition("/")[2].lower() in ("", case.volume.disk_name.lower())
    if word is not None and (not ours or not isinstance(case.disk, Disk)):
        which = "its disk" if ours else f"disk {named.rpartition('/')[2]} ({case.seen.named(named)})"
        holder = word.groups.get("holder") or word.groups.get("node", "")
        return _match(case, which, holder, named if named.count("/") > 1 else "")
    if not isinstance(case.disk, Disk):
        return None
    holder = case.disk.managed_by
    if not holder:
        return Not("Azure has its disk on no machine any more") if word else None
    node = case.seen.node_of(holder)
    told = bool(case.attachments) or (bool(case.volume.driver) and case.seen.saw("VolumeAttachment"))
    if (node and not told) or (not node and not _all_machines_known(case)):
        # Whose machine it is, or where Kubernetes has the volume, was not read; in 2019, without VolumeAttachments, it
        # cannot be.
        return None
    if node.lower() in _believed(case):
        return Not(f"Azure has its disk on {node}, as Kubernetes does") if word else None
    return _match(case, "its disk", holder)


def _all_machines_known(case: Case) -> bool:
    """Whether each node's machine is known by id, so that another machine is no node's."""
    inventory = case.seen.inventory
    by_node = case.seen.saw("Node") and all(node.provider_id for node in inventory.nodes)
    return by_node or not isinstance(inventory.machines, Unknown)


def _believed(case: Case) -> set[str]:
    """The nodes where Kubernetes has the volume or a pod that wants it; both sides are read one after the other."""
    pods = case.seen.pods_of(case.claim.key) if case.claim else ()
    nodes = [each.node for each in case.attachments] + [each.node for each in pods]
    return {name.lower() for name in nodes if name}


def _match(case: Case, which: str, holder: str, disk_id: str = "") -> Match:
    node = case.seen.node_of(holder) or (holder if case.seen.node(holder) else "")
    name = holder.rstrip("/").rpartition("/")[2]
    where = f"the machine of node {node}" if node else f"machine {name}"
    if not node and case.seen.saw("Node"):
        where += ", which is no node of this cluster"
    word = case.says("disk-elsewhere")
    rows = (*((word.evidence,) if word else ()), *attachment_rows(case), *disk_rows(case))
    wanted = case.pod.node if case.pod else ""
    find = f"az resource show --ids {quote(holder)}" if "/" in holder else f"az resource list --name {quote(name)}"
    look = machine_disks(case, node) if node else Step(find, "whose machine it is")
    twin, known, seen = _twin(case, node), "and Kubernetes does not know of it", []
    if twin:
        known = f"for volume {twin.name}, which names the same disk"
        seen = [kubectl(f"get pv {twin.name}", twin, "whose claim has the disk by that volume")]
    elif case.refusal is not None and _ELSEWHERE in case.refusal.message:
        known = "for a volume of another namespace's claim, which names the same disk"
        seen = [Step(f"kubectl get pv --output {_HANDLES}", "which volumes name the disk, and for which claims")]
        rows = (said(case.refusal), *rows)
    return Match(
        f"Azure has {which} on {where}, not on {wanted}, {known}", rows, (*seen, disk_state(case, disk_id), look)
    )


def _twin(case: Case, node: str) -> Volume | None:
    """Another volume that names the same disk and that Kubernetes has on that node."""
    of_disk = case.seen.volumes_by_disk.get(id_key(case.volume.disk_id), ()) if case.volume else ()
    others = (each for each in of_disk if each is not case.volume)
    return next((one for one in others if any(at.node == node for at in case.seen.attachments_of(one.name))), None)


CAUSE = Cause(
    id="disk-elsewhere",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    over=("stale-attachment", "detach-pending", "attach-slow"),
    needs=("azure",),
)

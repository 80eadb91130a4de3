"""The machine is full of disks that Kubernetes does not count.

What it is
    The scheduler counts the volumes of the disk driver, and Azure counts every data disk. A disk that somebody attached
    by hand, or that another program or a lost VolumeAttachment left behind, takes a place that the scheduler believes
    free: it puts pods there, and Azure refuses their disks.

How it is recognised
    States: Azure has more data disks on the machine of the pod's node than Kubernetes has VolumeAttachments to it, and
    the machine is full.
    Words: Azure's `The maximum number of data disks allowed to be attached to a VM of this size is N`, quoted by the
    driver.

What it is not
    A machine that is full of volumes of this cluster (`no-disk-slot`).

Next
    Look whose the disks are. Detach what nobody needs, but never a disk that is mounted; or cordon the node, so that
    pods with disks go elsewhere.

Links
    https://github.com/gardener/gardener-extension-provider-azure/issues/1624
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/1842
"""

from __future__ import annotations

from shlex import quote

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import machine_disks
from aksdisks.model import Disk, Machine, id_key


def _rule(case: Case) -> Match | None:
    pod, machine = case.pod, case.machine
    if pod is None or not case.waits_for_disk or case.blocked or not isinstance(machine, Machine):
        return None
    if not case.seen.saw("VolumeAttachment"):
        return None
    held = [each.disk_id for each in machine.data_disks if not each.leaving]
    word, slots = case.says("machine-full"), case.node.disk_slots if case.node else None
    if word is None and (slots is None or len(held) < slots):
        return None
    # Attachments that wait count in Kubernetes, and are not on the machine: Azure refuses those of a request together.
    waiting = [each for each in case.seen.attachments_on(pod.node) if not each.attached]
    counted = max(0, case.seen.inventory.attached.get(pod.node, 0) - len(waiting))
    strange = _strange(case, held)
    if len(held) <= counted or not strange:
        return None
    names = ", ".join(disk_id.rpartition("/")[2] for disk_id in strange)
    says = f"data disks: {', '.join(disk_id.rpartition('/')[2] for disk_id in held)}"
    cordon = f"kubectl cordon {pod.node}"
    return Match(
        because=(
            f"on the machine of {pod.node}, Azure counts {len(held)} data disks and Kubernetes {counted}: "
            f"{names} {'is' if len(strange) == 1 else 'are'} not Kubernetes' to count"
        ),
        evidence=(
            *((word.evidence,) if word else ()),
            Evidence("Azure", f"machine {machine.name}", says),
            Evidence("Kubernetes", f"Node {pod.node}", f"Kubernetes counts {counted} of {slots or '?'} disks"),
        ),
        next=(
            machine_disks(case, pod.node),
            Step(f"az disk show --ids {quote(strange[0])} --query tags", "whose the disk is"),
            Step(cordon, "new pods with disks go to other nodes"),
        ),
    )


def _strange(case: Case, held: list[str]) -> list[str]:
    """Of a machine's disks those that no VolumeAttachment to its node is for, as far as that can be seen."""
    node = case.pod.node if case.pod else ""
    volumes = (case.seen.volume(each.volume) for each in case.seen.attachments_on(node))
    known = {id_key(volume.disk_id) for volume in volumes if volume is not None}
    others = [disk_id for disk_id in held if id_key(disk_id) not in known]
    if case.seen.inventory.namespace is None:
        return others
    # Other namespaces' volumes were not read; what the driver made for them says so in its tags.
    disks = {disk_id: case.seen.disk(disk_id) for disk_id in others}
    return [disk_id for disk_id, disk in disks.items() if not (isinstance(disk, Disk) and disk.volume)]


CAUSE = Cause(
    id="foreign-disks",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    of_pod=True,
    over=("no-disk-slot", "attach-slow"),
    needs=("azure",),
)

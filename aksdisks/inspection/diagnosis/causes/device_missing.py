"""The disk is attached, but the node does not find the device.

What it is
    Azure and Kubernetes say that the disk is on the machine, and the kubelet's driver looks for it at its LUN and finds
    nothing: the machine's guest has not seen it (a rescan, a restart or a newer node image helps), the size has NVMe
    disks that an old driver looks for in the wrong place, or Kubernetes says attached and Azure does not.

How it is recognised
    States: the VolumeAttachment to the pod's node is attached; Azure's list of the machine's data disks has the disk,
    at this LUN or another, or lacks it.
    Words: FailedMount `MountVolume.MountDevice failed … failed to find disk on lun N` or `findDiskByLun(N) failed …`
    (azuredisk-csi-driver pkg/azuredisk/nodeserver.go), in 2019 `Cannot find Lun for disk …` and `WaitForAttach failed
    within timeout`; from a kubelet that has not gone on to the containers.

What it is not
    A FailedMount that only says that it timed out: that is a consequence. A disk that is not attached yet
    (`attach-slow`).

Next
    Compare the LUN with the machine's data disks. Where Azure has the disk, move the pod to another node; restarting
    the machine, or upgrading the node image, brings the device back for those that stay.

Links
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/2777
    https://github.com/Azure/AKS/issues/4767
"""

from __future__ import annotations

import re

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import attachment_rows, disk_rows, kubectl, machine_disks
from aksdisks.model import DataDisk, Disk, Machine, id_key

_NVME = re.compile(r"_v(?:[6-9]|\d\d)$", re.IGNORECASE)
_SETTLED = 60.0


def _rule(case: Case) -> Match | None:
    pod, volume = case.pod, case.volume
    if pod is None or volume is None or not volume.disk_id or pod.deleting or not pod.node or not case.attached:
        return None
    if case.mounted:
        return None
    word = case.says("device-missing")
    machine, held = case.machine, _held(case)
    absent = isinstance(machine, Machine) and held is None
    if not word and not (absent and _is_nowhere(case)):
        return None
    lun = word and (word.groups.get("lun") or word.groups.get("at"))
    noted = case.attachment.lun if case.attachment else None
    where = f" at LUN {lun}" if lun else ""
    rows = [word.evidence] if word else []
    rows += [*attachment_rows(case), *disk_rows(case)]
    if absent and isinstance(machine, Machine):
        because = f"Kubernetes says that its disk is attached to {pod.node}, and Azure has it not on that machine"
        rows.append(Evidence("Azure", f"machine {machine.name}", f"has no data disk {volume.disk_name}"))
    elif isinstance(machine, Machine) and held is not None:
        because = f"its disk is attached to {pod.node} on both sides, and the node does not find the device{where}"
        if noted is not None and noted != held.lun:
            because += f"; Kubernetes notes LUN {noted}, Azure has it at {held.lun}"
        elif _NVME.search(machine.size):
            because += f"; {machine.size} has NVMe disks, which old drivers and node images do not find"
        rows.append(Evidence("Azure", f"machine {machine.name}", f"has disk {volume.disk_name} at LUN {held.lun}"))
    else:
        because = f"its disk is attached to {pod.node}, and the node does not find the device{where}"
    describe = kubectl(f"describe pod {pod.name}", pod, "what the kubelet says of the device, and when it said it last")
    return Match(because, tuple(rows), (machine_disks(case, pod.node), describe))


def _held(case: Case) -> DataDisk | None:
    """The machine's place for the volume's disk."""
    wanted = id_key(case.volume.disk_id) if case.volume else ""
    places = case.machine.data_disks if isinstance(case.machine, Machine) else ()
    return next((each for each in places if id_key(each.disk_id) == wanted and not each.leaving), None)


def _is_nowhere(case: Case) -> bool:
    """Whether Azure has the disk on no machine, although Kubernetes has had it attached for a while."""
    age = case.seen.age(case.attachment.created) if case.attachment else None
    return isinstance(case.disk, Disk) and not case.disk.managed_by and (age is None or age > _SETTLED)


CAUSE = Cause(id="device-missing", verdict="problem", rule=_rule, kinds=("Pod",), page=__doc__, needs=("azure",))

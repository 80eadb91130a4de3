"""The claim's volume is gone.

What it is
    The claim is bound to a PersistentVolume that is not there any more: somebody deleted it, or bound it to another
    claim. Kubernetes calls the claim Lost and never binds it again. The disk behind it may still exist.

How it is recognised
    States: the claim's phase is Lost, or there is no volume of the name that it is bound to.
    Words: `bound to non-existent persistentvolume` (kubernetes pkg/scheduler, volume_binding.go), `Bound claim has lost
    its PersistentVolume`, `Two claims are bound to the same volume` (pv_controller.go).

What it is not
    A volume that is there and whose disk is gone in Azure (`disk-gone`). A claim that is not bound yet.

Next
    Look in Azure whether the disk is still there: if so, a new PersistentVolume that names it brings the data back.

Links
    https://learn.microsoft.com/azure/aks/azure-csi-disk-storage-provision#statically-provision-a-volume
"""

from __future__ import annotations

from shlex import quote

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import claim_row, kubectl, node_group
from aksdisks.model import known

_YOUNG = 60.0  # cluster seconds: lists are read beside each other, and a volume can be younger than its list


def _rule(case: Case) -> Match | None:
    claim = case.claim
    if case.kind == "PersistentVolume" or claim is None or claim.deleting:
        return None
    lost = claim.phase == "Lost"
    gone = bool(claim.volume) and case.volume is None and case.seen.saw("PersistentVolume")
    if not lost and not gone:
        return None
    told = case.says("volume-not-there", "claim-lost")
    age = case.seen.age(claim.created)
    if not lost and not told and age is not None and age < _YOUNG:
        return None
    name = claim.volume
    disks = [disk for disk in known(case.seen.inventory.disks) if name and name in (disk.volume, disk.name)]
    rows = [Evidence("Azure", f"disk {disk.name}", f"{disk.state}, it still exists") for disk in disks]
    if gone:
        rows.insert(0, Evidence("Kubernetes", f"PersistentVolume {name}", "there is no such volume"))
    what = f"volume {name} is not there" if gone else f"it has lost its volume {name}".rstrip()
    known_disk = ", and its disk still exists in Azure" if disks else ""
    group = node_group(case)
    kinds = {"disk": "disk", "share": "storage account"}
    listing = f"az {kinds[case.medium]} list --resource-group {quote(group or 'NODE_RESOURCE_GROUP')} --output table"
    proves = "whether the disk is still there, by name and by its tags"
    if case.medium == "share":
        proves = "which accounts there are, of which `az storage share-rm list` shows whether its share is still there"
    return Match(
        because=f"claim {claim.name}: {what}{known_disk}",
        evidence=(claim_row(claim), *([told.evidence] if told else []), *rows),
        next=(
            Step(listing, proves),
            kubectl(f"describe pvc {claim.name}", claim, "when it was lost"),
        ),
        confidence="certain" if lost or told else "likely",
    )


CAUSE = Cause(
    id="claim-lost",
    verdict="problem",
    rule=_rule,
    kinds=("Pod", "PersistentVolumeClaim"),
    page=__doc__,
    over=("claim-kept",),
    needs=("azure",),
)

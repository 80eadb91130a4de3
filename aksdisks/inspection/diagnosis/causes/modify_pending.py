"""The claim's disk is being changed as its VolumeAttributesClass says.

What it is
    The claim names another VolumeAttributesClass than its disk has, and the resizer changes the disk in Azure: its
    performance within seconds, its SKU within minutes. From Premium to PremiumV2 Azure moves the data, which takes
    hours, while pods go on.

How it is recognised
    States: `volumeAttributesClassName` of the claim's spec is not `currentVolumeAttributesClassName` of its status, or
    modifyVolumeStatus is InProgress, without an error. While data is moved, the volume has the label
    `disk.csi.azure.com/migration-in-progress`.
    Words: VolumeModify `external resizer is modifying volume … with vac …` (external-resizer
    pkg/modifycontroller/modify_volume.go), which say that it goes on.

What it is not
    A change that was refused, or whose class is not there (`modify-failed`).

Next
    Wait. If nothing begins within minutes, the driver's resizer does not know VolumeAttributesClasses, or does not run.

Links
    https://kubernetes.io/docs/concepts/storage/volume-attributes-classes/
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.claims import condition, is_modifying
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import duration, kubectl

MOVING = "disk.csi.azure.com/migration-in-progress"
_MOVES = ("SKUMigrationStarted", "SKUMigrationProgress")


def _rule(case: Case) -> Match | None:
    claim = case.claim
    if case.kind != "PersistentVolumeClaim" or claim is None or claim.deleting or not is_modifying(claim):
        return None
    events = case.seen.events_of(claim, "VolumeModify", *_MOVES)[-1:]
    age = case.seen.age(events[0].first) if events else None
    moves = case.volume is not None and MOVING in case.volume.labels
    begun = claim.modify_status or condition(claim, "ModifyingVolume")
    if moves:
        how = "Azure moves its data to the other SKU, which takes hours"
    elif begun:
        how = "that takes seconds, of the SKU minutes"
    else:
        how = "nothing has begun yet: the disk driver's resizer does it, where it knows such classes"
    so_far = "" if age is None else f", for {duration(age)} so far"
    name, now = claim.attributes_class, claim.current_attributes_class or "none"
    status = f"modifyVolumeStatus {claim.modify_status}" if claim.modify_status else "no modifyVolumeStatus"
    row = Evidence("Kubernetes", f"PersistentVolumeClaim {claim.key}", f"{status}; has {now}, asks for {name}")
    return Match(
        because=f"its {case.medium} is to be changed to VolumeAttributesClass {name}{so_far}; {how}",
        evidence=(row, *map(said, events)),
        next=(kubectl(f"describe pvc {claim.name}", claim, "which class it has, and whether an attempt failed"),),
    )


CAUSE = Cause(
    id="modify-pending",
    verdict="wait",
    rule=_rule,
    kinds=("PersistentVolumeClaim",),
    page=__doc__,
    over=("claim-kept",),
)

"""The volume's claim is gone; its policy decides what becomes of the disk.

What it is
    With reclaim policy Retain a volume stays when its claim is deleted, Released, and its disk with all data: on
    purpose, and paid for. With policy Delete, Azure's disk is deleted once it is detached, which usually takes less
    than a minute; it is worth a look after ten. A volume that somebody made by hand for a disk is deleted with its disk
    only where it names its provisioner in the annotation `pv.kubernetes.io/provisioned-by`; else nothing deletes it,
    whatever its policy says.

How it is recognised
    States: the volume's phase is Released, or Failed where it was made by hand and nothing deletes it
    (external-provisioner's shouldDelete; kubernetes pkg/controller/volume/persistentvolume/pv_controller.go).

What it is not
    A deletion that Azure or the driver refuses (`delete-failed`).

Next
    With Retain: keep it, or reuse the disk: without its claimRef the volume is free for a new claim. With Delete: wait;
    to keep the disk, set the policy to Retain before it is deleted.

Links
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import attachment_rows, disk_rows, kubectl
from aksdisks.model import Volume


def _rule(case: Case) -> Match | None:
    volume = case.volume
    if case.kind != "PersistentVolume" or volume is None or not _is_released(volume):
        return None
    about = f"PersistentVolume {volume.name}"
    row = Evidence("Kubernetes", about, f"{volume.phase}, policy {volume.reclaim_policy}, was of claim {volume.claim}")
    if volume.is_left:
        kept = f"policy {volume.reclaim_policy} keeps the volume and its {case.medium}"
        if volume.reclaim_policy == "Delete":
            kept = f"nothing deletes it or its {case.medium}: it was made by hand and names no provisioner"
        return Match(
            because=f"claim {volume.claim} is gone, and {kept}",
            evidence=(row, *disk_rows(case)),
            next=(
                kubectl(f"describe pv {volume.name}", volume, f"which {case.medium} it keeps"),
                _reuse(volume, case.medium),
            ),
            verdict="expected",
        )
    detaching = "its disk is being detached first" if case.attachments else f"its {case.medium} is being deleted"
    by_hand = ", though it was made by hand" if volume.by_hand else ""
    return Match(
        because=f"claim {volume.claim} is gone, and {detaching}{by_hand}; that takes less than a minute, "
        "worry after 10 min",
        evidence=(row, *attachment_rows(case), *disk_rows(case)),
        next=(
            *([_retain(volume, case.medium)] if volume.by_hand else []),
            kubectl(f"get pv {volume.name} --watch", volume, "when it is gone"),
        ),
    )


def _is_released(volume: Volume) -> bool:
    """Whether its claim is gone; nothing tries to delete what is left, so that Failed is no failure of it."""
    return volume.phase == "Released" or (volume.phase == "Failed" and volume.is_left)


def _reuse(volume: Volume, medium: str) -> Step:
    command = f"kubectl patch pv {volume.name} --type=json "
    change = '--patch=\'[{"op": "remove", "path": "/spec/claimRef"}]\''
    return Step(command + change, f"it is free for another claim, with the data on its {medium}")


def _retain(volume: Volume, medium: str) -> Step:
    change = '--patch=\'{"spec": {"persistentVolumeReclaimPolicy": "Retain"}}\''
    return Step(f"kubectl patch pv {volume.name} {change}", f"its {medium} stays, if it is not deleted yet")


CAUSE = Cause(id="volume-released", verdict="wait", rule=_rule, kinds=("PersistentVolume",), page=__doc__)

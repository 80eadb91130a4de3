"""The volume's claim is gone; its policy decides what becomes of the disk.

What it is
    With reclaim policy Retain a volume stays when its claim is deleted, Released, and its disk with all data: on
    purpose, and paid for. With policy Delete, Azure's disk is deleted once it is detached, which usually takes less
    than a minute; it is worth a look after ten.

How it is recognised
    States: the volume's phase is Released.

What it is not
    A deletion that Azure or the driver refuses (`delete-failed`).

Next
    With Retain: keep it, or reuse the disk through a new volume that names it. With Delete: wait.

Links
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import attachment_rows, disk_rows, kubectl


def _rule(case: Case) -> Match | None:
    volume = case.volume
    if case.kind != "PersistentVolume" or volume is None or volume.phase != "Released":
        return None
    about = f"PersistentVolume {volume.name}"
    row = Evidence("Kubernetes", about, f"Released, policy {volume.reclaim_policy}, was of claim {volume.claim}")
    if volume.reclaim_policy != "Delete":
        return Match(
            because=f"claim {volume.claim} is gone, and policy {volume.reclaim_policy} keeps the volume and its disk",
            evidence=(row, *disk_rows(case)),
            next=(kubectl(f"describe pv {volume.name}", volume, "which disk it keeps"),),
            verdict="expected",
        )
    detaching = "its disk is being detached first" if case.attachments else "its disk is being deleted"
    return Match(
        because=f"claim {volume.claim} is gone, and {detaching}; that takes less than a minute, worry after 10 min",
        evidence=(row, *attachment_rows(case), *disk_rows(case)),
        next=(kubectl(f"get pv {volume.name} --watch", volume, "when it is gone"),),
    )


CAUSE = Cause(id="volume-released", verdict="wait", rule=_rule, kinds=("PersistentVolume",), page=__doc__)

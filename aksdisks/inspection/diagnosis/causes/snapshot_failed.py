"""The snapshot cannot be taken, or what it stands for is gone.

What it is
    The snapshot controller, the disk driver or Azure refuses to take a VolumeSnapshot, or its VolumeSnapshotContent was
    deleted under it. Often there is no VolumeSnapshotClass: AKS brings none, so one has to be made, and named by the
    snapshot or marked as the default. The attempt is made again by itself.

How it is recognised
    States: the VolumeSnapshot is not ready and has a `status.error`.
    Words: those of the error, such as `cannot find default snapshot class`, `VolumeSnapshotContent is missing`
    (external-snapshotter pkg/common-controller/snapshot_controller.go), `failed to take snapshot of the volume …`
    (pkg/sidecar-controller) with Azure's answer.

What it is not
    A snapshot of a claim that is not there, or not bound (`source-missing`). A refusal that has its own name:
    `not-authorized`, `denied-by-policy`, `throttled`, `disk-quota`.

Next
    Read the error. A snapshot's class cannot be changed: make the snapshot anew once the class is there.

Links
    https://learn.microsoft.com/azure/aks/azure-disk-csi#volume-snapshots
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.refusals import in_a_line
from aksdisks.inspection.diagnosis.rows import kubectl, snapshot_row
from aksdisks.model import VolumeSnapshot

_CLASSES = Step("kubectl get volumesnapshotclass", "which classes there are, and which is the default")


def _rule(case: Case) -> Match | None:
    snapshot = case.snapshot
    if snapshot is None or snapshot.deleting or not case.messages:
        return None
    return Match(
        because=f"snapshot {snapshot.name} {_why(case, snapshot)}",
        evidence=(*case.messages, snapshot_row(snapshot)),
        next=(
            *([_CLASSES] if case.says("snapshot-class") else []),
            kubectl(f"describe volumesnapshot {snapshot.name}", snapshot, "what the last attempt said"),
        ),
    )


def _why(case: Case, snapshot: VolumeSnapshot) -> str:
    if said := case.says("snapshot-class"):
        name, number = said.groups.get("name") or snapshot.snapshot_class, said.groups.get("number")
        if name:
            return f"cannot be taken: there is no VolumeSnapshotClass {name}"
        many = f"{number} VolumeSnapshotClasses say that they are" if number else "no VolumeSnapshotClass is"
        return f"cannot be taken: it names no class, and {many} the default"
    if case.says("content-missing"):
        content = snapshot.content or snapshot.source_content
        return f"stands for nothing: its content {content} is not there" + (
            "" if snapshot.taken is None else " any more"
        )
    return f"cannot be taken: {in_a_line(case.messages[-1].says.partition(': ')[2])}"


CAUSE = Cause(
    id="snapshot-failed",
    verdict="problem",
    rule=_rule,
    kinds=("VolumeSnapshot",),
    page=__doc__,
    over=("snapshot-pending",),
)

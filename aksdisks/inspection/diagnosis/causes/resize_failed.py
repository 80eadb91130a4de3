"""The claim cannot grow.

What it is
    The claim asks for more than it has, and the expansion was refused: by Azure, by the driver, or on the node. The
    pod runs on with the old size. The resizer tries again by itself, ever more rarely.

How it is recognised
    States: the claim's condition ControllerResizeError or NodeResizeError, or allocatedResourceStatuses
    ControllerResizeInfeasible or NodeResizeInfeasible.
    Words: `VolumeResizeFailed` (external-resizer pkg/controller; kubelet), `FileSystemResizeFailed` (kubelet), while
    the claim still wants to grow: older resizers set no condition.

What it is not
    An expansion under way (`resize-pending`). One that Azure refuses for a reason with a name of its own
    (`not-authorized`, `disk-quota`, `throttled`). `updates to statefulset spec … are forbidden`: claim templates cannot
    be changed, the claims themselves can.

Next
    Read the refusal. A size that cannot be had is taken back by asking for less, but for more than the claim has
    (Kubernetes 1.34 and later).

Links
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#recovering-from-failure-when-expanding-volumes
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.claims import RESIZE_ERRORS, condition, is_expanding
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.refusals import act_of, in_a_line
from aksdisks.inspection.diagnosis.rows import disk_state, kubectl


def _rule(case: Case) -> Match | None:
    claim = case.claim
    if case.kind != "PersistentVolumeClaim" or claim is None or claim.deleting or not is_expanding(claim):
        return None
    error = condition(claim, *RESIZE_ERRORS)
    infeasible = claim.resize_status.endswith("Infeasible")
    told = [row for row in case.messages if act_of(row) == "expand"]
    if not error and not infeasible and not told:
        return None
    about = f"PersistentVolumeClaim {claim.key}"
    status = error.type if error else claim.resize_status or "it has not grown"
    words = in_a_line(error.message if error else told[-1].says.partition(": ")[2] if told else "")
    return Match(
        because=f"it cannot grow from {claim.capacity} to {claim.requested}" + (f": {words}" if words else ""),
        evidence=(
            Evidence("Kubernetes", about, f"{status}; has {claim.capacity}, asks for {claim.requested}"),
            *told[-2:],
        ),
        next=(
            kubectl(f"describe pvc {claim.name}", claim, "what the last attempt said"),
            *([disk_state(case)] if case.volume and case.volume.disk_id else []),
        ),
    )


CAUSE = Cause(
    id="resize-failed",
    verdict="problem",
    rule=_rule,
    kinds=("PersistentVolumeClaim",),
    page=__doc__,
    over=("resize-pending", "claim-kept"),
)

"""The disk cannot be changed as the claim's VolumeAttributesClass says.

What it is
    The claim names a VolumeAttributesClass with other performance or another SKU, and the change was refused, or there
    is no class of that name. The disk goes on as it was; the resizer, which makes such changes, tries again by itself.

How it is recognised
    States: the claim's condition ModifyVolumeError, or modifyVolumeStatus Infeasible (the driver refuses the values) or
    Pending (there is no such class).
    Words: VolumeModifyFailed (external-resizer pkg/modifycontroller/modify_volume.go), `VAC "…" does not exist.`

What it is not
    A change under way: modifyVolumeStatus InProgress without an error.

Next
    Read the refusal, and name a class with values that the disk's SKU can have, or the one before.

Links
    https://kubernetes.io/docs/concepts/storage/volume-attributes-classes/
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.claims import condition, is_modifying
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.refusals import act_of, in_a_line
from aksdisks.inspection.diagnosis.rows import kubectl


def _rule(case: Case) -> Match | None:
    claim = case.claim
    if case.kind != "PersistentVolumeClaim" or claim is None or claim.deleting or not is_modifying(claim):
        return None
    error = condition(claim, "ModifyVolumeError")
    told = [row for row in case.messages if act_of(row) == "change"]
    refused = claim.modify_status in ("Infeasible", "Pending")
    if not error and not told and not refused:
        return None
    name = claim.attributes_class
    words = in_a_line(error.message if error else told[-1].says.partition(": ")[2] if told else "")
    if not words and claim.modify_status == "Pending":
        words = "there is no such class"
    status = f"modifyVolumeStatus {claim.modify_status}" if claim.modify_status else "ModifyVolumeError"
    about = f"PersistentVolumeClaim {claim.key}"
    return Match(
        because=f"its disk cannot be changed to VolumeAttributesClass {name}" + (f": {words}" if words else ""),
        evidence=(Evidence("Kubernetes", about, f"{status}, asks for {name}"), *told[-2:]),
        next=(
            Step(f"kubectl get volumeattributesclass {name}", "whether the class is there, and what it asks for"),
            kubectl(f"describe pvc {claim.name}", claim, "what the last attempt said"),
        ),
    )


CAUSE = Cause(
    id="modify-failed",
    verdict="problem",
    rule=_rule,
    kinds=("PersistentVolumeClaim",),
    page=__doc__,
    over=("claim-kept",),
)

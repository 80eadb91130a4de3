"""The disk cannot be changed as the claim's VolumeAttributesClass says.

What it is
    The claim names a VolumeAttributesClass with other performance or another SKU, and the change was refused, or there
    is no class of that name. The disk goes on as it was; the resizer, which makes such changes, tries again by itself.

How it is recognised
    States: the claim's condition ModifyVolumeError, or modifyVolumeStatus Infeasible (the driver refuses the values) or
    Pending (there is no such class), while the claim still asks for that class.
    Words: `VolumeModifyFailed` (external-resizer pkg/modifycontroller/modify_volume.go), `VAC "…" does not exist.`

What it is not
    A change under way, or one that nobody has begun (`modify-pending`). A refusal that has its own name, such as
    `not-authorized`.

Next
    Read the refusal, and name a class with values that the disk's SKU can have, or the one before.

Links
    https://kubernetes.io/docs/concepts/storage/volume-attributes-classes/
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.claims import condition, is_modifying
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.refusals import act_of, in_a_line
from aksdisks.inspection.diagnosis.rows import kubectl
from aksdisks.model import Claim, VolumeAttributesClass


def _rule(case: Case) -> Match | Not | None:
    claim = case.claim
    if case.kind != "PersistentVolumeClaim" or claim is None or claim.deleting or not is_modifying(claim):
        return None
    name, error = claim.attributes_class, condition(claim, "ModifyVolumeError")
    told = _standing(case, claim)
    if not error and not told and claim.modify_status not in ("Infeasible", "Pending"):
        return None
    found = case.seen.attributes_class(name) if claim.modify_status == "Pending" else None
    if isinstance(found, VolumeAttributesClass):
        return Not(f"VolumeAttributesClass {name} is there now; the next attempt finds it")
    words = in_a_line(error.message if error else told[-1].says.partition(": ")[2] if told else "")
    if claim.modify_status == "Pending":
        words = "there is no such class"
    status = f"modifyVolumeStatus {claim.modify_status}" if claim.modify_status else "ModifyVolumeError"
    about, now = f"PersistentVolumeClaim {claim.key}", claim.current_attributes_class or "none"
    return Match(
        because=f"its {case.medium} cannot be changed to VolumeAttributesClass {name}"
        + (f": {words}" if words else ""),
        evidence=(Evidence("Kubernetes", about, f"{status}, asks for {name}, has {now}"), *told[-2:]),
        next=(
            Step(f"kubectl get volumeattributesclass {name}", "whether the class is there, and what it asks for"),
            kubectl(f"describe pvc {claim.name}", claim, "what the last attempt said"),
        ),
        needs=("attributes-classes",) if claim.modify_status == "Pending" else (),
    )


def _standing(case: Case, claim: Claim) -> list[Evidence]:
    """What was said of the last attempt, if it failed: a new one is told of before it is made."""
    begun = [each.last for each in case.seen.events_of(claim, "VolumeModify") if each.last]
    failed = [row for row in case.messages if act_of(row) == "change"]
    return [row for row in failed if row.at is None or all(row.at >= at for at in begun)]


CAUSE = Cause(
    id="modify-failed",
    verdict="problem",
    rule=_rule,
    kinds=("PersistentVolumeClaim",),
    page=__doc__,
    over=("claim-kept", "modify-pending"),
)

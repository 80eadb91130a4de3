"""The claim is to be filled from a snapshot or claim that is not there.

What it is
    A claim with a dataSource is made as a copy. Its source does not exist in the claim's namespace, is being deleted,
    or its kind is unknown to the cluster, which has no snapshot controller. A source claim that is not bound yet has to
    be bound first: that is a wait.

How it is recognised
    States: the claim is Pending, and the claim or VolumeSnapshot that it names as its source is not there.
    Words: `error getting handle for DataSource Type … by Name …: …not found`, `… could not find the requested resource`
    (external-provisioner pkg/controller/controller.go).

What it is not
    A snapshot that is there and not ready (`snapshot-pending`). A size below the source's (`impossible-request`).

Next
    Look for the source by name, in the claim's own namespace. The source of a claim cannot be changed: make it anew.

Links
    https://learn.microsoft.com/azure/aks/azure-disk-csi#clone-volumes
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import claim_row, kubectl
from aksdisks.model import Claim, Unknown

_RESOURCES = {"PersistentVolumeClaim": "pvc", "VolumeSnapshot": "volumesnapshot"}


def _rule(case: Case) -> Match | Not | None:
    claim = case.claim
    if case.kind == "PersistentVolume" or claim is None or claim.phase != "Pending" or not claim.source_kind:
        return None
    if claim.deleting or claim.volume:
        return None
    told = case.says("source-not-there", "source-not-bound")
    state = _state(case, claim)
    if state == "there" or (state == "unknown" and told is None):
        return Not(f"{claim.source_kind} {claim.source_name} is there") if told and state == "there" else None
    source = f"{claim.source_kind} {claim.source_name}"
    what = {"gone": "which there is not", "pending": "which is not bound itself"}.get(state, "which was not found")
    row = Evidence("Kubernetes", f"{claim.source_kind} {claim.namespace}/{claim.source_name}", what.partition(" ")[2])
    resource = _RESOURCES.get(claim.source_kind, claim.source_kind.lower())
    return Match(
        because=f"claim {claim.name} is to be filled from {source}, {what}",
        evidence=(*([told.evidence] if told else []), claim_row(claim), row),
        next=(kubectl(f"get {resource}", claim, f"whether there is a {source}, and how it is"),),
        confidence="likely" if state == "unknown" else "certain",
        verdict="wait" if state == "pending" else None,
    )


def _state(case: Case, claim: Claim) -> str:
    """How the source is: `there`, `pending`, `gone`, or `unknown` where it could not be read."""
    key = f"{claim.namespace}/{claim.source_name}"
    if claim.source_kind == "PersistentVolumeClaim":
        source = case.seen.claim(key)
        if source is None:
            return "gone" if case.seen.saw("PersistentVolumeClaim") else "unknown"
        return "gone" if source.deleting else "there" if source.phase == "Bound" else "pending"
    snapshots = case.seen.inventory.snapshots
    if claim.source_kind != "VolumeSnapshot" or isinstance(snapshots, Unknown):
        return "unknown"
    found = next((each for each in snapshots if each.key == key), None)
    return "gone" if found is None or found.deleting else "there"


CAUSE = Cause(
    id="source-missing",
    verdict="problem",
    rule=_rule,
    kinds=("Pod", "PersistentVolumeClaim"),
    page=__doc__,
    over=("provisioning", "no-consumer", "impossible-request"),
    needs=("snapshots",),
)

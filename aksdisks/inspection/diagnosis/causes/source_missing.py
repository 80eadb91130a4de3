"""What is to be copied is not there, or not the disk driver's.

What it is
    A claim with a dataSource is made as a copy, and a VolumeSnapshot is made of a claim. The source does not exist in
    the same namespace, is being deleted, belongs to another driver, or its kind is unknown to the cluster, which has no
    snapshot controller. A source claim that is not bound yet has to be bound first: that is a wait.

How it is recognised
    States: the claim is Pending, and the claim or VolumeSnapshot that it names as its source is not there, or is
    another driver's; the VolumeSnapshot is not taken, and the claim that it is to be made of is not there.
    Words: `error getting handle for DataSource Type … by Name …: …not found`, `… could not find the requested
    resource`, `… is not handled by CSI driver of StorageClass …`, `claim in dataSource not bound or invalid`
    (external-provisioner pkg/controller/controller.go).

What it is not
    A snapshot that is there and not ready (`snapshot-pending`). A size below the source's (`impossible-request`).

Next
    Look for the source by name, in the same namespace. The source of a claim cannot be changed: make it anew.

Links
    https://learn.microsoft.com/azure/aks/azure-disk-csi#clone-volumes
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import claim_row, kubectl, snapshot_row
from aksdisks.inspection.diagnosis.snapshots import FILLING
from aksdisks.model import (
    DISK_DRIVERS,
    FILE_DRIVERS,
    Claim,
    Named,
    NotServed,
    Unknown,
    VolumeSnapshot,
    VolumeSnapshotContent,
)

_RESOURCES = {"PersistentVolumeClaim": "pvc", "VolumeSnapshot": "volumesnapshot"}
_UNKNOWN, _THERE, _PENDING, _GONE = "unknown", "", "which is not bound itself", "which there is not"


def _rule(case: Case) -> Match | Not | None:
    if case.kind == "VolumeSnapshot":
        return _of_snapshot(case, case.snapshot) if case.snapshot else None
    claim = case.claim
    if claim is None or claim.phase != "Pending" or not claim.source_kind or claim.deleting or claim.volume:
        return None
    told = case.says("source-not-there", "source-not-bound", "source-not-ours")
    state = _source(case, claim)
    source = f"{claim.source_kind} {claim.source_name}"
    if state == _THERE:
        return Not(f"{source} is there") if told else None
    if state == _UNKNOWN and told is None:
        return None
    what = state if state != _UNKNOWN else "which is not its own" if told and told.id.endswith("ours") else _NOT_FOUND
    row = Evidence("Kubernetes", f"{claim.source_kind} {claim.source_key}", what.partition(" ")[2])
    where = Named(name=claim.source_name, namespace=claim.source_namespace or claim.namespace)
    resource = _RESOURCES.get(claim.source_kind, claim.source_kind.lower())
    return Match(
        because=f"claim {claim.name} is to be filled from {source}, {what}",
        evidence=(*([told.evidence] if told else []), claim_row(claim), row),
        next=(kubectl(f"get {resource}", where, f"whether there is a {source}, and how it is"),),
        confidence="likely" if state == _UNKNOWN else "certain",
        verdict="wait" if state == _PENDING else None,
    )


_NOT_FOUND = "which was not found"


def _of_snapshot(case: Case, snapshot: VolumeSnapshot) -> Match | None:
    """A snapshot that is to be made of a claim; once its content is there, the claim's disk is known."""
    if snapshot.ready or snapshot.deleting or snapshot.content or not snapshot.claim:
        return None
    state = _claim(case, f"{snapshot.namespace}/{snapshot.claim}")
    if state in (_THERE, _UNKNOWN):
        return None
    source = f"PersistentVolumeClaim {snapshot.claim}"
    row = Evidence(
        "Kubernetes", f"PersistentVolumeClaim {snapshot.namespace}/{snapshot.claim}", state.partition(" ")[2]
    )
    return Match(
        because=f"snapshot {snapshot.name} is to be made of {source}, {state}",
        evidence=(*case.messages[-1:], snapshot_row(snapshot), row),
        next=(kubectl("get pvc", snapshot, f"whether there is a {source}, and how it is"),),
        verdict="wait" if state == _PENDING else None,
    )


def _source(case: Case, claim: Claim) -> str:
    """What is wrong with a claim's source, as the end of a sentence; `_THERE` where nothing is."""
    if claim.source_kind == "PersistentVolumeClaim":
        return _claim(case, claim.source_key)
    if claim.source_kind != "VolumeSnapshot" or claim.source_namespace not in ("", claim.namespace):
        return _UNKNOWN
    if isinstance(not_served := case.seen.inventory.volume_snapshots, NotServed):
        return f"which there cannot be: {not_served.because}"
    found = case.seen.snapshot(claim.source_key)
    if isinstance(found, Unknown):
        return _UNKNOWN
    if found is None:
        return _GONE
    going = found.deleting and FILLING not in found.finalizers
    return "which is being deleted" if going else _content(case, claim, found)


def _content(case: Case, claim: Claim, snapshot: VolumeSnapshot) -> str:
    """What is wrong with what a snapshot is bound to."""
    content = case.seen.content(snapshot.content) if snapshot.content else _UNKNOWN
    if content is None:
        return f"whose content {snapshot.content} there is not"
    if not isinstance(content, VolumeSnapshotContent):
        return _THERE
    if content.snapshot_uid != snapshot.uid:
        return f"whose content {content.name} is of another snapshot"
    if content.driver != _driver(case, claim):
        return f"which is of another driver, {content.driver or 'none'}"
    return _THERE


def _claim(case: Case, key: str) -> str:
    """What is wrong with a claim that is to be copied."""
    source = case.seen.claim(key)
    if source is None:
        return _GONE if case.seen.saw("PersistentVolumeClaim") else _UNKNOWN
    if source.deleting:
        return "which is being deleted"
    if source.phase != "Bound":
        return _PENDING
    volume = case.seen.volume(source.volume)
    # The in-tree driver's volumes are none of a CSI driver's: external-provisioner getPVCSource.
    wanted = FILE_DRIVERS if _driver(case, case.claim) in FILE_DRIVERS else DISK_DRIVERS
    if volume is not None and volume.driver not in wanted:
        return f"which is of another driver, {volume.driver or 'none of CSI'}"
    return _THERE


def _driver(case: Case, claim: Claim | None) -> str:
    """Which driver is to make a claim's disk or share."""
    named = claim.provisioner if claim else ""
    return named or (case.storage_class.provisioner if case.storage_class else "") or DISK_DRIVERS[0]


CAUSE = Cause(
    id="source-missing",
    verdict="problem",
    rule=_rule,
    kinds=("Pod", "PersistentVolumeClaim", "VolumeSnapshot"),
    page=__doc__,
    over=("provisioning", "no-consumer", "impossible-request", "snapshot-pending", "snapshot-failed"),
    needs=("contents",),
)

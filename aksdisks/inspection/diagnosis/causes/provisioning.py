"""The claim's disk, or its share, is being made.

What it is
    A node was chosen for the first pod, or the class binds at once, and the driver asks Azure for the disk, or for the
    share of Azure Files. It usually takes 5 to 30 seconds, and longer where the first share of a kind needs a storage
    account; it is worth a look after two minutes.

How it is recognised
    States: the claim is Pending and names no volume; it has a selected node, or its class has volumeBindingMode
    Immediate; no message refuses it.
    Words: `External provisioner is provisioning volume for claim` (external-provisioner) and `Waiting for a volume to
    be created` (kubernetes pkg/controller/volume/persistentvolume/pv_controller.go), which say that it goes on. The
    scheduler's `pod has unbound immediate PersistentVolumeClaims` is a consequence.

What it is not
    A claim without a pod (`no-consumer`). A refusal: `not-authorized`, `disk-quota`, `sku-unavailable`,
    `impossible-request` and their like name it. A driver of which nothing is heard for minutes (`driver-down`).

Next
    Wait. `kubectl describe pvc` shows each attempt as an event.

Links
    https://learn.microsoft.com/azure/aks/azure-csi-disk-storage-provision
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.refusals import act_of
from aksdisks.inspection.diagnosis.rows import claim_row, duration, kubectl

USUAL, WORRY = "5 to 30 s", 120.0


def _rule(case: Case) -> Match | Not | None:
    claim = case.claim
    if claim is None or claim.phase != "Pending" or claim.volume or claim.deleting:
        return None
    if case.kind == "PersistentVolume" or (case.pod and case.pod.deleting):
        return None
    immediate = case.storage_class is not None and case.storage_class.binding_mode == "Immediate"
    told = case.seen.events_of(claim, "Provisioning", "ExternalProvisioning")
    if not (claim.selected_node or immediate or told):
        return None
    waited = case.seen.age(told[0].first if told else claim.created)
    if any(act_of(row) == "make" for row in case.messages) and (waited is None or waited >= WORRY):
        return Not("the last attempt failed")
    so_far = "" if waited is None else f", for {duration(waited)} so far"
    return Match(
        because=f"the {case.medium} of claim {claim.name} is being made{so_far}; that takes {USUAL}, worry after 2 min",
        evidence=(claim_row(claim), *map(said, told[-1:])),
        next=(kubectl(f"describe pvc {claim.name}", claim, "whether an attempt failed"),),
        needs=("contents",) if claim.source_kind == "VolumeSnapshot" else (),
    )


CAUSE = Cause(
    id="provisioning", verdict="wait", rule=_rule, kinds=("Pod", "PersistentVolumeClaim"), page=__doc__, fallback=True
)

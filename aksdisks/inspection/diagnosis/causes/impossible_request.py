"""The claim asks for a disk, or a share, that cannot be made.

What it is
    No attempt will ever succeed: several nodes shall mount one file system (ReadWriteMany or ReadOnlyMany of a disk,
    which is a block device), the class has a parameter that the driver does not know, the size is below that of the
    source or above what there is, the host cache or zone does not go with the SKU, an Ultra disk is asked of machines
    that are not made for it, or the claim names a volume that does not fit. Of a share: Azure accepts neither its name
    nor its size, tier or region, the account that the class names has no shares of that protocol, a block device is
    asked for, or class or volume name a protocol that the driver does not know.

How it is recognised
    States: the claim is Pending with such an access mode, volumeMode Filesystem and a class of the disk driver, and it
    is to be provisioned.
    Words: `mountVolume is not supported for access mode: MULTI_NODE_MULTI_WRITER`, `invalid parameter … in storage
    class` and their like (azuredisk-csi-driver pkg/azureutils/azure_disk_utils.go), `failed with infeasible error`
    (external-provisioner 6), `UltraSSD_LRS can be used only when …`, `… disk is not supported` (CSI#1556, CSI#1659);
    of shares Azure's codes InvalidResourceName, OutOfRangeInput, InvalidHeaderValue, FeatureNotSupportedForAccount,
    and of the driver itself `protocol(…) is not supported, supported protocol list`, in FailedMount, too
    (azurefile-csi-driver pkg/azurefile/controllerserver.go, nodeserver.go).

What it is not
    A SKU that the region does not have (`sku-unavailable`), or a limit that can be raised (`disk-quota`).

Next
    Change the claim, its class or the volume that names it: each is made anew, since none can be changed. Files that
    several nodes share belong on Azure Files.

Links
    https://learn.microsoft.com/azure/aks/concepts-storage#access-modes
"""

from __future__ import annotations

from shlex import quote

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.refusals import refused
from aksdisks.inspection.diagnosis.rows import claim_row, kubectl
from aksdisks.model import Claim

_MANY = ("ReadWriteMany", "ReadOnlyMany")


def _rule(case: Case) -> Match | None:
    claim = case.claim
    if case.kind == "PersistentVolume" or claim is None or claim.deleting:
        return None
    mode = refused(case, "access-mode")
    refusal = mode or refused(case, "impossible", "impossible-in-azure", "volume-does-not-fit")
    if refusal and refusal.act in ("expand", "change", "delete"):
        return None  # of a disk that is there: what failed is told then
    modes = [mode for mode in claim.access_modes if mode in _MANY]
    a_disk = case.storage_class is not None and case.storage_class.makes_disks
    shared = bool(modes) and claim.volume_mode == "Filesystem" and a_disk and claim.phase == "Pending"
    if refusal is None and not (shared and not claim.volume and _is_asked_for(case)):
        return None
    if shared or mode:
        asked = ", ".join(modes) or "its access mode"
        because = f"claim {claim.name} asks for {asked}, and a file system on a disk is mounted on one node"
    elif refusal:
        because = f"what it takes to {refusal.what} cannot be: {refusal.words}"
    else:
        return None
    about = f"PersistentVolumeClaim {claim.key}"
    asks = f"asks for {', '.join(claim.access_modes)}, {claim.volume_mode}, {claim.requested or 'no size'}"
    return Match(
        because=because,
        evidence=(
            *([refusal.evidence] if refusal else []),
            claim_row(claim),
            Evidence("Kubernetes", about, f"{asks}, class {claim.storage_class or 'none'}"),
        ),
        next=(
            kubectl(f"get pvc {claim.name} --output yaml", claim, "what the claim asks for"),
            _parameters(case, claim),
        ),
    )


def _parameters(case: Case, claim: Claim) -> Step:
    """The command that shows what decides beside the claim: the volume that is there, else the class."""
    if case.volume:
        return Step(f"kubectl get pv {quote(case.volume.name)} --output yaml", "what the volume names")
    return Step(f"kubectl get storageclass {claim.storage_class} --output yaml", "which parameters its class has")


def _is_asked_for(case: Case) -> bool:
    """Whether the disk is to be made now: until then a volume that was made by hand may still be bound."""
    claim = case.claim
    immediate = case.storage_class is not None and case.storage_class.binding_mode == "Immediate"
    return claim is not None and bool(claim.selected_node or immediate or case.kind == "Pod")


CAUSE = Cause(
    id="impossible-request",
    verdict="problem",
    rule=_rule,
    kinds=("Pod", "PersistentVolumeClaim"),
    page=__doc__,
    over=("provisioning", "no-consumer"),
)

"""The disk's SKU is not to be had there.

What it is
    The class asks for a SKU that the region or zone does not offer, that the subscription may not have, or that the
    machine's size cannot attach, such as Premium_LRS on a size without premium storage.

How it is recognised
    Words: `SKU … is not supported for resource type Disk in this region`, `SkuNotAvailable`,
    `NotAvailableForSubscription`, `the VM size … does not support the storage account type …` (Azure;
    azure-cli#22732).

What it is not
    A SKU with parameters that it cannot have (`impossible-request`). A PremiumV2 disk on a machine outside of zones
    (`premium-v2-blocks`).

Next
    Ask Azure which SKUs the region has, and name one in a new class. The claim is made anew with it.

Links
    https://learn.microsoft.com/azure/virtual-machines/disks-types
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.refusals import OVER_ACTS, refused
from aksdisks.inspection.diagnosis.rows import attachment_rows, claim_row, cluster_of


def _rule(case: Case) -> Match | None:
    refusal = refused(case, "sku-unavailable")
    if refusal is None:
        return None
    groups = refusal.saying.groups
    sku = groups.get("sku") or groups.get("account") or (case.storage_class.sku if case.storage_class else "")
    size = groups.get("size", "")
    where = f"machines of size {size} do not take" if size else "this region does not offer"
    name = case.storage_class.name if case.storage_class else ""
    listing = f"az vm list-skus --location {cluster_of(case)[2]}" + (f" --size {size}" if size else "")
    kind = "virtualMachines" if size else "disks"
    return Match(
        because=f"Azure does not {refusal.what}: {where} SKU {sku}" + (f" of class {name}" if name else ""),
        evidence=(
            refusal.evidence,
            *([claim_row(case.claim)] if case.claim else []),
            *attachment_rows(case),
        ),
        next=(
            Step(f"{listing} --resource-type {kind} --output table", "which SKUs the region has, and in which zones"),
            Step(f"kubectl get storageclass {name} --output yaml".replace("  ", " "), "which SKU the class asks for"),
        ),
    )


CAUSE = Cause(id="sku-unavailable", verdict="problem", rule=_rule, page=__doc__, over=OVER_ACTS)

"""Azure answers with errors of its own, or not at all.

What it is
    Azure Resource Manager or its compute provider fails: 5xx, a time-out, or the driver cannot reach it. Nothing in
    the cluster is at fault, unless its way out is closed by a firewall. The driver tries again by itself.

How it is recognised
    Words: HTTP 500 to 599, `InternalServerError`, `ServiceUnavailable`, `ServerTimeout` (AKS#2797); `code =
    DeadlineExceeded` of a call to the driver, which retries Azure's errors itself before it gives up, for
    minutes; `dial tcp` towards management.azure.com or login.microsoftonline.com.

What it is not
    429 (`throttled`). A machine whose own update fails or does not end (`machine-stuck`). A driver of which nothing is
    heard (`driver-down`).

Next
    Look at Azure's service health for the region, and whether nodes reach management.azure.com.

Links
    https://azure.status.microsoft/status
    https://learn.microsoft.com/azure/aks/outbound-rules-control-egress
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import SUBJECTS, Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.refusals import OVER_ACTS, Refusal, refused
from aksdisks.inspection.diagnosis.rows import claim_row, duration, kubectl
from aksdisks.inspection.diagnosis.words import heard
from aksdisks.model import Unknown

# Cluster seconds: a call or two that time out happen to a busy driver, and the next one succeeds.
_PATIENCE = 300.0


def _rule(case: Case) -> Match | None:
    refusal = refused(case, "azure-failing")
    if refusal is not None and refusal.act != "detach":  # how a detach fails is told of the machine
        code = refusal.arm.code or (f"HTTP {refusal.arm.status}" if refusal.arm.status else "an error")
        return _match(case, refusal, f"Azure does not {refusal.what}, because it fails itself ({code})", "certain")
    silent = refused(case, "azure-silent")
    if silent is None or silent.act not in ("make", "expand", "delete", "change", "snapshot"):
        return None
    return _match(case, silent, f"the driver gets no answer from Azure in time to {silent.what}", "likely")


def _match(case: Case, refusal: Refusal, because: str, confidence: str) -> Match:
    inventory = case.seen.inventory
    answers = [each.because for each in (inventory.disks, inventory.machines) if isinstance(each, Unknown)]
    told = next((text for text in answers if any(each.id == "azure-failing" for each in heard(text))), "")
    waited = case.seen.age(case.claim.created) if case.claim else None
    young = confidence == "likely" and not told and waited is not None and waited < _PATIENCE
    rows = [Evidence("Azure", "Azure Resource Manager", told, inventory.taken)] if told else []
    if case.claim:
        rows.append(claim_row(case.claim))
    so_far = f"; the claim is {duration(waited)} old, worry after 5 min" if young and waited is not None else ""
    name = case.subject.name
    kind = {"PersistentVolumeClaim": "pvc", "PersistentVolume": "pv"}.get(case.kind, case.kind.lower())
    return Match(
        because=because + so_far,
        evidence=(refusal.evidence, *rows),
        next=(
            Step("az rest --method get --url /subscriptions?api-version=2022-12-01", "whether Azure answers from here"),
            kubectl(f"describe {kind} {name}", case.subject, "whether a later attempt succeeded"),
        ),
        confidence="certain" if confidence == "certain" or told else "likely",
        verdict="wait" if young else None,
    )


CAUSE = Cause(
    id="azure-failing", verdict="problem", rule=_rule, kinds=SUBJECTS, page=__doc__, over=OVER_ACTS, needs=("azure",)
)

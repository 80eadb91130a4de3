"""Azure answers that too many requests have been made.

What it is
    Azure Resource Manager or its compute provider counts requests for each subscription, identity and machine, and
    refuses those above. The driver waits and tries again, so everything that moves disks becomes slow for everybody:
    usually many disks move at once, in an upgrade or after a lost node, or somebody else asks in a loop.

How it is recognised
    Words: HTTP 429, `TooManyRequests`, `SubscriptionRequestsThrottled`; `client throttled`, `throttled due to too many
    requests` (the driver's own waiting; AKS#1187, AKS#1413, azclient retryrepectthrottled). Retry-After says for how
    long.
    States: the driver gets no answer in time (it retries a 429 by itself), and Azure answers 429 to this program, too.

What it is not
    Azure's own failures (`azure-failing`). One machine whose update does not end (`machine-stuck`).

Next
    Let it pass; each further attempt by hand makes it longer. See who asks so much, and move fewer disks at a time.

Links
    https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.arm import arm_error
from aksdisks.inspection.diagnosis.case import SUBJECTS, Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.refusals import OVER_ACTS, refused
from aksdisks.inspection.diagnosis.rows import attachment_rows, disk_rows
from aksdisks.inspection.diagnosis.words import heard
from aksdisks.model import Unknown

_WHO = Step(
    "az monitor activity-log list --offset 1h --status Failed --query \"[?contains(to_string(@), '429')].caller\"",
    "who was refused in the last hour",
)


def _rule(case: Case) -> Match | None:
    refusal = refused(case, "throttled")
    if refusal is not None:
        retry = refusal.arm.retry_after
        wait = f", again in {retry} s" if retry else ""
        return Match(
            because=f"Azure does not {refusal.what} now, because too many requests have been made{wait}",
            evidence=(refusal.evidence, *attachment_rows(case), *disk_rows(case)),
            next=(_WHO,),
        )
    silent = refused(case, "azure-silent", "attach-timeout")
    told = silent and _told(case)
    if silent is None or not told:
        return None
    retry = arm_error(told).retry_after
    wait = f", again in {retry} s" if retry else ""
    return Match(
        because=f"the driver gets no answer in time to {silent.what}, and Azure says of too many requests{wait}",
        evidence=(silent.evidence, Evidence("Azure", "Azure Resource Manager", told, case.seen.inventory.taken)),
        next=(_WHO,),
        confidence="likely",
    )


def _told(case: Case) -> str:
    """Azure's own word to this program that it throttles; empty where it said nothing of the kind."""
    inventory = case.seen.inventory
    answers = [each.because for each in (inventory.disks, inventory.machines) if isinstance(each, Unknown)]
    return next((text for text in answers if any(each.id == "throttled" for each in heard(text))), "")


CAUSE = Cause(
    id="throttled", verdict="problem", rule=_rule, kinds=SUBJECTS, page=__doc__, over=(*OVER_ACTS, "azure-failing")
)

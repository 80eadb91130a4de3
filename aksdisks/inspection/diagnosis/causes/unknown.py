"""It does not go on, and nothing that was seen says why.

What it is
    No rule of the catalogue fits. It is said rather than guessed: an unknown cause is no proof that disks are fine.

How it is recognised
    States: a pod is not Ready, and its last step is longer ago than pods take to start; or a claim is Pending, and the
    driver refuses to make its disk in words that the catalogue does not know.

What it is not
    A pod that has only just been placed (`starting`), or whose image or program fails (`image`, `crash`).

Next
    `kubectl describe` shows events and conditions, `kubectl logs` what the program says. If disks turn out to be at
    fault, the words of the events are worth reporting, so that the catalogue learns them.

Links
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.causes.provisioning import WORRY
from aksdisks.inspection.diagnosis.causes.starting import PATIENCE, last_step
from aksdisks.inspection.diagnosis.refusals import act_of
from aksdisks.inspection.diagnosis.rows import claim_row, duration, kubectl, pod_row


def _rule(case: Case) -> Match | None:
    if case.kind == "PersistentVolumeClaim":
        return _of_claim(case)
    pod = case.pod
    if case.kind != "Pod" or pod is None or pod.deleting or pod.ready:
        return None
    waited = case.seen.age(last_step(case, pod))
    if waited is not None and waited < PATIENCE:
        return None
    since = "" if waited is None else f" {duration(waited)} after its last step"
    return Match(
        because=f"it is not Ready{since}, and nothing that was seen says why",
        evidence=(pod_row(pod), *case.messages[-3:]),
        next=(kubectl(f"describe pod {pod.name}", pod, "what its events and conditions say"),),
        confidence="likely",
    )


def _of_claim(case: Case) -> Match | None:
    claim = case.claim
    if claim is None or claim.phase != "Pending" or claim.deleting:
        return None
    refusals = [row for row in case.messages if act_of(row) == "make"]
    age = case.seen.age(claim.created)
    if not refusals or (age is not None and age < WORRY):
        return None
    return Match(
        because=f"its {case.medium} could not be made, for a reason that the catalogue does not know",
        evidence=(claim_row(claim), *refusals[-3:]),
        next=(kubectl(f"describe pvc {claim.name}", claim, "what the driver says of each attempt"),),
        confidence="likely",
    )


CAUSE = Cause(
    id="unknown",
    verdict="problem",
    rule=_rule,
    kinds=("Pod", "PersistentVolumeClaim"),
    page=__doc__,
    of_pod=True,
    fallback=True,
    needs=("azure", "files"),
)

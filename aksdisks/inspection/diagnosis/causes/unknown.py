"""The pod does not run, and nothing that was seen says why.

What it is
    No rule of the catalogue fits. It is said rather than guessed: an unknown cause is no proof that disks are fine.

How it is recognised
    States: the pod is not Ready, longer than pods take to start, and no other cause fits.

What it is not
    A pod that has only just been placed (`starting`), or whose image or program fails (`image`, `crash`).

Next
    `kubectl describe pod` shows its events and conditions, `kubectl logs` what its program says. If disks turn out to
    be at fault, the words of the events are worth reporting, so that the catalogue learns them.

Links
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.rows import duration, kubectl, pod_row

_PATIENCE = 600.0  # cluster seconds: longer than any usual start


def _rule(case: Case) -> Match | None:
    pod = case.pod
    if case.kind != "Pod" or pod is None or pod.deleting:
        return None
    age = case.seen.age(pod.created)
    if age is not None and age < _PATIENCE:
        return None
    waited = "" if age is None else f" {duration(age)} after it was made"
    return Match(
        because=f"it is not Ready{waited}, and nothing that was seen says why",
        evidence=(pod_row(pod), *case.messages[-3:]),
        next=(kubectl(f"describe pod {pod.name}", pod, "what its events and conditions say"),),
        confidence="likely",
    )


CAUSE = Cause(
    id="unknown",
    verdict="problem",
    rule=_rule,
    page=__doc__,
    of_pod=True,
    fallback=True,
    needs=("azure",),
)

"""The pod is on its way: being placed, mounting, or starting its containers.

What it is
    Everything that a pod has to go through takes its time: a node is chosen in seconds, a disk is attached in 15 s to
    a minute, mounted in seconds, images are pulled, and readiness probes want to be answered. It is worth a look once
    nothing has moved for ten minutes.

How it is recognised
    States: the pod is not Ready and not being deleted, and its last step (made, placed, attached, image pulled,
    container started) is less than ten minutes of cluster time ago.

What it is not
    An attachment that is not done yet (`attach-slow`). Images and programs that fail (`image`, `crash`). A pod that
    has stood still for longer, with nothing that says why (`unknown`).

Next
    Wait: `kubectl get pod --watch` shows when it runs.

Links
    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from datetime import datetime

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.rows import attachment_rows, duration, kubectl, pod_row
from aksdisks.model import Pod

PATIENCE = 600.0
"""Cluster seconds after which a pod that made no step is worth a look: longer than any usual start."""


def last_step(case: Case, pod: Pod) -> datetime | None:
    """When the pod came further last, as far as anything tells."""
    steps = [pod.created, *(each.since for each in pod.conditions if each.status == "True")]
    steps += [event.last for event in case.seen.events_of(pod) if event.type == "Normal"]
    steps += [case.attachment.created] if case.attachment else []
    return max(filter(None, steps), default=None)


def _rule(case: Case) -> Match | None:
    pod = case.pod
    if case.kind != "Pod" or pod is None or pod.deleting or pod.ready:
        return None
    waited = case.seen.age(last_step(case, pod))
    if waited is not None and waited >= PATIENCE:
        return None
    since = "" if waited is None else f"; its last step was {duration(waited)} ago"
    return Match(
        because=f"{_where(case, pod)}{since}, worry after 10 min without one",
        evidence=(pod_row(pod), *attachment_rows(case)),
        next=(kubectl(f"get pod {pod.name} --watch", pod, "when it is Ready"),),
        confidence="likely" if waited is None else "certain",
    )


def _where(case: Case, pod: Pod) -> str:
    if not pod.node:
        return "it has no node yet"
    if case.waits_for_disk:
        return f"it was placed on {pod.node}, and its disk comes"
    if case.mounted:
        return f"its containers start on {pod.node}"
    return f"it was placed on {pod.node}, and its volumes are mounted"


CAUSE = Cause(id="starting", verdict="wait", rule=_rule, kinds=("Pod",), page=__doc__, of_pod=True, fallback=True)

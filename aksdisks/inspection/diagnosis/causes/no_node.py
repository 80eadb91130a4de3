"""No node takes the pod, for reasons that are not about disks.

What it is
    The scheduler finds no node with enough free CPU or memory, without a taint that the pod does not tolerate, or that
    its selectors allow. Its disk, if it has one already, has nothing to do with it. A pod with a scheduling gate waits
    for whoever removes the gate.

How it is recognised
    States: the pod has no node; its condition PodScheduled is False.
    Words: FailedScheduling `0/3 nodes are available: …` (kubernetes pkg/scheduler), with reasons that no other cause
    explains; `SchedulingGated`.

What it is not
    Zones (`zone-mismatch`), places for disks (`no-disk-slot`), a claim that is not there (`no-claim`), or one that
    cannot be provisioned: then the scheduler's `binding volumes: …` and `unbound immediate PersistentVolumeClaims` are
    only consequences.

Next
    The scheduler's sentence counts the nodes by reason. `kubectl describe nodes` shows what they have left.

Links
    https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
"""

from __future__ import annotations

from datetime import datetime

from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.rows import duration, kubectl, pod_row
from aksdisks.inspection.diagnosis.words import heard
from aksdisks.inspection.diagnosis.zones import placing
from aksdisks.model import Pod

_OF_CLAIMS = {
    "unbound-immediate",
    "bind-timed-out",
    "ephemeral-claim-awaited",
    "claim-not-found",
    "claim-goes",
    "volume-not-there",
}
_YOUNG = 30.0  # cluster seconds: pods and claims that are applied together find each other within moments
_GROWS = 900.0  # cluster seconds in which a node that the autoscaler asked for comes, or is given up


def _rule(case: Case) -> Match | Not | None:
    pod = case.pod
    if case.kind != "Pod" or pod is None or pod.node or pod.deleting:
        return None
    if pod.gates:
        return _gated(pod)
    refusals = [row for row in case.messages if row.says.startswith("FailedScheduling")]
    age = case.seen.age(pod.created)
    if not refusals or (age is not None and age < _YOUNG):
        return None
    last = refusals[-1]
    if _OF_CLAIMS & {each.id for each in heard(last.says)}:
        return Not("what the scheduler says is a consequence of the claim's trouble")
    if placing(case) is not None:
        return None  # the volume's zone says more
    words = last.says.partition(": ")[2].partition(" preemption:")[0].removesuffix(" no new claims to deallocate,")
    grows = [event for event in case.seen.events_of(pod, "TriggeredScaleUp") if _recent(case, event.last)]
    waited = "" if age is None else f" for {duration(age)}"
    return Match(
        because=f"no node takes it{waited}: {words.strip()}" + ("; a node is being added" if grows else ""),
        evidence=(last, pod_row(pod), *map(said, grows[-1:])),
        next=(
            kubectl(f"describe pod {pod.name}", pod, "what the pod asks for, and the scheduler's last word"),
            Step("kubectl describe nodes", "what each node has left, and its taints"),
        ),
        verdict="wait" if grows else None,
    )


def _recent(case: Case, moment: datetime | None) -> bool:
    age = case.seen.age(moment)
    return age is not None and age < _GROWS


def _gated(pod: Pod) -> Match:
    gates = ", ".join(pod.gates)
    return Match(
        because=f"it is not to be placed before somebody removes its scheduling gate: {gates}",
        evidence=(pod_row(pod),),
        next=(kubectl(f"get pod {pod.name} --output jsonpath='{{.spec.schedulingGates}}'", pod, "which gates it has"),),
        verdict="expected",
    )


CAUSE = Cause(
    id="no-node",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    of_pod=True,
    fallback=True,
    over=("starting", "unknown"),
)

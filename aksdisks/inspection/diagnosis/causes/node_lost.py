"""The pod's own node is NotReady or gone.

What it is
    The kubelet of the node does not answer, or says itself that it is not ready: nothing is mounted or started there.
    After five minutes Kubernetes marks the node's pods for deletion, but a pod on a node that does not answer stays
    Terminating until the node is back, is deleted, or is marked as out of service.

How it is recognised
    States: the pod is placed on a node that is NotReady, or that is not among the nodes.
    Words: none are needed; the node's condition Ready says why, such as `Kubelet stopped posting node status.`

What it is not
    A pod on a Ready node that waits for a disk which a lost node has (`holder-lost`). A node that joined minutes ago
    and is getting ready: that is a wait.

Next
    See whether the machine runs. If it does, look at its kubelet and its network, or restart it. Only if it has stopped
    for good, mark the node as out of service or delete it, so that its pods and disks can move.

Links
    https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/availability-performance/node-not-ready-basic-troubleshooting
    https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.rows import (
    attachment_rows,
    lost_rows,
    machine_rows,
    machine_state,
    out_of_service,
    pod_row,
    whether_stopped,
)

_NEW = 300.0
"""Cluster seconds in which a machine that has just joined gets ready: its network, then its drivers."""


def _rule(case: Case) -> Match | None:
    pod = case.pod
    if pod is None or not case.seen.lost(pod.node):
        return None
    node, gone = case.node, case.seen.gone(pod.node)
    machine = case.seen.machine(pod.node)
    rows = (*lost_rows(case.seen, pod.node), pod_row(pod), *attachment_rows(case), *machine_rows(machine))
    age = case.seen.age(node.created) if node else None
    if age is not None and age < _NEW:
        step = Step(f"kubectl get node {pod.node} --watch", "when the node is Ready")
        return Match(f"its node {pod.node} has just joined and is not Ready yet", rows, (step,), verdict="wait")
    why = f": {node.ready_reason.rstrip('.')}" if node and node.ready_reason else ""
    because = f"its node {pod.node} is {'gone from the cluster' if gone else 'NotReady'}{why}"
    steps = [machine_state(case, pod.node)]
    if not gone:
        steps.append(Step(f"kubectl describe node {pod.node}", "since when it is NotReady, and what it said last"))
        steps.append(out_of_service(pod.node))
    return Match(because + whether_stopped(case, pod.node), rows, tuple(steps))


CAUSE = Cause(
    id="node-lost",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    of_pod=True,
    over=("detach-pending",),
    needs=("azure",),
)

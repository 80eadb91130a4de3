"""The disk is held by a pod or a node that is lost, and Kubernetes does not take it away on its own.

What it is
    The node that has the disk is NotReady, or the pod that used it there is being deleted and does not end. Kubernetes
    cannot know whether that pod still writes, so it does not attach the disk elsewhere while the pod counts. Only when
    the pod no longer counts does it detach by force, six minutes later. A StatefulSet makes no replacement while the
    old pod exists.

How it is recognised
    States: the pod is placed; the volume is attached to another node, which is NotReady; or the pod there that mounts
    the claim is being deleted and should have ended minutes ago.
    Words: `Multi-Attach error for volume "…" Volume is already …` of either wording, which also a Terminating pod on a
    dead node causes: the states of the pods that it names decide.

What it is not
    A pod that runs on a Ready node (`shared-claim`), or is ending in its time there (`detach-pending`). A node that is
    gone from the cluster (`stale-attachment`).

Next
    First prove in Azure that the machine has stopped or is gone. A machine that only lost its network goes on writing,
    and two machines that write to one disk destroy its filesystem. Only then mark the node as out of service: its pods
    are deleted and the disk is detached. Take the taint off again before the node comes back.

Links
    https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown
    https://github.com/kubernetes/kubernetes/issues/106710
    https://github.com/Azure/AKS/issues/4093
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.rows import (
    kubectl,
    machine_rows,
    machine_state,
    out_of_service,
    refused_rows,
    whether_stopped,
)


def _rule(case: Case) -> Match | Not | None:
    if not case.blocked:
        return None
    if case.users:
        return Not(f"{case.users[0].name} runs on {case.users[0].node}, which is Ready") if case.refusal else None
    held = next((each for each in case.holders if case.seen.lost(each.node) or case.overdue(each)), None)
    left = [each.node for each in case.elsewhere if case.seen.lost(each.node)]
    node = held.node if held else next(iter(left), "")
    if not node:
        return None
    lost = case.seen.lost(node)
    state = "gone" if case.seen.gone(node) else "NotReady" if lost else "Ready"
    if held is None:
        because = f"the disk is still on {node}, which is {state}"
    elif held.deleting:
        because = f"{held.name} still holds the disk: it is Terminating on {node}, which is {state}"
    else:
        because = f"{held.name} still holds the disk on {node}, which is {state}"
    machine = case.seen.machine(node)
    if not lost and held is not None:
        steps = [kubectl(f"describe pod {held.name}", held, "why it does not end: its finalizers and its last events")]
    else:
        because += whether_stopped(case, node)
        steps = [machine_state(case, node), out_of_service(node)]
    return Match(because, (*refused_rows(case), *machine_rows(machine)), tuple(steps))


CAUSE = Cause(
    id="holder-lost",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    over=("detach-pending",),
    needs=("azure",),
)

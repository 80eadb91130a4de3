"""The disk is being taken off the node where it was, and can be attached once that has ended.

What it is
    A pod moved. Before its disk can be attached to the new node, the old pod must end, the kubelet there unmount the
    volume, and Azure detach the disk. Usually that takes less than a minute after the old pod's end.

How it is recognised
    States: the pod is placed; the volume is still attached to another node, which is Ready; no pod there uses the claim
    any more, or the one that does is being deleted and its time to end has not long passed.
    Words: `Multi-Attach error for volume "…" Volume is already exclusively attached to one node and can't be attached
    to another` (kubernetes reconciler.go), which says that no pod counts there. It is told once, so it may be old.

What it is not
    A pod that goes on using the claim (`shared-claim`). A node that is NotReady (`holder-lost`) or gone
    (`stale-attachment`). A detach that failed (`detach-failed`), or a machine whose change does not end
    (`machine-stuck`).

Next
    Wait. It is worth a look if it takes longer than six minutes: then see what the old machine does in Azure.

Links
    https://github.com/kubernetes/kubernetes/issues/96142
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/tree/master/docs/known-issues
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.rows import duration, machine_state, refused_rows

_USUAL = 60.0
_PATIENCE = 360.0
"""Cluster seconds: Kubernetes itself waits so long for an unmount before it forces a detach (facts D)."""


def _rule(case: Case) -> Match | Not | None:
    if not case.blocked:
        return None
    if case.users:
        first = case.users[0]
        return Not(f"{first.name} goes on using the claim on {first.node}") if case.refusal else None
    nodes = list(dict.fromkeys([each.node for each in case.elsewhere] + [each.node for each in case.holders]))
    if lost := [name for name in nodes if case.seen.lost(name)]:
        return Not(f"{lost[0]} is {'gone' if case.seen.gone(lost[0]) else 'NotReady'}")
    if late := [each for each in case.holders if case.overdue(each)]:
        return Not(f"{late[0].name} should have ended long since")
    where = f"on {nodes[0]}" if nodes else "on another node"
    why = f", where {case.holders[0].name} is ending" if case.holders else ", where nobody uses it any more"
    because = f"the disk is still {where}{why}: it comes once it is detached there"
    steps = [Step("kubectl get volumeattachments --watch", "when the disk leaves the old node")]
    if nodes:
        steps.append(machine_state(case, nodes[0]))
    late_by = case.waited is not None and case.waited > _PATIENCE and not case.holders
    if not late_by or case.waited is None:
        # While all is as it usually is, Azure has nothing to add.
        usual = case.waited is not None and case.waited < _USUAL
        return Match(because, tuple(refused_rows(case)), tuple(steps), needs=() if usual else None)
    because += f"; {duration(case.waited)} are longer than a detach takes"
    return Match(because, tuple(refused_rows(case)), tuple(reversed(steps)), "likely", "problem")


CAUSE = Cause(id="detach-pending", verdict="wait", rule=_rule, kinds=("Pod",), page=__doc__, needs=("azure",))

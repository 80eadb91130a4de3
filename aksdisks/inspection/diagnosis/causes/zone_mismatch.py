"""The disk and the nodes are in different zones.

What it is
    A disk of a locally redundant SKU is in one zone, or in none, and only machines of the same zone, or of none, can
    have it. The volume's node affinity says so to the scheduler. The pod has no node because no node of that zone can
    take it: there is none (an emptied or scaled-down pool, a restore into another zone, zones that were added to the
    cluster later), or those that there are, are full or closed.

How it is recognised
    States: the pod has no node, and no node's `topology.disk.csi.azure.com/zone` or `topology.kubernetes.io/zone` is
    among the volume's zones; a non-zonal disk with zonal nodes is such a case too.
    Words: `node(s) didn't match PersistentVolume's node affinity` since Kubernetes 1.33, `node(s) had volume node
    affinity conflict` before (volumebinding/binder.go), `node(s) had no available volume zone` (volumezone). Azure, of
    a volume that says nothing of zones: `not in the same zone as the VM. VM zone: '1'. Disk zone: '2'.`

What it is not
    Nodes that are in the right place and only labelled otherwise (`zone-label-mismatch`). Nodes that refuse the pod
    for other reasons (`no-node`).

Next
    A node in the disk's zone: a node pool for each zone, or one that the autoscaler can grow there. For new volumes a
    zone-redundant SKU (`*_ZRS`) and WaitForFirstConsumer. Moving the disk itself needs a snapshot.

Links
    https://learn.microsoft.com/azure/aks/availability-zones-overview
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.refusals import refused
from aksdisks.inspection.diagnosis.rows import attachment_rows, disk_state
from aksdisks.inspection.diagnosis.zones import placing, show, usable, zone_row

_NODES = Step(
    "kubectl get nodes --label-columns topology.disk.csi.azure.com/zone,topology.kubernetes.io/zone",
    "which nodes are in which zone, and whether they take pods",
)


def _rule(case: Case) -> Match | Not | None:
    if case.kind == "Pod" and case.pod and case.pod.node:
        return _at_attach(case)
    found = placing(case)
    if found is None:
        return None
    zones = " or ".join(map(show, found.volume.zones)) or "another zone than the nodes"
    of_disk = f"the disk of {case.claim.name if case.claim else found.volume.name} is in {zones}"
    if not found.inside and found.outside:
        others = ", ".join(sorted({show(node.disk_zone or node.zone) for node in found.outside}))
        return _match(case, f"{of_disk}, and all nodes are in {others}", *found.rows)
    if found.told is None:
        return None
    if found.inside and not usable(found.inside):
        closed = ", ".join(node.name for node in found.inside[:3])
        return _match(case, f"{of_disk}, and the only nodes there ({closed}) take no pods", *found.rows)
    because = f"{of_disk}, and no node there takes the pod"
    return _match(case, because, *found.rows, certain=False)


def _at_attach(case: Case) -> Match | None:
    refusal = refused(case, "not-in-zone") if case.waits_for_disk else None
    if refusal is None or case.volume is None or case.pod is None:
        return None
    groups = refusal.saying.groups
    disk, machine = groups.get("disk", groups.get("zone")), groups.get("machine")
    zones = f" (disk: {show(disk or '')}, machine: {show(machine or '')})" if machine is not None else ""
    nodes = [zone_row(case.node)] if case.node else []
    because = (
        f"Azure does not {refusal.act} {case.volume.name}: its disk is in another zone than {case.pod.node}{zones}"
    )
    return _match(case, because, refusal.evidence, *nodes, *attachment_rows(case))


def _match(case: Case, because: str, *rows: Evidence, certain: bool = True) -> Match:
    return Match(
        because=because,
        evidence=rows,
        next=(_NODES, disk_state(case)),
        confidence="certain" if certain else "likely",
    )


CAUSE = Cause(id="zone-mismatch", verdict="problem", rule=_rule, kinds=("Pod",), page=__doc__, over=("attach-slow",))

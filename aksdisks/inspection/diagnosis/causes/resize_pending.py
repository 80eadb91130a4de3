"""The claim grows, and is not done yet.

What it is
    The claim asks for more than it has. First Azure's disk grows, in seconds, then the file system, on the node, the
    next time its kubelet looks (within a minute or so) or when a pod mounts the claim. Without a pod it waits for one.

How it is recognised
    States: the claim's condition Resizing or FileSystemResizePending, its allocatedResourceStatuses, or a request above
    its capacity; none of them says that it failed. (kubernetes staging/src/k8s.io/api/core/v1/types.go)
    Words: `ExternalExpanding` `waiting for an external controller to expand this PVC`, `FileSystemResizeRequired`
    `Require file system resize of volume on node`.

What it is not
    An expansion that is refused (`resize-failed`).

Next
    Wait. With FileSystemResizePending and no pod: start one that mounts the claim.

Links
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.claims import RESIZE_ERRORS, condition, is_expanding, wants_more
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import duration, kubectl


def _rule(case: Case) -> Match | Not | None:
    claim = case.claim
    if case.kind != "PersistentVolumeClaim" or claim is None or claim.deleting or not is_expanding(claim):
        return None
    if condition(claim, *RESIZE_ERRORS) or claim.resize_status.endswith("Infeasible"):
        return Not("its status says that the expansion failed")
    about = f"PersistentVolumeClaim {claim.key}"
    under_way = condition(claim, "FileSystemResizePending", "Resizing")
    on_node = claim.resize_status.startswith("Node") or bool(under_way and under_way.type == "FileSystemResizePending")
    users = [pod for pod in case.seen.pods_of(claim.key) if pod.node]
    if not on_node:
        why = f"Azure's {case.medium} is being expanded"
    elif users:
        why = f"its file system is being expanded on {users[0].node}, where {users[0].name} mounts it"
    else:
        why = f"its {case.medium} has grown, and its file system grows when a pod mounts it"
    age = case.seen.age(under_way.since) if under_way else None
    sizes = f" from {claim.capacity} to {claim.requested}" if wants_more(claim) else ""
    status = under_way.type if under_way else claim.resize_status or f"asks for {claim.requested}"
    events = case.seen.events_of(claim, "ExternalExpanding", "Resizing", "FileSystemResizeRequired")
    so_far = "" if age is None else f", for {duration(age)} so far"
    return Match(
        because=f"it grows{sizes}: {why}{so_far}; that takes a minute or two, worry after 10 min",
        evidence=(
            Evidence("Kubernetes", about, f"{status}; has {claim.capacity}, asks for {claim.requested}"),
            *map(said, events[-1:]),
        ),
        next=(kubectl(f"get pvc {claim.name} --watch", claim, "when its capacity is what it asks for"),),
    )


CAUSE = Cause(
    id="resize-pending",
    verdict="wait",
    rule=_rule,
    kinds=("PersistentVolumeClaim",),
    page=__doc__,
    over=("claim-kept",),
)

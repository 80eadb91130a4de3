"""At each start of its pods the kubelet gives every file of their disks to a group.

What it is
    The pod template sets `fsGroup` and leaves `fsGroupChangePolicy` at its default, `Always`, and its pods mount an
    Azure disk.

Why it hurts
    Before the containers start, the kubelet walks over all files of the volume and changes owner and mode of each. With
    millions of files that takes from minutes to hours, at every restart and every move to another node, and little is
    told meanwhile.

Instead
    Set `fsGroupChangePolicy: OnRootMismatch` beside `fsGroup`: the kubelet then looks at the volume's root, and walks
    only where that has another owner or mode.

Not meant
    Volumes that are no disks: the driver of Azure Files changes no owners, and `emptyDir` ignores the policy. Programs
    that make files with other owners, and need them given to the group at each start: those want `Always`.

Opposed by
    No check that we know of.

Links
    https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods
    https://github.com/Azure/AKS/issues/3865
    https://github.com/kubernetes/kubernetes/issues/67014
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.workloads import WORKLOADS
from aksdisks.inspection.lint.world import World
from aksdisks.model.decoding import mapping


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    workload = world.workload(manifest)
    if workload is None:
        return
    context = mapping(workload.pod, "securityContext")
    group = context.get("fsGroup")
    if group is None or context.get("fsGroupChangePolicy") == "OnRootMismatch":
        return
    claims = [claim.name for claim in world.disks(workload) if claim.raw.get("spec", {}).get("volumeMode") != "Block"]
    if claims:
        place = (*workload.template_path, "spec", "securityContext")
        yield Hit(
            because=f"at each start the kubelet gives all files of claim {' and '.join(claims)} to group {group}",
            place=(*place, "fsGroup"),
            edits=(Edit((*place, "fsGroupChangePolicy"), "OnRootMismatch"),),
            patchable=workload.kind not in ("Pod", "Job"),
        )


RULE = Rule(id="fsgroup-recursive", level="warning", judge=_judge, kinds=WORKLOADS, page=__doc__)

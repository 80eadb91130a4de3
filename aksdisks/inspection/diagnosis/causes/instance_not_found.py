"""The disk driver cannot find the node's machine in Azure.

What it is
    To attach or detach a disk, the driver looks up the machine behind the node by the node's name. It finds none: the
    machine was deleted, it stands in a resource group or scale set where the driver does not look, or the driver's
    list of machines is old. Pods there get no disk, after minutes of Multi-Attach errors if they moved.

How it is recognised
    States: Azure's list of machines, where it can be read, has the node's machine or not, which tells both apart.
    Words: `failed to get azure instance id for node "…" (instance not found)` (azuredisk-csi-driver
    pkg/azuredisk/controllerserver.go), in the VolumeAttachment's attachError or the pod's FailedAttachVolume.

What it is not
    A machine that the driver finds and cannot use as a scale set's instance (`not-a-vmss-instance`). A node that is
    NotReady (`node-lost`, `holder-lost`): the words are more specific.

Next
    Compare the node's providerID with what Azure lists. If the machine is gone, delete the node. If it is there, move
    the pod to another node (cordon this one first) and report it: the driver's controller must learn of the machine.

Links
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/1047
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/3118
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import attachment_rows, lost_rows, machine_rows, machine_state
from aksdisks.model import Machine


def _rule(case: Case) -> Match | Not | None:
    if not case.waits_for_disk and not case.unwaited:
        return None
    word = case.says("instance-not-found")
    if word is None:
        return None
    node = word.groups.get("node") or (case.pod.node if case.pod else "")
    machine, known = case.seen.machine(node), case.seen.node(node)
    because, rows = f"the disk driver does not find the machine of node {node} in Azure", list(machine_rows(machine))
    if isinstance(machine, Machine):
        because += f", although Azure lists it as {machine.name}"
    elif machine is None and known and case.seen.lists(known.provider_id):
        because += ", and Azure does not list it either"
        rows.append(Evidence("Azure", f"machine of {node}", "there is no such machine in the node resource group"))
    place = f"kubectl get node {node} --output jsonpath={{.spec.providerID}}"
    return Match(
        because,
        (word.evidence, *lost_rows(case.seen, node), *attachment_rows(case), *rows),
        (machine_state(case, node), Step(place, "where Kubernetes believes that the machine is")),
    )


CAUSE = Cause(
    id="instance-not-found",
    verdict="problem",
    rule=_rule,
    page=__doc__,
    over=("holder-lost", "node-lost", "detach-failed", "detach-pending"),
    needs=("azure",),
)

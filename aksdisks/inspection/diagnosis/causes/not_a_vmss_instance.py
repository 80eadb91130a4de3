"""The disk driver takes every machine for a scale set's instance, and the node's is a virtual machine by itself.

What it is
    Karpenter (node auto provisioning) and pools of type VirtualMachines make virtual machines that stand in no scale
    set. A cluster that is older than November 2023 tells its driver that there are none of these, so that the driver
    refuses to look for them.

How it is recognised
    States: the node's providerID names no scale set.
    Words: `could not get disk lun for volume …: not a vmss instance` (cloud-provider-azure pkg/provider/azure_vmss.go,
    quoted by the driver), in the attachError or the pod's FailedAttachVolume.

What it is not
    A machine that is nowhere in Azure (`instance-not-found`).

Next
    Add a node pool of type VirtualMachines and delete it again, or enable node auto provisioning: both tell the driver
    that such machines exist. Until then, let pods with disks run on the nodes of scale sets.

Links
    https://github.com/Azure/karpenter-provider-azure/issues/1789
    https://github.com/Azure/karpenter-provider-azure/issues/1350
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import attachment_rows


def _rule(case: Case) -> Match | None:
    word = case.says("not-a-vmss-instance") if case.waits_for_disk else None
    if word is None or case.pod is None:
        return None
    node = case.pod.node
    place = case.node.provider_id if case.node else ""
    rows = [Evidence("Kubernetes", f"Node {node}", f"providerID {place}")] if place else []
    return Match(
        f"the disk driver looks for node {node} among the scale sets' instances, and it is none",
        (word.evidence, *rows, *attachment_rows(case)),
        (
            Step(
                f"kubectl get node {node} --output jsonpath={{.spec.providerID}}",
                "that the machine stands in no scale set: its id does not name one",
            ),
            Step(
                "az aks nodepool add --resource-group CLUSTER_GROUP --cluster-name CLUSTER --name vmstmp "
                "--vm-set-type VirtualMachines --vm-sizes Standard_D2s_v5 --node-count 1",
                "the driver learns of machines outside scale sets; the pool can be deleted afterwards",
            ),
        ),
    )


CAUSE = Cause(
    id="not-a-vmss-instance",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    over=("attach-slow", "instance-not-found"),
)

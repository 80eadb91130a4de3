"""The driver of the volume is not registered on the node.

What it is
    Each node runs a part of the disk driver, which mounts disks and stands in the node's CSINode, and one of the driver
    of Azure Files. It is missing while a node starts, after an upgrade that failed, where a taint or a full node keeps
    its pod away, or while that pod crashes. Disks can neither be attached to such a node nor mounted there, shares not
    be mounted.

How it is recognised
    States: the CSINode of the pod's node, or of the node that was chosen for its claim, lists drivers, and not
    disk.csi.azure.com (of a share: file.csi.azure.com), while other nodes have it.
    Words: `CSINode … does not contain driver disk.csi.azure.com` (kubernetes-csi/external-attacher
    pkg/controller/csi_handler.go); `driver name disk.csi.azure.com not found in the list of registered CSI drivers`
    (kubernetes pkg/volume/csi/csi_client.go).

What it is not
    A driver that runs nowhere (`driver-down`). A node that joined minutes ago: its driver registers within seconds of
    its start, so that is a wait, unless the driver's pod there crashes or has no image.

Next
    Look at the driver's pod on that node. If it does not come, cordon the node and move the pod; upgrading the node
    image makes the node anew.

Links
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/2357
    https://learn.microsoft.com/azure/aks/csi-storage-drivers
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import attachment_rows, driver_app, driver_named, node_row
from aksdisks.model import DISK_DRIVERS, FILE_DRIVERS, Node, Pod, known

_NEW = 300.0
"""Cluster seconds in which a node that has just joined gets its driver."""


def _rule(case: Case) -> Match | None:
    pod = case.pod
    if pod is None or pod.deleting or case.mounted:
        return None
    word = case.says("driver-missing")
    wanted = pod.node or (case.claim.selected_node if case.claim and case.claim.phase == "Pending" else "")
    node = case.seen.node(wanted)
    driver = (word.groups.get("driver") if word else "") or _needed(case)
    if not wanted or (node and not node.ready) or (word is None and not (driver and _lacks(node, driver))):
        return None
    nodes = case.seen.inventory.nodes
    if word is None and all(_lacks(each, driver) for each in nodes) and (len(nodes) > 1 or not pod.node):
        return None  # it runs nowhere
    if word is not None and _has(node, driver):
        return None
    rows = [word.evidence] if word else []
    if node is not None:
        drivers = "not known" if node.drivers is None else ", ".join(node.drivers) or "none"
        rows += [Evidence("Kubernetes", f"CSINode {node.name}", f"drivers: {drivers}"), node_row(node)]
    age = case.seen.age(node.created) if node else None
    app = driver_app(driver)
    pods = (each for each in known(case.seen.inventory.driver_pods) if each.node == wanted)
    there = [each for each in pods if ("azurefile" in each.owner) == (app == "azurefile")]
    new = age is not None and age < _NEW and not any(map(_fails, there))
    rows += [Evidence("Kubernetes", f"Pod {each.key}", _shown(each)) for each in there]
    return Match(
        because=f"{driver_named(driver)} is not registered on node {wanted}"
        + (", which has just joined" if new else "")
        + "".join(f"; its pod there is {each.status}" for each in there[:1]),
        evidence=(*rows, *attachment_rows(case)),
        next=(
            *(_steps(there[0], app) if there else _look(wanted, app)),
            Step(f"kubectl get csinode {wanted} --output yaml", "which drivers the node has registered"),
        ),
        verdict="wait" if new else None,
    )


def _fails(pod: Pod) -> bool:
    """Whether the driver's pod does not come, however new the node is."""
    return bool(pod.restarts) or "BackOff" in pod.status or pod.status.startswith("Err")


def _shown(pod: Pod) -> str:
    restarts = f", {pod.restarts} restarts" if pod.restarts else ""
    return f"{pod.status}, {pod.containers_ready} of {pod.containers} containers ready{restarts}"


def _look(node: str, app: str) -> tuple[Step, ...]:
    look = f"kubectl get pods --namespace kube-system --selector app=csi-{app}-node --output wide"
    return (Step(look, f"whether the driver's pod on {node} runs"),)


def _steps(pod: Pod, app: str) -> tuple[Step, ...]:
    of = f"{pod.name} --namespace {pod.namespace}"
    return (
        Step(f"kubectl describe pod {of}", "what keeps the driver's pod from running"),
        Step(f"kubectl logs {of} --container {app} --previous", "what the driver said before it ended"),
    )


def _needed(case: Case) -> str:
    """The driver of the volume, or of the claim's class; empty for others than Azure's of disks and files.

    A volume of 2019 needs it, too, where the driver runs: it is migrated to it (kubernetes since 1.23).
    """
    if case.volume is not None:
        return DISK_DRIVERS[0] if case.volume.disk_id else FILE_DRIVERS[0] if case.volume.share else ""
    provisioner = case.storage_class.provisioner if case.storage_class else ""
    return provisioner if provisioner in (DISK_DRIVERS[0], FILE_DRIVERS[0]) else ""


def _has(node: Node | None, driver: str) -> bool:
    return node is not None and node.drivers is not None and driver in node.drivers


def _lacks(node: Node | None, driver: str) -> bool:
    return node is not None and node.drivers is not None and driver not in node.drivers


CAUSE = Cause(
    id="driver-missing",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    over=("driver-down", "attach-slow"),
    needs=("driver-pods",),
)

"""Rows of evidence and next steps that several causes share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote

from aksdisks.azure.compute import place
from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.findings import Evidence, Risk, Step
from aksdisks.inspection.diagnosis.seen import Seen
from aksdisks.model import DISK_DRIVERS, FILE_DRIVERS, Claim, Disk, Machine, Named, Node, Pod, Unknown, VolumeSnapshot

_INSTANCE = re.compile(
    r"/resourceGroups/([^/]+)/.*/virtualMachineScaleSets/([^/]+)/virtualMachines/([^/]+)$", re.IGNORECASE
)
_SCALE_SET = re.compile(r"^(.*-vmss)[0-9a-z]{6}$")
"""A node of a scale set is named after it, with six digits in base 36 (facts E)."""


def pod_row(pod: Pod) -> Evidence:
    """What kubectl shows of a pod, and where it is."""
    state = "Terminating" if pod.deleting else pod.status or pod.phase
    where = f"on {pod.node}" if pod.node else "no node yet"
    return Evidence("Kubernetes", f"Pod {pod.key}", f"{state}, {where}", pod.deleting)


def claim_row(claim: Claim) -> Evidence:
    """A claim's phase."""
    phase = "Terminating" if claim.deleting else claim.phase
    return Evidence("Kubernetes", f"PersistentVolumeClaim {claim.key}", phase, claim.deleting)


def snapshot_row(snapshot: VolumeSnapshot) -> Evidence:
    """Whether a VolumeSnapshot is ready, what it is made of, and of which moment."""
    state = "Terminating" if snapshot.deleting else f"readyToUse: {str(snapshot.ready).lower()}"
    of = f"claim {snapshot.claim}" if snapshot.claim else f"content {snapshot.source_content}"
    moment = snapshot.deleting or snapshot.taken or snapshot.created
    return Evidence("Kubernetes", f"VolumeSnapshot {snapshot.key}", f"{state}, of {of}", moment)


def node_row(node: Node) -> Evidence:
    """Whether a node is ready, since when, and what it says of it."""
    state = "Ready" if node.ready else "NotReady"
    why = f": {node.ready_reason}" if node.ready_reason and not node.ready else ""
    return Evidence("Kubernetes", f"Node {node.name}", f"{state}{why}", node.ready_since)


def attachment_rows(case: Case) -> Iterator[Evidence]:
    """Where Kubernetes has the volume attached, or is attaching it, or is taking it off."""
    for each in case.attachments:
        state = "is being detached from" if each.deleting else "attached to" if each.attached else "not yet attached to"
        about = f"VolumeAttachment {each.name}"
        yield Evidence("Kubernetes", about, f"{each.volume} {state} {each.node}", each.deleting or each.created)


def disk_rows(case: Case) -> Iterator[Evidence]:
    """What Azure says of the volume's disk; nothing where Azure was not asked or does not tell."""
    if isinstance(case.disk, Disk):
        holder = case.disk.managed_by.rpartition("/")[2]
        yield Evidence("Azure", f"disk {case.disk.name}", f"{case.disk.state}, on {holder or 'no machine'}")
    elif case.disk is None and case.volume and case.volume.disk_id and azure_seen(case):
        yield Evidence("Azure", f"disk {case.volume.disk_name}", "there is no such disk in the node resource group")


def machine_rows(machine: Machine | Unknown | None) -> Iterator[Evidence]:
    """What Azure says of a machine: its provisioning state and its power, as far as they were asked for."""
    if isinstance(machine, Machine):
        said = [machine.provisioning_state and f"provisioning {machine.provisioning_state}", machine.power]
        yield Evidence("Azure", f"machine {machine.name}", ", ".join(filter(None, said)) or "is there")


def azure_seen(case: Case) -> bool:
    """Whether Azure's disks and machines are known."""
    inventory = case.seen.inventory
    return not isinstance(inventory.disks, Unknown) and not isinstance(inventory.machines, Unknown)


def kubectl(words: str, about: Named, proves: str, risk: Risk = "none") -> Step:
    """A kubectl command about an object, with its namespace."""
    return Step(f"kubectl {words}" + (f" --namespace {about.namespace}" if about.namespace else ""), proves, risk)


def lost_rows(seen: Seen, *nodes: str) -> Iterator[Evidence]:
    """Of these nodes, those that are NotReady or gone, each once."""
    for name in dict.fromkeys(nodes):
        node = seen.node(name)
        if node is not None and not node.ready:
            yield node_row(node)
        elif seen.gone(name):
            yield Evidence("Kubernetes", f"Node {name}", "there is no such node")


def refused_rows(case: Case) -> Iterator[Evidence]:
    """What shows who keeps a disk from coming: the refusal, the first pod that has it, lost nodes, both sides' word."""
    if case.refusal is not None:
        yield said(case.refusal)
    for pod in case.holders[:1]:
        yield pod_row(pod)
    nodes = [each.node for each in case.holders[:1]] + [each.node for each in case.elsewhere]
    yield from lost_rows(case.seen, *nodes)
    yield from attachment_rows(case)
    yield from disk_rows(case)


def machine_state(case: Case, node: str) -> Step:
    """The command that shows in Azure whether a node's machine runs, and whether a change of it is under way."""
    found = _place(case, node)
    proves = f"whether the machine of {node} runs or has stopped, and whether a change of it is under way"
    query = '--query "instanceView.statuses[].code"'
    if match := _INSTANCE.search(found):
        group, name, number = (quote(part) for part in match.groups())
        where = f"--resource-group {group} --name {name} --instance-id {number}"
        return Step(f'az vmss get-instance-view {where} --query "statuses[].code"', proves)
    if found:
        return Step(f"az vm get-instance-view --ids {quote(found.removeprefix('azure://'))} {query}", proves)
    group = quote(node_group(case) or "NODE_RESOURCE_GROUP")
    if match := _SCALE_SET.search(node):
        computer = f"\"[?osProfile.computerName=='{node}'].{{id: id, state: provisioningState}}\""
        command = f"az vmss list-instances --resource-group {group} --name {match[1]} --query {computer}"
        return Step(command, f"whether the machine of {node} still exists")
    return Step(
        f"az vm get-instance-view --resource-group {group} --name {quote(node)} {query}",
        f"whether the machine of {node} still exists, and whether it runs",
    )


def maker(pod: Pod) -> str:
    """What makes a pod, as kubectl names it, such as `deployment/web`; empty for a bare pod or another maker.

    A Deployment's ReplicaSet is named after it (kubernetes pkg/controller/deployment/sync.go).
    """
    kind, _, name = pod.owner.partition("/")
    if kind == "ReplicaSet" and "-" in name:
        return f"deployment/{name.rpartition('-')[0]}"
    return f"{kind.lower()}/{name}" if kind in ("StatefulSet", "DaemonSet") else ""


def machine_repair(case: Case, node: str) -> Step:
    """The command that lets Azure bring a machine to the state that it should have."""
    found = _place(case, node)
    proves = f"Azure ends what it began with the machine of {node}; what runs there may be interrupted"
    if match := _INSTANCE.search(found):
        group, name, number = (quote(part) for part in match.groups())
        where = f"--resource-group {group} --name {name} --instance-ids {number}"
        return Step(f"az vmss update-instances {where}", proves, "restarts")
    machine = found.removeprefix("azure://") or f"MACHINE_OF_{node}"
    return Step(f"az vm reapply --ids {quote(machine)}", proves, "restarts")


def machine_disks(case: Case, node: str) -> Step:
    """The command that shows which disks Azure has on a node's machine, and at which LUN."""
    found = _place(case, node)
    query = '--query "storageProfile.dataDisks[].{lun: lun, disk: managedDisk.id}"'
    proves = f"which disks Azure has on the machine of {node}, and at which LUN"
    if match := _INSTANCE.search(found):
        group, name, number = (quote(part) for part in match.groups())
        where = f"--resource-group {group} --name {name} --instance-id {number}"
        return Step(f"az vmss show {where} {query}", proves)
    return Step(f"az vm show --ids {quote(found.removeprefix('azure://') or f'MACHINE_OF_{node}')} {query}", proves)


def _place(case: Case, node: str) -> str:
    """A machine's id, by its node's providerID, else by Azure's list; empty where neither is known."""
    known, machine = case.seen.node(node), case.seen.machine(node)
    return known.provider_id if known and known.provider_id else machine.id if isinstance(machine, Machine) else ""


def whether_stopped(case: Case, node: str) -> str:
    """The end of a sentence: what Azure says of a lost node's machine, else what must be proven; may be empty."""
    machine, known = case.seen.machine(node), case.seen.node(node)
    if isinstance(machine, Machine):
        if machine.stopped is None:
            return "; whether its machine has stopped must be proven first"
        return f"; its machine is {machine.power} in Azure" + ("" if machine.stopped else ", so it may still write")
    if machine is None and known and case.seen.lists(known.provider_id):
        return "; Azure has no such machine any more"
    return "; whether its machine has stopped must be proven first"


def out_of_service(node: str) -> Step:
    """The step that gives up a node whose machine has been proven stopped."""
    return Step(
        f"kubectl taint nodes {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute",
        "its pods are deleted and their disks detached; only once Azure has shown that the machine has stopped, "
        "because else two machines may write to one disk",
        "data",
    )


def disk_state(case: Case, disk: str = "") -> Step:
    """The command that shows in Azure whether a disk exists, and which machine holds it: the volume's, if no other."""
    disk = disk or (case.volume.disk_id if case.volume else "")
    query = '--query "{state: diskState, holder: managedBy}"'
    return Step(f"az disk show --ids {quote(disk)} {query}", "whether the disk exists, and which machine holds it")


def node_group(case: Case) -> str:
    """The resource group of the nodes, else that of the volume's disk; empty where neither is known."""
    found = next(filter(None, (place(node.provider_id) for node in case.seen.inventory.nodes)), None)
    disk = case.volume.disk_id.split("/") if case.volume else []
    return (found[1] if found else case.seen.inventory.resource_group) or (disk[4] if len(disk) > 4 else "")


def cluster_of(case: Case) -> tuple[str, str, str]:
    """Resource group, name and region of the cluster, as far as the name of the nodes' group tells (facts E)."""
    parts = node_group(case).split("_")
    if len(parts) == 4 and parts[0].upper() == "MC":
        return parts[1], parts[2], parts[3]
    return "RESOURCE_GROUP", "CLUSTER", "REGION"


def driver_named(driver: str) -> str:
    """A CSI driver for a sentence."""
    known = {DISK_DRIVERS[0]: "the disk driver", FILE_DRIVERS[0]: "the driver of Azure Files"}
    return known.get(driver, f"driver {driver}")


def driver_app(driver: str) -> str:
    """What the driver's pods are labelled after, and their container is called (AKS)."""
    return "azurefile" if driver == FILE_DRIVERS[0] else "azuredisk"


def short(node: str) -> str:
    """A node's name for a sentence."""
    return f"node {node}" if node else "no node"


def duration(seconds: float) -> str:
    """Cluster time in words, such as `40 s`, `12 min`, `3 h` or `5 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

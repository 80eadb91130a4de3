"""Rows of evidence and next steps that several causes share."""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.findings import Evidence, Risk, Step
from aksdisks.model import Claim, Disk, Machine, Named, Node, Pod, Unknown


def pod_row(pod: Pod) -> Evidence:
    """What kubectl shows of a pod, and where it is."""
    state = "Terminating" if pod.deleting else pod.status or pod.phase
    where = f"on {pod.node}" if pod.node else "no node yet"
    return Evidence("Kubernetes", f"Pod {pod.key}", f"{state}, {where}", pod.deleting)


def claim_row(claim: Claim) -> Evidence:
    """A claim's phase."""
    phase = "Terminating" if claim.deleting else claim.phase
    return Evidence("Kubernetes", f"PersistentVolumeClaim {claim.key}", phase, claim.deleting)


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


def short(node: str) -> str:
    """A node's name for a sentence."""
    return f"node {node}" if node else "no node"


def duration(seconds: float) -> str:
    """Cluster time in words, such as `40 s`, `12 min`, `3 h` or `5 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

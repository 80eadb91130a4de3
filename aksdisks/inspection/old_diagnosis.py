"""Pure rules: an inventory and its events go in, findings come out, with cause, evidence and safe next step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from aksdisks.inspection.diagnosis.multi_attach import multi_attach_events as multi_attach_events
from aksdisks.inspection.diagnosis.multi_attach import named_pods, standing_refusal
from aksdisks.model import Chain, Claim, Disk, Inventory, KubeEvent, Named, Node, Pod, known

_AZURE_WORDS = re.compile(r'"message":\s*"((?:[^"\\]|\\.)+)"')
"""In what the driver quotes of ARM's answer; the rest is the request and the answer's frame."""

Verdict = Literal["expected", "wait", "problem"]


@dataclass(frozen=True)
class Evidence:
    """One row that a finding rests on: what is said about which object, and by whom."""

    object: str
    says: str
    source: Literal["Kubernetes", "Azure"] = "Kubernetes"


@dataclass(frozen=True)
class Finding:
    """What a rule found out about one object; `next` is a command or an act that cannot do harm.

    Not yet stable: its fields and the names of its rules may change.
    """

    rule: str
    object: str
    verdict: Verdict
    cause: str
    next: str
    evidence: Sequence[Evidence]


def diagnose(inventory: Inventory) -> tuple[Finding, ...]:
    """Everything that the rules find in an inventory, by object; one cause for each pod that does not run. Pure."""
    found = [*_pods(inventory), *_claims(inventory), *_released(inventory), *_kept_claims(inventory)]
    return tuple(sorted(found, key=lambda finding: (finding.object, finding.rule)))


def _pods(inventory: Inventory) -> Iterator[Finding]:
    # Never from FailedMount: that the kubelet waited in vain is a consequence, whatever it waited for is the cause.
    for chain in inventory.chains:
        pod = chain.pod
        if pod is None or pod.ready or pod.deleting:
            continue
        if not pod.node:
            yield _unscheduled(pod, chain.claim, inventory)
            continue
        refused = standing_refusal(pod, inventory.events)
        yield _refused(pod, refused, chain, inventory) if refused else _creating(pod, chain, inventory)


def _unscheduled(pod: Pod, claim: Claim | None, inventory: Inventory) -> Finding:
    said = _messages(pod, "FailedScheduling", inventory)
    about, step = f"pod {_name(pod, inventory)}", _kubectl(f"describe pod {pod.name}", pod, inventory)
    failed = [] if claim is None or claim.phase == "Bound" else _messages(claim, "ProvisioningFailed", inventory)
    if claim and failed:
        # That the scheduler's wait for the volume ran out (FailedScheduling) is a consequence.
        says = " ".join(f"ProvisioningFailed: {failed[-1]}".split())
        words = _AZURE_WORDS.search(says)
        cause, step = (
            f"claim {claim.name} gets no disk: {words[1] if words else says}",
            _kubectl(f"describe pvc {claim.name}", claim, inventory),
        )
        return Finding("no-disk", about, "problem", cause, step, [Evidence(f"claim {_name(claim, inventory)}", says)])
    if not said:
        row = Evidence(about, f"{pod.status}, no node yet")
        return Finding("no-node-yet", about, "wait", "the scheduler has not placed it yet", step, [row])
    row = Evidence(about, f"FailedScheduling: {said[-1]}")
    return Finding("no-node", about, "problem", f"no node takes it: {said[-1]}", step, [row])


def _refused(pod: Pod, event: KubeEvent, chain: Chain, inventory: Inventory) -> Finding:
    about, holders = f"pod {_name(pod, inventory)}", _holders(pod, event, chain, inventory)
    nodes = {node.name: node for node in inventory.nodes}
    rows = [Evidence(about, f"{event.reason}: {event.message}")]
    rows += [Evidence(f"pod {_name(held, inventory)}", _whereabouts(held, nodes)) for held in holders[:1]]
    rows += _attachments(chain, inventory)
    for held in holders:
        if held.deleting or not _is_ready(held.node, nodes):
            cause = f"{held.name} still holds the volume: {_whereabouts(held, nodes)}"
            step = f"prove in Azure that the machine of {held.node} has stopped, before anything is forced"
            return Finding("holder-lost", about, "problem", cause, step, rows)
    if not holders:
        cause = "the disk is still attached to the node of a pod that is gone: the detach is under way"
        step = f"kubectl get volumeattachments  # wait while {_old_nodes(chain, inventory)} is Ready"
        return Finding("detach-pending", about, "wait", cause, step, rows)
    shared = f"claim {chain.claim.name}" if chain.claim else "claim"
    cause = f"all pods share one {shared}, so one disk; it is on {holders[0].node}, where {holders[0].name} runs"
    step = "one replica with strategy Recreate, or a StatefulSet with a claim for each pod; shared files: Azure Files"
    return Finding("shared-claim", about, "problem", cause, step, rows)


def _holders(pod: Pod, event: KubeEvent, chain: Chain, inventory: Inventory) -> list[Pod]:
    """The pods elsewhere that use the volume: those that the event names, else those that mount the claim."""
    names = named_pods(event)
    claim = chain.claim.key if chain.claim else ""
    others = [each for each in inventory.pods if each.uid != pod.uid and each.namespace == pod.namespace]
    elsewhere = [each for each in others if each.node not in ("", pod.node)]
    using = [each for each in elsewhere if claim in each.claim_keys and (each.ready or each.deleting is not None)]
    found = [each for each in elsewhere if each.name in names or each in using]
    return sorted(found, key=lambda each: (each.name not in names, each.name))


def _whereabouts(pod: Pod, nodes: dict[str, Node]) -> str:
    state = "Terminating" if pod.deleting else pod.status
    return f"{state} on {pod.node}" + ("" if _is_ready(pod.node, nodes) else ", which is NotReady")


def _is_ready(node: str, nodes: dict[str, Node]) -> bool:
    return node in nodes and nodes[node].ready


def _attachments(chain: Chain, inventory: Inventory) -> Iterator[Evidence]:
    volume = chain.volume.name if chain.volume else ""
    for attachment in inventory.attachments:
        if attachment.volume == volume:
            state = "attached to" if attachment.attached else "not yet attached to"
            yield Evidence(f"volume {volume}", f"{state} {attachment.node}")
    for disk in known(inventory.disks):
        if chain.volume and disk.id.lower() == chain.volume.disk_id.lower():
            holder = disk.managed_by.rpartition("/")[2] or "none"
            yield Evidence(f"disk {disk.name}", f"{disk.state}, on {holder}", "Azure")


def _old_nodes(chain: Chain, inventory: Inventory) -> str:
    volume = chain.volume.name if chain.volume else ""
    return ", ".join(a.node for a in inventory.attachments if a.volume == volume) or "the old node"


def _creating(pod: Pod, chain: Chain, inventory: Inventory) -> Finding:
    """Why a placed pod does not run yet, from the first link that its data still lacks."""
    attachment, claim, about = chain.attachment, chain.claim, f"pod {_name(pod, inventory)}"
    describe = _kubectl(f"describe pod {pod.name}", pod, inventory)
    if pod.status in ("ErrImagePull", "ImagePullBackOff"):
        said = [words for words in _messages(pod, "Failed", inventory) if "Failed to pull image" in words]
        cause = said[-1] if said else "its image cannot be pulled"
        row = Evidence(about, f"{pod.status} on {pod.node}")
        return Finding("no-image", about, "problem", cause, describe, [row])
    if claim is not None and claim.phase != "Bound":
        cause = f"claim {claim.name} is {claim.phase}: its disk is being made"
    elif attachment is not None and attachment.attach_error:
        cause = f"the disk could not be attached: {attachment.attach_error}"
        row = Evidence(f"volume {attachment.volume}", attachment.attach_error)
        return Finding("attach-error", about, "problem", cause, describe, [row])
    elif attachment is None or not attachment.attached:
        cause = f"its disk is not yet attached to {pod.node}"
    elif pod.status == "ContainerCreating":
        cause = "its disk is attached; it is being mounted and the container started"
    else:
        cause = f"its disk is attached; the container says {pod.status}"
    row = Evidence(about, f"{pod.status} on {pod.node}")
    step = _kubectl(f"get pod {pod.name} --watch", pod, inventory)
    return Finding("still-starting", about, "wait", cause, step, [row])


def _claims(inventory: Inventory) -> Iterator[Finding]:
    late = {each.name for each in inventory.classes if each.binding_mode == "WaitForFirstConsumer"}
    used = _used_claims(inventory)
    for claim in inventory.claims:
        about = f"claim {_name(claim, inventory)}"
        users = sorted(pod.name for pod in inventory.pods if claim.key in pod.claim_keys)
        if claim.phase == "Pending" and claim.storage_class in late and claim.key not in used:
            waits = _messages(claim, "WaitForFirstConsumer", inventory)
            rows = [Evidence(f"class {claim.storage_class}", "binds when the first pod uses the claim")]
            rows += [Evidence(about, f"WaitForFirstConsumer: {message}") for message in waits]
            cause = "no pod uses the claim yet, and its class waits for the first one"
            yield Finding("no-consumer", about, "expected", cause, "make a pod that mounts it", rows)
        if claim.deleting and users and "kubernetes.io/pvc-protection" in claim.finalizers:
            row = Evidence(about, "finalizer kubernetes.io/pvc-protection")
            cause = f"still used by {', '.join(users)}; it goes when they are gone"
            delete = _kubectl(f"delete pod {users[0]}", claim, inventory)
            step = f"{delete}  # or its owner; never remove the finalizer first"
            yield Finding("claim-protected", about, "wait", cause, step, [row])


def _released(inventory: Inventory) -> Iterator[Finding]:
    for volume in inventory.volumes:
        if volume.phase == "Released":
            about, kept = f"volume {volume.name}", volume.reclaim_policy == "Retain"
            cause = "its claim is gone; " + ("the disk is kept on purpose" if kept else "the disk is being deleted")
            row = Evidence(about, f"Released, reclaim policy {volume.reclaim_policy}")
            step = f"kubectl describe pv {volume.name}"
            yield Finding("volume-released", about, "expected" if kept else "wait", cause, step, [row])


def _kept_claims(inventory: Inventory) -> Iterator[Finding]:
    used = _used_claims(inventory)
    for chain in inventory.chains:
        claim, disk = chain.claim, chain.disk
        if chain.pod or claim is None or claim.phase != "Bound" or claim.deleting or claim.key in used:
            continue
        about = f"claim {_name(claim, inventory)}"
        rows = [Evidence(about, "Bound, and no pod mounts it")]
        if isinstance(disk, Disk):
            rows.append(Evidence(f"disk {disk.name}", disk.state, "Azure"))
        cause = "no pod uses it; a claim outlives its pod, and its disk is paid for"
        step = "kubectl delete pvc NAME, only when its data is no longer wanted"
        yield Finding("claim-kept", about, "expected", cause, step, rows)


def _used_claims(inventory: Inventory) -> set[str]:
    return {key for pod in inventory.pods for key in pod.claim_keys}


def _name(value: Named, inventory: Inventory) -> str:
    """An object's name, with its namespace where the inventory holds several."""
    return value.name if inventory.namespace else value.key


def _kubectl(act: str, value: Named, inventory: Inventory) -> str:
    """A kubectl command about an object; it names the namespace where the inventory holds several."""
    return f"kubectl {act}" + ("" if inventory.namespace else f" --namespace {value.namespace}")


def _messages(about: Named, reason: str, inventory: Inventory) -> list[str]:
    return [event.message for event in inventory.events if event.object_uid == about.uid and event.reason == reason]

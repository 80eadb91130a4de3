"""Pure scheduling filters: may this pod run on this node, and if not, why, in the scheduler's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aksdisks.lab.controllers.storage import matches_terms
from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.quantities import parse

HELPLESS = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"

UNSCHEDULABLE_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


@dataclass(frozen=True)
class Refusal:
    """Why a node does not do; `resolvable` when other pods going away could change it."""

    reasons: tuple[str, ...]
    resolvable: bool = False


@dataclass(frozen=True)
class NodeView:
    """A node as the scheduler's snapshot has it: with the pods assigned, or about to be."""

    node: Object
    pods: tuple[Object, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The node's name."""
        return str(self.node["metadata"]["name"])


def view(node: Object, pods: Iterable[Object]) -> NodeView:
    """The snapshot of one node."""
    return NodeView(node, tuple(pods), node["metadata"].get("labels") or {})


def refuse(pod: Object, node: NodeView) -> Refusal | None:
    """The first filter that refuses, in upstream's order; volumes are looked at after these."""
    for check in (_unschedulable, _taints, _affinity, _ports, _resources):
        refusal = check(pod, node)
        if refusal is not None:
            return refusal
    return None


def tolerates(pod: Object, taint: Mapping[str, str]) -> bool:
    """One of the pod's tolerations covers the taint."""
    return bool(tolerations_of(pod, taint))


def tolerations_of(pod: Object, taint: Mapping[str, str]) -> list[Object]:
    """The pod's tolerations that cover the taint."""
    return [toleration for toleration in pod["spec"].get("tolerations") or () if _covers(toleration, taint)]


def _covers(toleration: Mapping[str, str], taint: Mapping[str, str]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    operator = toleration.get("operator") or "Equal"
    if not toleration.get("key"):
        return operator == "Exists"
    if toleration["key"] != taint["key"]:
        return False
    return operator == "Exists" or toleration.get("value", "") == taint.get("value", "")


def _unschedulable(pod: Object, node: NodeView) -> Refusal | None:
    if not node.node["spec"].get("unschedulable") or tolerates(pod, UNSCHEDULABLE_TAINT):
        return None
    return Refusal(("node(s) were unschedulable",))


def _taints(pod: Object, node: NodeView) -> Refusal | None:
    for taint in node.node["spec"].get("taints") or ():
        if taint["effect"] in ("NoSchedule", "NoExecute") and not tolerates(pod, taint):
            return Refusal(("node(s) had untolerated taint(s)",))
    return None


def _affinity(pod: Object, node: NodeView) -> Refusal | None:
    wanted = pod["spec"].get("nodeSelector") or {}
    required = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    holds = all(node.labels.get(key) == value for key, value in wanted.items())
    if required:
        holds = holds and matches_terms(required.get("nodeSelectorTerms") or [], node.labels, node.name)
    return None if holds else Refusal(("node(s) didn't match Pod's node affinity/selector",))


def _host_ports(pod: Object) -> set[tuple[int, str]]:
    return {
        (port["hostPort"], port.get("protocol") or "TCP")
        for container in pod["spec"].get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    }


def _ports(pod: Object, node: NodeView) -> Refusal | None:
    wanted = _host_ports(pod)
    taken = {port for other in node.pods for port in _host_ports(other)} if wanted else set()
    if wanted & taken:
        return Refusal(("node(s) didn't have free ports for the requested pod ports",), resolvable=True)
    return None


def requests(pod: Object) -> dict[str, float]:
    """What the pod asks of a node: its containers together, or its largest init container if that is more."""
    total: dict[str, float] = {}
    for container in pod["spec"].get("containers") or ():
        _add(total, _requests_of(container))
    for container in pod["spec"].get("initContainers") or ():
        for name, amount in _requests_of(container).items():
            total[name] = max(total.get(name, 0.0), amount)
    return total


def _add(total: dict[str, float], more: Mapping[str, float]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0.0) + amount


def _requests_of(container: Object) -> dict[str, float]:
    wanted = (container.get("resources") or {}).get("requests") or {}
    return {name: float(parse(amount)) for name, amount in wanted.items()}


def _resources(pod: Object, node: NodeView) -> Refusal | None:
    allocatable = (node.node.get("status") or {}).get("allocatable") or {}
    reasons = []
    if "pods" in allocatable and len(node.pods) + 1 > float(parse(allocatable["pods"])):
        reasons.append("Too many pods")
    wanted = requests(pod)
    if wanted:
        used: dict[str, float] = {}
        for other in node.pods:
            _add(used, requests(other))
        for name, amount in wanted.items():
            if amount > 0 and used.get(name, 0.0) + amount > float(parse(allocatable.get(name, "0"))):
                reasons.append(f"Insufficient {name}")
    return Refusal(tuple(reasons), resolvable=True) if reasons else None


def unschedulable_message(total: int, refusals: Iterable[Refusal], prefilter: str = "") -> str:
    """The text of FailedScheduling for `total` nodes (facts C; K pkg/scheduler/framework/types.go FitError).

    `prefilter`: a reason that holds for the pod whatever the node, said once.
    """
    refusals = list(refusals)
    if not total:
        return "no nodes available to schedule pods"
    if prefilter:
        reasons, hopes = prefilter, Counter({HELPLESS: total})
    else:
        counted = Counter(reason for refusal in refusals for reason in refusal.reasons)
        reasons = ", ".join(sorted(f"{count} {reason}" for reason, count in counted.items()))
        hopes = Counter(NO_VICTIMS if refusal.resolvable else HELPLESS for refusal in refusals)
    hope = ", ".join(sorted(f"{count} {reason}" for reason, count in hopes.items()))
    nodes = f"0/{total} nodes are available:"
    return f"{nodes} {reasons}. preemption: {nodes} {hope}."

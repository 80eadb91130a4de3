"""Pure scheduling filters: may this pod run on this node, and if not, why, in the scheduler's words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.storage import matches_terms
from aksdisks.lab.kube.schema.quantities import parse
from aksdisks.lab.versions import Words

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
    """A node as the scheduler's snapshot has it: with the pods assigned, or about to be, and what follows from them."""

    node: Object
    pods: tuple[Object, ...] = ()
    memo: dict[str, Any] = field(default_factory=dict, compare=False)
    """What filters computed of this very view."""

    @cached_property
    def name(self) -> str:
        """The node's name."""
        return str(self.node["metadata"]["name"])

    @cached_property
    def room(self) -> tuple[int, str]:
        """Of nodes that are equal otherwise the one with the fewest pods comes first, ties by name."""
        return len(self.pods), self.name

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """The node's labels."""
        return self.node["metadata"].get("labels") or {}

    @cached_property
    def allocatable(self) -> dict[str, float]:
        """What the node offers."""
        offered = (self.node.get("status") or {}).get("allocatable") or {}
        return {name: float(parse(amount)) for name, amount in offered.items()}

    @cached_property
    def requested(self) -> dict[str, float]:
        """What its pods ask for together."""
        used: dict[str, float] = {}
        for pod in self.pods:
            _add(used, requests(pod))
        return used

    @cached_property
    def soft_taints(self) -> tuple[Object, ...]:
        """Its taints that only advise against it."""
        taints = self.node["spec"].get("taints") or ()
        return tuple(taint for taint in taints if taint["effect"] == "PreferNoSchedule")

    @cached_property
    def opinionated(self) -> tuple[Object, ...]:
        """Its pods that have affinities of their own towards pods."""
        kinds = ("podAffinity", "podAntiAffinity")
        return tuple(pod for pod in self.pods if any((pod["spec"].get("affinity") or {}).get(kind) for kind in kinds))


def refuse(pod: Object, node: NodeView, words: Words) -> Refusal | None:
    """The first filter that refuses, in upstream's order; volumes are looked at after these."""
    if (refusal := _unschedulable(pod, node)) is not None:
        return refusal
    if (taint := _untolerated(pod, node)) is not None:
        return Refusal((words.taint.format(key=taint["key"], value=taint.get("value", "")),))
    for check in (_affinity, _ports, _resources):
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


def _untolerated(pod: Object, node: NodeView) -> Object | None:
    """The first taint that keeps the pod from the node."""
    taints: Iterable[Object] = node.node["spec"].get("taints") or ()
    hard = (taint for taint in taints if taint["effect"] in ("NoSchedule", "NoExecute"))
    return next((taint for taint in hard if not tolerates(pod, taint)), None)


def tolerates_all(pod: Object, node: NodeView) -> bool:
    """No taint of the node keeps the pod from it."""
    return _untolerated(pod, node) is None


def matches_node_affinity(pod: Object, node: NodeView) -> bool:
    """The pod's node selector and required node affinity admit the node."""
    wanted = pod["spec"].get("nodeSelector") or {}
    required = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    holds = all(node.labels.get(key) == value for key, value in wanted.items())
    if required:
        holds = holds and matches_terms(required.get("nodeSelectorTerms") or [], node.labels, node.name)
    return holds


def _affinity(pod: Object, node: NodeView) -> Refusal | None:
    return None if matches_node_affinity(pod, node) else Refusal(("node(s) didn't match Pod's node affinity/selector",))


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
    reasons = []
    if len(node.pods) + 1 > node.allocatable.get("pods", math.inf):
        reasons.append("Too many pods")
    for name, amount in requests(pod).items():
        if amount > 0 and node.requested.get(name, 0.0) + amount > node.allocatable.get(name, 0.0):
            reasons.append(f"Insufficient {name}")
    return Refusal(tuple(reasons), resolvable=True) if reasons else None


def preference(pod: Object, node: NodeView) -> tuple[float, float]:
    """The weights of the pod's preferred node affinities that hold, and the soft taints that it does not tolerate."""
    weight = sum(
        entry["weight"] for entry in _preferred(pod) if matches_terms([entry["preference"]], node.labels, node.name)
    )
    return float(weight), float(sum(not tolerates(pod, taint) for taint in node.soft_taints))


def has_preferences(pod: Object) -> bool:
    """It would rather be on some nodes than on others."""
    return bool(_preferred(pod))


def _preferred(pod: Object) -> list[Object]:
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    return affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or []


def unschedulable_message(words: Words, total: int, refusals: Iterable[Refusal], prefilter: str = "") -> str:
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
    template = words.hopeless if prefilter else words.unfit
    return template.format(nodes=nodes, reasons=reasons, hope=hope)

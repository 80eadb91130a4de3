"""Pure scheduling rules between pods: required and preferred affinity, anti-affinity both ways, and topology spread."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.node_filters import NodeView, Refusal, matches_node_affinity, tolerates_all
from aksdisks.lab.kube.schema.selectors import label_selector_matches

NamespaceLabels = Callable[[str], Mapping[str, str]]
"""The labels of a namespace by its name."""

Pair = tuple[str, str]
"""A topology key and a node's value for it."""

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"

NO_AFFINITY = Refusal(("node(s) didn't match pod affinity rules",))
ANTI_AFFINITY = Refusal(("node(s) didn't match pod anti-affinity rules",), resolvable=True)
UNWELCOME = Refusal(("node(s) didn't satisfy existing pods anti-affinity rules",), resolvable=True)
UNEVEN = Refusal(("node(s) didn't match pod topology spread constraints",), resolvable=True)
NO_LABEL = Refusal(("node(s) didn't match pod topology spread constraints (missing required label)",))


def rules_for(pod: Object, nodes: Sequence[NodeView], namespace_labels: NamespaceLabels) -> PodRules | None:
    """The rules that matter for `pod` on these nodes; None when neither it nor a pod there has any."""
    if has_rules(pod) or any(node.opinionated for node in nodes):
        return PodRules(pod, nodes, namespace_labels)
    return None


def has_rules(pod: Object) -> bool:
    """The pod itself has rules about where others are."""
    own = _terms(pod, "podAffinity") or _terms(pod, "podAntiAffinity") or _constraints(pod)
    soft = _weighted(pod, "podAffinity") or _weighted(pod, "podAntiAffinity")
    return bool(own or soft or pod["spec"].get("topologySpreadConstraints"))


class PodRules:
    """One pod's rules against a snapshot of the nodes (K plugins/podtopologyspread, plugins/interpodaffinity)."""

    def __init__(self, pod: Object, nodes: Sequence[NodeView], namespace_labels: NamespaceLabels) -> None:
        """Counts once what every node is then asked about."""
        self._pod = pod
        self._labels = namespace_labels
        self._affinity = _terms(pod, "podAffinity")
        self._anti = _terms(pod, "podAntiAffinity")
        self._wanted: Counter[Pair] = Counter()
        self._shunned: Counter[Pair] = Counter()
        self._unwelcome: Counter[Pair] = Counter()
        self._liked: Counter[Pair] = Counter()
        for node in nodes:
            self._count(node)
        self._spread = [_Spread(pod, rule, nodes) for rule in _constraints(pod)]
        self._even = [_Spread(pod, rule, nodes) for rule in _constraints(pod, "ScheduleAnyway")]

    def refuse(self, node: NodeView) -> Refusal | None:
        """Why the node does not do, in upstream's order of plugins."""
        for spread in self._spread:
            refusal = spread.refuse(node)
            if refusal is not None:
                return refusal
        if not self._near_enough(node):
            return NO_AFFINITY
        if any(self._shunned[pair] for pair in _pairs(self._anti, node)):
            return ANTI_AFFINITY
        if self._unwelcome and any(self._unwelcome[pair] for pair in node.labels.items()):
            return UNWELCOME
        return None

    def liking(self, node: NodeView) -> float:
        """The sum of the weights of preferred terms, its own and those of pods there; more is better."""
        return sum(self._liked[pair] for pair in node.labels.items()) if self._liked else 0.0

    def crowding(self, node: NodeView) -> float:
        """How full the node's domains are for constraints that only prefer; less is better."""
        return sum(spread.crowding(node) for spread in self._even)

    def _count(self, node: NodeView) -> None:
        pod = self._pod
        soft, soft_anti = _weighted(pod, "podAffinity"), _weighted(pod, "podAntiAffinity")
        for other in node.pods if self._affinity or self._anti or soft or soft_anti else ():
            if self._affinity and all(self._matches(term, pod, other) for term in self._affinity):
                self._wanted.update(_pairs(self._affinity, node))
            for term in self._anti:
                if self._matches(term, pod, other):
                    self._shunned.update(_pairs([term], node))
            for sign, entries in ((1, soft), (-1, soft_anti)):
                self._like(sign, entries, pod, other, node)
        for other in node.opinionated:
            for term in _terms(other, "podAntiAffinity"):
                if self._matches(term, other, pod):
                    self._unwelcome.update(_pairs([term], node))
            # Upstream gives a required affinity of a pod that is there a weight of 1 (hardPodAffinityWeight).
            required = [{"weight": 1, "podAffinityTerm": term} for term in _terms(other, "podAffinity")]
            self._like(1, [*required, *_weighted(other, "podAffinity")], other, pod, node)
            self._like(-1, _weighted(other, "podAntiAffinity"), other, pod, node)

    def _like(self, sign: int, entries: Iterable[Object], owner: Object, other: Object, node: NodeView) -> None:
        for entry in entries:
            if self._matches(entry["podAffinityTerm"], owner, other):
                for pair in _pairs([entry["podAffinityTerm"]], node):
                    self._liked[pair] += sign * entry["weight"]

    def _near_enough(self, node: NodeView) -> bool:
        if not self._affinity:
            return True
        if any(term["topologyKey"] not in node.labels for term in self._affinity):
            return False
        if all(self._wanted[pair] for pair in _pairs(self._affinity, node)):
            return True
        # The first of a group that wants to be together has nobody to join.
        return not self._wanted and all(self._matches(term, self._pod, self._pod) for term in self._affinity)

    def _matches(self, term: Object, owner: Object, other: Object) -> bool:
        """`other` is one of the pods that the term of `owner` means."""
        own, namespace = owner["metadata"].get("namespace"), other["metadata"].get("namespace")
        named, selector = term.get("namespaces") or (), term.get("namespaceSelector")
        if named or selector is not None:
            inside = namespace in named or label_selector_matches(selector, self._labels(str(namespace)))
        else:
            inside = namespace == own
        return inside and label_selector_matches(_selector(term, owner), other["metadata"].get("labels"))


class _Spread:
    """One topology spread constraint: how many matching pods each domain has."""

    def __init__(self, pod: Object, rule: Object, nodes: Sequence[NodeView]) -> None:
        self._key = rule["topologyKey"]
        self._max_skew = int(rule["maxSkew"])
        selector = _selector(rule, pod)
        self._itself = int(label_selector_matches(selector, pod["metadata"].get("labels")))
        self._counts: Counter[str] = Counter()
        for node in nodes:
            if self._key not in node.labels or not _takes_part(pod, rule, node):
                continue
            self._counts[node.labels[self._key]] += sum(
                other["metadata"].get("namespace") == pod["metadata"].get("namespace")
                and "deletionTimestamp" not in other["metadata"]
                and label_selector_matches(selector, other["metadata"].get("labels"))
                for other in node.pods
            )
        few = len(self._counts) < int(rule.get("minDomains") or 1)
        self._least = 0 if few else min(self._counts.values(), default=0)

    def refuse(self, node: NodeView) -> Refusal | None:
        if self._key not in node.labels:
            return NO_LABEL
        skew = self._counts[node.labels[self._key]] + self._itself - self._least
        return UNEVEN if skew > self._max_skew else None

    def crowding(self, node: NodeView) -> float:
        if self._key not in node.labels:
            return math.inf
        return self._counts[node.labels[self._key]] * math.log(len(self._counts) + 2) + self._max_skew - 1


def _takes_part(pod: Object, rule: Object, node: NodeView) -> bool:
    """The node counts as a domain's: by default when the pod's node affinity admits it, whatever its taints."""
    if rule.get("nodeAffinityPolicy", "Honor") == "Honor" and not matches_node_affinity(pod, node):
        return False
    return rule.get("nodeTaintsPolicy", "Ignore") == "Ignore" or tolerates_all(pod, node)


def _constraints(pod: Object, mode: str = "DoNotSchedule") -> list[Object]:
    rules = pod["spec"].get("topologySpreadConstraints") or ()
    return [rule for rule in rules if rule["whenUnsatisfiable"] == mode]


def _terms(pod: Object, kind: str) -> list[Object]:
    return ((pod["spec"].get("affinity") or {}).get(kind) or {}).get(_REQUIRED) or []


def _weighted(pod: Object, kind: str) -> list[Object]:
    return ((pod["spec"].get("affinity") or {}).get(kind) or {}).get(_PREFERRED) or []


def _pairs(terms: Iterable[Object], node: NodeView) -> list[Pair]:
    keys = (term["topologyKey"] for term in terms)
    return [(key, node.labels[key]) for key in keys if key in node.labels]


def _selector(rule: Object, owner: Object) -> Object | None:
    """The rule's selector with what matchLabelKeys and mismatchLabelKeys take over from the owner's labels."""
    selector: Object | None = rule.get("labelSelector")
    labels = owner["metadata"].get("labels") or {}
    more = [
        {"key": key, "operator": operator, "values": [labels[key]]}
        for field, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn"))
        for key in rule.get(field) or ()
        if key in labels
    ]
    if selector is None or not more:
        return selector
    return {**selector, "matchExpressions": [*(selector.get("matchExpressions") or ()), *more]}

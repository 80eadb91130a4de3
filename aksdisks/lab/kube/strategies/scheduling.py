"""Validation of where pods may run: affinity, tolerations, taints, spreading, node selectors."""

from __future__ import annotations

from collections.abc import Iterable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies.causes import duplicate, formed, invalid, required, unsupported
from aksdisks.lab.kube.strategies.metadata import label_selector, requirement

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_REQUIRED, _PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)
_WEIGHT = "must be in the range 1-100"


def affinity(at: str, found: Object | None) -> list[Cause]:
    """To nodes, to pods and away from pods."""
    causes: list[Cause] = []
    found = found or {}
    nodes = found.get("nodeAffinity", {})
    if _REQUIRED in nodes:
        causes += node_selector(f"{at}.nodeAffinity.{_REQUIRED}", nodes[_REQUIRED])
    for index, term in enumerate(nodes.get(_PREFERRED, ())):
        field = f"{at}.nodeAffinity.{_PREFERRED}[{index}]"
        causes += _weight(f"{field}.weight", term)
        causes += _node_term(f"{field}.preference", term.get("preference", {}), values=False)
    for kind in ("podAffinity", "podAntiAffinity"):
        for index, term in enumerate(found.get(kind, {}).get(_REQUIRED, ())):
            causes += _pod_term(f"{at}.{kind}.{_REQUIRED}[{index}]", term)
        for index, term in enumerate(found.get(kind, {}).get(_PREFERRED, ())):
            field = f"{at}.{kind}.{_PREFERRED}[{index}]"
            causes += _weight(f"{field}.weight", term)
            causes += _pod_term(f"{field}.podAffinityTerm", term.get("podAffinityTerm", {}))
    return causes


def _weight(field: str, term: Object) -> list[Cause]:
    weight = term.get("weight", 0)
    return [] if 1 <= weight <= 100 else [invalid(field, weight, _WEIGHT)]


def _pod_term(at: str, term: Object) -> list[Cause]:
    causes = label_selector(f"{at}.labelSelector", term.get("labelSelector"))
    causes += label_selector(f"{at}.namespaceSelector", term.get("namespaceSelector"))
    for name in term.get("namespaces", ()):
        causes += formed(f"{at}.namespace", name, names.label_errors)
    key = term.get("topologyKey", "")
    if not key:
        causes.append(required(f"{at}.topologyKey", "can not be empty"))
    return causes + formed(f"{at}.topologyKey", key, names.qualified_name_errors)


def node_selector(at: str, found: Object) -> list[Cause]:
    """A NodeSelector: terms of which one must hold."""
    terms = found.get("nodeSelectorTerms") or []
    if not terms:
        return [required(f"{at}.nodeSelectorTerms", "must have at least one node selector term")]
    causes: list[Cause] = []
    for index, term in enumerate(terms):
        causes += _node_term(f"{at}.nodeSelectorTerms[{index}]", term)
    return causes


def _node_term(at: str, term: Object, *, values: bool = True) -> list[Cause]:
    causes: list[Cause] = []
    for index, expression in enumerate(term.get("matchExpressions", ())):
        causes += requirement(f"{at}.matchExpressions[{index}]", expression, of_nodes=True, values=values)
    for index, expression in enumerate(term.get("matchFields", ())):
        field = f"{at}.matchFields[{index}]"
        operator, key = expression.get("operator", ""), expression.get("key", "")
        if operator not in ("In", "NotIn"):
            causes.append(invalid(f"{field}.operator", operator, "not a valid selector operator"))
        elif len(expression.get("values", ())) != 1:
            why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            causes.append(required(f"{field}.values", why))
        if key != "metadata.name":
            causes.append(invalid(f"{field}.key", key, "not a valid field selector key"))
            continue
        for number, value in enumerate(expression.get("values", ())):
            causes += formed(f"{field}.values[{number}]", value, names.subdomain_errors)
    return causes


def tolerations(at: str, found: Iterable[Object] | None) -> list[Cause]:
    """A pod's tolerations."""
    causes: list[Cause] = []
    for index, toleration in enumerate(found or ()):
        field = f"{at}[{index}]"
        key, operator, effect = (toleration.get(name, "") for name in ("key", "operator", "effect"))
        if key:
            causes += formed(f"{field}.key", key, names.qualified_name_errors)
        elif operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            causes.append(invalid(f"{field}.operator", operator, why))
        if "tolerationSeconds" in toleration and effect != "NoExecute":
            why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            causes.append(invalid(f"{field}.effect", effect, why))
        value = toleration.get("value", "")
        if operator in ("", "Equal"):
            problems = names.label_value_errors(value)
            causes += [invalid(f"{field}.operator", value, ";".join(problems))] if problems else []
        elif operator == "Exists":
            if value:
                causes.append(invalid(f"{field}.operator", value, "value must be empty when `operator` is 'Exists'"))
        else:
            causes.append(unsupported(f"{field}.operator", operator, ("Equal", "Exists")))
        if effect and effect not in EFFECTS:
            causes.append(unsupported(f"{field}.effect", effect, EFFECTS))
    return causes


def taints(at: str, found: Iterable[Object] | None) -> list[Cause]:
    """A node's taints: one of each key and effect."""
    causes: list[Cause] = []
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(found or ()):
        field = f"{at}[{index}]"
        key, effect, value = taint.get("key", ""), taint.get("effect", ""), taint.get("value", "")
        causes += formed(f"{field}.key", key, names.qualified_name_errors)
        problems = names.label_value_errors(value)
        causes += [invalid(f"{field}.value", value, ";".join(problems))] if problems else []
        if not effect:
            causes.append(required(f"{field}.effect"))
        elif effect not in EFFECTS:
            causes.append(unsupported(f"{field}.effect", effect, EFFECTS))
        if (key, effect) in seen:
            shown = duplicate(field, taint)
            why = f"{shown.message}: taints must be unique by key and effect pair"
            causes.append(Cause(field, shown.reason, why))
        seen.add((key, effect))
    return causes


def spread(at: str, found: Iterable[Object] | None) -> list[Cause]:
    """Topology spread constraints."""
    causes: list[Cause] = []
    for index, constraint in enumerate(found or ()):
        field = f"{at}[{index}]"
        skew, key, when = (constraint.get(name) for name in ("maxSkew", "topologyKey", "whenUnsatisfiable"))
        if (skew or 0) <= 0:
            causes.append(invalid(f"{field}.maxSkew", skew or 0, "must be greater than zero"))
        if not key:
            causes.append(required(f"{field}.topologyKey", "can not be empty"))
        if when not in ("DoNotSchedule", "ScheduleAnyway"):
            causes.append(unsupported(f"{field}.whenUnsatisfiable", when or "", ("DoNotSchedule", "ScheduleAnyway")))
        causes += label_selector(f"{field}.labelSelector", constraint.get("labelSelector"))
    return causes

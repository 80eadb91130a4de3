"""Validation of where pods may run: affinity, tolerations, taints, spreading, node selectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import Struct, duplicate, forbidden, formed, invalid, required, unsupported
from aksdisks.lab.kube.validators.meta import label_selector

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_REQUIRED, _PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)
_WEIGHT = "must be in the range 1-100"


def affinity(at: str, found: Object) -> list[Cause]:
    """To nodes, to pods and away from pods."""
    causes: list[Cause] = []
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
    causes += _label_keys(at, term)
    key = term.get("topologyKey", "")
    if not key:
        causes.append(required(f"{at}.topologyKey", "can not be empty"))
    return causes + formed(f"{at}.topologyKey", key, names.qualified_name_errors)


def _label_keys(at: str, term: Object) -> list[Cause]:
    """The keys whose values a pod's own labels give."""
    causes: list[Cause] = []
    selector, matched = term.get("labelSelector"), term.get("matchLabelKeys", [])
    first = {key: index for index, key in reversed(list(enumerate(matched)))}
    unmatched = set(term.get("mismatchLabelKeys", ()))
    for name in ("matchLabelKeys", "mismatchLabelKeys"):
        if term.get(name) and selector is None:
            causes.append(forbidden(f"{at}.{name}", "must not be specified when labelSelector is not set"))
        elif selector is not None:
            for index, key in enumerate(term.get(name, ())):
                causes += formed(f"{at}.{name}[{index}]", key, names.qualified_name_errors)
    seen = set((selector or {}).get("matchLabels", {}))
    for expression in (selector or {}).get("matchExpressions", ()):
        key = expression.get("key")
        if key in first and key in seen:
            why = "exists in both matchLabelKeys and labelSelector"
            causes.append(invalid(f"{at}[{first[key]}]", key, why))
        seen.add(key)
    for index, key in enumerate(matched):
        if key in unmatched:
            why = "exists in both matchLabelKeys and mismatchLabelKeys"
            causes.append(invalid(f"{at}.matchLabelKeys[{index}]", key, why))
    return causes


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
        causes += _node_requirement(f"{at}.matchExpressions[{index}]", expression, values=values)
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


def _node_requirement(at: str, found: Object, *, values: bool) -> list[Cause]:
    operator, given = found.get("operator", ""), found.get("values", [])
    causes: list[Cause] = []
    if operator in ("In", "NotIn"):
        if not given:
            causes.append(required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if given:
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            causes.append(forbidden(f"{at}.values", why))
    elif operator in ("Gt", "Lt"):
        if len(given) != 1:
            causes.append(required(f"{at}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'"))
    else:
        causes.append(invalid(f"{at}.operator", operator, "not a valid selector operator"))
    causes += formed(f"{at}.key", found.get("key", ""), names.qualified_name_errors)
    if values:
        for index, value in enumerate(given):
            causes += formed(f"{at}.values[{index}]", value, names.label_value_errors)
    return causes


def tolerations(at: str, found: Iterable[Object]) -> list[Cause]:
    """A pod's tolerations."""
    causes: list[Cause] = []
    for index, toleration in enumerate(found):
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


def taints(at: str, found: Iterable[Object]) -> list[Cause]:
    """A node's taints: one of each key and effect."""
    causes: list[Cause] = []
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(found):
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
            shown = duplicate(field, Struct(Key=key, Value=value, Effect=effect, TimeAdded=taint.get("timeAdded")))
            why = f"{shown.message}: taints must be unique by key and effect pair"
            causes.append(Cause(field, shown.reason, why))
        seen.add((key, effect))
    return causes


def spread(at: str, found: Iterable[Object]) -> list[Cause]:
    """Topology spread constraints: none twice."""
    causes: list[Cause] = []
    constraints = list(found)
    later = Counter((one.get("topologyKey"), one.get("whenUnsatisfiable")) for one in constraints)
    for index, constraint in enumerate(constraints):
        field = f"{at}[{index}]"
        skew, key, when = (constraint.get(name) for name in ("maxSkew", "topologyKey", "whenUnsatisfiable"))
        if (skew or 0) <= 0:
            causes.append(invalid(f"{field}.maxSkew", skew or 0, "must be greater than zero"))
        if not key:
            causes.append(required(f"{field}.topologyKey", "can not be empty"))
        if when not in ("DoNotSchedule", "ScheduleAnyway"):
            causes.append(unsupported(f"{field}.whenUnsatisfiable", when or "", ("DoNotSchedule", "ScheduleAnyway")))
        later[key, when] -= 1
        if later[key, when]:
            shown = f"{{{key or ''}, {when or ''}}}"
            causes.append(duplicate(f"{field}.{{topologyKey, whenUnsatisfiable}}", shown))
        causes += _spread_rest(field, constraint, when or "")
    return causes


def _spread_rest(at: str, constraint: Object, when: str) -> list[Cause]:
    causes: list[Cause] = []
    domains, selector = constraint.get("minDomains"), constraint.get("labelSelector")
    if domains is not None and domains <= 0:
        causes.append(invalid(f"{at}.minDomains", domains, "must be greater than zero"))
    if domains is not None and when != "DoNotSchedule":
        why = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}"
        causes.append(invalid(f"{at}.minDomains", domains, why))
    for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
        if name in constraint and constraint[name] not in ("Honor", "Ignore"):
            causes.append(unsupported(f"{at}.{name}", constraint[name], ("Honor", "Ignore")))
    keys = constraint.get("matchLabelKeys", ())
    if keys and selector is None:
        why = "must not be specified when labelSelector is not set"
        causes.append(forbidden(f"{at}.matchLabelKeys", why))
    chosen = {*(selector or {}).get("matchLabels", {})}
    chosen |= {expression.get("key") for expression in (selector or {}).get("matchExpressions", ())}
    for index, key in enumerate(keys):
        causes += formed(f"{at}.matchLabelKeys[{index}]", key, names.qualified_name_errors)
        if key in chosen:
            why = "exists in both matchLabelKeys and labelSelector"
            causes.append(invalid(f"{at}.matchLabelKeys[{index}]", key, why))
    return causes + label_selector(f"{at}.labelSelector", selector)

"""Validation of disruption budgets, roles and bindings, and priority classes."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import (
    forbidden,
    formed,
    immutable,
    invalid,
    not_negative,
    required,
    unsupported,
)
from aksdisks.lab.kube.validators.intstr import int_or_percent, not_above_hundred
from aksdisks.lab.kube.validators.meta import label_selector

_EVICTION_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
_GROUP = "rbac.authorization.k8s.io"
_HIGHEST_PRIORITY = 1_000_000_000


def disruption_budget(obj: Object) -> list[Cause]:
    """How many must stay or may go, one of the two."""
    spec = obj.get("spec", {})
    causes: list[Cause] = []
    if "minAvailable" in spec and "maxUnavailable" in spec:
        shown = {
            "MinAvailable": spec["minAvailable"],
            "Selector": spec.get("selector"),
            "MaxUnavailable": spec["maxUnavailable"],
            "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
        }
        causes.append(invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set"))
    for key in ("minAvailable", "maxUnavailable"):
        causes += int_or_percent(f"spec.{key}", spec.get(key)) + not_above_hundred(f"spec.{key}", spec.get(key))
    causes += label_selector("spec.selector", spec.get("selector"))
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in _EVICTION_POLICIES:
        causes.append(unsupported("spec.unhealthyPodEvictionPolicy", policy, _EVICTION_POLICIES))
    return causes


def budget_status_update(new: Object, old: Object) -> list[Cause]:  # noqa: ARG001 - the shape that all updates share
    """The counts of a budget."""
    causes: list[Cause] = []
    for key in ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"):
        causes += not_negative(f"status.{key}", new.get("status", {}).get(key))
    return causes


def role(obj: Object) -> list[Cause]:
    """A role of a namespace."""
    return _rules(obj, namespaced=True)


def cluster_role(obj: Object) -> list[Cause]:
    """A role of the cluster, which other roles may make up."""
    causes = _rules(obj, namespaced=False)
    if "aggregationRule" in obj:
        selectors = obj["aggregationRule"].get("clusterRoleSelectors") or []
        if not selectors:
            causes.append(
                required(
                    "aggregationRule.clusterRoleSelectors",
                    "at least one clusterRoleSelector required if aggregationRule is non-nil",
                )
            )
        for index, selector in enumerate(selectors):
            causes += label_selector(f"aggregationRule.clusterRoleSelectors[{index}]", selector)
    return causes


def _rules(obj: Object, *, namespaced: bool) -> list[Cause]:
    causes: list[Cause] = []
    for index, rule in enumerate(obj.get("rules") or ()):
        at = f"rules[{index}]"
        if not rule.get("verbs"):
            causes.append(required(f"{at}.verbs", "verbs must contain at least one value"))
        if rule.get("nonResourceURLs"):
            if namespaced:
                why = "namespaced rules cannot apply to non-resource URLs"
                causes.append(invalid(f"{at}.nonResourceURLs", rule["nonResourceURLs"], why))
            if any(rule.get(key) for key in ("apiGroups", "resources", "resourceNames")):
                why = "rules cannot apply to both regular resources and non-resource URLs"
                causes.append(invalid(f"{at}.nonResourceURLs", rule["nonResourceURLs"], why))
            continue
        if not rule.get("apiGroups"):
            causes.append(required(f"{at}.apiGroups", "resource rules must supply at least one api group"))
        if not rule.get("resources"):
            causes.append(required(f"{at}.resources", "resource rules must supply at least one resource"))
    return causes


def role_binding(obj: Object) -> list[Cause]:
    """Who has a role of the namespace, or of the cluster within it."""
    return _binding(obj, ("Role", "ClusterRole"))


def cluster_role_binding(obj: Object) -> list[Cause]:
    """Who has a role of the cluster."""
    return _binding(obj, ("ClusterRole",))


def _binding(obj: Object, kinds: tuple[str, ...]) -> list[Cause]:
    reference = obj.get("roleRef", {})
    group, kind, name = (reference.get(key, "") for key in ("apiGroup", "kind", "name"))
    causes = [] if group == _GROUP else [unsupported("roleRef.apiGroup", group, (_GROUP,))]
    causes += [] if kind in kinds else [unsupported("roleRef.kind", kind, kinds)]
    causes += formed("roleRef.name", name, names.path_segment_errors) if name else [required("roleRef.name")]
    for index, subject in enumerate(obj.get("subjects") or ()):
        causes += _subject(f"subjects[{index}]", subject, namespaced=len(kinds) > 1)
    return causes


def _subject(at: str, subject: Object, *, namespaced: bool) -> list[Cause]:
    kind, name, group = (subject.get(key, "") for key in ("kind", "name", "apiGroup"))
    causes = [] if name else [required(f"{at}.name")]
    if kind == "ServiceAccount":
        causes += formed(f"{at}.name", name, names.subdomain_errors) if name else []
        causes += [] if not group else [unsupported(f"{at}.apiGroup", group, ("",))]
        if not namespaced and not subject.get("namespace"):
            causes.append(required(f"{at}.namespace"))
    elif kind in ("User", "Group"):
        causes += [] if group == _GROUP else [unsupported(f"{at}.apiGroup", group, (_GROUP,))]
    else:
        causes.append(unsupported(f"{at}.kind", kind, ("ServiceAccount", "User", "Group")))
    return causes


def binding_update(new: Object, old: Object) -> list[Cause]:
    """A changed binding: the role stays."""
    check = role_binding if new["kind"] == "RoleBinding" else cluster_role_binding
    if new.get("roleRef") == old.get("roleRef"):
        return check(new)
    reference = new.get("roleRef", {})
    shown = {
        "APIGroup": reference.get("apiGroup", ""),
        "Kind": reference.get("kind", ""),
        "Name": reference.get("name", ""),
    }
    return [*check(new), invalid("roleRef", shown, "cannot change roleRef")]


def priority_class(obj: Object) -> list[Cause]:
    """A value below those that the system keeps for itself."""
    name, value = obj["metadata"].get("name", ""), obj.get("value", 0)
    if name.startswith("system-") and name not in ("system-node-critical", "system-cluster-critical"):
        why = "priority class names with 'system-' prefix are reserved for system use only"
        return [forbidden("metadata.name", why)]
    if value > _HIGHEST_PRIORITY and not name.startswith("system-"):
        why = f"maximum allowed value of a user defined priority is {_HIGHEST_PRIORITY}"
        return [forbidden("value", why)]
    policy = obj.get("preemptionPolicy")
    allowed = ("PreemptLowerPriority", "Never")
    return [unsupported("preemptionPolicy", policy, allowed)] if policy and policy not in allowed else []


def priority_class_update(new: Object, old: Object) -> list[Cause]:
    """A changed class: its value stays."""
    causes = []
    if new.get("value", 0) != old.get("value", 0):
        causes.append(forbidden("Value", "may not be changed in an update."))
    return causes + immutable("preemptionPolicy", new.get("preemptionPolicy"), old.get("preemptionPolicy"))

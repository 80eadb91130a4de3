"""Roles and their bindings (pkg/registry/rbac, pkg/apis/rbac/validation)."""

from __future__ import annotations

from collections.abc import Callable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.resource import RBAC, Resource, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import invalid, required, unsupported
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.metadata import label_selector
from aksdisks.lab.kube.strategies.rules import Rule, enumeration, form, nested
from aksdisks.lab.kube.strategies.rules import required as must
from aksdisks.lab.kube.strategies.strategy import Strategy

_DEFAULTS = (
    default("", roleRef={}),
    default("roleRef", apiGroup=RBAC),
    default("subjects[]", apiGroup=lambda subject: None if subject.get("kind") == "ServiceAccount" else RBAC),
)
"""The groups of what a binding names (pkg/apis/rbac/v1/defaults.go)."""


def _rule(at: str, rule: Object, *, namespaced: bool) -> list[Cause]:
    causes: list[Cause] = []
    if not rule.get("verbs"):
        causes.append(required(f"{at}.verbs", "verbs must contain at least one value"))
    paths = rule.get("nonResourceURLs")
    if paths:
        if namespaced:
            causes.append(invalid(f"{at}.nonResourceURLs", paths, "namespaced rules cannot apply to non-resource URLs"))
        if any(rule.get(key) for key in ("apiGroups", "resources", "resourceNames")):
            why = "rules cannot apply to both regular resources and non-resource URLs"
            causes.append(invalid(f"{at}.nonResourceURLs", paths, why))
        return causes
    if not rule.get("apiGroups"):
        causes.append(required(f"{at}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        causes.append(required(f"{at}.resources", "resource rules must supply at least one resource"))
    return causes


def _subject(at: str, subject: Object, *, namespaced: bool) -> list[Cause]:
    kind, name, group = (subject.get(key, "") for key in ("kind", "name", "apiGroup"))
    causes = [] if name else [required(f"{at}.name")]
    if kind == "ServiceAccount":
        causes += [] if not group else [unsupported(f"{at}.apiGroup", group, ("",))]
        if not namespaced and not subject.get("namespace"):
            causes.append(required(f"{at}.namespace"))
    elif kind in ("User", "Group"):
        causes += [] if group == RBAC else [unsupported(f"{at}.apiGroup", group, (RBAC,))]
    else:
        causes.append(unsupported(f"{at}.kind", kind, ("ServiceAccount", "User", "Group")))
    return causes


def _reference_change(new: Object, old: Object) -> list[Cause]:
    """The role stays."""
    if new.get("roleRef") == old.get("roleRef"):
        return []
    found = new.get("roleRef", {})
    shown = {key[:1].upper() + key[1:]: found.get(key, "") for key in ("kind", "name")}
    return [invalid("roleRef", {"APIGroup": found.get("apiGroup", ""), **shown}, "cannot change roleRef")]


def _subjects(kind: str) -> Callable[[Object], str]:
    def cell(item: Object) -> str:
        found = [entry for entry in item.get("subjects") or () if entry.get("kind") == kind]
        if kind == "ServiceAccount":
            return ", ".join(f"{entry.get('namespace', '')}/{entry.get('name', '')}" for entry in found)
        return ", ".join(entry.get("name", "") for entry in found)

    return cell


_BINDING_COLUMNS = (
    columns.NAME,
    column("Role", lambda item: f"{find(item, 'roleRef.kind')}/{find(item, 'roleRef.name')}"),
    columns.AGE,
    column("Users*", _subjects("User")),
    column("Groups*", _subjects("Group")),
    column("ServiceAccounts*", _subjects("ServiceAccount")),
)


def _role(resource: Resource) -> Strategy:
    def rule(at: str, found: Object) -> list[Cause]:
        return _rule(at, found, namespaced=resource.namespaced)

    why = "at least one clusterRoleSelector required if aggregationRule is non-nil"
    selectors = (must("clusterRoleSelectors", why), Rule("clusterRoleSelectors[]", label_selector))
    return Strategy(
        resource,
        name_errors=names.path_segment_errors,
        created_by_update=True,
        rules=(nested("rules[]", (rule,)), *(() if resource.namespaced else (nested("aggregationRule", selectors),))),
    )


def _binding(resource: Resource, *kinds: str) -> Strategy:
    def subject(at: str, found: Object) -> list[Cause]:
        return _subject(at, found, namespaced=resource.namespaced)

    reference = (
        enumeration("apiGroup", RBAC),
        enumeration("kind", *kinds),
        form("name", names.path_segment_errors, must=True),
    )
    return Strategy(
        resource,
        name_errors=names.path_segment_errors,
        created_by_update=True,
        columns=_BINDING_COLUMNS,
        defaults=_DEFAULTS,
        rules=(must("roleRef"), nested("roleRef", reference), nested("subjects[]", (subject,))),
        changes=(_reference_change,),
    )


_RULES = ("rules",)
STRATEGIES = (
    _role(Resource("roles", "Role", RBAC, null_lists=_RULES)),
    _role(Resource("clusterroles", "ClusterRole", RBAC, namespaced=False, null_lists=_RULES)),
    _binding(Resource("rolebindings", "RoleBinding", RBAC), "Role", "ClusterRole"),
    _binding(Resource("clusterrolebindings", "ClusterRoleBinding", RBAC, namespaced=False), "ClusterRole"),
)

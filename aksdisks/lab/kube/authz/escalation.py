"""The escalation check of writes to roles and bindings: nobody grants what they do not hold (registry/rbac)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.authn.authentication import User
from aksdisks.lab.kube.authz.attributes import Attributes, quote, refused
from aksdisks.lab.kube.authz.rbac import Authorizer

GROUP = "rbac.authorization.k8s.io"
_ROLES, _BINDINGS = ("clusterroles", "roles"), ("clusterrolebindings", "rolebindings")
GUARDED = (*_ROLES, *_BINDINGS)
"""The resources whose writes are checked."""

_EVERYTHING = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)


def check(authorizer: Authorizer, user: User, resource: str, namespace: str, new: Object, old: Object | None) -> None:
    """Refuse (403) a role or binding that gives more than its writer has; 404 for a role that is not there.

    Whoever may `escalate` roles, or `bind` the role in question, passes.
    """
    fields = ("rules", "aggregationRule") if resource in _ROLES else ("subjects", "roleRef")
    if old is not None and all(old.get(field) == new.get(field) for field in fields):
        return
    name = new["metadata"]["name"]
    if resource in _ROLES:
        if authorizer.decide(user, Attributes("escalate", resource, GROUP, namespace, name)).allowed:
            return
        if new.get("aggregationRule") and _missing(authorizer, user, namespace, _EVERYTHING):
            raise refused(resource, GROUP, name, "must have cluster-admin privileges to use the aggregationRule")
        rules: Sequence[Object] = new.get("rules") or ()
    else:
        kind, role = new["roleRef"]["kind"], new["roleRef"]["name"]
        plural = f"{kind.lower()}s"
        if authorizer.decide(user, Attributes("bind", plural, GROUP, namespace, role)).allowed:
            return
        found = authorizer.role_rules(kind, namespace, role)
        if found is None:
            details = {"name": role, "group": GROUP, "kind": plural[:-1]}
            raise ApiError(404, "NotFound", f"{plural[:-1]}.{GROUP} {quote(role)} not found", details)
        rules = found
    if missing := _missing(authorizer, user, namespace, rules):
        groups = f"[{' '.join(quote(group) for group in user.groups)}]"
        why = f"user {quote(user.name)} (groups={groups}) is attempting to grant RBAC permissions not currently held:\n"
        raise refused(resource, GROUP, name, why + "\n".join(_described(missing)))


def _missing(authorizer: Authorizer, user: User, namespace: str, rules: Iterable[Object]) -> list[Attributes]:
    """The single rights of `rules` that the user does not have there."""
    rights = [right for rule in rules for right in _rights(rule)]
    return [right for right in rights if not authorizer.decide(user, replace(right, namespace=namespace)).allowed]


def _rights(rule: Object) -> Iterator[Attributes]:
    for verb in rule.get("verbs") or ():
        for group in rule.get("apiGroups") or ():
            for resource, _, below in (entry.partition("/") for entry in rule.get("resources") or ()):
                for name in rule.get("resourceNames") or ("",):
                    yield Attributes(verb, resource, group, name=name, subresource=below)
        for path in rule.get("nonResourceURLs") or ():
            yield Attributes(verb, path=path)


def _described(missing: Iterable[Attributes]) -> list[str]:
    """What is missing as upstream shows it: a line for a resource with all its verbs, one for each verb of a path."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in missing:
        if right.path:
            shown = f"NonResourceURLs:[{quote(right.path)}]"
        else:
            resource = f"{right.resource}/{right.subresource}" if right.subresource else right.resource
            shown = f"APIGroups:[{quote(right.group)}], Resources:[{quote(resource)}]"
            shown += f", ResourceNames:[{quote(right.name)}]" if right.name else ""
        verbs.setdefault((shown, right.path and right.verb), []).append(quote(right.verb))
    return sorted(f"{{{shown}, Verbs:[{' '.join(of)}]}}" for (shown, _), of in verbs.items())

"""Nobody grants what they do not hold: the check of every write to a role or a binding (registry/rbac)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.authn.authentication import User
from aksdisks.lab.kube.authz.attributes import Attributes, quote, refused
from aksdisks.lab.kube.authz.rbac import MASTERS, Authorizer

GROUP = "rbac.authorization.k8s.io"
ROLES = ("clusterroles", "roles")
BINDINGS = ("clusterrolebindings", "rolebindings")
_EVERYTHING = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)


def check(authorizer: Authorizer, user: User, resource: str, namespace: str, new: Object, old: Object | None) -> None:
    """Refuse (403) a role or binding that gives more than its writer has; 404 for a role that is not there.

    Whoever may `escalate` roles, or `bind` the role in question, passes.
    """
    if MASTERS in user.groups:
        return
    name = (new.get("metadata") or {}).get("name", "")
    if resource in ROLES:
        if old is not None and all(old.get(field) == new.get(field) for field in ("rules", "aggregationRule")):
            return
        if authorizer.decide(user, Attributes("escalate", resource, GROUP, namespace, name)).allowed:
            return
        if new.get("aggregationRule") and _missing(authorizer, user, namespace, _EVERYTHING):
            why = "must have cluster-admin privileges to use the aggregationRule"
            raise refused(resource, GROUP, name, why)
        rules: Sequence[Object] = new.get("rules") or ()
    else:
        if old is not None and all(old.get(field) == new.get(field) for field in ("subjects", "roleRef")):
            return
        ref = new.get("roleRef") or {}
        plural = "clusterroles" if ref.get("kind") == "ClusterRole" else "roles"
        wanted = Attributes("bind", plural, GROUP, namespace, ref.get("name", ""))
        if authorizer.decide(user, wanted).allowed:
            return
        found = authorizer.role_rules(ref.get("kind", ""), namespace, ref.get("name", ""))
        if found is None:
            details = {"name": ref.get("name", ""), "group": GROUP, "kind": plural[:-1]}
            message = f"{plural[:-1]}.{GROUP} {quote(ref.get('name', ''))} not found"
            raise ApiError(404, "NotFound", message, details)
        rules = found
    missing = _missing(authorizer, user, namespace, rules)
    if missing:
        groups = f"[{' '.join(quote(group) for group in user.groups)}]"
        why = (
            f"user {quote(user.name)} (groups={groups}) is attempting to grant RBAC permissions not currently held:\n"
            + "\n".join(sorted({_described(entry) for entry in _compact(missing)}))
        )
        raise refused(resource, GROUP, name, why)


def _missing(authorizer: Authorizer, user: User, namespace: str, rules: Iterable[Object]) -> list[Object]:
    """The single rights of `rules` that no rule of the user's covers (component-helpers: rbac validation)."""
    own, _ = authorizer.rules_for(user, namespace)
    return [part for entry in rules for part in _parts(entry) if not any(_covers(held, part) for held in own)]


def _parts(rule: Object) -> Iterator[Object]:
    verbs, names = rule.get("verbs") or (), rule.get("resourceNames") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                part = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                yield from ({**part, "resourceNames": [name]} for name in names) if names else (part,)
    for path in rule.get("nonResourceURLs") or ():
        yield from ({"nonResourceURLs": [path], "verbs": [verb]} for verb in verbs)


def _covers(held: Object, part: Object) -> bool:
    names, wanted = held.get("resourceNames") or (), part.get("resourceNames") or ()
    return (
        _has(held, part, "verbs")
        and _has(held, part, "apiGroups")
        and all(_resource_covered(held.get("resources") or (), wanted) for wanted in part.get("resources") or ())
        and all(_path_covered(held.get("nonResourceURLs") or (), path) for path in part.get("nonResourceURLs") or ())
        and (not names or (bool(wanted) and set(wanted) <= set(names)))
    )


def _has(held: Object, part: Object, field: str) -> bool:
    own = held.get(field) or ()
    return "*" in own or all(value in own for value in part.get(field) or ())


def _resource_covered(own: Sequence[str], wanted: str) -> bool:
    _, slash, subresource = wanted.partition("/")
    return "*" in own or wanted in own or (bool(slash) and f"*/{subresource}" in own)


def _path_covered(own: Sequence[str], wanted: str) -> bool:
    return any(path == wanted or (path.endswith("*") and wanted.startswith(path.rstrip("*"))) for path in own)


def _compact(rules: Iterable[Object]) -> list[Object]:
    """One rule for each resource with all its verbs, as upstream shows what is missing."""
    joined: dict[tuple[str, ...], Object] = {}
    for entry in rules:
        key = tuple(str(entry.get(field)) for field in ("apiGroups", "resources", "resourceNames", "nonResourceURLs"))
        if "nonResourceURLs" in entry:
            key = (*key, *entry["verbs"])  # upstream joins resources alone
        found = joined.setdefault(key, {**entry, "verbs": []})
        found["verbs"] = [*found["verbs"], *entry["verbs"]]
    return list(joined.values())


def _described(rule: Object) -> str:
    fields = (
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("ResourceNames", "resourceNames"),
        ("Verbs", "verbs"),
    )
    shown = (f"{title}:[{' '.join(map(quote, rule[field]))}]" for title, field in fields if rule.get(field))
    return f"{{{', '.join(shown)}}}"

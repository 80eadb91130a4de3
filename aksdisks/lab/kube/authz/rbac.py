"""Role-based access control: whether roles and bindings let a user do something (upstream: plugin/pkg/auth)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.authn.authentication import User
from aksdisks.lab.kube.authz.attributes import Attributes, forbidden, quote
from aksdisks.lab.kube.storage.store import Store

MASTERS = "system:masters"
"""The group that may do everything, whatever the roles say."""

_KINDS = ("clusterroles", "roles", "clusterrolebindings", "rolebindings")
_REMEMBERED = 4096
_Subject = tuple[str, str]
_Rights = tuple[tuple[tuple[str, "Rule"], ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason`: the binding that allowed it, or the binding's role that is missing; else empty."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a role, ready to be compared; `raw` is how it is stored."""

    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str]
    paths: frozenset[str]
    raw: Object

    def allows(self, asked: Attributes) -> bool:
        """Whether the rule covers it (pkg/apis/rbac/v1/evaluation_helpers.go)."""
        if asked.verb not in self.verbs and "*" not in self.verbs:
            return False
        if asked.path:
            return any(_path_covers(path, asked.path) for path in self.paths)
        if asked.group not in self.groups and "*" not in self.groups:
            return False
        if self.names and asked.name not in self.names:
            return False
        if "*" in self.resources:
            return True
        if not asked.subresource:
            return asked.resource in self.resources
        combined = f"{asked.resource}/{asked.subresource}"
        return combined in self.resources or f"*/{asked.subresource}" in self.resources


def rule(raw: Object) -> Rule:
    """A rule as it stands in a Role."""
    names = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    verbs, groups, resources, objects, paths = (frozenset(raw.get(name) or ()) for name in names)
    return Rule(verbs, groups, resources, objects, paths, raw)


@dataclass(frozen=True, slots=True)
class _Binding:
    """A binding as one of its subjects sees it; `namespace` empty for a ClusterRoleBinding."""

    name: str
    namespace: str
    role_kind: str
    role: str
    source: str


class Authorizer:
    """Decides by the roles and bindings in the store; its index of subjects is made anew when one of them changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: tuple[int, ...] = ()
        self._bindings: dict[tuple[str, _Subject], list[_Binding]] | None = None
        self._rights = lru_cache(_REMEMBERED)(self._collect)
        self._decisions = lru_cache(_REMEMBERED)(self._decide)

    def check(self, user: User, asked: Attributes) -> None:
        """Raise 403 for what the user may not do."""
        decision = self.decide(user, asked)
        if not decision.allowed:
            raise forbidden(user.name, asked, decision.reason)

    def decide(self, user: User, asked: Attributes) -> Decision:
        """Whether a user may do something."""
        if MASTERS in user.groups:
            return Decision(True)
        self._refresh()
        return self._decisions(user, asked)

    def rules_for(self, user: User, namespace: str) -> tuple[list[Object], list[str]]:
        """The rules that a user has in a namespace (and cluster-wide), as stored, and what could not be resolved."""
        self._refresh()
        rules, errors = self._rights(user, namespace)
        return [entry.raw for _, entry in rules], list(errors)

    def role_rules(self, kind: str, namespace: str, name: str) -> list[Object] | None:
        """The rules of a role; None where there is none."""
        place = ("", name) if kind == "ClusterRole" else (namespace, name)
        found = self._store.get("clusterroles" if kind == "ClusterRole" else "roles", place)
        return None if found is None else list(found.object.get("rules") or ())

    def _decide(self, user: User, asked: Attributes) -> Decision:
        rules, errors = self._rights(user, asked.namespace)
        for source, entry in rules:
            if entry.allows(asked):
                return Decision(True, f"RBAC: allowed by {source}")
        if not errors:
            return Decision(False)
        return Decision(False, f"RBAC: {errors[0] if len(errors) == 1 else '[' + ', '.join(errors) + ']'}")

    def _collect(self, user: User, namespace: str) -> _Rights:
        index = self._index()
        rules, errors = [], []
        subjects = [("User", user.name), *(("Group", group) for group in user.groups)]
        for where in dict.fromkeys(("", namespace)):
            bindings = [binding for subject in subjects for binding in index.get((where, subject), ())]
            for binding in sorted(bindings, key=lambda entry: entry.name):
                found = self.role_rules(binding.role_kind, binding.namespace, binding.role)
                if found is None:
                    missing = f"{binding.role_kind.lower()}.rbac.authorization.k8s.io {quote(binding.role)} not found"
                    errors.append(missing)
                    continue
                rules += [(binding.source, rule(raw)) for raw in found]
        return tuple(rules), tuple(dict.fromkeys(errors))

    def _refresh(self) -> None:
        changed = tuple(self._store.changed(kind) for kind in _KINDS)
        if changed != self._seen:
            self._seen = changed
            self._bindings = None
            self._rights.cache_clear()
            self._decisions.cache_clear()

    def _index(self) -> dict[tuple[str, _Subject], list[_Binding]]:
        if self._bindings is None:
            self._bindings = {}
            for kind in ("clusterrolebindings", "rolebindings"):
                for (namespace, _), version in self._store.list(kind):
                    for subject, binding in _by_subject(namespace, version.object):
                        self._bindings.setdefault((namespace, subject), []).append(binding)
        return self._bindings


def _by_subject(namespace: str, obj: Object) -> Iterator[tuple[_Subject, _Binding]]:
    """A binding once for each subject; a service account is listed as the user of its token."""
    name, ref = obj["metadata"]["name"], obj["roleRef"]
    own = quote(f"{name}/{namespace}" if namespace else name)
    for subject in obj.get("subjects") or ():
        kind, who, described = subject.get("kind", ""), subject.get("name", ""), subject.get("name", "")
        key = (kind, who)
        if kind == "ServiceAccount":
            of = subject.get("namespace") or namespace
            if not of:
                continue
            key, described = ("User", f"system:serviceaccount:{of}:{who}"), f"{who}/{of}"
        source = f"{obj['kind']} {own} of {ref['kind']} {quote(ref['name'])} to {kind} {quote(described)}"
        yield key, _Binding(name, namespace, ref["kind"], ref["name"], source)


def _path_covers(rule_path: str, path: str) -> bool:
    if rule_path == "*" or rule_path == path:
        return True
    return rule_path.endswith("*") and path.startswith(rule_path.rstrip("*"))

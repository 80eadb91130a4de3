"""Rules against requests: verbs, groups, resources and their parts, names, paths; bindings and what they lead to."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.authn.authentication import User
from aksdisks.lab.kube.authz.attributes import Attributes, forbidden
from aksdisks.lab.kube.authz.bootstrap_policy import aggregated, bindings, roles
from aksdisks.lab.kube.authz.rbac import MASTERS, Authorizer, rule
from aksdisks.lab.kube.storage.store import Store

GROUP = "rbac.authorization.k8s.io"
PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]}
BOB = User("bob", ("team", "system:authenticated"))
ROBOT = User("system:serviceaccount:one:robot", ("system:serviceaccounts", "system:serviceaccounts:one"))


@pytest.mark.parametrize(
    ("raw", "asked", "allowed"),
    [
        (PODS, Attributes("get", "pods"), True),
        (PODS, Attributes("delete", "pods"), False),
        (PODS, Attributes("get", "pods", "apps"), False),
        (PODS, Attributes("get", "pods", subresource="log"), True),
        (PODS, Attributes("get", "pods", subresource="exec"), False),
        (PODS, Attributes("get", path="/pods"), False),
        ({**PODS, "verbs": ["*"]}, Attributes("impersonate", "pods"), True),
        ({**PODS, "apiGroups": ["*"]}, Attributes("get", "pods", "metrics.k8s.io"), True),
        ({**PODS, "resources": ["*"]}, Attributes("get", "nodes", subresource="proxy"), True),
        ({**PODS, "resources": ["*/scale"]}, Attributes("get", "anything", subresource="scale"), True),
        ({**PODS, "resources": ["*/scale"]}, Attributes("get", "anything"), False),
        ({**PODS, "resources": ["pods"]}, Attributes("get", "pods", subresource="log"), False),
        ({**PODS, "resourceNames": ["a"]}, Attributes("get", "pods", name="a"), True),
        ({**PODS, "resourceNames": ["a"]}, Attributes("get", "pods", name="b"), False),
        ({**PODS, "resourceNames": ["a"]}, Attributes("list", "pods"), False),
        ({"verbs": ["get"], "nonResourceURLs": ["/healthz/*"]}, Attributes("get", path="/healthz/etcd"), True),
        ({"verbs": ["get"], "nonResourceURLs": ["/healthz/*"]}, Attributes("get", path="/healthz"), False),
        ({"verbs": ["get"], "nonResourceURLs": ["*"]}, Attributes("get", path="/anything"), True),
        ({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, Attributes("get", path="/anything"), False),
    ],
)
def test_a_rule_covers(raw: Object, asked: Attributes, allowed: bool) -> None:
    assert rule(raw).allows(asked) is allowed


def cluster(*objects: tuple[str, str, Object]) -> tuple[Store, Authorizer]:
    """A store with the default policy and more, each (resource, namespace, object)."""
    store = Store()
    seeded = [("clusterroles", "", role) for role in roles()] + [("clusterrolebindings", "", b) for b in bindings()]
    for resource, namespace, obj in (*seeded, *objects):
        put(store, resource, namespace, obj)
    return store, Authorizer(store)


def put(store: Store, resource: str, namespace: str, obj: Object) -> None:
    kinds = {"clusterrolebindings": "ClusterRoleBinding", "rolebindings": "RoleBinding"}
    whole = {"kind": kinds.get(resource, "Role"), "apiVersion": f"{GROUP}/v1", **obj}
    store.create(resource, (namespace, obj["metadata"]["name"]), whole)


def role(name: str, *rules: Object) -> Object:
    return {"metadata": {"name": name}, "rules": list(rules)}


def binding(name: str, kind: str, role: str, *subjects: Object) -> Object:
    ref = {"apiGroup": GROUP, "kind": kind, "name": role}
    return {"metadata": {"name": name}, "roleRef": ref, "subjects": list(subjects)}


def subject(kind: str, name: str, **more: Any) -> Object:
    return {"kind": kind, "name": name, **more}


BOUND = (
    ("roles", "one", role("reader", PODS)),
    ("rolebindings", "one", binding("b", "Role", "reader", subject("User", "bob"))),
    ("rolebindings", "one", binding("own", "Role", "reader", subject("ServiceAccount", "robot"))),
    ("rolebindings", "two", binding("g", "ClusterRole", "view", subject("Group", "team"))),
    ("rolebindings", "two", binding("lost", "Role", "none", subject("ServiceAccount", "robot", namespace="one"))),
    ("clusterrolebindings", "", binding("c", "ClusterRole", "system:monitoring", subject("User", "bob"))),
)


@pytest.mark.parametrize(
    ("user", "asked", "allowed", "reason"),
    [
        (BOB, Attributes("get", "pods", "", "one"), True,
         'RBAC: allowed by RoleBinding "b/one" of Role "reader" to User "bob"'),
        (BOB, Attributes("get", "pods", "", "two"), True,
         'RBAC: allowed by RoleBinding "g/two" of ClusterRole "view" to Group "team"'),
        (BOB, Attributes("get", "pods"), False, ""),
        (BOB, Attributes("get", "secrets", "", "two"), False, ""),
        (BOB, Attributes("get", path="/metrics"), True,
         'RBAC: allowed by ClusterRoleBinding "c" of ClusterRole "system:monitoring" to User "bob"'),
        (BOB, Attributes("get", path="/apis/apps/v1"), True,
         'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group '
         '"system:authenticated"'),
        (ROBOT, Attributes("list", "pods", "", "one"), True,
         'RBAC: allowed by RoleBinding "own/one" of Role "reader" to ServiceAccount "robot/one"'),
        (ROBOT, Attributes("list", "pods", "", "two"), False,
         'RBAC: role.rbac.authorization.k8s.io "none" not found'),
        (User("root", ("system:masters",)), Attributes("get", "anything"), True, ""),
    ],
)  # fmt: skip
def test_bindings_decide(user: User, asked: Attributes, allowed: bool, reason: str) -> None:
    _, authorizer = cluster(*BOUND)
    decision = authorizer.decide(user, asked)
    assert (decision.allowed, decision.reason) == (allowed, reason)


def test_a_change_counts_at_once() -> None:
    store, authorizer = cluster(*BOUND)
    asked = Attributes("delete", "pods", "", "one")
    assert not authorizer.decide(BOB, asked).allowed
    put(store, "rolebindings", "one", binding("more", "ClusterRole", "edit", subject("User", "bob")))
    assert authorizer.decide(BOB, asked).allowed
    store.delete("rolebindings", ("one", "more"))
    assert not authorizer.decide(BOB, asked).allowed


@pytest.mark.parametrize(
    ("asked", "reason", "message", "details"),
    [
        (Attributes("list", "pods", "", "x"), "",
         'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "x"',
         {"kind": "pods"}),
        (Attributes("patch", "deployments", "apps", "x", "d", "scale"), "",
         'deployments.apps "d" is forbidden: User "bob" cannot patch resource "deployments/scale" in API group "apps" '
         'in the namespace "x"', {"name": "d", "group": "apps", "kind": "deployments"}),
        (Attributes("get", "nodes", name="n"), "RBAC: why",
         'nodes "n" is forbidden: User "bob" cannot get resource "nodes" in API group "" at the cluster scope: '
         "RBAC: why", {"name": "n", "kind": "nodes"}),
        (Attributes("get", path="/api"), "", 'forbidden: User "bob" cannot get path "/api"', {}),
    ],
)  # fmt: skip
def test_a_refusal_in_upstreams_words(asked: Attributes, reason: str, message: str, details: Object) -> None:
    error = forbidden("bob", asked, reason)
    assert isinstance(error, ApiError)
    assert (error.code, error.reason, error.message, error.details) == (403, "Forbidden", message, details)


def test_collected_roles_hold_their_parts() -> None:
    found = {entry["metadata"]["name"]: entry for entry in roles()}
    assert all(entry in found["edit"]["rules"] for entry in found["view"]["rules"])
    assert all(entry in found["admin"]["rules"] for entry in found["edit"]["rules"])
    assert not any("secrets" in entry["resources"] for entry in found["view"]["rules"])
    mine = {"metadata": {"name": "m", "labels": {f"{GROUP}/aggregate-to-view": "true"}}, "rules": [PODS]}
    assert aggregated(found["view"], [*found.values(), mine]) == [PODS, *found["system:aggregate-to-view"]["rules"]]


def test_changes_do_not_pile_up_while_only_administrators_ask() -> None:
    store, authorizer = cluster(*BOUND)
    asked = Attributes("delete", "pods", "", "one")
    assert not authorizer.decide(BOB, asked).allowed
    for number in range(20):
        put(store, "rolebindings", "two", binding(f"b{number}", "ClusterRole", "edit", subject("User", "ann")))
        assert authorizer.decide(User("admin", groups=(MASTERS,)), asked).allowed
    assert sum(len(told._pending) for told in store._table("rolebindings").subscriptions) == 0
    put(store, "rolebindings", "one", binding("more", "ClusterRole", "edit", subject("User", "bob")))
    assert authorizer.decide(BOB, asked).allowed

"""Who asks, what they may, and what they may learn about it: over HTTPS, as clients do."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from aksdisks.lab.server.process import LabState
from tests.lab.kube.accounts import token
from tests.lab.kube.wire import Answer, Wire

NAMESPACE = "access"
HERE = f"/api/v1/namespaces/{NAMESPACE}"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
AUTHORIZATION, AUTHENTICATION = "/apis/authorization.k8s.io/v1", "/apis/authentication.k8s.io/v1"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:robot"
ACCOUNT_GROUPS = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated"]
PATCHER = {"verbs": ["patch"], "apiGroups": [""], "resources": ["configmaps", "namespaces"]}
READER = [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "configmaps"]}]

Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def wire(lab: LabState) -> Iterator[Wire]:
    wire = Wire(lab)
    assert wire("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}}).status == 201
    for name in ("robot", "short"):
        assert wire("POST", f"{HERE}/serviceaccounts", {"metadata": {"name": name}}).status == 201
    made = (
        ("roles", {"metadata": {"name": "reader"}, "rules": READER}),
        ("rolebindings", bound("reader", "Role", "reader")),
        ("rolebindings", bound("edit", "ClusterRole", "system:aggregate-to-admin")),
    )
    for kind, body in made:
        assert wire("POST", f"{RBAC}/namespaces/{NAMESPACE}/{kind}", body).status == 201
    yield wire
    wire("DELETE", f"/api/v1/namespaces/{NAMESPACE}")


@pytest.fixture(scope="module")
def robot(wire: Wire) -> Ask:
    """Requests as the service account."""
    bearer = token(wire, NAMESPACE, "robot")
    return lambda method, path, body=None, **headers: wire(
        method, path, body, {"Authorization": f"Bearer {bearer}"} | headers
    )


def bound(name: str, kind: str, role: str) -> dict[str, Any]:
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    account = {"kind": "ServiceAccount", "name": "robot", "namespace": NAMESPACE}
    return {"metadata": {"name": name}, "roleRef": ref, "subjects": [account]}


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", f"{HERE}/pods", 200, ""),
        ("GET", "/api/v1/namespaces/default/pods", 403,
         'pods is forbidden: User "{user}" cannot list resource "pods" in API group "" in the namespace "default"'),
        ("GET", f"{HERE}/pods?watch=1&timeoutSeconds=1", 403,
         'pods is forbidden: User "{user}" cannot watch resource "pods" in API group "" in the namespace "access"'),
        ("GET", f"{HERE}/secrets/s", 403,
         'secrets "s" is forbidden: User "{user}" cannot get resource "secrets" in API group "" in the namespace '
         '"access"'),
        ("GET", "/api/v1/nodes", 403,
         'nodes is forbidden: User "{user}" cannot list resource "nodes" in API group "" at the cluster scope'),
        ("GET", "/apis", 200, ""),
        ("GET", "/metrics", 403, 'forbidden: User "{user}" cannot get path "/metrics"'),
        ("GET", "/aksdisks/v1/faults", 403, 'forbidden: User "{user}" cannot get path "/aksdisks/v1/faults"'),
    ],
)  # fmt: skip
def test_an_account_may_what_its_roles_say(robot: Ask, method: str, path: str, status: int, message: str) -> None:
    answer = robot(method, path)
    assert answer.status == status
    assert not message or answer.json()["message"] == message.format(user=ACCOUNT)


def test_anonymous_requests_are_refused_by_name(wire: Wire) -> None:
    answer = wire("GET", f"{HERE}/pods", headers={"Authorization": ""})
    assert (answer.status, answer.json()) == (
        403,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": 'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the '
            f'namespace "{NAMESPACE}"',
            "reason": "Forbidden",
            "details": {"kind": "pods"},
            "code": 403,
        },
    )


def test_a_token_says_whose_it_is(wire: Wire, robot: Ask) -> None:
    bearer = token(wire, NAMESPACE, "robot", expirationSeconds=600)
    claims = jwt.decode(bearer, options={"verify_signature": False})
    uid = wire("GET", f"{HERE}/serviceaccounts/robot").json()["metadata"]["uid"]
    assert (claims["sub"], claims["exp"] - claims["iat"]) == (ACCOUNT, 600)
    assert claims["kubernetes.io"] == {"namespace": NAMESPACE, "serviceaccount": {"name": "robot", "uid": uid}}
    assert abs(claims["iat"] - time.time()) < 60
    keys = jwt.PyJWKSet.from_dict(robot("GET", "/openid/v1/jwks").json())
    assert jwt.decode(bearer, keys.keys[0], ["ES256"], audience=claims["aud"][0], issuer=claims["iss"])

    who = robot("POST", f"{AUTHENTICATION}/selfsubjectreviews", {}).json()["status"]["userInfo"]
    assert (who["username"], who["uid"], who["groups"]) == (ACCOUNT, uid, ACCOUNT_GROUPS)
    assert who["extra"]["authentication.kubernetes.io/credential-id"][0].startswith("JTI=")


@pytest.mark.parametrize(
    ("spec", "status", "message"),
    [
        ({"expirationSeconds": 10}, 422,
         'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 10: may not '
         "specify a duration less than 10 minutes"),
        ({"expirationSeconds": "long"}, 400,
         'TokenRequest in version "v1" cannot be handled as a TokenRequest: json: cannot unmarshal string into Go '
         "struct field TokenRequestSpec.spec.expirationSeconds of type int64"),
        ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}}, 501,
         "serviceaccounts/token of robot: the lab binds no token to another object than its account"),
    ],
)  # fmt: skip
def test_a_token_request_that_is_refused(wire: Wire, spec: dict[str, Any], status: int, message: str) -> None:
    answer = wire("POST", f"{HERE}/serviceaccounts/robot/token", {"spec": spec})
    assert (answer.status, answer.json()["message"]) == (status, message)


def test_a_token_ends_with_its_account(wire: Wire) -> None:
    bearer = {"Authorization": f"Bearer {token(wire, NAMESPACE, 'short')}"}
    assert wire("GET", "/version", headers=bearer).status == 200
    assert wire("DELETE", f"{HERE}/serviceaccounts/short").status == 200
    assert wire("GET", "/version", headers=bearer).status == 401
    assert wire("POST", f"{HERE}/serviceaccounts", {"metadata": {"name": "short"}}).status == 201
    assert wire("GET", "/version", headers=bearer).status == 401, "an account of the same name is another one"


def test_a_secret_gets_a_token_and_goes_with_its_account(wire: Wire) -> None:
    annotations = {"kubernetes.io/service-account.name": "kept"}
    body = {"metadata": {"name": "t", "annotations": annotations}, "type": "kubernetes.io/service-account-token"}
    assert wire("POST", f"{HERE}/serviceaccounts", {"metadata": {"name": "kept"}}).status == 201
    assert wire("POST", f"{HERE}/secrets", body).status == 201
    secret = wait(lambda: wire("GET", f"{HERE}/secrets/t").json(), lambda found: "data" in found)
    data = {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}
    assert (data["namespace"], data["ca.crt"]) == (NAMESPACE, Path(wire.lab.ca_bundle).read_text())
    bearer = {"Authorization": f"Bearer {data['token']}"}
    who = wire("POST", f"{AUTHENTICATION}/selfsubjectreviews", {}, bearer).json()["status"]["userInfo"]
    assert who["username"] == f"system:serviceaccount:{NAMESPACE}:kept"
    wire("DELETE", f"{HERE}/serviceaccounts/kept")
    wait(lambda: wire("GET", f"{HERE}/secrets/t").status, lambda status: status == 404)
    assert wire("GET", "/version", headers=bearer).status == 401


def wait(look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    for _ in range(200):
        found = look()
        if holds(found):
            return found
        time.sleep(0.01)
    raise AssertionError(found)


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ({"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": NAMESPACE}},
         {"allowed": True, "reason": f'RBAC: allowed by RoleBinding "reader/{NAMESPACE}" of Role "reader" to '
          f'ServiceAccount "robot/{NAMESPACE}"'}),
        ({"resourceAttributes": {"verb": "get", "resource": "pods"}}, {"allowed": False}),
        ({"resourceAttributes": {"verb": "create", "resource": "pods", "subresource": "exec",
                                 "namespace": NAMESPACE}}, {"allowed": False}),
        ({"nonResourceAttributes": {"verb": "get", "path": "/healthz"}},
         {"allowed": True, "reason": 'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole '
          '"system:discovery" to Group "system:authenticated"'}),
    ],
)  # fmt: skip
def test_an_account_asks_what_it_may(wire: Wire, robot: Ask, spec: dict[str, Any], status: dict[str, Any]) -> None:
    assert robot("POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", {"spec": spec}).json()["status"] == status
    about = {**spec, "user": ACCOUNT, "groups": ACCOUNT_GROUPS}
    assert wire("POST", f"{AUTHORIZATION}/subjectaccessreviews", {"spec": about}).json()["status"] == status
    assert robot("POST", f"{AUTHORIZATION}/subjectaccessreviews", {"spec": about}).status == 403


def test_local_reviews_are_about_their_namespace(robot: Ask) -> None:
    path = f"{AUTHORIZATION}/namespaces/{NAMESPACE}/localsubjectaccessreviews"
    asked = {"verb": "get", "resource": "pods", "namespace": NAMESPACE}
    answer = robot("POST", path, {"spec": {"user": "bob", "resourceAttributes": asked}})
    assert (answer.status, answer.json()["status"]) == (201, {"allowed": False})
    answer = robot("POST", path, {"spec": {"user": "bob", "resourceAttributes": {**asked, "namespace": "default"}}})
    assert (answer.status, answer.json()["details"]["causes"][0]["message"]) == (
        422,
        'Invalid value: "default": must match metadata.namespace',
    )


def test_an_account_lists_what_it_may(robot: Ask) -> None:
    body = {"spec": {"namespace": NAMESPACE}}
    status = robot("POST", f"{AUTHORIZATION}/selfsubjectrulesreviews", body).json()["status"]
    assert READER[0] in status["resourceRules"] and status["incomplete"] is False
    assert {"verbs": ["get"], "nonResourceURLs": ["/.well-known/openid-configuration", "/openid/v1/jwks"]} in status[
        "nonResourceRules"
    ]
    answer = robot("POST", f"{AUTHORIZATION}/selfsubjectrulesreviews", {"spec": {}})
    assert (answer.status, answer.json()["message"]) == (400, "no namespace on request")


@pytest.mark.parametrize(
    ("bearer", "audiences", "status"),
    [
        (None, [], {"authenticated": True}),
        (None, ["other"], {"user": {}}),
        ("wrong", [], {"user": {}, "error": "invalid bearer token"}),
    ],
)
def test_a_token_is_reviewed(wire: Wire, bearer: str | None, audiences: list[str], status: dict[str, Any]) -> None:
    spec = {"token": bearer or token(wire, NAMESPACE, "robot"), "audiences": audiences}
    found = wire("POST", f"{AUTHENTICATION}/tokenreviews", {"spec": spec}).json()["status"]
    assert status.items() <= found.items()
    assert ("error" in found) == ("authenticated" not in found)


@pytest.mark.parametrize(
    ("headers", "username", "groups"),
    [
        ({"Impersonate-User": "bob"}, "bob", ["system:authenticated"]),
        ({"Impersonate-User": "bob", "Impersonate-Group": "g"}, "bob", ["g", "system:authenticated"]),
        ({"Impersonate-User": ACCOUNT}, ACCOUNT, ACCOUNT_GROUPS),
    ],
)
def test_the_administrator_acts_as_others(
    wire: Wire, robot: Ask, headers: dict[str, str], username: str, groups: list[str]
) -> None:
    who = wire("POST", f"{AUTHENTICATION}/selfsubjectreviews", {}, headers).json()["status"]["userInfo"]
    assert who == {"username": username, "groups": groups}
    assert wire("GET", "/api/v1/nodes", headers=headers).status == 403
    assert robot("GET", "/version", **headers).status == 403


def test_acting_as_others_takes_a_right(robot: Ask) -> None:
    answer = robot("GET", "/version", **{"Impersonate-User": "bob"})
    assert answer.json()["message"] == (
        f'users "bob" is forbidden: User "{ACCOUNT}" cannot impersonate resource "users" in API group "" at the '
        "cluster scope"
    )


@pytest.mark.parametrize(
    ("kind", "body", "status", "message"),
    [
        ("roles", {"metadata": {"name": "less"}, "rules": [{**READER[0], "resources": ["pods"]}]}, 201, ""),
        ("roles", {"metadata": {"name": "more"}, "rules": [{**READER[0], "verbs": ["get", "delete", "patch"]}]}, 403,
         'roles.rbac.authorization.k8s.io "more" is forbidden: user "{user}" (groups=["system:serviceaccounts" '
         '"system:serviceaccounts:access" "system:authenticated"]) is attempting to grant RBAC permissions not '
         'currently held:\n{{APIGroups:[""], Resources:["configmaps"], Verbs:["delete" "patch"]}}\n'
         '{{APIGroups:[""], Resources:["pods"], Verbs:["delete" "patch"]}}'),
        ("rolebindings", bound("again", "Role", "reader"), 201, ""),
        ("rolebindings", bound("root", "ClusterRole", "cluster-admin"), 403,
         'rolebindings.rbac.authorization.k8s.io "root" is forbidden: user "{user}" (groups=['
         '"system:serviceaccounts" "system:serviceaccounts:access" "system:authenticated"]) is attempting to grant '
         'RBAC permissions not currently held:\n{{APIGroups:["*"], Resources:["*"], Verbs:["*"]}}\n'
         '{{NonResourceURLs:["*"], Verbs:["*"]}}'),
        ("rolebindings", bound("nothing", "Role", "nothing"), 404,
         'role.rbac.authorization.k8s.io "nothing" not found'),
    ],
)  # fmt: skip
def test_nobody_grants_more_than_they_hold(
    robot: Ask, kind: str, body: dict[str, Any], status: int, message: str
) -> None:
    answer = robot("POST", f"{RBAC}/namespaces/{NAMESPACE}/{kind}", body)
    assert answer.status == status
    assert not message or answer.json()["message"] == message.format(user=ACCOUNT)


@pytest.mark.parametrize("media_type", ["merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"])
def test_nor_do_they_by_a_patch(robot: Ask, media_type: str) -> None:
    more = {"rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}
    body = {"apiVersion": RBAC.removeprefix("/apis/"), "kind": "Role", "metadata": {"name": "reader"}, **more}
    headers = {"Content-Type": f"application/{media_type}"}
    path = f"{RBAC}/namespaces/{NAMESPACE}/roles/reader?fieldManager=test"
    answer = robot("PATCH", f"{path}&force=true" if "apply" in media_type else path, body, **headers)
    assert answer.status == 403 and "not currently held" in answer.json()["message"]


@pytest.mark.parametrize("place", [{}, {"namespace": NAMESPACE}])
def test_nor_by_a_replacement(robot: Ask, place: dict[str, str]) -> None:
    more = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    body = {"metadata": {"name": "reader", **place}, "rules": more}
    answer = robot("PUT", f"{RBAC}/namespaces/{NAMESPACE}/roles/reader", body)
    assert answer.status == 403 and "not currently held" in answer.json()["message"]
    binding = bound("reader", "Role", "reader")
    binding["subjects"].append({"kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"})
    binding["metadata"]["namespace"] = NAMESPACE
    assert robot("PUT", f"{RBAC}/namespaces/{NAMESPACE}/rolebindings/reader", binding).status == 200


def test_an_apply_that_creates_takes_the_right_to_create(wire: Wire, robot: Ask) -> None:
    role = {"metadata": {"name": "patcher"}, "rules": [PATCHER]}
    assert wire("POST", f"{RBAC}/namespaces/{NAMESPACE}/roles", role).status == 201
    assert (
        wire("POST", f"{RBAC}/namespaces/{NAMESPACE}/rolebindings", bound("patcher", "Role", "patcher")).status == 201
    )
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}}
    apply = {"Content-Type": "application/apply-patch+yaml"}
    answer = robot("PATCH", f"{HERE}/configmaps/new?fieldManager=test", body, **apply)
    assert answer.json()["message"].startswith(f'configmaps "new" is forbidden: User "{ACCOUNT}" cannot create ')
    body |= {"kind": "Namespace", "metadata": {"name": NAMESPACE}}
    assert robot("PATCH", f"{HERE}?fieldManager=test", body, **apply).status == 200, "it is there already"


def test_a_command_over_a_websocket_takes_two_rights(wire: Wire, robot: Ask) -> None:
    rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods/exec"]}]
    assert wire("POST", f"{RBAC}/namespaces/{NAMESPACE}/roles", {"metadata": {"name": "half"}, "rules": rules}).status
    path = f"{HERE}/pods/p/exec?command=true"
    assert 'cannot get resource "pods/exec"' in robot("GET", path).json()["message"]
    assert wire("POST", f"{RBAC}/namespaces/{NAMESPACE}/rolebindings", bound("half", "Role", "half")).status == 201
    assert 'cannot create resource "pods/exec"' in robot("GET", path).json()["message"]


@pytest.mark.parametrize("body", [b"[]", b'{"spec":[]}', b'{"metadata":3,"spec":{}}', b"{", b'{"spec":{"groups":5}}'])
@pytest.mark.parametrize(
    "path",
    [
        f"{AUTHORIZATION}/selfsubjectaccessreviews",
        f"{AUTHORIZATION}/subjectaccessreviews",
        f"{AUTHENTICATION}/tokenreviews",
        f"{HERE}/serviceaccounts/robot/token",
        f"{RBAC}/namespaces/{NAMESPACE}/roles",
        f"{RBAC}/namespaces/{NAMESPACE}/rolebindings",
    ],
)
def test_hostile_bodies_get_an_answer(wire: Wire, robot: Ask, path: str, body: bytes) -> None:
    for ask in (wire, robot):
        answer = ask("POST", path, body)
        assert answer.status < 500 and answer.json()["kind"], answer.body


@pytest.mark.parametrize(
    "more",
    [{"rules": "all"}, {"rules": [5]}, {"rules": [{"verbs": "get"}]}, {"roleRef": 3}, {"subjects": [{"kind": []}]}],
)
def test_hostile_roles_get_an_answer(wire: Wire, robot: Ask, more: dict[str, Any]) -> None:
    for kind in ("roles", "rolebindings"):
        for ask in (robot, wire):
            answer = ask("POST", f"{RBAC}/namespaces/{NAMESPACE}/{kind}", {"metadata": {"name": "hostile"}, **more})
            assert answer.status < 500, answer.body
        wire("DELETE", f"{RBAC}/namespaces/{NAMESPACE}/{kind}/hostile")
    assert robot("GET", f"{HERE}/pods").status == 200


def test_collected_roles_follow_their_parts(wire: Wire) -> None:
    labels = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    rules = [{"verbs": ["get"], "apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"]}]
    assert wire("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "more", "labels": labels}, "rules": rules}).status
    for role in ("view", "edit", "admin"):
        wait(
            lambda role=role: wire("GET", f"{RBAC}/clusterroles/{role}").json()["rules"], lambda all_: rules[0] in all_
        )
    wire("DELETE", f"{RBAC}/clusterroles/more")
    wait(lambda: wire("GET", f"{RBAC}/clusterroles/admin").json()["rules"], lambda all_: rules[0] not in all_)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer \udcff\udcfe"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer " + "x" * 4000},
        {"Impersonate-User": "\udcff"},
        {"Impersonate-Group": "nobody"},
        {"Impersonate-Extra-a%zz": "b", "Impersonate-User": "u"},
    ],
)
def test_hostile_headers_get_an_answer(wire: Wire, headers: dict[str, Any]) -> None:
    raw = {name: value.encode(errors="surrogateescape") for name, value in headers.items()}
    answer = wire("GET", f"{HERE}/pods", headers=raw)  # type: ignore[arg-type]
    assert answer.status in (400, 401, 403) and answer.json()["kind"] == "Status"

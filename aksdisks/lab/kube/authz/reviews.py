"""Questions about identity and rights: access reviews, rules reviews, token reviews, who am I."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.authn.authentication import Authenticator, User
from aksdisks.lab.kube.authn.service_account_tokens import ISSUER, TokenRefused
from aksdisks.lab.kube.authz.attributes import Attributes
from aksdisks.lab.kube.authz.rbac import Authorizer
from aksdisks.lab.kube.schema.decoding import decode
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import Cause, bad_request, invalid
from aksdisks.lab.kube.schema.unstored import REVIEWS
from aksdisks.lab.kube.strategies import causes

_NO_ATTRIBUTES = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
_BOTH_ATTRIBUTES = "cannot be specified in combination with resourceAttributes"
_NO_SUBJECT = "at least one of user or group must be specified"


KINDS = {(review.group, review.plural, review.namespaced): review for review in REVIEWS}
"""The kinds of reviews by what their paths say."""


def answer(
    authorizer: Authorizer,
    authenticator: Authenticator,
    user: User,
    review: Resource,
    body: Any,
    namespace: str,
    now: str,
) -> Object:
    """The review with its status; 400 or 422 for a question that is none. `now`: as Kubernetes writes times."""
    decode(review, body)
    spec: Object = body.get("spec") or {}
    metadata: Object = body.get("metadata") or {}
    match review.kind:
        case "SelfSubjectReview":
            return _shown(review, {"creationTimestamp": now}, None, {"userInfo": user.info()})
        case "TokenReview":
            return _shown(review, metadata, spec, _token(authenticator, spec))
        case "SelfSubjectRulesReview":
            # Upstream gives the question back empty.
            return _shown(review, {}, {}, _rules(authorizer, user, spec.get("namespace", "")))
        case "SelfSubjectAccessReview":
            asked = _attributes(review, spec, metadata, ())
        case _:
            asked = _attributes(review, spec, metadata, _subject_causes(review, spec, namespace))
            user = User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""))
    decision = authorizer.decide(user, asked)
    status = {"allowed": decision.allowed, **({"reason": decision.reason} if decision.reason else {})}
    return _shown(review, metadata, spec, status)


def _shown(review: Resource, metadata: Object, spec: Object | None, status: Object) -> Object:
    head = {"kind": review.kind, "apiVersion": review.api_version, "metadata": metadata}
    return {**head, **({} if spec is None else {"spec": spec}), "status": status}


def _attributes(review: Resource, spec: Object, metadata: Object, wrong: Sequence[Cause]) -> Attributes:
    """What is asked; 422 in the words of pkg/apis/authorization/validation."""
    resource, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    found = list(wrong)
    if resource is not None and other is not None:
        found.insert(0, causes.invalid("spec.nonResourceAttributes", {}, _BOTH_ATTRIBUTES))
    elif resource is None and other is None:
        found.insert(0, causes.invalid("spec.resourceAttributes", None, _NO_ATTRIBUTES))
    if found:
        raise invalid(review, metadata.get("name", ""), found)
    if resource is None:
        asked = spec["nonResourceAttributes"]
        return Attributes(asked.get("verb", ""), path=asked.get("path", ""))
    fields = ("verb", "resource", "group", "namespace", "name", "subresource")
    return Attributes(*(resource.get(field, "") for field in fields))


def _subject_causes(review: Resource, spec: Object, namespace: str) -> list[Cause]:
    found = []
    if not spec.get("user") and not spec.get("groups"):
        found.append(causes.invalid("spec.user", "", _NO_SUBJECT))
    where = (spec.get("resourceAttributes") or {}).get("namespace", "")
    if review.namespaced and where != namespace:
        found.append(causes.invalid("spec.resourceAttributes.namespace", where, "must match metadata.namespace"))
    return found


def _rules(authorizer: Authorizer, user: User, namespace: str) -> Object:
    if not namespace:
        raise bad_request("no namespace on request")
    rules, errors = authorizer.rules_for(user, namespace)
    about = ("verbs", "apiGroups", "resources", "resourceNames")
    resources = [{field: rule[field] for field in about if rule.get(field)} for rule in rules if rule.get("resources")]
    paths = [
        {"verbs": rule.get("verbs", []), "nonResourceURLs": rule["nonResourceURLs"]}
        for rule in rules
        if rule.get("nonResourceURLs")
    ]
    error = {"evaluationError": ", ".join(errors)} if errors else {}
    return {"resourceRules": resources, "nonResourceRules": paths, "incomplete": bool(errors), **error}


def _token(authenticator: Authenticator, spec: Object) -> Object:
    token, audiences = spec.get("token", ""), spec.get("audiences") or []
    if not token:
        raise bad_request("token is required for TokenReview in authentication")
    try:
        user = authenticator.by_token(token, tuple(audiences))
    except TokenRefused as error:
        return {"user": {}, "error": str(error)}
    return {"authenticated": True, "user": user.info(), "audiences": audiences or [ISSUER]}

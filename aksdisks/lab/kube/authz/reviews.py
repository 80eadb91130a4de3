"""Questions about identity and rights: access reviews, rules reviews, token reviews, who am I."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.authn.authentication import Access, User
from aksdisks.lab.kube.authn.service_account_tokens import ISSUER, TokenRefused
from aksdisks.lab.kube.authz.attributes import Attributes
from aksdisks.lab.kube.authz.rbac import Authorizer
from aksdisks.lab.kube.schema.decoding import check_kind
from aksdisks.lab.kube.schema.registry import Resource
from aksdisks.lab.kube.schema.status import Cause, bad_request, invalid
from aksdisks.lab.kube.wire import discovery

_NO_ATTRIBUTES = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
_BOTH_ATTRIBUTES = "cannot be specified in combination with resourceAttributes"
_NO_SUBJECT = "at least one of user or group must be specified"


def find(group: str, plural: str, namespace: str) -> Resource | None:
    """The row of a review's kind; None when nothing such is served at that place."""
    for review in discovery.REVIEWS:
        if (review.group, review.plural, review.namespaced) == (group, plural, bool(namespace)):
            return review
    return None


def answer(
    authorizer: Authorizer, access: Access, user: User, review: Resource, body: Object, namespace: str, now: str
) -> Object:
    """The review with its status; 400 or 422 for a question that is none. `now`: as Kubernetes writes times."""
    check_kind(review, body)
    spec = body.get("spec") or {}
    metadata = body.get("metadata") or {}
    if not isinstance(spec, dict) or not isinstance(metadata, dict):
        raise bad_request(f"{review.kind}: expected objects as metadata and spec")
    match review.kind:
        case "SelfSubjectReview":
            return _shown(review, {"creationTimestamp": now}, None, {"userInfo": user.info()})
        case "TokenReview":
            return _shown(review, metadata, spec, _token(access, spec))
        case "SelfSubjectRulesReview":
            # Upstream gives the question back empty.
            return _shown(review, {}, {}, _rules(authorizer, user, spec))
        case "SelfSubjectAccessReview":
            asked = _attributes(review, spec, metadata, ())
        case _:
            asked = _attributes(review, spec, metadata, _subject_causes(review, spec, namespace))
            user = User(_text(spec, "user"), tuple(texts(spec, "groups")), _text(spec, "uid"))
    decision = authorizer.decide(user, asked)
    status = {"allowed": decision.allowed, **({"reason": decision.reason} if decision.reason else {})}
    return _shown(review, metadata, spec, status)


def _shown(review: Resource, metadata: Object, spec: Object | None, status: Object) -> Object:
    head = {"kind": review.kind, "apiVersion": review.api_version, "metadata": metadata}
    return {**head, **({} if spec is None else {"spec": spec}), "status": status}


def _attributes(review: Resource, spec: Object, metadata: Object, causes: Sequence[Cause]) -> Attributes:
    """What is asked; 422 in the words of pkg/apis/authorization/validation."""
    resource, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    found: list[Cause] = []
    if resource is not None and other is not None:
        found.append(_invalid("spec.nonResourceAttributes", other, _BOTH_ATTRIBUTES))
    elif resource is None and other is None:
        found.append(_invalid("spec.resourceAttributes", None, _NO_ATTRIBUTES))
    found += causes
    if found:
        raise invalid(review, _text(metadata, "name"), found)
    asked = resource if resource is not None else other
    if not isinstance(asked, dict):
        raise bad_request(f"{review.kind}: expected an object that says what is asked")
    if resource is None:
        return Attributes(_text(asked, "verb"), path=_text(asked, "path"))
    fields = ("verb", "resource", "group", "namespace", "name", "subresource")
    return Attributes(*(_text(asked, field) for field in fields))


def _subject_causes(review: Resource, spec: Object, namespace: str) -> list[Cause]:
    causes = []
    if not spec.get("user") and not spec.get("groups"):
        causes.append(_invalid("spec.user", "", _NO_SUBJECT))
    if review.namespaced:
        attributes = spec.get("resourceAttributes")
        where = attributes.get("namespace", "") if isinstance(attributes, dict) else ""
        if where != namespace:
            causes.append(_invalid("spec.resourceAttributes.namespace", where, "must match metadata.namespace"))
    return causes


def _rules(authorizer: Authorizer, user: User, spec: Object) -> Object:
    namespace = _text(spec, "namespace")
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


def _token(access: Access, spec: Object) -> Object:
    token, audiences = _text(spec, "token"), tuple(texts(spec, "audiences"))
    if not token:
        raise bad_request("token is required for TokenReview in authentication")
    try:
        user = access.by_token(token, audiences)
    except TokenRefused as error:
        return {"user": {}, "error": str(error)}
    return {"authenticated": True, "user": user.info(), "audiences": list(audiences) or [ISSUER]}


def _invalid(field: str, value: Any, why: str) -> Cause:
    shown = "null" if value is None else "{}" if isinstance(value, Mapping) else f'"{value}"'
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown}: {why}")


def _text(values: Object, field: str) -> str:
    value = values.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ApiError(400, "BadRequest", f"{field}: expected a text, found {value!r}")
    return value


def texts(values: Object, field: str) -> list[str]:
    """A list of texts in a request's body, empty when there is none; 400 for anything else."""
    found = values.get(field) or []
    if not isinstance(found, list) or not all(isinstance(value, str) for value in found):
        raise bad_request(f"{field}: expected a list of texts")
    return found

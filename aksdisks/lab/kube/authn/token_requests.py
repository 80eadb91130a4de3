"""Tokens on request: `serviceaccounts/token` (`kubectl create token`)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.kube.authn.service_account_tokens import ISSUER, AccountTokens
from aksdisks.lab.kube.authz.reviews import texts
from aksdisks.lab.kube.schema.registry import RESOURCES, Resource
from aksdisks.lab.kube.schema.status import Cause, bad_request, conflict, invalid, not_found
from aksdisks.lab.kube.storage.store import Store

KIND = Resource("tokenrequests", "tokenrequest", "TokenRequest", "authentication.k8s.io")
_SECONDS, _SHORTEST, _LONGEST = 3600, 600, 1 << 32
_BINDABLE = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}


def answer(store: Store, tokens: AccountTokens, clock: Clock, body: Object, namespace: str, name: str) -> Object:
    """The request with its token; 400, 404, 409 or 422 (registry/core/serviceaccount/storage/token.go)."""
    metadata, spec = body.get("metadata") or {}, body.get("spec") or {}
    if not isinstance(metadata, dict) or not isinstance(spec, dict):
        raise bad_request("TokenRequest: expected objects as metadata and spec")
    for field, own in (("name", name), ("namespace", namespace)):
        if (given := metadata.get(field)) and given != own:
            why = f'Invalid value: "{given}": must match the service account {field} if specified'
            raise invalid(KIND, name, [Cause(f"metadata.{field}", "FieldValueInvalid", why)])
    found = store.get("serviceaccounts", (namespace, name))
    if found is None:
        raise not_found(RESOURCES["serviceaccounts"], name)
    account = found.object
    audiences = texts(spec, "audiences") or [ISSUER]
    seconds = _seconds(spec)
    bound = _bound(store, spec.get("boundObjectRef"), account)
    token, expires = tokens.issue(account, audiences, seconds, bound)
    shown: Object = {"audiences": audiences, "expirationSeconds": seconds}
    shown["boundObjectRef"] = spec.get("boundObjectRef")
    return {
        "kind": KIND.kind,
        "apiVersion": KIND.api_version,
        "metadata": {
            **metadata,
            "name": name,
            "namespace": namespace,
            "creationTimestamp": timestamp(clock.now()),
        },
        "spec": shown,
        "status": {"token": token, "expirationTimestamp": timestamp(expires)},
    }


def _seconds(spec: Object) -> int:
    seconds = spec.get("expirationSeconds")
    if seconds is None:
        return _SECONDS
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise bad_request(f"spec.expirationSeconds: expected a whole number, found {seconds!r}")
    why = ""
    if seconds < _SHORTEST:
        why = "may not specify a duration less than 10 minutes"
    elif seconds > _LONGEST:
        why = "may not specify a duration larger than 2^32 seconds"
    if why:
        cause = Cause("spec.expirationSeconds", "FieldValueInvalid", f"Invalid value: {seconds}: {why}")
        raise invalid(KIND, "", [cause])
    return seconds


def _bound(store: Store, ref: Object | None, account: Object) -> Object | None:
    """The object that the token ends with; it must be there, and a pod must run as this account."""
    if not ref:
        return None
    if not isinstance(ref, dict):
        raise bad_request("spec.boundObjectRef: expected an object")
    kind, name, version = str(ref.get("kind", "")), str(ref.get("name", "")), str(ref.get("apiVersion", ""))
    plural = _BINDABLE.get(kind) if version in ("", "v1") else None
    if plural is None:
        group, _, short = version.rpartition("/")
        raise bad_request(f"cannot bind token to object of type {group}/{short}, Kind={kind}")
    own = account["metadata"]
    found = store.get(plural, ("" if plural == "nodes" else own["namespace"], name))
    if found is None:
        raise not_found(RESOURCES[plural], name)
    obj = found.object
    if plural == "pods" and obj["spec"].get("serviceAccountName") != own["name"]:
        raise bad_request(
            f'cannot bind token for serviceaccount "{own["name"]}" to pod running with different serviceaccount name.'
        )
    uid = obj["metadata"]["uid"]
    if ref.get("uid") and ref["uid"] != uid:
        why = (
            f"the UID in the bound object reference ({ref['uid']}) does not match the UID in record. The object might "
            "have been deleted and then recreated"
        )
        raise conflict(RESOURCES[plural], name, why)
    return obj

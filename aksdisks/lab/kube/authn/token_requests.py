"""Tokens on request: `serviceaccounts/token` (`kubectl create token`)."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.errors import NotEmulated
from aksdisks.lab.kube.authn.service_account_tokens import ISSUER, AccountTokens
from aksdisks.lab.kube.schema.decoding import decode
from aksdisks.lab.kube.schema.status import invalid, not_found
from aksdisks.lab.kube.schema.unstored import SUBRESOURCE_KINDS
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies import causes
from aksdisks.lab.kube.strategies.catalog import RESOURCES

_KIND = SUBRESOURCE_KINDS["token"]
_SECONDS, _SHORTEST, _LONGEST = 3600, 600, 1 << 32


def answer(store: Store, tokens: AccountTokens, clock: Clock, body: Any, namespace: str, name: str) -> Object:
    """The request with its token; 400, 404 or 422 (registry/core/serviceaccount/storage/token.go).

    Raises `NotEmulated` for a token that is to end with another object than its account.
    """
    decode(_KIND, body)
    metadata, spec = body.get("metadata") or {}, body.get("spec") or {}
    for field, own in (("name", name), ("namespace", namespace)):
        if (given := metadata.get(field)) and given != own:
            why = f"must match the service account {field} if specified"
            raise invalid(_KIND, name, [causes.invalid(f"metadata.{field}", given, why)])
    found = store.get("serviceaccounts", (namespace, name))
    if found is None:
        raise not_found(RESOURCES["serviceaccounts"], name)
    if spec.get("boundObjectRef"):
        raise NotEmulated(f"serviceaccounts/token of {name}: the lab binds no token to another object than its account")
    audiences, seconds = spec.get("audiences") or [ISSUER], _seconds(spec)
    token, expires = tokens.issue(found.object, audiences, seconds)
    made = {"name": name, "namespace": namespace, "creationTimestamp": timestamp(clock.now())}
    return {
        "kind": _KIND.kind,
        "apiVersion": _KIND.api_version,
        "metadata": {**metadata, **made},
        "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": None},
        "status": {"token": token, "expirationTimestamp": timestamp(expires)},
    }


def _seconds(spec: Object) -> int:
    seconds: int = spec.get("expirationSeconds", _SECONDS)
    if _SHORTEST <= seconds <= _LONGEST:
        return seconds
    limit = "less than 10 minutes" if seconds < _SHORTEST else "larger than 2^32 seconds"
    why = f"may not specify a duration {limit}"
    raise invalid(_KIND, "", [causes.invalid("spec.expirationSeconds", seconds, why)])

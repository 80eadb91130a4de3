"""HTTP requests about identity and rights: reviews, service accounts' tokens, and what guards roles and bindings."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import web

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.kube.authn import token_requests
from aksdisks.lab.kube.authn.authentication import Authenticator, User
from aksdisks.lab.kube.authn.service_account_tokens import ALGORITHM, ISSUER
from aksdisks.lab.kube.authz import escalation, reviews
from aksdisks.lab.kube.authz.rbac import MASTERS, Authorizer
from aksdisks.lab.kube.schema.status import method_not_allowed, no_such_resource
from aksdisks.lab.kube.wire import negotiation
from aksdisks.lab.kube.wire.options import content_type, write_options
from aksdisks.lab.kube.wire.request_info import RequestInfo
from aksdisks.lab.kube.write.api import KubeApi

_STREAMED = ("exec", "attach", "portforward")
GUARD = "guard"
"""Under this key a request carries the `WriteGuard` of what it writes."""


class RightsEndpoints:
    """The reviews and tokens, and the checks that need more than the URL."""

    def __init__(self, api: KubeApi, authenticator: Authenticator, authorizer: Authorizer, clock: Clock) -> None:
        self._api = api
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._clock = clock

    async def review(self, request: web.Request, user: User, info: RequestInfo) -> Object:
        """Answer a review that is posted."""
        kind = reviews.KINDS.get((info.group, info.resource, bool(info.namespace)))
        if kind is None or len(info.parts) > 1:
            raise no_such_resource()
        body = await _posted(request, kind.kind)
        now = timestamp(self._clock.now())
        return reviews.answer(self._authorizer, self._authenticator, user, kind, body, info.namespace, now)

    async def token(self, request: web.Request, info: RequestInfo) -> Object:
        """Answer a TokenRequest."""
        body = await _posted(request, "TokenRequest")
        where = info.namespace, info.name
        return token_requests.answer(self._api.store, self._authenticator.accounts, self._clock, body, *where)

    def check_write(self, request: web.Request, user: User, info: RequestInfo) -> None:
        """Refuse what the right to the URL alone does not allow, and guard what is granted by a role or a binding.

        An apply that creates needs `create`, and so, since 1.35, does a WebSocket, which though a GET starts a command
        (feature AuthorizePodWebsocketUpgradeCreatePermission). Nobody grants more than they hold.
        """
        if MASTERS in user.groups:
            return
        streams = info.verb == "get" and info.resource == "pods" and info.subresource in _STREAMED
        applies = info.verb == "patch" and not info.subresource
        applies = applies and negotiation.media_type(content_type(request)) == negotiation.APPLY
        # For access control a Namespace is in the namespace of its own name; it is stored in none.
        place = "" if info.resource == "namespaces" else info.namespace
        if streams or (applies and self._api.store.get(self._stored_as(info), (place, info.name)) is None):
            self._authorizer.check(user, replace(info.attributes, verb="create"))
        if info.group == escalation.GROUP and info.resource in escalation.GUARDED:
            request[GUARD] = partial(escalation.check, self._authorizer, user, info.resource, info.namespace)

    def _stored_as(self, info: RequestInfo) -> str:
        """The store's key of what the URL names; for what is not served, any that holds nothing."""
        key = self._api.kinds.by_path(info.group, info.version, info.resource)
        return info.resource if key is None else self._api.kinds.storage_key(key)


def issuer(host: str) -> Object:
    """Who issues service accounts' tokens, and where the keys are that they can be checked with."""
    return {
        "issuer": ISSUER,
        "jwks_uri": f"https://{host}/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
    }


async def _posted(request: web.Request, kind: str) -> Any:
    if request.method != "POST":
        raise method_not_allowed()
    write_options(request)
    return negotiation.decode(await request.read(), content_type(request), kind)

"""HTTP requests about identity and rights: reviews, tokens of service accounts, and the guard of roles and bindings."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.kube.authn import token_requests
from aksdisks.lab.kube.authn.authentication import Access, User
from aksdisks.lab.kube.authn.service_account_tokens import ALGORITHM, ISSUER
from aksdisks.lab.kube.authz import escalation, reviews
from aksdisks.lab.kube.authz.attributes import Attributes
from aksdisks.lab.kube.authz.rbac import MASTERS, Authorizer
from aksdisks.lab.kube.schema.status import bad_request, method_not_allowed, no_such_resource
from aksdisks.lab.kube.wire import negotiation
from aksdisks.lab.kube.wire.options import write_options
from aksdisks.lab.kube.write.api import KubeApi

_STREAMED = ("exec", "attach", "portforward")
_GUARDED = (*escalation.ROLES, *escalation.BINDINGS)


class RightsEndpoints:
    """What of access control is more than a yes or no to a URL."""

    def __init__(self, api: KubeApi, access: Access, authorizer: Authorizer, clock: Clock) -> None:
        self._api = api
        self._access = access
        self._authorizer = authorizer
        self._clock = clock

    async def review(self, request: web.Request, user: User, group: str, rest: list[str]) -> Object:
        """Answer a review posted below `/apis/<group>/v1`."""
        namespace, plural = (rest[1], rest[2]) if rest[0] == "namespaces" and len(rest) == 3 else ("", rest[0])
        kind = reviews.find(group, plural, namespace) if len(rest) == (3 if namespace else 1) else None
        if kind is None:
            raise no_such_resource()
        body = await _posted(request, kind.kind)
        now = timestamp(self._clock.now())
        return reviews.answer(self._authorizer, self._access, user, kind, body, namespace, now)

    async def token(self, request: web.Request, namespace: str, name: str) -> Object:
        """Answer a TokenRequest."""
        if self._access.accounts is None:
            raise no_such_resource()
        body = await _posted(request, token_requests.KIND.kind)
        return token_requests.answer(self._api.store, self._access.accounts, self._clock, body, namespace, name)

    def issuer(self, path: str, host: str) -> Object:
        """What lets others check service accounts' tokens: the issuer's configuration or its public keys."""
        if self._access.accounts is None:
            raise no_such_resource()
        if path == "/openid/v1/jwks":
            return self._access.accounts.public_keys()
        return {
            "issuer": ISSUER,
            "jwks_uri": f"https://{host}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }

    async def check_write(self, request: web.Request, user: User, asked: Attributes) -> None:
        """Refuse what the right to the URL alone does not allow.

        An apply that creates needs `create`, and so, since 1.35, does a WebSocket, which though a GET starts a command
        (feature AuthorizePodWebsocketUpgradeCreatePermission). Nobody grants more than they hold.
        """
        if MASTERS in user.groups:
            return
        found = self._api.store.get(asked.resource, (asked.namespace, asked.name)) if asked.name else None
        applied = asked.verb == "patch" and negotiation.PATCH_TYPES.get(_media_type(request)) == "apply"
        if applied and found is None and not asked.subresource:
            self._authorizer.check(user, replace(asked, verb="create"))
        if asked.resource == "pods" and asked.subresource in _STREAMED and asked.verb == "get":
            self._authorizer.check(user, replace(asked, verb="create"))
        if asked.group != escalation.GROUP or asked.resource not in _GUARDED or asked.subresource:
            return
        if asked.verb not in ("create", "update", "patch"):
            return
        old = found.object if found else None
        if (new := await self._written(request, asked)) is not None:
            escalation.check(self._authorizer, user, asked.resource, asked.namespace, new, old)

    async def _written(self, request: web.Request, asked: Attributes) -> Object | None:
        """What the request would store; None where it cannot be, which its own handler then says."""
        body, content_type = await request.read(), request.headers.get("Content-Type", "")
        namespace = asked.namespace or None
        try:
            if asked.verb != "patch":
                new = negotiation.decode(body, content_type, asked.resource)
                if not isinstance(new, dict):
                    return None
                if asked.verb == "create":
                    return self._api.create_version(asked.resource, new, namespace, dry_run=True).object
                # The namespace may be left to the URL; the name is held to it by the handler.
                place = {"name": asked.name, **({"namespace": namespace} if namespace else {})}
                metadata = new.get("metadata")
                new["metadata"] = {**(metadata if isinstance(metadata, dict) else {}), **place}
                return self._api.update_version(asked.resource, new, dry_run=True).version.object
            patch_type = negotiation.PATCH_TYPES[_media_type(request)]
            return self._api.patch_version(
                asked.resource,
                asked.name,
                negotiation.decode_patch(body, patch_type),
                namespace,
                patch_type=patch_type,
                dry_run=True,
                field_manager=request.query.get("fieldManager", "") or "unknown",
                force=True,
            ).version.object
        except (ApiError, KeyError):
            return None


def _media_type(request: web.Request) -> str:
    return negotiation.media_type(request.headers.get("Content-Type", ""))


async def _posted(request: web.Request, kind: str) -> Object:
    if request.method != "POST":
        raise method_not_allowed()
    body = negotiation.decode(await request.read(), request.headers.get("Content-Type", ""), kind)
    if not isinstance(body, dict):
        raise bad_request("expected a JSON object")
    write_options(request)
    return body

"""The HTTPS face of Azure: matches paths, checks tokens, reads bodies and writes answers; knows no rules."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.aks.lockdown import Lockdown
from aksdisks.lab.arm.bodies import kind_of
from aksdisks.lab.arm.injection import RequestInjection
from aksdisks.lab.arm.resources.roles import Authorization, Right, right
from aksdisks.lab.arm.wire import api_versions
from aksdisks.lab.arm.wire import headers as replies
from aksdisks.lab.arm.wire.answers import Answer, Call, Handler, Routes
from aksdisks.lab.arm.wire.handlers import graph
from aksdisks.lab.arm.wire.handlers.authority import AuthorityHandlers
from aksdisks.lab.arm.wire.handlers.authorization import DenyAssignmentHandlers, RoleHandlers
from aksdisks.lab.arm.wire.handlers.clusters import ClusterHandlers
from aksdisks.lab.arm.wire.handlers.directory import DirectoryHandlers
from aksdisks.lab.arm.wire.handlers.disks import DiskHandlers
from aksdisks.lab.arm.wire.handlers.file_shares import FileShareHandlers
from aksdisks.lab.arm.wire.handlers.graph import GraphHandlers
from aksdisks.lab.arm.wire.handlers.groups import GroupHandlers
from aksdisks.lab.arm.wire.handlers.locks import LockHandlers
from aksdisks.lab.arm.wire.handlers.machines import MachineHandlers
from aksdisks.lab.arm.wire.handlers.operations import OperationHandlers
from aksdisks.lab.arm.wire.handlers.scale_sets import ScaleSetHandlers
from aksdisks.lab.arm.wire.handlers.storage_accounts import StorageAccountHandlers
from aksdisks.lab.arm.wire.handlers.tags import TagHandlers
from aksdisks.lab.arm.wire.handlers.usages import UsageHandlers
from aksdisks.lab.scenario import Principal

if TYPE_CHECKING:
    from aksdisks.lab.arm.cloud import Cloud
    from aksdisks.lab.arm.entra.tokens import Tokens

Json = dict[str, Any]

LARGEST_BODY = 4 * 1024**2
"""Bytes; Resource Manager's own limit."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Route:
    """A path's parts, `{name}` for a parameter; open routes need no token. `template`: the path without parameters."""

    method: str
    parts: tuple[str, ...]
    handler: Handler
    open: bool
    right: Right | None
    template: str

    def match(self, parts: tuple[str, ...]) -> dict[str, str] | None:
        """The parameters when the path is this route's, without case."""
        if len(parts) != len(self.parts):
            return None
        found: dict[str, str] = {}
        for pattern, part in zip(self.parts, parts, strict=True):
            if pattern.startswith("{"):
                found[pattern[1:-1]] = part
            elif pattern != part.lower():
                return None
        return found


def arm_app(cloud: Cloud, tokens: Tokens, injection: RequestInjection | None = None) -> web.Application:
    """Azure Resource Manager and the token endpoint as one application, to be served over TLS."""
    server = _Server(cloud, tokens, injection or RequestInjection())
    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_route("*", "/{path:(?s:.*)}", server.answer)
    return app


class _Server:
    def __init__(self, cloud: Cloud, tokens: Tokens, injection: RequestInjection) -> None:
        self._tokens = tokens
        self._injection = injection
        self._throttle = None if cloud.scenario.throttling == "off" else cloud.throttle
        self._authorization = Authorization(cloud.scenario.subscription)
        self._lockdown = Lockdown.of(cloud.scenario)
        self._locks = cloud.locks
        self._subscription = cloud.scenario.subscription_id
        self._location = cloud.scenario.location
        parts = (
            DirectoryHandlers(cloud),
            GroupHandlers(cloud),
            DiskHandlers(cloud, cloud.disks),
            DiskHandlers(cloud, cloud.snapshots),
            MachineHandlers(cloud),
            ScaleSetHandlers(cloud),
            UsageHandlers(cloud),
            StorageAccountHandlers(cloud),
            FileShareHandlers(cloud),
            OperationHandlers(cloud),
            ClusterHandlers(cloud),
            TagHandlers(cloud),
            RoleHandlers(cloud.scenario, tokens, self._authorization),
            DenyAssignmentHandlers(self._lockdown),
            LockHandlers(cloud),
            GraphHandlers(tokens),
        )
        known = [entry for part in parts for entry in part.routes()]
        self._routes = [*_compile(AuthorityHandlers(tokens).routes(), is_open=True), *_compile(known, is_open=False)]

    async def answer(self, request: web.Request) -> web.Response:
        """Any request."""
        self._injection.drop_connection(request)
        try:
            answer = await self._dispatch(request)
        except errors.CloudError as error:
            authority = f"https://{request.host}/{self._tokens.tenant_id}"
            answer = Answer(error.status, error.body(), replies.headers_of_refusal(error, authority))
        except web.RequestPayloadError:
            refusal = errors.invalid_content("the body cannot be read")
            answer = Answer(refusal.status, refusal.body())
        except web.HTTPException:
            raise
        except Exception:
            log.exception("%s %s", request.method, request.path)
            answer = Answer(500, errors.internal_server_error().body())
        now = self._tokens.clock.now()
        headers = {**replies.headers_of(request.headers, self._location, now), **answer.headers}
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        body = orjson.dumps(answer.body)
        headers["Content-Type"] = "application/json; charset=utf-8"
        return web.Response(status=answer.status, body=body, headers=headers)

    async def _dispatch(self, request: web.Request) -> Answer:
        # Resource Manager does not see empty parts (terraform-provider-azurerm#20520).
        parts = tuple(part for part in request.path.split("/") if part)
        path = "/" + "/".join(parts)
        matches = [(route, found) for route in self._routes if (found := route.match(parts)) is not None]
        route, found = next(((r, f) for r, f in matches if r.method == request.method), (None, {}))
        base = f"https://{request.host}"
        principal: Principal | None = None
        if route is None or not route.open:
            principal = self._tokens.check(request.headers.get("Authorization"), base)
            self._check_address(parts, request.query.get("api-version", ""), known=bool(matches))
        if route is None:
            raise api_versions.unknown_method(parts, request.method)
        left: Mapping[str, str] = {}
        if principal is not None and route.right is not None:
            left = self._admit(principal, route, route.right, parts)
        body: Json = {}
        form: dict[str, str] = {}
        if route.open and request.method == "POST":
            try:
                form = {name: str(value) for name, value in (await request.post()).items()}
            except ValueError:  # a form in parts without a boundary, or with bytes that are no text
                raise errors.invalid_content("the form cannot be read") from None
        elif request.method in ("PUT", "PATCH", "POST"):
            body = _object(await request.read(), request.headers.get("Content-Type"))
        query = {name.lower() if name.startswith("$") else name: value for name, value in request.query.items()}
        call = Call(
            request.method,
            base,
            path,
            parameters=found,
            query=query,
            body=body,
            form=form,
            headers=request.headers,
            sees=self._view(principal, route),
            principal=principal,
        )
        answer = route.handler(call)
        return replace(answer, headers={**left, **answer.headers})

    def _check_address(self, parts: tuple[str, ...], version: str, *, known: bool) -> None:
        """What Resource Manager looks at before it asks a provider; raises `CloudError`."""
        if parts[:1] == (graph.VERSION,):
            if not known:
                raise graph.unknown(parts)
            return
        if not version:
            raise errors.missing_api_version()
        if len(parts) > 1 and parts[0].lower() == "subscriptions":
            errors.check_subscription(parts[1], self._subscription)
        if not known:
            raise api_versions.unknown(parts, version)
        api_versions.check_version(parts, version, self._location, self._tokens.clock.now())

    def _admit(self, principal: Principal, route: Route, right: Right, parts: tuple[str, ...]) -> dict[str, str]:
        """Let the request pass, with the headers that tell how many more may; raises `CloudError`."""
        scope = right.scope(parts)
        left: dict[str, str] = {}
        if self._throttle is not None:
            left.update(self._throttle.take(principal, route.method, route.template))
        self._authorization.check(principal, right, parts)
        if self._lockdown is not None:
            self._lockdown.check(principal, right.action, scope)
        self._locks.check(route.method, right.action, scope)
        self._injection.check(right.action, scope, principal)
        if self._throttle is not None:
            left.update(self._throttle.take_provider(right.action, scope))
        return left

    def _view(self, principal: Principal | None, route: Route) -> Callable[[str], bool]:
        """What a list of this route shows to that principal."""
        authorization, right = self._authorization, route.right
        if principal is None:
            return lambda _scope: False
        if right is None:
            return lambda _scope: authorization.sees_subscription(principal)
        return lambda scope: authorization.allows(principal, right.action, scope)


def _compile(routes: Routes, *, is_open: bool) -> list[Route]:
    return [
        Route(
            method,
            tuple(part if part.startswith("{") else part.lower() for part in path.split("/")[1:]),
            handler,
            is_open,
            None if is_open else right(method, path.split("/")[1:]),
            "".join(f"/{part}" for part in path.split("/")[1:] if not part.startswith("{")),
        )
        for method, path, handler in routes
    ]


def _object(data: bytes, media_type: str | None) -> Json:
    if not data.strip():
        return {}
    if (media_type or "").partition(";")[0].strip().lower() not in ("application/json", "text/json"):
        raise errors.unsupported_media_type(media_type)
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise errors.invalid_content(_place_of(error)) from None
    if not isinstance(body, dict):
        raise errors.invalid_content(f"Error converting value of type '{kind_of(body)}' to type 'object'")
    return body


def _place_of(error: orjson.JSONDecodeError) -> str:
    """Where the text is no JSON, in the words of Resource Manager's parser."""
    # Newtonsoft counts columns from 0, and is on line 0 until it has read something.
    place = f"Path '', line {error.lineno if error.pos else 0}, position {error.colno - 1}."
    if error.pos >= len(error.doc.rstrip()):
        return f"Unexpected end when reading JSON. {place}"
    return f"Unexpected character encountered while parsing value: {error.doc[error.pos]}. {place}"

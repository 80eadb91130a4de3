"""The HTTPS face of Azure: matches paths, checks tokens, reads bodies and writes answers; knows no rules."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.answers import Answer, Call
from aksdisks.lab.arm.authority import Authority
from aksdisks.lab.arm.directory import Directory
from aksdisks.lab.arm.gate import Gate
from aksdisks.lab.arm.handlers import Handler, Handlers
from aksdisks.lab.arm.roles import Authorization, Right, right
from aksdisks.lab.faults import Faults
from aksdisks.lab.scenario import Principal

if TYPE_CHECKING:
    from aksdisks.lab.arm.cloud import Cloud
    from aksdisks.lab.arm.tokens import Tokens

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


def arm_app(cloud: Cloud, tokens: Tokens, gate: Gate | None = None) -> web.Application:
    """Azure Resource Manager and the token endpoint as one application, to be served over TLS."""
    server = _Server(cloud, tokens, gate or Gate(Faults(), cloud.clock))
    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_route("*", "/{path:(?s:.*)}", server.answer)
    return app


class _Server:
    def __init__(self, cloud: Cloud, tokens: Tokens, gate: Gate) -> None:
        authority = Authority(tokens)
        unlocked: tuple[tuple[str, str, Handler], ...] = (
            ("GET", "/metadata/endpoints", authority.metadata),
            ("GET", "/{tenant}/v2.0/.well-known/openid-configuration", authority.openid_configuration),
            ("POST", "/{tenant}/oauth2/v2.0/token", authority.token),
        )
        self._tokens = tokens
        self._gate = gate
        self._throttle = None if cloud.scenario.throttling == "off" else cloud.throttle
        self._authorization = Authorization(cloud.scenario.subscription)
        self._subscription = cloud.scenario.subscription_id
        known = [*Directory(cloud).routes(), *Handlers(cloud).routes()]
        self._routes = [*_compile(unlocked, is_open=True), *_compile(known, is_open=False)]

    async def answer(self, request: web.Request) -> web.Response:
        """Any request."""
        self._gate.hold_line(request)
        try:
            answer = await self._dispatch(request)
        except errors.CloudError as error:
            answer = Answer(error.status, error.body(), _error_headers(error, request))
        except web.RequestPayloadError:
            refusal = errors.invalid_content("the body cannot be read")
            answer = Answer(refusal.status, refusal.body())
        except web.HTTPException:
            raise
        except Exception:
            log.exception("%s %s", request.method, request.path)
            answer = Answer(500, errors.internal_server_error().body())
        headers = {"Cache-Control": "no-cache", "x-ms-request-id": str(uuid.uuid4()), **answer.headers}
        correlation = request.headers.get("x-ms-correlation-request-id", "")
        headers["x-ms-correlation-request-id"] = correlation or str(uuid.uuid4())
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        body = orjson.dumps(answer.body)
        return web.Response(status=answer.status, body=body, headers=headers, content_type="application/json")

    async def _dispatch(self, request: web.Request) -> Answer:
        path = request.path.rstrip("/")
        parts = tuple(path.split("/")[1:])
        matches = [(route, found) for route in self._routes if (found := route.match(parts)) is not None]
        route, found = next(((r, f) for r, f in matches if r.method == request.method), (None, {}))
        base = f"https://{request.host}"
        principal: Principal | None = None
        if route is None or not route.open:
            principal = self._tokens.check(request.headers.get("Authorization"), base)
            if not request.query.get("api-version"):
                raise errors.missing_api_version()
        if route is None:
            raise errors.method_not_allowed(request.method, path) if matches else errors.no_such_type(path)
        subscription = found.get("subscription", self._subscription)
        if subscription.lower() != self._subscription:
            raise errors.subscription_not_found(subscription)
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
            body = _object(await request.read())
        query = {name.lower() if name.startswith("$") else name: value for name, value in request.query.items()}
        call = Call(request.method, base, path, found, query, body, form, self._view(principal, route))
        answer = route.handler(call)
        return replace(answer, headers={**left, **answer.headers})

    def _admit(self, principal: Principal, route: Route, right: Right, parts: tuple[str, ...]) -> dict[str, str]:
        """Let the request pass, with the headers that tell how many more may; raises `CloudError`."""
        scope = right.scope(parts)
        left: dict[str, str] = {}
        if self._throttle is not None:
            left.update(self._throttle.take(principal, route.method, route.template))
        self._authorization.check(principal, right, parts)
        self._gate.check(right.action, scope, principal)
        if self._throttle is not None:
            left.update(self._throttle.take_compute(right.action, scope))
        return left

    def _view(self, principal: Principal | None, route: Route) -> Callable[[str], bool]:
        """What a list of this route shows to that principal."""
        authorization, right = self._authorization, route.right
        if principal is None:
            return lambda _scope: False
        if right is None:
            return lambda _scope: authorization.sees_subscription(principal)
        return lambda scope: authorization.allows(principal, right.action, scope)


def _compile(routes: Iterable[tuple[str, str, Handler]], *, is_open: bool) -> list[Route]:
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


def _object(data: bytes) -> Json:
    if not data.strip():
        return {}
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise errors.invalid_content(str(error)) from None
    if not isinstance(body, dict):
        raise errors.invalid_content(f"Error converting value of type '{type(body).__name__}' to type 'object'")
    return body


def _error_headers(error: errors.CloudError, request: web.Request) -> dict[str, str]:
    headers = {"x-ms-failure-cause": "gateway" if error.status in (401, 403) else "service"}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        address = f"https://{request.host}"
        headers["WWW-Authenticate"] = (
            f'Bearer authorization_uri="{address}", error="invalid_token", error_description="{error.message}"'
        )
    return headers

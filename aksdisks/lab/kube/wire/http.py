"""The Kubernetes API over HTTPS: authentication, authorization, routing, and refusals as `Status`."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping
from email.utils import formatdate

import orjson
from aiohttp import web

from aksdisks.lab.client.interface import ApiError
from aksdisks.lab.clock import Clock
from aksdisks.lab.errors import NotEmulated
from aksdisks.lab.kube.authn.authentication import Authenticator, User
from aksdisks.lab.kube.authz import impersonation
from aksdisks.lab.kube.authz.rbac import Authorizer
from aksdisks.lab.kube.schema.status import bad_request, method_not_allowed, no_such_resource
from aksdisks.lab.kube.schema.unstored import AUTHENTICATION, AUTHORIZATION
from aksdisks.lab.kube.wire import answers, discovery, negotiation, openapi, openapi2, request_info
from aksdisks.lab.kube.wire.endpoints import Endpoints, locate
from aksdisks.lab.kube.wire.exec import Streams
from aksdisks.lab.kube.wire.health import Health
from aksdisks.lab.kube.wire.injection import FAULTS, ApiServerInjection
from aksdisks.lab.kube.wire.request_info import RequestInfo
from aksdisks.lab.kube.wire.rights import RightsEndpoints, issuer
from aksdisks.lab.kube.write.api import KubeApi
from aksdisks.lab.versions import not_served

_BODY_LIMIT = 3 * 1024 * 1024
"""Bytes; upstream's limit of a request body."""

_PATHS = (
    "/.well-known/openid-configuration", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks", "/version",
)  # fmt: skip
"""What `/` lists beside discovery and health."""

_ANY_METHOD = {(root,) for root in ("openapi", "index.html", "healthz", "livez", "readyz")} | {()}
"""The first segments of paths that answer every method."""

_YEAR = 365 * 86400
"""Seconds."""

log = logging.getLogger(__name__)


class KubeServer:
    """Answers requests; `version` is the Kubernetes version that it says it is, as `1.35.0`."""

    def __init__(
        self,
        api: KubeApi,
        authenticator: Authenticator,
        clock: Clock,
        version: str,
        injection: ApiServerInjection,
        streams: Streams,
    ) -> None:
        self._kinds = api.kinds
        self._endpoints = Endpoints(api, clock, streams)
        self._authenticator = authenticator
        self._authorizer = Authorizer(api.store)
        self._rights = RightsEndpoints(api, authenticator, self._authorizer, clock)
        self._version = version
        self._not_served = not_served(version)
        self._shown: tuple[discovery.Served, discovery.Served] = ((), ())
        self._injection = injection
        self._health = Health(api.store)

    def app(self) -> web.Application:
        """The application to serve."""
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_route("*", "/{path:(?s:.*)}", self.answer)
        app.on_response_prepare.append(answers.head)
        return app

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Every request passes here."""
        info = request_info.parse(request.method, request.path, request.query)
        self._injection.drop_connection(request, info)
        try:
            response = await self._answer(request, info)
        except (ApiError, NotEmulated) as error:
            response = _refusal(error)
        except web.HTTPRequestEntityTooLarge:
            response = _refusal(
                ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {_BODY_LIMIT}")
            )
        except web.RequestPayloadError:
            response = _refusal(bad_request("the body of the request cannot be read"))
        except Exception:
            log.exception("%s %s failed", request.method, request.path_qs)
            response = _refusal(ApiError(500, "InternalError", "Internal error occurred: the lab's log says more", {}))
        return answers.shaped(request, info, response)

    async def _answer(self, request: web.Request, info: RequestInfo) -> web.StreamResponse:
        user = impersonation.effective(self._authorizer, self._authenticator.identify(request), request.headers)
        self._authorizer.check(user, info.attributes)
        self._injection.check(info)
        return await self._injection.watched(request, info, self._route(request, info, user))

    def _served(self) -> discovery.Served:
        """The kinds that the version has; the same tuple until a definition changes."""
        listed = self._kinds.listed()
        if self._shown[0] is not listed:
            had = tuple(kind for kind in listed if kind.qualified not in self._not_served)
            self._shown = (listed, had if self._not_served else listed)
        return self._shown[1]

    async def _route(self, request: web.Request, info: RequestInfo, user: User) -> web.StreamResponse:
        self._rights.check_write(request, user, info)
        if info.resource and discovery.resource_list(self._served(), info.group, info.version) is not None:
            if f"{info.resource}.{info.group}" in self._not_served:
                raise no_such_resource()
            return await self._resource(request, info, user)
        if info.segments[:3] == FAULTS and len(info.segments) < 5:
            return _json(await self._injection.administer(request, user.groups, "".join(info.segments[3:])))
        answer = self._describe(request, info.segments)
        if request.method != "GET" and answer.status != 404 and info.segments[:1] not in _ANY_METHOD:
            raise method_not_allowed()
        return answer

    async def _resource(self, request: web.Request, info: RequestInfo, user: User) -> web.StreamResponse:
        if info.group in (AUTHENTICATION, AUTHORIZATION):
            return _negotiated(request, await self._rights.review(request, user, info), 201)
        target = locate(self._kinds, info)
        if target.subresource == "token":
            return _negotiated(request, await self._rights.token(request, info), 201)
        return await self._endpoints.handle(request, target)

    def _describe(self, request: web.Request, segments: tuple[str, ...]) -> web.Response:
        """What is not a resource: discovery, OpenAPI, version, health."""
        served = self._served()
        match segments:
            case ("api" | "apis" as root,):
                return _discovery_root(request, served, root)
            case ("api", "v1"):
                return _negotiated(request, discovery.resource_list(served, "", "v1"))
            case ("apis", group):
                about = discovery.api_group(served, group)
                return _no_such_path() if about is None else _negotiated(request, about)
            case ("apis", group, version):
                if discovery.api_group(served, group) is None:
                    return _no_such_path()
                return _negotiated(request, discovery.resource_list(served, group, version))
            case ("api", *_):
                raise no_such_resource()
            case ("apis", group, *_) if discovery.api_group(served, group) is not None:
                # Below a path that is served, go-restful answers, and with it the API's own serializer.
                raise no_such_resource()
            case ("openapi", "v3"):
                return _unless_known(request, openapi.index(served), {"ETag": _etag(openapi.index(served))})
            case ("openapi", "v3", *path):
                return _openapi_document(request, served, "/".join(path))
            case ("openapi", "v2"):
                return _openapi_v2(request, served, self._version)
            case (".well-known", "openid-configuration"):
                return _json(issuer(request.host))
            case ("openid", "v1", "jwks"):
                return _json(self._authenticator.accounts.public_keys())
            case ("version",):
                return _raw(_version(self._version))
            case () | ("index.html",):
                return _raw({"paths": sorted([*_PATHS, *discovery.paths(served), *self._health.paths()])})
            case _:
                excluded = request.query.getall("exclude", [])
                found = self._health.answer(segments[0], "/".join(segments[1:]), request.query, excluded)
                return found or _no_such_path()


def _discovery_root(request: web.Request, served: discovery.Served, root: str) -> web.Response:
    form = negotiation.accepted(request.headers.get("Accept", ""), discovery=True)
    if form.kind == "APIGroupDiscoveryList":
        return _aggregated(request, served, root, "v2" if form.version == "v2" else "v2beta1")
    response = _json(discovery.api_versions(request.host) if root == "api" else discovery.api_group_list(served))
    response.headers["Vary"] = "Accept"
    return response


def _aggregated(
    request: web.Request, served: discovery.Served, root: str, version: discovery.AggregatedVersion
) -> web.Response:
    """All resources in one answer, which clients keep by its ETag (apiserver: discovery/aggregated/etag.go)."""
    body = orjson.dumps(discovery.aggregated(served, root == "api", version))
    headers = {"ETag": _etag(body), "Vary": "Accept", "Cache-Control": "public"}
    # Clients tell this answer from the legacy one by its type alone.
    media_type = f"{negotiation.JSON};g=apidiscovery.k8s.io;v={version};as={discovery.AGGREGATED_KIND}"
    return _unless_known(request, body, headers, media_type)


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha512(body).hexdigest().upper()}"'


def _unless_known(
    request: web.Request, body: bytes, headers: dict[str, str], media_type: str = negotiation.JSON
) -> web.Response:
    """The body with its headers, which have an ETag; 304 for a client that has it already."""
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers={**headers, "Content-Type": media_type})


def _openapi_document(request: web.Request, served: discovery.Served, path: str) -> web.Response:
    """One group's document; without a body where there is none, as upstream (kube-openapi: handler3/handler.go)."""
    headers = {"Vary": "Accept"}
    document = openapi.document(served, path)
    if document is None:
        return web.Response(status=404, headers=headers)
    accepted = request.headers.get("Accept", "") or "*/*"
    if not any(
        negotiation.media_type(entry) in (negotiation.JSON, "application/*", "*/*") for entry in accepted.split(",")
    ):
        return web.Response(status=406, headers=headers)
    digest = openapi.digest(served, path)
    headers["ETag"] = f'"{digest}"'
    if wanted := request.query.get("hash", ""):
        if wanted != digest:
            return web.Response(status=301, headers={"Location": f"/openapi/v3/{path}?hash={digest}", **headers})
        # The index's links carry the hash, so what is behind such a link never changes.
        headers["Cache-Control"] = "public, immutable"
        headers["Expires"] = formatdate(time.time() + _YEAR, usegmt=True)
    return _unless_known(request, document, headers)


def _openapi_v2(request: web.Request, served: discovery.Served, version: str) -> web.Response:
    """The document of custom kinds: kubectl before 1.29 insists on one, and leaves to the server what it lacks."""
    if "proto-openapi" in request.headers.get("Accept", ""):
        media_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
        return web.Response(body=openapi2.protobuf(served, version), content_type=media_type)
    return _json(openapi2.document(served, version))


def _version(version: str) -> Mapping[str, str]:
    major, minor, *_ = version.split(".")
    return {
        **dict.fromkeys(("major", "emulationMajor", "minCompatibilityMajor"), major),
        **dict.fromkeys(("minor", "emulationMinor"), minor),
        "minCompatibilityMinor": str(int(minor) - 1),
        "gitVersion": f"v{version}",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "platform": "linux/amd64",
        **dict.fromkeys(("gitCommit", "goVersion", "compiler"), ""),
    }


def _negotiated(request: web.Request, value: object, code: int = 200) -> web.Response:
    """What is neither stored nor shown in tables, as JSON or YAML; 406 in every other form."""
    form = negotiation.accepted(request.headers.get("Accept", ""), transformed=False)
    if value is None:
        raise no_such_resource()
    body = negotiation.encode(value, form.media_type)
    return web.Response(body=body, status=code, content_type=form.media_type)


def _raw(value: object) -> web.Response:
    """JSON that is not an object of the API; always indented (apiserver: responsewriters WriteRawJSON)."""
    return web.Response(body=orjson.dumps(value, option=orjson.OPT_INDENT_2), content_type=negotiation.JSON)


def _no_such_path() -> web.Response:
    """Go's own answer, not a `Status`: upstream has no handler for such a path."""
    return web.Response(status=404, text="404 page not found\n", headers={"X-Content-Type-Options": "nosniff"})


def _json(value: object, code: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=code, content_type=negotiation.JSON)


def _refusal(error: ApiError | NotEmulated) -> web.Response:
    """A refusal as a `Status`; what the lab does not emulate is told in its own words."""
    if isinstance(error, NotEmulated):
        error = ApiError(error.code, error.reason, str(error), {})
    response = _json(negotiation.status(error), error.code)
    if retry := (error.details or {}).get("retryAfterSeconds"):
        response.headers["Retry-After"] = str(retry)
    return response

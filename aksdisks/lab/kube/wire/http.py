"""The Kubernetes API over HTTPS: who asks, which path, and every refusal as a `Status`."""

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
from aksdisks.lab.kube.authn import impersonation
from aksdisks.lab.kube.authn.authentication import Access, User
from aksdisks.lab.kube.authz import attributes
from aksdisks.lab.kube.authz.attributes import Attributes
from aksdisks.lab.kube.authz.rbac import Authorizer
from aksdisks.lab.kube.schema.status import bad_request, method_not_allowed, no_such_resource
from aksdisks.lab.kube.wire import answers, discovery, negotiation, openapi
from aksdisks.lab.kube.wire.endpoints import Endpoints, locate
from aksdisks.lab.kube.wire.exec import Streams
from aksdisks.lab.kube.wire.health import Health
from aksdisks.lab.kube.wire.injection import ApiServerInjection
from aksdisks.lab.kube.wire.rights import RightsEndpoints
from aksdisks.lab.kube.write.api import KubeApi

_BODY_LIMIT = 3 * 1024 * 1024
"""Bytes; upstream's limit of a request body."""

_PATHS = (
    "/.well-known/openid-configuration", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks", "/version",
)  # fmt: skip
"""What `/` lists beside discovery and health."""

_YEAR = 365 * 86400
"""Seconds."""

log = logging.getLogger(__name__)


def kube_app(
    api: KubeApi,
    access: Access,
    clock: Clock,
    version: str,
    injection: ApiServerInjection | None = None,
    streams: Streams | None = None,
) -> web.Application:
    """The application; `version` is the Kubernetes version that it says it is, as `1.35.0`."""
    server = _Server(api, access, clock, version, injection or ApiServerInjection(), streams)
    app = web.Application(client_max_size=_BODY_LIMIT)
    app.router.add_route("*", "/{path:(?s:.*)}", server.answer)
    app.on_response_prepare.append(answers.Answers().head)
    return app


class _Server:
    def __init__(
        self,
        api: KubeApi,
        access: Access,
        clock: Clock,
        version: str,
        injection: ApiServerInjection,
        streams: Streams | None,
    ) -> None:
        self._endpoints = Endpoints(api, clock, streams)
        self._access = access
        self._authorizer = Authorizer(api.store)
        self._rights = RightsEndpoints(api, access, self._authorizer, clock)
        self._version = version
        self._injection = injection
        self._health = Health(api.store)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Every request passes here."""
        self._injection.drop_connection(request)
        return answers.shaped(request, await self._answer(request))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            user = impersonation.effective(self._authorizer, self._access.identify(request), request.headers)
            answers.identified(request, user)
            asked = attributes.of_request(request.method, request.path, request.query)
            self._authorizer.check(user, asked)
            self._injection.check(request)
            return await self._injection.watched(request, self._route(request, user, asked))
        except ApiError as error:
            response = _json(negotiation.status(error), error.code)
            if retry := (error.details or {}).get("retryAfterSeconds"):
                response.headers["Retry-After"] = str(retry)
            return response
        except web.HTTPRequestEntityTooLarge:
            return _json(
                negotiation.status(
                    ApiError(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728")
                ),
                413,
            )
        except web.RequestPayloadError:
            return _json(negotiation.status(bad_request("the body of the request cannot be read")), 400)
        except Exception:
            log.exception("%s %s failed", request.method, request.path_qs)
            refusal = ApiError(500, "InternalError", "Internal error occurred: the lab's log says more", {})
            return _json(negotiation.status(refusal), 500)

    async def _route(self, request: web.Request, user: User, asked: Attributes) -> web.StreamResponse:
        await self._rights.check_write(request, user, asked)
        parts = [part for part in request.path.split("/") if part]
        match parts:
            case ["aksdisks", "v1", "faults", *rest] if len(rest) < 2:
                return _json(await self._injection.administer(request, user.groups, "".join(rest)))
            case ["api", "v1", "namespaces", namespace, "serviceaccounts", name, "token"]:
                return _negotiated(request, await self._rights.token(request, namespace, name), 201)
            case ["api", "v1", *rest] if rest:
                return await self._endpoints.handle(request, locate("", "v1", rest))
            case ["apis", ("authorization.k8s.io" | "authentication.k8s.io") as group, "v1", *rest] if rest:
                return _negotiated(request, await self._rights.review(request, user, group, rest), 201)
            case ["apis", group, version, *rest] if rest and discovery.resource_list(group, version) is not None:
                return await self._endpoints.handle(request, locate(group, version, rest))
            case ["openapi", *_] | [] | ["index.html"] | ["healthz" | "livez" | "readyz", *_]:
                return self._describe(request, parts)
            case _:
                answer = self._describe(request, parts)
                if request.method != "GET" and answer.status != 404:
                    raise method_not_allowed()
                return answer

    def _describe(self, request: web.Request, parts: list[str]) -> web.Response:
        """What is not a resource: discovery, OpenAPI, version, health."""
        match parts:
            case ["api" | "apis" as root]:
                return _discovery_root(request, root)
            case ["api", "v1"]:
                return _negotiated(request, discovery.resource_list("", "v1"))
            case ["apis", group]:
                found = discovery.api_group(group)
                return _no_such_path() if found is None else _negotiated(request, found)
            case ["apis", group, version]:
                if discovery.api_group(group) is None:
                    return _no_such_path()
                return _negotiated(request, discovery.resource_list(group, version))
            case ["api", *_]:
                raise no_such_resource()
            case ["apis", group, *_] if discovery.api_group(group) is not None:
                # Below a path that is served, go-restful answers, and with it the API's own serializer.
                raise no_such_resource()
            case ["openapi", "v3"]:
                return _openapi_index(request)
            case ["openapi", "v3", *path]:
                return _openapi_document(request, "/".join(path))
            case ["openapi", "v2"]:
                return _openapi_v2(request, self._version)
            case [".well-known", "openid-configuration"] | ["openid", "v1", "jwks"]:
                return _json(self._rights.issuer(request.path, request.host))
            case ["version"]:
                return _raw(_version(self._version))
            case [] | ["index.html"]:
                return _raw({"paths": sorted([*_PATHS, *discovery.paths(), *self._health.paths()])})
            case [root, *check]:
                excluded = request.query.getall("exclude", [])
                return self._health.answer(root, "/".join(check), request.query, excluded) or _no_such_path()
            case _:
                return _no_such_path()


def _discovery_root(request: web.Request, root: str) -> web.Response:
    form = negotiation.accepted(request.headers.get("Accept", ""), discovery=True)
    if form.kind == "APIGroupDiscoveryList":
        return _aggregated(request, root, "v2" if form.version == "v2" else "v2beta1")
    response = _json(discovery.api_versions(request.host) if root == "api" else discovery.api_group_list())
    response.headers["Vary"] = "Accept"
    return response


def _aggregated(request: web.Request, root: str, version: discovery.AggregatedVersion) -> web.Response:
    """All resources in one answer, which clients keep by its ETag (apiserver: discovery/aggregated/etag.go)."""
    body = orjson.dumps(discovery.aggregated(root == "api", version))
    etag = f'"{hashlib.sha512(body).hexdigest().upper()}"'
    headers = {"ETag": etag, "Vary": "Accept", "Cache-Control": "public"}
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    # Clients tell this answer from the legacy one by its type alone.
    headers["Content-Type"] = f"{negotiation.JSON};g=apidiscovery.k8s.io;v={version};as={discovery.AGGREGATED_KIND}"
    return web.Response(body=body, headers=headers)


def _openapi_index(request: web.Request) -> web.Response:
    etag = f'"{hashlib.sha512(openapi.index()).hexdigest().upper()}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    return web.Response(body=openapi.index(), content_type=negotiation.JSON, headers={"ETag": etag})


def _openapi_document(request: web.Request, path: str) -> web.Response:
    """One group's document; without a body where there is none, as upstream (kube-openapi: handler3/handler.go)."""
    headers = {"Vary": "Accept"}
    document = openapi.document(path)
    if document is None:
        return web.Response(status=404, headers=headers)
    accepted = request.headers.get("Accept", "") or "*/*"
    if not any(
        negotiation.media_type(entry) in (negotiation.JSON, "application/*", "*/*") for entry in accepted.split(",")
    ):
        return web.Response(status=406, headers=headers)
    digest = openapi.digest(path)
    headers["ETag"] = f'"{digest}"'
    if wanted := request.query.get("hash", ""):
        if wanted != digest:
            return web.Response(status=301, headers={"Location": f"/openapi/v3/{path}?hash={digest}", **headers})
        # The index's links carry the hash, so what is behind such a link never changes.
        headers["Cache-Control"] = "public, immutable"
        headers["Expires"] = formatdate(time.time() + _YEAR, usegmt=True)
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    return web.Response(body=document, content_type=negotiation.JSON, headers=headers)


def _openapi_v2(request: web.Request, version: str) -> web.Response:
    """A document without definitions: kubectl before 1.29 insists on one, and leaves to the server what it lacks."""
    if "proto-openapi" in request.headers.get("Accept", ""):
        media_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
        return web.Response(body=openapi.empty_v2_protobuf(version), content_type=media_type)
    return _json({"swagger": "2.0", "info": {"title": "Kubernetes", "version": f"v{version}"}, "paths": {}})


def _version(version: str) -> Mapping[str, str]:
    major, minor, *_ = version.split(".")
    return {
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "minCompatibilityMajor": major,
        "minCompatibilityMinor": str(int(minor) - 1),
        "gitVersion": f"v{version}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }


def _negotiated(request: web.Request, value: object, code: int = 200) -> web.Response:
    """What is neither stored nor shown in tables, as JSON or YAML; 406 in every other form."""
    form = negotiation.accepted(request.headers.get("Accept", ""), transformed=False)
    if value is None:
        raise no_such_resource()
    body = negotiation.encode(value, form.media_type)
    return web.Response(body=body, status=code, content_type=form.media_type)


def _raw(value: object) -> web.Response:
    """What is no object of the API: always JSON, always indented (apiserver: responsewriters WriteRawJSON)."""
    return web.Response(body=orjson.dumps(value, option=orjson.OPT_INDENT_2), content_type=negotiation.JSON)


def _no_such_path() -> web.Response:
    """Where upstream has no handler at all, Go's own answer is given, which is no `Status`."""
    return web.Response(status=404, text="404 page not found\n", headers={"X-Content-Type-Options": "nosniff"})


def _json(value: object, code: int = 200) -> web.Response:
    if value is None:
        raise no_such_resource()
    return web.Response(body=orjson.dumps(value), status=code, content_type=negotiation.JSON)

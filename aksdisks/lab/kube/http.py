"""The Kubernetes API over HTTPS: who asks, which path, and every refusal as a `Status`."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import orjson
from aiohttp import web

from aksdisks.lab import tls
from aksdisks.lab.clock import Clock
from aksdisks.lab.faults import Faults
from aksdisks.lab.kube import attributes, discovery, faultpaths, impersonation, negotiation, openapi
from aksdisks.lab.kube.access import Access, User
from aksdisks.lab.kube.api import KubeApi
from aksdisks.lab.kube.attributes import Attributes
from aksdisks.lab.kube.endpoints import Endpoints, locate
from aksdisks.lab.kube.exec import Streams
from aksdisks.lab.kube.interface import ApiError
from aksdisks.lab.kube.outages import Outages
from aksdisks.lab.kube.rbac import Authorizer
from aksdisks.lab.kube.rights import RightsEndpoints
from aksdisks.lab.kube.status import bad_request, method_not_allowed, no_such_resource

_BODY_LIMIT = 3 * 1024 * 1024
"""Bytes; upstream's limit of a request body."""

_HEALTH = ("healthz", "livez", "readyz")

log = logging.getLogger(__name__)


def kube_app(
    api: KubeApi,
    access: Access,
    clock: Clock,
    version: str,
    faults: Faults | None = None,
    streams: Streams | None = None,
) -> web.Application:
    """The application; `version` is the Kubernetes version that it says it is, as `1.35.0`."""
    server = _Server(api, access, clock, version, faults or Faults(), streams)
    app = web.Application(client_max_size=_BODY_LIMIT)
    app.router.add_route("*", "/{path:(?s:.*)}", server.answer)
    return app


class _Server:
    def __init__(
        self, api: KubeApi, access: Access, clock: Clock, version: str, faults: Faults, streams: Streams | None
    ) -> None:
        self._endpoints = Endpoints(api, clock, streams)
        self._access = access
        self._authorizer = Authorizer(api.store)
        self._rights = RightsEndpoints(api, access, self._authorizer, clock)
        self._version = version
        self._faults = faults
        self._outages = Outages(faults, api.store)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Every request passes here."""
        self._outages.hold_line(request)
        try:
            user = impersonation.effective(self._authorizer, self._access.identify(request), request.headers)
            asked = attributes.of_request(request.method, request.path, request.query)
            self._authorizer.check(user, asked)
            self._outages.check(request)
            return await self._outages.watched(request, self._route(request, user, asked))
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
                if tls.ADMIN_GROUP not in user.groups:
                    raise faultpaths.forbidden()
                return _json(await faultpaths.answer(request, self._faults, "".join(rest)))
            case ["api", "v1", "namespaces", namespace, "serviceaccounts", name, "token"]:
                return _json(await self._rights.token(request, namespace, name), 201)
            case ["api", "v1", *rest] if rest:
                return await self._endpoints.handle(request, locate("", "v1", rest))
            case ["apis", ("authorization.k8s.io" | "authentication.k8s.io") as group, "v1", *rest] if rest:
                return _json(await self._rights.review(request, user, group, rest), 201)
            case ["apis", group, version, *rest] if rest and discovery.resource_list(group, version) is not None:
                return await self._endpoints.handle(request, locate(group, version, rest))
            case _:
                answer = self._describe(request, parts)
                if request.method not in ("GET", "HEAD") and answer.status != 404:
                    raise method_not_allowed()
                return answer

    def _describe(self, request: web.Request, parts: list[str]) -> web.Response:
        """What is not a resource: discovery, OpenAPI, version, health."""
        match parts:
            case ["api" | "apis" as root]:
                return _discovery_root(request, root)
            case ["api", "v1"]:
                return _json(discovery.resource_list("", "v1"))
            case ["apis", group]:
                found = discovery.api_group(group)
                return _no_such_path() if found is None else _json(found)
            case ["apis", group, version]:
                listed = discovery.resource_list(group, version)
                return _no_such_path() if listed is None else _json(listed)
            case ["openapi", "v3"]:
                return web.Response(body=openapi.index(), content_type=negotiation.JSON)
            case ["openapi", "v3", *path]:
                return _openapi_document(request, "/".join(path))
            case ["openapi", "v2"]:
                return _openapi_v2(request, self._version)
            case [".well-known", "openid-configuration"] | ["openid", "v1", "jwks"]:
                return _json(self._rights.issuer(request.path, request.host))
            case ["version"]:
                return _json(_version(self._version))
            case [check, *_] if check in _HEALTH:
                return web.Response(text="ok")
            case _:
                return _no_such_path()


def _discovery_root(request: web.Request, root: str) -> web.Response:
    form = negotiation.accepted(request.headers.get("Accept", ""), discovery=True)
    if form.kind == "APIGroupDiscoveryList":
        version: discovery.AggregatedVersion = "v2" if form.version == "v2" else "v2beta1"
        response = _json(discovery.aggregated(root == "api", version))
        # Clients tell the aggregated answer from the legacy one by this header alone.
        response.headers["Content-Type"] = (
            f"application/json;g=apidiscovery.k8s.io;v={version};as={discovery.AGGREGATED_KIND}"
        )
    elif root == "api":
        response = _json(discovery.api_versions(request.host))
    else:
        response = _json(discovery.api_group_list())
    response.headers["Vary"] = "Accept"
    return response


def _openapi_document(request: web.Request, path: str) -> web.Response:
    document = openapi.document(path)
    if document is None:
        raise no_such_resource()
    etag = f'"{openapi.digest(path)}"'
    headers = {"ETag": etag, "Vary": "Accept"}
    # The index's links carry the hash, so what is behind such a link never changes.
    if request.query.get("hash") == openapi.digest(path):
        headers["Cache-Control"] = "public, immutable, max-age=31536000"
    if request.headers.get("If-None-Match") == etag:
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


def _no_such_path() -> web.Response:
    """Where upstream has no handler at all, Go's own answer is given, which is no `Status`."""
    return web.Response(status=404, text="404 page not found\n", headers={"X-Content-Type-Options": "nosniff"})


def _json(value: object, code: int = 200) -> web.Response:
    if value is None:
        raise no_such_resource()
    return web.Response(body=orjson.dumps(value), status=code, content_type=negotiation.JSON)

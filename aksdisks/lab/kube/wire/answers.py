"""What every answer of the API server carries beside its content: headers, indentation, compression."""

from __future__ import annotations

import gzip
import uuid

import orjson
from aiohttp import web

from aksdisks.lab import tls
from aksdisks.lab.kube.authn.authentication import User
from aksdisks.lab.kube.wire.negotiation import JSON, YAML, media_type

_COMPRESSED_FROM = 128 * 1024
"""Bytes; shorter answers are never compressed (apiserver: responsewriters/writers.go)."""

_LEVEL = 1
_BROWSERS = ("curl", "Wget", "Mozilla/5.0")
"""Who reads with their own eyes (apiserver: handlers/negotiation/negotiate.go)."""

_PUBLIC = ("/healthz", "/livez", "/readyz")
_USER = "user"


class Answers:
    """One a server: the identifiers of its flow schemas and priority levels stay the same while it runs."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    async def head(self, request: web.Request, response: web.StreamResponse) -> None:
        """The headers of every answer; called when they are about to be sent."""
        headers = response.headers
        headers["Audit-Id"] = request.headers.get("Audit-Id") or str(uuid.uuid4())
        headers.setdefault("Cache-Control", "no-cache, private")
        headers.popall("Server", None)
        user: User | None = request.get(_USER)
        if user is not None:
            schema, level = _flow(user, request.path)
            headers["X-Kubernetes-Pf-Flowschema-Uid"] = self._id(f"schema {schema}")
            headers["X-Kubernetes-Pf-Prioritylevel-Uid"] = self._id(f"level {level}")

    def _id(self, name: str) -> str:
        return self._ids.setdefault(name, str(uuid.uuid4()))


def identified(request: web.Request, user: User) -> None:
    """From here on it is known who asks, and by that how the request is classed."""
    request[_USER] = user


def shaped(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The answer indented for people and compressed for those who can read that, when it is an object or a list."""
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return response
    if response.content_type not in (JSON, YAML) or request.path.startswith("/openapi"):
        return response
    if response.content_type == JSON and is_pretty(request):
        response.body = orjson.dumps(orjson.loads(response.body), option=orjson.OPT_INDENT_2)
    if len(response.body) > _COMPRESSED_FROM and _reads_gzip(request):
        response.body = gzip.compress(response.body, _LEVEL)
        response.headers["Content-Encoding"] = "gzip"
        response.headers.add("Vary", "Accept-Encoding")
    return response


def is_pretty(request: web.Request) -> bool:
    """Whether JSON is to be indented: as the query says, else for curl, wget and browsers."""
    asked = request.query.get("pretty", "")
    if asked:
        return asked in ("1", "t", "T", "true", "True", "TRUE")
    return request.headers.get("User-Agent", "").startswith(_BROWSERS)


def _reads_gzip(request: web.Request) -> bool:
    accepted = request.headers.get("Accept-Encoding", "").split(",")
    return any(media_type(encoding) == "gzip" for encoding in accepted)


def _flow(user: User, path: str) -> tuple[str, str]:
    """Flow schema and priority level of a request, of those that upstream suggests for who asks and what for."""
    groups = user.groups
    if tls.ADMIN_GROUP in groups:
        return "exempt", "exempt"
    if path.startswith(_PUBLIC):
        return "probes", "exempt"
    if "system:nodes" in groups:
        return "system-nodes", "system"
    if "system:serviceaccounts:kube-system" in groups:
        return "kube-system-service-accounts", "workload-high"
    if "system:serviceaccounts" in groups:
        return "service-accounts", "workload-low"
    return "global-default", "global-default"

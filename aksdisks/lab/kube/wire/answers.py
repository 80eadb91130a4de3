"""What every answer of the API server carries beside its content: headers, indentation, compression."""

from __future__ import annotations

import gzip
import uuid

import orjson
from aiohttp import web

from aksdisks.lab.kube.wire.negotiation import JSON, YAML, media_type
from aksdisks.lab.kube.wire.request_info import RequestInfo

_COMPRESSED_FROM = 128 * 1024
"""Bytes; shorter answers are never compressed (apiserver: responsewriters/writers.go)."""

_LEVEL = 1
_BROWSERS = ("curl", "Wget", "Mozilla/5.0")
"""Clients whose answers people read themselves (apiserver: handlers/negotiation/negotiate.go)."""


async def head(request: web.Request, response: web.StreamResponse) -> None:
    """The headers of every answer; called when they are about to be sent."""
    headers = response.headers
    headers["Audit-Id"] = request.headers.get("Audit-Id") or str(uuid.uuid4())
    headers.setdefault("Cache-Control", "no-cache, private")
    headers.popall("Server", None)


def shaped(request: web.Request, info: RequestInfo, response: web.StreamResponse) -> web.StreamResponse:
    """The answer, if it is an object or a list, indented for people and compressed for clients that accept that."""
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return response
    if response.content_type not in (JSON, YAML) or info.segments[:1] == ("openapi",):
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

"""Tables as a server of 2019 printed them: without the columns that came later."""

from __future__ import annotations

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

LATER = frozenset({"Readiness Gates", "VolumeAttributesClass", "VolumeMode"})


@web.middleware
async def old_tables(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Takes the later columns out of lists; what a watch tells is left as it is."""
    response = await handler(request)
    if not isinstance(response, web.Response) or "as=Table" not in request.headers.get("Accept", ""):
        return response
    body = orjson.loads(response.body) if isinstance(response.body, bytes) and response.body else None
    if not isinstance(body, dict) or body.get("kind") != "Table":
        return response
    columns = body.get("columnDefinitions") or []
    kept = [index for index, column in enumerate(columns) if column["name"] not in LATER]
    body["columnDefinitions"] = [columns[index] for index in kept]
    for row in body.get("rows") or []:
        row["cells"] = [row["cells"][index] for index in kept]
    response.body = orjson.dumps(body)
    return response

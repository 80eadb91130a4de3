"""The lab's own path on the Kubernetes server, under which an administrator switches faults on and off."""

from __future__ import annotations

import dataclasses

import orjson
from aiohttp import web

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.errors import FaultError
from aksdisks.lab.fault_catalogue import KINDS, FaultSwitch
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.kube.schema.status import bad_request, method_not_allowed

PATH = "/aksdisks/v1/faults"


async def answer(request: web.Request, faults: Faults, name: str) -> Object:
    """GET lists; PUT of a name with `{"object": …, "rate": …}` switches on; DELETE of a name, or of all, off."""
    target = request.query.get("object", "")
    try:
        if request.method == "GET" and not name:
            return {"faults": _all(faults.list()), "known": [dataclasses.asdict(kind) for kind in KINDS.values()]}
        if request.method == "PUT" and name:
            return {"faults": _all((_switch_on(faults, name, await request.read()),))}
        if request.method == "DELETE":
            return {"faults": _all(faults.off(name, target))}
    except FaultError as error:
        raise bad_request(str(error)) from error
    raise method_not_allowed()


def _switch_on(faults: Faults, name: str, data: bytes) -> FaultSwitch:
    try:
        body = orjson.loads(data or b"{}")
    except orjson.JSONDecodeError as error:
        raise bad_request(str(error)) from error
    known: dict[str, tuple[type, ...]] = {"object": (str,), "rate": (int, float)}
    if not isinstance(body, dict) or any(not isinstance(body.get(key), kind) for key, kind in known.items()):
        raise bad_request('expected {"object": TEXT, "rate": NUMBER}')
    return faults.on(name, body["object"], float(body["rate"]))


def _all(switches: tuple[FaultSwitch, ...]) -> list[Object]:
    return [dataclasses.asdict(switch) for switch in switches]


def forbidden() -> ApiError:
    """Someone else than an administrator asked."""
    return ApiError(403, "Forbidden", f'forbidden: only members of "system:masters" may use {PATH}', {})

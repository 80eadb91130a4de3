"""Long-running operations: how an answer tells where to ask for one, and what is answered there."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.resources.operations import Operation
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes
from aksdisks.lab.arm.wire.paths import LOCATION, STORAGE_LOCATION, SUBSCRIPTION

Json = dict[str, Any]

SHORTEST_POLL = 10
"""Milliseconds that a poller waits at least, whatever the lab's speed."""


class OperationHandlers:
    """The operations of one subscription."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        yield "GET", SUBSCRIPTION + "/operationresults/{operation}", self.get_result
        yield "GET", LOCATION + "/{kind}/{operation}", self.get
        yield "GET", STORAGE_LOCATION + "/asyncoperations/{operation}", self.get

    def get(self, call: Call) -> Answer:
        """An operation's status, or with `monitor=true` (the Location address) what it led to."""
        operation = self._known(call.parameters.get("kind", "asyncoperations"), call.parameters["operation"])
        running = operation.status == "InProgress"
        if call.query.get("monitor") != "true":
            return Answer(200, operation.to_json(), _pace(self._cloud) if running else {})
        if running:
            return Answer(202, None, _addresses(self._cloud, call, operation))
        if operation.error is not None:
            return Answer(operation.error.status, operation.error.body())
        return Answer(204) if operation.result is None else Answer(200, operation.result)

    def get_result(self, call: Call) -> Answer:
        """What became of the deletion of a group (cloud-provider-azure's ResourceGroup.yaml)."""
        operation = self._known("operationresults", call.parameters["operation"])
        if operation.status == "InProgress":
            return Answer(202, None, result_address(self._cloud, call, operation))
        if operation.error is not None:
            raise operation.error
        return Answer(200)

    def _known(self, kind: str, operation_id: str) -> Operation:
        operation = self._cloud.operations.get(kind, operation_id)
        if operation is None:
            raise CloudError(404, "NotFound", f"The entity {operation_id} was not found.")
        return operation


def accepted(cloud: Cloud, call: Call, operation: Operation, body: Json | None, status: int = 202) -> Answer:
    """The answer to a change that has begun; `body`: the resource as far as it is known."""
    return Answer(status, body, _addresses(cloud, call, operation))


def result_address(cloud: Cloud, call: Call, operation: Operation) -> dict[str, str]:
    """The header that tells where to ask what became of the deletion of a group."""
    path = f"{cloud.scenario.subscription}/operationresults/{operation.id}"
    version = call.query.get("api-version", "")
    return {"Location": f"{call.base}{path}?api-version={version}", **_pace(cloud)}


def _addresses(cloud: Cloud, call: Call, operation: Operation) -> dict[str, str]:
    """Where to ask how it goes on (facts E, LRO); the storage provider names the Location alone."""
    path = cloud.operations.path(operation)
    address = f"{call.base}{path}?api-version={call.query.get('api-version', '')}"
    monitor = address.replace("?", "?monitor=true&")
    status = {} if operation.kind == "asyncoperations" else {"Azure-AsyncOperation": address}
    return {**status, "Location": monitor, **_pace(cloud)}


def _pace(cloud: Cloud) -> dict[str, str]:
    """How long to wait before asking again.

    Retry-After has whole seconds. Where the lab is faster than that the milliseconds' header stands alone: Azure's
    SDKs read it (azure-core policies/_utils.py), while a Retry-After of 0 makes them wait their default 30 s.
    """
    real = cloud.scenario.delays.lro_retry_after / cloud.clock.speed
    if real >= 1:
        return {"Retry-After": str(round(real))}
    return {"x-ms-retry-after-ms": str(max(SHORTEST_POLL, round(real * 1000)))}

"""Disks and snapshots: the same calls for both."""

from __future__ import annotations

from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.compute.disks import Disks
from aksdisks.lab.arm.compute.snapshots import Snapshots
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes, page
from aksdisks.lab.arm.wire.handlers.operations import accepted
from aksdisks.lab.arm.wire.paths import COMPUTE, GROUP, SUBSCRIPTION


class DiskHandlers:
    """The disks, or the snapshots, of one subscription."""

    def __init__(self, cloud: Cloud, resources: Disks | Snapshots) -> None:
        self._cloud = cloud
        self._resources = resources

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        several = f"{COMPUTE}/{self._resources.kind}"
        one = f"{GROUP}{several}/{{name}}"
        yield "GET", SUBSCRIPTION + several, self.list_all
        yield "GET", GROUP + several, self.list_all
        yield "GET", one, self.get
        yield "PUT", one, self.put
        yield "PATCH", one, self.patch
        yield "DELETE", one, self.delete
        if self._resources.kind == "disks":
            yield "HEAD", one, self.head

    def list_all(self, call: Call) -> Answer:
        """Those of the group or of the subscription."""
        found = self._resources.all(call.parameters.get("group"))
        return page(call, ((entry.key, entry.id, entry.to_json) for entry in found))

    def get(self, call: Call) -> Answer:
        """One of them."""
        return Answer(200, self._resources.get(*_place(call)).to_json())

    def head(self, call: Call) -> Answer:
        """Whether there is one of that name."""
        self._resources.get(*_place(call))
        return Answer(204)

    def put(self, call: Call) -> Answer:
        """Create or update."""
        fresh = not self._resources.exists(*_place(call))
        operation = self._resources.put(*_place(call), call.body)
        body = self._resources.get(*_place(call)).accepted_json(call.body, fresh=fresh)
        return accepted(self._cloud, call, operation, body)

    def patch(self, call: Call) -> Answer:
        """Update."""
        operation = self._resources.patch(*_place(call), call.body)
        body = self._resources.get(*_place(call)).accepted_json(call.body, fresh=False)
        return accepted(self._cloud, call, operation, body)

    def delete(self, call: Call) -> Answer:
        """Delete; 204 when there is none."""
        operation = self._resources.delete(*_place(call))
        return Answer(204) if operation is None else accepted(self._cloud, call, operation, None)


def _place(call: Call) -> tuple[str, str]:
    return call.parameters["group"], call.parameters["name"]

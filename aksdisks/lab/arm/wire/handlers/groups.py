"""Resource groups."""

from __future__ import annotations

from functools import partial

from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes, page
from aksdisks.lab.arm.wire.filters import matching
from aksdisks.lab.arm.wire.handlers.operations import result_address
from aksdisks.lab.arm.wire.paths import GROUP, SUBSCRIPTION


class GroupHandlers:
    """The groups of one subscription."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._groups = cloud.groups

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        yield "GET", SUBSCRIPTION + "/resourceGroups", self.list_all
        yield "GET", GROUP, self.get
        yield "HEAD", GROUP, self.head
        yield "PUT", GROUP, self.put
        yield "PATCH", GROUP, self.patch
        yield "DELETE", GROUP, self.delete

    def list_all(self, call: Call) -> Answer:
        """All resource groups."""
        known = map(self._groups.to_json, self._groups.names())
        shown = matching(call.query.get("$filter", ""), [group for group in known if call.sees(str(group["id"]))])
        return page(call, [(str(group["name"]).lower(), "", partial(dict, group)) for group in shown])

    def get(self, call: Call) -> Answer:
        """One resource group."""
        return Answer(200, self._groups.to_json(call.parameters["group"]))

    def head(self, call: Call) -> Answer:
        """Whether there is that resource group."""
        self._groups.name(call.parameters["group"])
        return Answer(204)

    def put(self, call: Call) -> Answer:
        """Make a group, or change its tags."""
        fresh = self._groups.put(call.parameters["group"], call.body)
        return Answer(201 if fresh else 200, self._groups.to_json(call.parameters["group"]))

    def patch(self, call: Call) -> Answer:
        """Change a group's tags."""
        self._groups.patch(call.parameters["group"], call.body)
        return self.get(call)

    def delete(self, call: Call) -> Answer:
        """Delete a group with what is in it."""
        operation = self._cloud.delete_group(call.parameters["group"])
        return Answer(202, None, result_address(self._cloud, call, operation))

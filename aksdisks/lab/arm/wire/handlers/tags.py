"""Microsoft.Resources/tags: the tags of one resource as a resource of their own, and the names in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.bodies import member, section, texts
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes
from aksdisks.lab.arm.wire.paths import GROUP, SUBSCRIPTION

if TYPE_CHECKING:
    from aksdisks.lab.arm.cloud import Cloud
    from aksdisks.lab.arm.resources.operations import Operation

Json = dict[str, Any]

OWN = "/providers/Microsoft.Resources/tags/default"
KINDS = (
    "Microsoft.Compute/disks",
    "Microsoft.Compute/snapshots",
    "Microsoft.Compute/virtualMachines",
    "Microsoft.Storage/storageAccounts",
)


class TagHandlers:
    """The routes for groups, disks, snapshots, VMs and storage accounts."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        yield "GET", SUBSCRIPTION + "/tagNames", self.names
        for scope in (GROUP, *(f"{GROUP}/providers/{kind}/{{{kind.partition('/')[2]}}}" for kind in KINDS)):
            yield "GET", scope + OWN, self.show
            for method in ("PUT", "PATCH", "DELETE"):
                yield method, scope + OWN, self.change

    def names(self, _: Call) -> Answer:
        """Which tags there are, each with its values and how many resources have them."""
        cloud = self._cloud
        groups = [cloud.groups.to_json(name) for name in cloud.groups.names()]
        tagged = [group.get("tags") or {} for group in groups]
        tagged += [disk.tags for disk in cloud.disks.all()]
        tagged += [snapshot.tags for snapshot in cloud.snapshots.all()]
        tagged += [machine.tags for machine in cloud.machines.all()]
        tagged += [account.tags for account in cloud.storage.accounts.all()]
        found = Counter((key, value) for tags in tagged for key, value in tags.items())
        value = []
        for name, pairs in groupby(sorted(found.items()), key=lambda pair: pair[0][0]):
            identity = f"{cloud.scenario.subscription}/tagNames/{name}"
            values = [
                {"id": f"{identity}/tagValues/{text}", "tagValue": text, "count": {"type": "Total", "value": count}}
                for (_, text), count in pairs
            ]
            total = sum(entry["count"]["value"] for entry in values)
            counted = {"type": "Total", "value": total}
            value.append({"id": identity, "tagName": name, "count": counted, "values": values})
        return Answer(200, {"value": value})

    def show(self, call: Call) -> Answer:
        """The tags of one resource."""
        identity, tags, _ = self._resource(call)
        kind = "Microsoft.Resources/tags"
        body = {"id": f"{identity}{OWN}", "name": "default", "type": kind, "properties": {"tags": tags}}
        return Answer(200, body)

    def change(self, call: Call) -> Answer:
        """PUT replaces them; PATCH does as its `operation` says: Merge, Replace or Delete; DELETE removes all."""
        _, tags, change = self._resource(call)
        given = texts(section(call.body, "properties"), "tags") or {}
        operation = "Replace"
        if call.method == "PATCH":
            operation = member(call.body, "operation", str) or "Merge"
        if operation == "Merge":
            given = {**tags, **given}
        elif operation == "Delete":
            given = {key: value for key, value in tags.items() if given.get(key) not in (value, "")}
        elif operation != "Replace":
            raise errors.bad_parameter("operation", operation)
        change({"tags": given})
        return Answer(200) if call.method == "DELETE" else self.show(call)

    def _resource(self, call: Call) -> tuple[str, dict[str, str], Callable[[Json], object]]:
        """Id and tags of what the path names, and how they are changed. Raises `CloudError`."""
        cloud, group, parameters = self._cloud, call.parameters["group"], call.parameters
        if "disks" in parameters:
            disk = cloud.disks.get(group, parameters["disks"])
            return disk.id, dict(disk.tags), lambda body: cloud.disks.patch(disk.group, disk.name, body)
        if "snapshots" in parameters:
            snapshot = cloud.snapshots.get(group, parameters["snapshots"])
            patch = cloud.snapshots.patch
            return snapshot.id, dict(snapshot.tags), lambda body: patch(snapshot.group, snapshot.name, body)
        if "virtualMachines" in parameters:
            machine = cloud.machines.vm(group, parameters["virtualMachines"])

            def change(body: Json) -> Operation:
                return cloud.machines.update(machine.spec.resource_id, body)

            return machine.spec.resource_id, dict(machine.tags), change
        if "storageAccounts" in parameters:
            account = cloud.storage.accounts.get(group, parameters["storageAccounts"])
            write = cloud.storage.accounts.patch
            return account.id, dict(account.tags), lambda body: write(account.group, account.name, body)
        shown = cloud.groups.to_json(group)
        return shown["id"], dict(shown.get("tags") or {}), lambda body: cloud.groups.patch(group, body)

"""The resources of one type by their ids, as disks and snapshots have them: found, made ready, deleted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.compute.disk import Disk
from aksdisks.lab.arm.compute.snapshot import Snapshot
from aksdisks.lab.arm.compute.subscription import ComputeSubscription
from aksdisks.lab.arm.persistence import KeptByKey
from aksdisks.lab.arm.resources.operations import Operation, Purpose, Work

Json = dict[str, Any]
FindSource = Callable[[str], Disk | Snapshot | None]

R = TypeVar("R", Disk, Snapshot)


class Collection(ABC, Generic[R]):
    """What changes something checks everything first, raises `CloudError` and has then changed nothing."""

    kind = ""
    """As ids name the type: `disks`."""

    def __init__(self, subscription: ComputeSubscription, known: KeptByKey[R], find_source: FindSource) -> None:
        """`known`: the resources by their ids in lower case; `find_source`: a disk or snapshot by its id."""
        self.by_key: KeptByKey[R] = known
        self._subscription = subscription
        self._find_source = find_source
        self.on_deleted: Callable[[R], None] = lambda _resource: None

    def find(self, resource_id: str) -> R | None:
        """The resource of that id, in any case."""
        return self.by_key.get(resource_id.lower())

    def exists(self, group: str, name: str) -> bool:
        """Whether there is one of that name. Raises ResourceGroupNotFound."""
        self._subscription.groups.name(group)
        return self._id(group, name).lower() in self.by_key

    def get(self, group: str, name: str) -> R:
        """The resource of that name. Raises ResourceNotFound, ResourceGroupNotFound."""
        if not self.exists(group, name):
            raise errors.resource_not_found(f"Microsoft.Compute/{self.kind}/{name}", group)
        return self.by_key[self._id(group, name).lower()]

    def all(self, group: str | None = None) -> list[R]:
        """The resources of a group, or of the subscription, by id. Raises ResourceGroupNotFound."""
        wanted = None if group is None else self._subscription.groups.name(group).lower()
        found = [key for key, entry in self.by_key.items() if wanted is None or entry.group.lower() == wanted]
        return [self.by_key[key] for key in sorted(found)]

    def put(self, group: str, name: str, body: Json) -> Operation:
        """Make one, or change the one of that name as the body says."""
        if self.exists(group, name):
            return self.patch(group, name, body)
        return self._create(group, name, body)

    @abstractmethod
    def patch(self, group: str, name: str, body: Json) -> Operation:
        """Change it as the body says."""

    @abstractmethod
    def _create(self, group: str, name: str, body: Json) -> Operation:
        """Make one of a name that is free."""

    def delete(self, group: str, name: str) -> Operation | None:
        """Delete it; None when there is none of that name. What was made of it stays."""
        if not self.exists(group, name):
            return None
        resource = self.get(group, name)
        self._check_free(resource)
        seconds = self._subscription.scenario.delays.delete_disk
        purpose = Purpose("delete", resource.key, seconds, resource.unique_id)
        return self._subscription.operations.start("DiskOperations", self._deleting(resource, seconds), purpose)

    def remove(self, resource: R) -> None:
        """It is deleted, unless another deletion was faster: what has its name by now is another resource."""
        if self.by_key.get(resource.key) is resource:
            del self.by_key[resource.key]
            self.on_deleted(resource)

    def work_again(self, purpose: Purpose, left: float) -> Work | None:
        """What an operation has still to do after a restart, `left` in cluster seconds; None for another's."""
        resource = self.by_key.get(purpose.subject)
        if resource is None or purpose.detail not in ("", resource.unique_id):
            return None
        if purpose.act == "delete":
            return self._deleting(resource, left)
        source = self._find_source(resource.source_id)
        same = source is not None and source.unique_id == resource.source_unique_id
        if source is not None and same and resource.provisioning_state == "Updating":
            self._subscription.copies.begin(source, resource, again=True)
        return self._settling(resource, left)

    def _source(self, resource_id: str) -> Disk | Snapshot:
        """The disk or snapshot that something is to be a copy of. Raises ResourceNotFound."""
        found = self._find_source(resource_id)
        if found is None:
            parts = resource_id.split("/")
            raise errors.resource_not_found("/".join(parts[6:]) or resource_id, parts[4] if len(parts) > 4 else "")
        return found

    def _check_free(self, resource: R) -> None:
        """Raises `CloudError` for one that something else needs."""

    def _settle(self, resource: R, seconds: float) -> Operation:
        """The operation after whose cluster seconds the resource is ready."""
        purpose = Purpose("settle", resource.key, seconds, resource.unique_id)
        return self._subscription.operations.start("DiskOperations", self._settling(resource, seconds), purpose)

    def _settling(self, resource: R, delay: float) -> Work:
        async def work() -> Json:
            await self._subscription.clock.sleep(delay)
            await self._subscription.copies.until_made(resource.key)
            resource.provisioning_state = "Succeeded"
            return resource.to_json()

        return work

    def _deleting(self, resource: R, delay: float) -> Work:
        async def work() -> None:
            await self._subscription.clock.sleep(delay)
            await self._subscription.copies.until_idle(resource.key)
            self._check_free(resource)
            self.remove(resource)

        return work

    def _id(self, group: str, name: str) -> str:
        return self._subscription.compute_id(group, self.kind, name)

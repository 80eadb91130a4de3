"""Names of CustomResourceDefinitions that become free, and the deletion of a definition's objects with it."""

from __future__ import annotations

from typing import ClassVar

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.strategies import naming
from aksdisks.lab.kube.strategies.custom import is_true, stored_as
from aksdisks.lab.kube.strategies.kinds.customresourcedefinition import CLEANUP

RESOURCE = "customresourcedefinitions"
_AGAIN = 5.0
"""Cluster seconds between looks at objects that are still there (upstream: crd_finalizer.go)."""


class CustomResourceDefinitions(Controller):
    """The naming, establishing and finalizing controllers of apiextensions-apiserver in one."""

    name: ClassVar[str] = "customresourcedefinition-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Watches definitions; one that goes sets the names free for which others wait."""
        super().__init__(api, clock, ids)
        self._definitions = self.watch(RESOURCE, self._concerned)

    def _concerned(self, before: Object | None, after: Object | None) -> list[str]:
        changed = before if after is None else after
        assert changed is not None
        names = [changed["metadata"]["name"]] if after is not None else []
        waiting = (one for one in self._definitions.items() if not is_true(one, "NamesAccepted"))
        return names + [one["metadata"]["name"] for one in waiting]

    async def reconcile(self, key: str) -> float | None:
        """Accept names, or delete the objects of a definition that is being deleted."""
        crd = self._definitions.get_key(key)
        if crd is None:
            return None
        if "deletionTimestamp" not in crd["metadata"]:
            await self._accept(crd)
            return None
        return await self._finalize(crd) if CLEANUP in crd["metadata"].get("finalizers", ()) else None

    async def _accept(self, crd: Object) -> None:
        wanted = own_copy(crd)
        others = [one for one in self._definitions.items() if one["metadata"]["name"] != crd["metadata"]["name"]]
        naming.accept(wanted, others, timestamp(self.clock.now()))
        if wanted["status"] != crd["status"]:
            await self.api.update(RESOURCE, wanted, subresource="status")

    async def _finalize(self, crd: Object) -> float | None:
        told = ("False", "NeverEstablished", "resource was never established")
        if is_true(crd, "Established"):
            if await self._empty(stored_as(crd)):
                told = ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
                await self._tell(crd, *told)
                return _AGAIN
            told = ("False", "InstanceDeletionCompleted", "removed all instances")
        crd = await self._tell(crd, *told)
        left = [name for name in crd["metadata"]["finalizers"] if name != CLEANUP]
        metadata = {"resourceVersion": crd["metadata"]["resourceVersion"], "finalizers": left or None}
        await self.api.patch(RESOURCE, crd["metadata"]["name"], {"metadata": metadata})
        return None

    async def _empty(self, key: str) -> int:
        """Delete each object; how many are left, because something holds them."""
        objects, _ = await self.api.list(key)
        for obj in objects:
            meta = obj["metadata"]
            if "deletionTimestamp" in meta:
                continue
            try:
                await self.api.delete(key, meta["name"], meta.get("namespace"))
            except ApiError as error:
                if error.reason != "NotFound":
                    raise
        left, _ = await self.api.list(key)
        return len(left)

    async def _tell(self, crd: Object, status: str, reason: str, message: str) -> Object:
        changed = own_copy(crd)
        naming.set_condition(changed["status"], "Terminating", status, reason, message, timestamp(self.clock.now()))
        return await self.api.update(RESOURCE, changed, subresource="status")

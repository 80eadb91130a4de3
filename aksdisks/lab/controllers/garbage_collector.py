"""Deletes objects whose owners are gone, holds owners until their dependents are gone, or sets dependents free."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import ClassVar, Literal

from aksdisks.lab.client.controller import Controller, KeyMap
from aksdisks.lab.client.informer import Informer, key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.strategies.catalog import KEPT
from aksdisks.lab.kube.strategies.custom import is_true, stored_as

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
_UNKNOWN = ("", False)
_WITHOUT_OWNERS = ("events", "events.events.k8s.io")


class GarbageCollector(Controller):
    """The garbage collector (upstream pkg/controller/garbagecollector).

    Keys are `resource|namespace/name`. Whether an owner exists is asked of the server, never of the copies, so that a
    copy that lags cannot get a dependent deleted.
    """

    name: ClassVar[str] = "garbage-collector-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Watches every kind but events."""
        super().__init__(api, clock, ids)
        self._copies: dict[str, Informer] = {}
        self._kinds = {_group_kind(one.api_version, one.kind): (key, one.namespaced) for key, one in KEPT.items()}
        self._followed: dict[str, asyncio.Task[None]] = {}
        for resource in KEPT:
            if resource not in _WITHOUT_OWNERS:
                self._copy(resource)
        self._copies["customresourcedefinitions"].add_handler(self._defined)

    def _copy(self, resource: str) -> Informer:
        informer = self._copies[resource] = self.watch(resource, self._concerned(resource))
        informer.add_index("owner", lambda obj: [r["uid"] for r in _references(obj)])
        return informer

    def _defined(self, before: Object | None, after: Object | None) -> None:
        """Keep a copy of a custom kind for as long as it is defined."""
        crd = before if after is None else after
        assert crd is not None
        resource, spec = stored_as(crd), crd["spec"]
        kind = _group_kind(f"{spec['group']}/", spec["names"]["kind"])
        if after is None:
            if resource in self._followed:
                self._followed.pop(resource).cancel()
                self._informers.remove(self._copies.pop(resource))
                del self._kinds[kind]
        elif resource not in self._followed and is_true(after, "Established"):
            self._kinds[kind] = (resource, spec["scope"] == "Namespaced")
            self._followed[resource] = self.spawn(self._copy(resource).run())

    def _concerned(self, resource: str) -> KeyMap:
        def keys(before: Object | None, after: Object | None) -> Iterable[str]:
            if after is None:
                assert before is not None
                yield from (_key(name, obj) for name, obj in self._dependents(before))
                yield from self._waiting_owners(before)
                return
            changed = before is None or _references(before) != _references(after)
            if changed and before is not None:
                yield from self._waiting_owners(before)
            if (changed and _references(after)) or _collector_finalizer(after):
                yield _key(resource, after)

        return keys

    def _dependents(self, owner: Object) -> list[tuple[str, Object]]:
        uid = owner["metadata"]["uid"]
        return [(name, obj) for name, copy in self._copies.items() for obj in copy.by_index("owner", uid)]

    def _waiting_owners(self, obj: Object) -> Iterable[str]:
        """The owners that are being deleted in the foreground: this dependent no longer holds them."""
        for reference in _references(obj):
            resource, namespaced = self._kinds.get(_group_kind(reference["apiVersion"], reference["kind"]), _UNKNOWN)
            if resource in self._copies:
                owner = self._copies[resource].get(reference["name"], _namespace(obj, namespaced=namespaced))
                if owner is not None and _collector_finalizer(owner):
                    yield _key(resource, owner)

    async def reconcile(self, key: str) -> float | None:
        """Look at one object: orphan its dependents, wait for them, or delete it when all its owners are gone."""
        resource, _, name = key.partition("|")
        copy = self._copies.get(resource)
        obj = copy.get_key(name) if copy else None
        if obj is None:
            return None
        try:
            await self._collect(resource, obj)
        except ApiError as error:
            if error.reason != "NotFound":
                raise
        return None

    async def _collect(self, resource: str, obj: Object) -> None:
        meta = obj["metadata"]
        if "deletionTimestamp" in meta:
            if ORPHAN in meta.get("finalizers", ()):
                await self._orphan(obj)
                await self._remove_finalizer(resource, obj, ORPHAN)
            elif FOREGROUND in meta.get("finalizers", ()):
                await self._hold(resource, obj)
            return
        if not _references(obj):
            return
        solid, waiting, dangling = await self._classify(resource, obj)
        if solid:
            if waiting or dangling:
                gone = {reference["uid"] for reference in (*waiting, *dangling)}
                kept = [reference for reference in _references(obj) if reference["uid"] not in gone]
                await self._set_references(resource, obj, kept)
            return
        dependents = [dependent for _, dependent in self._dependents(obj)] if waiting else []
        if any(_waits_for_dependents(dependent) for dependent in dependents):
            # Perhaps a circle, in which each would wait for the next: this one no longer holds its owners.
            free = [reference | {"blockOwnerDeletion": False} for reference in _references(obj)]
            await self._set_references(resource, obj, free)
        finalizers = meta.get("finalizers", ())
        if ORPHAN in finalizers:
            await self._delete(resource, obj, "Orphan")
        elif dependents or FOREGROUND in finalizers:
            await self._delete(resource, obj, "Foreground")
        else:
            await self._delete(resource, obj, "Background")

    async def _delete(
        self, resource: str, obj: Object, propagation: Literal["Background", "Foreground", "Orphan"]
    ) -> None:
        meta = obj["metadata"]
        try:
            await self.api.delete(
                resource, meta["name"], meta.get("namespace"), propagation=propagation, uid=meta["uid"]
            )
        except ApiError as error:
            if error.reason not in ("NotFound", "Conflict"):
                raise

    async def _hold(self, resource: str, owner: Object) -> None:
        """Foreground: the owner goes when no dependent that blocks it is left; until then they are deleted."""
        uid = owner["metadata"]["uid"]
        blocking = [
            (name, obj)
            for name, obj in self._dependents(owner)
            if any(r["uid"] == uid and r.get("blockOwnerDeletion") for r in _references(obj))
        ]
        if not blocking:
            await self._remove_finalizer(resource, owner, FOREGROUND)
            return
        for name, obj in blocking:
            if "deletionTimestamp" not in obj["metadata"]:
                self.queue.add(_key(name, obj))

    async def _orphan(self, owner: Object) -> None:
        uid = owner["metadata"]["uid"]
        for resource, obj in self._dependents(owner):
            await self._set_references(resource, obj, [r for r in _references(obj) if r["uid"] != uid])

    async def _classify(self, resource: str, obj: Object) -> tuple[list[Object], list[Object], list[Object]]:
        """The references whose owner exists, is being deleted in the foreground, or is gone."""
        solid: list[Object] = []
        waiting: list[Object] = []
        dangling: list[Object] = []
        for reference in _references(obj):
            owner = await self._owner(resource, reference, obj)
            if owner is None:
                dangling.append(reference)
            elif _waits_for_dependents(owner):
                waiting.append(reference)
            else:
                solid.append(reference)
        return solid, waiting, dangling

    async def _owner(self, resource: str, reference: Object, dependent: Object) -> Object | None:
        """The owner; None when it is gone. An owner of a kind not served counts as there (upstream then waits)."""
        kind = _group_kind(reference["apiVersion"], reference["kind"])
        owner_resource, namespaced = self._kinds.get(kind, _UNKNOWN)
        if not owner_resource:
            self.log.warning("%s: owner of a kind not served: %s", _key(resource, dependent), reference)
            return {"metadata": reference}
        try:
            namespace = _namespace(dependent, namespaced=namespaced)
            owner = await self.api.get(owner_resource, reference["name"], namespace)
        except ApiError as error:
            if error.reason == "NotFound":
                return None
            raise
        return owner if owner["metadata"]["uid"] == reference["uid"] else None

    async def _set_references(self, resource: str, obj: Object, references: list[Object]) -> None:
        meta = obj["metadata"]
        patch = {"metadata": {"uid": meta["uid"], "ownerReferences": references or None}}
        try:
            await self.api.patch(resource, meta["name"], patch, meta.get("namespace"))
        except ApiError as error:
            if error.reason not in ("NotFound", "Conflict"):
                raise

    async def _remove_finalizer(self, resource: str, obj: Object, finalizer: str) -> None:
        meta = obj["metadata"]
        fresh = await self.api.get(resource, meta["name"], meta.get("namespace"))
        rest = [name for name in fresh["metadata"].get("finalizers", ()) if name != finalizer]
        if fresh["metadata"]["uid"] != meta["uid"] or len(rest) == len(fresh["metadata"].get("finalizers", ())):
            return
        version = fresh["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": version, "finalizers": rest or None}}
        await self.api.patch(resource, meta["name"], patch, meta.get("namespace"))


def _references(obj: Object) -> list[Object]:
    references: list[Object] = obj["metadata"].get("ownerReferences", [])
    return references


def _waits_for_dependents(obj: Object) -> bool:
    """It is being deleted in the foreground."""
    return "deletionTimestamp" in obj["metadata"] and FOREGROUND in obj["metadata"].get("finalizers", ())


def _collector_finalizer(obj: Object) -> bool:
    meta = obj["metadata"]
    return "deletionTimestamp" in meta and any(name in (FOREGROUND, ORPHAN) for name in meta.get("finalizers", ()))


def _group_kind(api_version: str, kind: str) -> tuple[str, str]:
    """What an owner is called in whichever of its versions a reference names it."""
    return api_version.rpartition("/")[0], kind


def _namespace(dependent: Object, *, namespaced: bool) -> str | None:
    """Where an owner is looked for: with its dependent, or in no namespace."""
    return dependent["metadata"].get("namespace") if namespaced else None


def _key(resource: str, obj: Object) -> str:
    return f"{resource}|{key_of(obj)}"

"""A StatefulSet's history: ControllerRevisions made from its template, found again, and forgotten beyond a limit."""

from __future__ import annotations

from collections.abc import Iterable

from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.controllers.pods import controller_reference
from aksdisks.lab.ids import Ids

HASH_LABEL = "controller.kubernetes.io/hash"


class Revisions:
    """The history of StatefulSets (upstream pkg/controller/history and statefulset getStatefulSetRevisions)."""

    def __init__(self, api: KubernetesApi, ids: Ids) -> None:
        """`ids` gives the template hash in names."""
        self._api = api
        self._ids = ids

    async def current_and_update(self, owner: Object, known: list[Object]) -> tuple[Object, Object, int]:
        """The revision pods are at, the one they are to be at (created when new), and the collision count.

        `known`: the owner's revisions; one that was used before gets the newest number instead of a second object.
        """
        status = owner.get("status", {})
        collisions = int(status.get("collisionCount", 0))
        known = sorted(known, key=_age)
        update, collisions = await self._update(owner, known, collisions)
        current = next((r for r in known if r["metadata"]["name"] == status.get("currentRevision")), update)
        return current, update, collisions

    async def _update(self, owner: Object, known: list[Object], collisions: int) -> tuple[Object, int]:
        data = _data(owner)
        number = known[-1]["revision"] + 1 if known else 1
        equal = [revision for revision in known if revision["data"] == data]
        if equal and equal[-1] is known[-1]:
            return known[-1], collisions
        if equal:
            again = equal[-1] | {"revision": number}
            return await self._api.update("controllerrevisions", again), collisions
        while True:
            fresh = self._new(owner, data, number, collisions)
            namespace = owner["metadata"]["namespace"]
            try:
                return await self._api.create("controllerrevisions", fresh, namespace), collisions
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise
                name = fresh["metadata"]["name"]
                existing = await self._api.get("controllerrevisions", name, namespace)
                if existing["data"] == data:
                    return existing, collisions
                collisions += 1

    def _new(self, owner: Object, data: Object, number: int, collisions: int) -> Object:
        meta, template = owner["metadata"], owner["spec"]["template"]
        hash10 = self._ids.hash10({"data": data, "collisions": collisions})
        metadata: Object = {
            "name": f"{meta['name']}-{hash10}",
            "namespace": meta["namespace"],
            "labels": {**template.get("metadata", {}).get("labels", {}), HASH_LABEL: hash10},
            "ownerReferences": [controller_reference(owner)],
        }
        if meta.get("annotations"):
            metadata["annotations"] = dict(meta["annotations"])
        revision = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata}
        return revision | {"data": data, "revision": number}

    async def truncate(self, owner: Object, known: list[Object], in_use: Iterable[str]) -> None:
        """Delete the oldest revisions beyond revisionHistoryLimit that are not `in_use` (names)."""
        limit = owner["spec"].get("revisionHistoryLimit", 10)
        used = set(in_use)
        idle = sorted((r for r in known if r["metadata"]["name"] not in used), key=_age)
        for revision in idle[: max(0, len(idle) - limit)]:
            try:
                meta = revision["metadata"]
                await self._api.delete("controllerrevisions", meta["name"], meta["namespace"])
            except ApiError as error:
                if error.reason != "NotFound":
                    raise


def with_revision(owner: Object, revision: Object) -> Object:
    """`owner` as of `revision`: its template, all else as it is."""
    template = {name: value for name, value in revision["data"]["spec"]["template"].items() if name != "$patch"}
    return owner | {"spec": owner["spec"] | {"template": template}}


def _data(owner: Object) -> Object:
    return {"spec": {"template": owner["spec"]["template"] | {"$patch": "replace"}}}


def _age(revision: Object) -> tuple[int, str, str]:
    meta = revision["metadata"]
    return int(revision["revision"]), meta.get("creationTimestamp", ""), meta["name"]

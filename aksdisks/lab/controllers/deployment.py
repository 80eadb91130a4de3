"""Rolls a Deployment out: replica sets, their sizes, revisions, and what the status says of progress."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aksdisks.lab.client.controller import Controller, namespace_terminating
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers import rollout
from aksdisks.lab.controllers.controller_refs import claim, controlled_by, index_by_controller
from aksdisks.lab.controllers.pods import (
    Patience,
    condition,
    controller_of,
    controller_reference,
    is_finished,
    is_terminating,
    matches,
)
from aksdisks.lab.controllers.rollout import DESIRED, HASH_LABEL, REVISION
from aksdisks.lab.ids import Ids

LOOK, LOOK_REAL = 10.0, 0.05
"""Seconds, of the cluster and real, between looks at a rollout that has a deadline."""


class DeploymentController(Controller):
    """The deployment controller (upstream pkg/controller/deployment), without the deprecated rollback.

    Sizes and statuses are computed by the pure functions of `rollout`; this class reads, writes and records events.
    """

    name: ClassVar[str] = "deployment-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Watches Deployments, ReplicaSets and, for Recreate, pods."""
        super().__init__(api, clock, ids)
        self._deployments = self.watch("deployments")
        self._sets = self.watch("replicasets", self._concerned)
        self._pods = self.watch("pods", self._pod_gone)
        index_by_controller(self._sets)
        index_by_controller(self._pods)
        self._events = EventRecorder(api, clock, self.name)
        self._progress = Patience(clock, LOOK, LOOK_REAL)
        self._deployments.add_handler(self._forget)

    def _forget(self, before: Object | None, after: Object | None) -> None:
        if after is None and before is not None:
            self._progress.forget(before["metadata"]["uid"])

    def _concerned(self, before: Object | None, after: Object | None) -> Iterable[str]:
        keys = set()
        for rs in (before, after):
            if rs is None:
                continue
            namespace = rs["metadata"]["namespace"]
            controller = controller_of(rs)
            if controller is not None:
                if controller["kind"] == "Deployment":
                    keys.add(f"{namespace}/{controller['name']}")
            elif rs is after:
                labels = rs["metadata"].get("labels")
                items = self._deployments.items(namespace)
                keys.update(key_of(d) for d in items if matches(d["spec"]["selector"], labels))
        return sorted(keys)

    def _pod_gone(self, before: Object | None, after: Object | None) -> Iterable[str]:
        """Recreate waits for the last old pod to be gone."""
        if before is None or after is not None or (controller := controller_of(before)) is None:
            return ()
        rs = self._sets.get(controller["name"], before["metadata"]["namespace"])
        owner = controller_of(rs) if rs is not None else None
        return () if owner is None else (f"{before['metadata']['namespace']}/{owner['name']}",)

    async def reconcile(self, key: str) -> float | None:
        """One pass, as upstream's syncDeployment."""
        deployment = self._deployments.get_key(key)
        if deployment is None:
            return None
        d = own_copy(deployment)
        sets = await claim(self.api, "deployments", d, self._sets)
        sets.sort(key=lambda rs: (rs["metadata"]["creationTimestamp"], rs["metadata"]["name"]))
        if is_terminating(d):
            new, old = await self._new_and_old(d, sets, create=False)
            return await self._write_status(d, rollout.status_of(d, old, new, self.clock.now()))
        if await self._note_paused(d):
            return None
        if d["spec"].get("paused") or self._is_scaling(d, sets):
            return await self._scale_all(d, sets)
        if d["spec"]["strategy"]["type"] == "Recreate":
            return await self._recreate(d, sets)
        return await self._roll(d, sets)

    # --- strategies -------------------------------------------------------------------------------------------------

    async def _roll(self, d: Object, sets: list[Object]) -> float | None:
        new, old = await self._new_and_old(d, sets, create=True)
        if new is None or not _observed(new):
            return None
        wanted = rollout.new_size(d, [*old, new], new)
        if not await self._scale(d, new, wanted):
            targets = rollout.old_sizes(d, old, new)
            if targets:
                for rs, size in targets:
                    await self._scale(d, rs, size)
            elif rollout.is_complete(d, d.get("status", {})):
                await self._clean_up(d, old)
        return await self._sync_rollout(d, old, new)

    async def _recreate(self, d: Object, sets: list[Object]) -> float | None:
        new, old = await self._new_and_old(d, sets, create=False)
        active = [rs for rs in old if rs["spec"]["replicas"] > 0]
        for rs in active:
            await self._scale(d, rs, 0)
        if active or self._old_pods_run(old):
            return await self._sync_rollout(d, old, new)
        if new is None:
            new, old = await self._new_and_old(d, sets, create=True)
            if new is None:
                return None
        if not _observed(new):
            return None
        await self._scale(d, new, d["spec"]["replicas"])
        if rollout.is_complete(d, d.get("status", {})):
            await self._clean_up(d, old)
        return await self._sync_rollout(d, old, new)

    def _old_pods_run(self, old: list[Object]) -> bool:
        """Some pod of an old set is there, or its set has not yet said that none is."""
        counted = any(rs.get("status", {}).get("replicas") for rs in old)
        return counted or any(not is_finished(pod) for rs in old for pod in controlled_by(self._pods, rs))

    def _is_scaling(self, d: Object, sets: list[Object]) -> bool:
        """Some active replica set was last sized for another number of replicas."""
        noted = (rs["metadata"].get("annotations", {}).get(DESIRED) for rs in sets if rs["spec"]["replicas"] > 0)
        return any(value is not None and int(value) != d["spec"]["replicas"] for value in noted)

    async def _scale_all(self, d: Object, sets: list[Object]) -> float | None:
        new, old = await self._new_and_old(d, sets, create=False)
        for rs, size in rollout.scaled_sizes(d, old, new):
            await self._scale(d, rs, size, note=True)
        if d["spec"].get("paused"):
            await self._clean_up(d, old)
        # The sizes as they were before: the next pass, caused by the resized sets, counts anew.
        return await self._write_status(d, rollout.status_of(d, old, new, self.clock.now()))

    # --- replica sets -----------------------------------------------------------------------------------------------

    async def _new_and_old(self, d: Object, sets: list[Object], *, create: bool) -> tuple[Object | None, list[Object]]:
        new = next((rs for rs in sets if rollout.same_template(rs, d)), None)
        old = [rs for rs in sets if rs is not new]
        revision = str(max((rollout.revision_of(rs) for rs in old), default=0) + 1)
        if new is not None:
            return await self._refresh_new(d, new, revision), old
        return (await self._create_new(d, sets, revision) if create else None), old

    async def _refresh_new(self, d: Object, new: Object, revision: str) -> Object:
        updated = own_copy(new)
        changed = rollout.annotate(d, updated, revision, exists=True)
        minimum = d["spec"].get("minReadySeconds", 0)
        if changed or new["spec"].get("minReadySeconds", 0) != minimum:
            if minimum:
                updated["spec"]["minReadySeconds"] = minimum
            else:
                updated["spec"].pop("minReadySeconds", None)
            stored = await self.api.update("replicasets", updated)
            self._sets.observe(stored)
            return stored
        needs_write = _set_revision(d, updated["metadata"]["annotations"][REVISION])
        if rollout.has_deadline(d) and condition(d, "Progressing") is None:
            message = f'Found new replica set "{new["metadata"]["name"]}"'
            self._set_condition(d, "Progressing", "True", "FoundNewReplicaSet", message)
            needs_write = True
        if needs_write:
            await self._put_status(d)
        return new

    async def _create_new(self, d: Object, sets: list[Object], revision: str) -> Object | None:
        meta, spec = d["metadata"], d["spec"]
        collisions = d.get("status", {}).get("collisionCount", 0)
        hash10 = self.ids.hash10({"template": spec["template"], "collisions": collisions})
        template = own_copy(spec["template"])
        labels = template.setdefault("metadata", {}).setdefault("labels", {})
        labels[HASH_LABEL] = hash10
        selector = own_copy(spec["selector"])
        selector.setdefault("matchLabels", {})[HASH_LABEL] = hash10
        rs: Object = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{meta['name']}-{hash10}",
                "namespace": meta["namespace"],
                "ownerReferences": [controller_reference(d)],
                "labels": dict(labels),
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        }
        if spec.get("minReadySeconds"):
            rs["spec"]["minReadySeconds"] = spec["minReadySeconds"]
        size = rollout.new_size(d, [*sets, rs], rs)
        rs["spec"]["replicas"] = size
        rollout.annotate(d, rs, revision, exists=False)
        rs["metadata"]["annotations"] |= rollout.size_annotations(d)
        try:
            created = await self.api.create("replicasets", rs, meta["namespace"])
        except ApiError as error:
            return await self._creation_failed(d, rs, error)
        self._sets.observe(created)
        name = created["metadata"]["name"]
        if size > 0:
            self._events.event(d, "Normal", "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {size}")
        _set_revision(d, revision)
        if rollout.has_deadline(d):
            self._set_condition(d, "Progressing", "True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
        await self._put_status(d)
        return created

    async def _creation_failed(self, d: Object, rs: Object, error: ApiError) -> Object | None:
        if error.reason == "AlreadyExists":
            meta = rs["metadata"]
            found = await self.api.get("replicasets", meta["name"], meta["namespace"])
            owner = controller_of(found)
            if owner is not None and owner["uid"] == d["metadata"]["uid"] and rollout.same_template(found, d):
                self._sets.observe(found)
                return found
            status = d.setdefault("status", {})
            status["collisionCount"] = status.get("collisionCount", 0) + 1
            await self._put_status(d)
            raise error
        if namespace_terminating(error):
            return None
        message = f'Failed to create new replica set "{rs["metadata"]["name"]}": {error.message}'
        if rollout.has_deadline(d):
            self._set_condition(d, "Progressing", "False", "ReplicaSetCreateError", message)
            await self._put_status(d)
        self._events.event(d, "Warning", "ReplicaSetCreateError", message)
        raise error

    async def _scale(self, d: Object, rs: Object, size: int, *, note: bool = False) -> bool:
        """Resize `rs` and note the sizes it was made for; whether its size changed.

        With `note` the sizes are noted even where its own stays.
        """
        before = rs["spec"]["replicas"]
        annotations = rollout.size_annotations(d)
        current = rs["metadata"].get("annotations", {})
        if before == size and (not note or annotations.items() <= current.items()):
            return False
        updated = own_copy(rs)
        updated["spec"]["replicas"] = size
        updated["metadata"].setdefault("annotations", {}).update(annotations)
        stored = await self.api.update("replicasets", updated)
        self._sets.observe(stored)
        if before == size:
            return False
        way = "up" if size > before else "down"
        message = f"Scaled {way} replica set {rs['metadata']['name']} from {before} to {size}"
        self._events.event(d, "Normal", "ScalingReplicaSet", message)
        return True

    async def _clean_up(self, d: Object, old: list[Object]) -> None:
        limit = d["spec"].get("revisionHistoryLimit")
        if limit is None:
            return
        idle = [rs for rs in old if not is_terminating(rs)]
        for rs in sorted(idle, key=rollout.revision_of)[: max(0, len(idle) - limit)]:
            status = rs.get("status", {})
            observed = status.get("observedGeneration", 0) >= rs["metadata"]["generation"]
            if status.get("replicas") or rs["spec"]["replicas"] or not observed:
                continue
            try:
                await self.api.delete("replicasets", rs["metadata"]["name"], rs["metadata"]["namespace"])
            except ApiError as error:
                if error.reason != "NotFound":
                    raise

    # --- status -----------------------------------------------------------------------------------------------------

    async def _sync_rollout(self, d: Object, old: list[Object], new: Object | None) -> float | None:
        waited = self._waited(d)
        status = rollout.rollout_status(d, old, new, self.clock.now(), waited)
        if rollout.progressed(d.get("status", {}), status):
            # In a fast lab a second's stamp stays the same over much progress.
            self._progress.forget(d["metadata"]["uid"])
        return await self._write_status(d, status)

    async def _write_status(self, d: Object, status: Object) -> float | None:
        if status != d.get("status"):
            d["status"] = status
            await self._put_status(d)
        progressing = condition(d, "Progressing")
        if not rollout.has_deadline(d) or progressing is None or rollout.is_complete(d, status):
            return None
        if progressing["reason"] == "ProgressDeadlineExceeded":
            return None
        left = float(d["spec"]["progressDeadlineSeconds"]) - self._waited(d) + 1.0
        return self._progress.pause(max(1.0, left))

    def _waited(self, d: Object) -> float:
        """Cluster seconds since the last progress."""
        progressing = condition(d, "Progressing")
        stamp = "" if progressing is None else f"{progressing['reason']} {progressing['lastUpdateTime']}"
        return self._progress.waited(d["metadata"]["uid"], stamp)

    async def _note_paused(self, d: Object) -> bool:
        """Say in the Progressing condition that a rollout was paused or resumed; whether that was written."""
        progressing = condition(d, "Progressing")
        if not rollout.has_deadline(d) or (progressing and progressing["reason"] == "ProgressDeadlineExceeded"):
            return False
        noted = progressing is not None and progressing["reason"] == "DeploymentPaused"
        if bool(d["spec"].get("paused")) == noted:
            return False
        if noted:
            self._set_condition(d, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")
        else:
            self._set_condition(d, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
        await self._put_status(d)
        return True

    def _set_condition(self, d: Object, type: str, status: str, reason: str, message: str) -> None:
        rollout.set_condition(d.setdefault("status", {}), type, status, reason, message, timestamp(self.clock.now()))

    async def _put_status(self, d: Object) -> None:
        """Write status and annotations (the revision travels with the status), and go on from what was stored."""
        try:
            stored = await self.api.update("deployments", d, subresource="status")
        except ApiError as error:
            if error.reason == "NotFound":
                return
            raise
        self._deployments.observe(stored)
        d["metadata"] = own_copy(stored["metadata"])


def _set_revision(d: Object, revision: str) -> bool:
    annotations = d["metadata"].setdefault("annotations", {})
    if annotations.get(REVISION) == revision:
        return False
    annotations[REVISION] = revision
    return True


def _observed(rs: Object) -> bool:
    """The replica set controller has seen it.

    Upstream's own write after creating a set is refused as stale, so its next status comes after the set's first.
    """
    return "observedGeneration" in rs.get("status", {})

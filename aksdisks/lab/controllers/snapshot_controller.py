"""The snapshot-controller: gives each VolumeSnapshot a content, tells in it what became of that, deletes it with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

from aksdisks.lab.client.controller import AgainError, Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.snapshot_claims import SourceClaims, not_updated
from aksdisks.lab.controllers.snapshots import (
    AS_SOURCE,
    BEING_DELETED,
    BOUND,
    CLASSES,
    CONTENT_BOUND,
    CONTENTS,
    IS_DEFAULT,
    SNAPSHOTS,
    SnapshotError,
    class_not_found,
    has_finalizer,
    is_ready,
    secret_annotations,
    with_finalizers,
)
from aksdisks.lab.controllers.storage import annotations_of
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.authz.attributes import quote
from aksdisks.lab.kube.schema.quantities import canonical

_MISSING = "VolumeSnapshotContent is missing"


def _snapshot_keys(before: Object | None, after: Object | None) -> Iterable[str]:
    """Its own, and its content's once it is gone."""
    if after is not None:
        return (f"snapshot:{key_of(after)}",)
    bound = _content_name(before or {})
    return (f"content:{bound}",) if bound else ()


def _content_keys(before: Object | None, after: Object | None) -> Iterable[str]:
    """Its own, and its snapshot's once it is gone."""
    if after is not None:
        return (f"content:{key_of(after)}",)
    assert before is not None
    return (f"snapshot:{_snapshot_key(before)}",)


class SnapshotController(Controller):
    """Source: kubernetes-csi/external-snapshotter pkg/common-controller, of which groups of snapshots are left out."""

    name: ClassVar[str] = "snapshot-controller"
    # worker-threads of deploy/csi-snapshot-controller.yaml is 250.
    workers: ClassVar[int] = 20
    base_delay: ClassVar[float] = 1.0
    """Seconds: --retry-interval-start."""

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Keys are those of snapshots and contents, with their kind before them."""
        super().__init__(api, clock, ids)
        self._snapshots = self.watch(SNAPSHOTS, _snapshot_keys)
        self._contents = self.watch(CONTENTS, _content_keys)
        self._classes = self.watch(CLASSES, None)
        claims = self.watch("persistentvolumeclaims", None)
        self._sources = SourceClaims(api, claims, self._snapshots)
        self._recorder = EventRecorder(api, clock, self.name)

    async def reconcile(self, key: str) -> float | None:
        """See `Controller`."""
        kind, _, name = key.partition(":")
        if kind == "content":
            if (content := self._contents.get_key(name)) is not None:
                await self._sync_content(content)
        elif (snapshot := self._snapshots.get_key(name)) is not None:
            await self._sync_snapshot(snapshot)
        return None

    # Contents

    async def _sync_content(self, content: Object) -> None:
        """What is bound is protected; what has become of it goes into its snapshot, whose deletion it learns of."""
        if not content["spec"]["volumeSnapshotRef"].get("uid"):
            return
        if "deletionTimestamp" not in content["metadata"] and not has_finalizer(content, CONTENT_BOUND):
            self._contents.observe(await self.api.update(CONTENTS, with_finalizers(content, CONTENT_BOUND)))
            return
        snapshot = self._snapshots.get_key(_snapshot_key(content))
        if snapshot is None or not _points_to(content, snapshot):
            return
        if content.get("status"):
            self.queue.add(f"snapshot:{key_of(snapshot)}")
        if _is_going(snapshot):
            await self._mark_deleted(content)

    async def _mark_deleted(self, content: Object) -> None:
        if BEING_DELETED not in annotations_of(content):
            patch = {"metadata": {"annotations": {BEING_DELETED: "yes"}}}
            self._contents.observe(await self.api.patch(CONTENTS, content["metadata"]["name"], patch))

    # Snapshots

    async def _sync_snapshot(self, snapshot: Object) -> None:
        going = "deletionTimestamp" in snapshot["metadata"]
        snapshot = await self._with_class(snapshot)
        await self._sources.release(snapshot)
        if going:
            await self._delete(snapshot)
            return
        await self._protect(snapshot)
        name = _content_name(snapshot)
        if not is_ready(snapshot) or not name:
            await self._make(snapshot)
            return
        content = self._contents.get(name)
        if content is None:
            await self._tell_error(snapshot, "SnapshotContentMissing", _MISSING)
        elif not _points_to(content, snapshot):
            message = "VolumeSnapshotContent is not bound to the VolumeSnapshot correctly"
            await self._tell_error(snapshot, "SnapshotMisbound", message)

    async def _with_class(self, snapshot: Object) -> Object:
        """The snapshot, whose class is there; one that names none gets the default of its volume's driver."""
        name = snapshot["spec"].get("volumeSnapshotClassName")
        if name is not None:
            if self._classes.get(name) is None:
                message = f"Failed to get snapshot class with error {class_not_found(name)}"
                told = await self._tell_error(snapshot, "GetSnapshotClassFailed", message, unready=False)
                # What is being deleted needs no class any more.
                if "deletionTimestamp" not in snapshot["metadata"]:
                    raise AgainError
                return told
            return snapshot
        if "persistentVolumeClaimName" not in snapshot["spec"]["source"]:
            return snapshot
        try:
            name = await self._default_class(snapshot)
        except SnapshotError as error:
            message = f"Failed to set default snapshot class with error {error}"
            await self._tell_error(snapshot, "SetDefaultSnapshotClassFailed", message, unready=False)
            raise AgainError from error
        return await self._patched(snapshot, {"spec": {"volumeSnapshotClassName": name}})

    async def _default_class(self, snapshot: Object) -> str:
        """Raises `SnapshotError`."""
        csi = (await self._sources.volume(snapshot))["spec"].get("csi")
        if csi is None:
            raise SnapshotError(f"snapshotting non-CSI volumes is not supported, snapshot:{key_of(snapshot)}")
        found = [
            str(one["metadata"]["name"])
            for one in self._classes.items()
            if annotations_of(one).get(IS_DEFAULT) == "true" and one["driver"] == csi["driver"]
        ]
        if len(found) > 1:
            raise SnapshotError(f"{len(found)} default snapshot classes were found")
        if not found:
            raise SnapshotError("cannot find default snapshot class")
        return found[0]

    async def _protect(self, snapshot: Object) -> None:
        """Its finalizers: one from the beginning, one while a content that would go with it is bound."""
        try:
            content = await self._content_of(snapshot)
        except SnapshotError as error:
            message = f"Failed to check and update snapshot: {error}"
            self._recorder.event(snapshot, "Warning", "SnapshotFinalizerError", message)
            raise AgainError from error
        bound = content is not None and content["spec"]["deletionPolicy"] == "Delete" and _content_name(snapshot)
        wanted = (AS_SOURCE, BOUND) if bound else (AS_SOURCE,)
        added = [one for one in wanted if not has_finalizer(snapshot, one)]
        if added:
            self._snapshots.observe(await self.api.update(SNAPSHOTS, with_finalizers(snapshot, *added)))

    async def _content_of(self, snapshot: Object) -> Object | None:
        """The content that is the snapshot's, None where there is none yet. Raises `SnapshotError` for another's."""
        stated = snapshot["spec"]["source"].get("volumeSnapshotContentName")
        name = stated or _made_name(snapshot)
        content = self._contents.get(name)
        if content is None:
            return None
        if bool(stated) != ("snapshotHandle" in content["spec"]["source"]):
            is_, expected = "dynamically provisioned", "pre-provisioned"
            named, got = "VolumeSnapshotContent", "dynamically provisioned one"
            if not stated:
                is_, expected = "pre-provisioned", "dynamically provisioned"
                named, got = f"VolumeSnapshotContent {name}", "pre-provisioned one"
            message = f"{named} is {is_} while expecting a {expected} one"
            await self._tell_error(snapshot, "SnapshotContentMismatch", message)
            raise SnapshotError(
                f"snapshot {key_of(snapshot)} expects a {expected} VolumeSnapshotContent {name} but gets a {got}"
            )
        unbound = stated and not content["spec"]["volumeSnapshotRef"].get("uid")
        if not (_names(content, snapshot) if unbound else _points_to(content, snapshot)):
            message = f"VolumeSnapshotContent [{name}] is bound to a different snapshot"
            await self._tell_error(snapshot, "SnapshotContentMisbound", message)
            raise SnapshotError(message)
        return content

    async def _make(self, snapshot: Object) -> None:
        """Bind it, and take over what the driver has told; what is not there yet is made."""
        stated = snapshot["spec"]["source"].get("volumeSnapshotContentName")
        try:
            content = await self._content_of(snapshot)
        except SnapshotError as error:
            raise AgainError from error
        if content is None and stated:
            await self._tell_error(snapshot, "SnapshotContentMissing", _MISSING)
            raise AgainError
        if content is None:
            try:
                content = await self._create_content(snapshot)
            except SnapshotError as error:
                message = f"Failed to create snapshot content with error {error}"
                await self._tell_error(snapshot, "SnapshotContentCreationFailed", message)
                raise AgainError from error
        elif stated:
            content = await self._bind(snapshot, content)
        await self._update_status(snapshot, content)

    async def _bind(self, snapshot: Object, content: Object) -> Object:
        """A content that was made by hand names the snapshot, and now this very one, and its class."""
        spec: Object = {"volumeSnapshotRef": {"uid": snapshot["metadata"]["uid"]}}
        if name := snapshot["spec"].get("volumeSnapshotClassName"):
            spec["volumeSnapshotClassName"] = name
        if content["spec"]["volumeSnapshotRef"].get("uid") and "volumeSnapshotClassName" in content["spec"]:
            return content
        bound = await self.api.patch(CONTENTS, content["metadata"]["name"], {"spec": spec})
        self._contents.observe(bound)
        return bound

    async def _create_content(self, snapshot: Object) -> Object:
        """Raises `SnapshotError`."""
        await self._sources.hold(snapshot)
        meta, name = snapshot["metadata"], _made_name(snapshot)
        chosen = self._classes.get(snapshot["spec"]["volumeSnapshotClassName"])
        try:
            if chosen is None:
                raise class_not_found(snapshot["spec"]["volumeSnapshotClassName"])
            volume = await self._sources.volume(snapshot)
            notes = secret_annotations(chosen.get("parameters") or {}, name, snapshot)
        except SnapshotError as error:
            text = f"failed to get input parameters to create snapshot {meta['name']}: {quote(str(error))}"
            raise SnapshotError(text) from error
        csi = volume["spec"].get("csi")
        if csi is None:
            raise SnapshotError(f"cannot find CSI PersistentVolumeSource for volume {volume['metadata']['name']}")
        reference = {key: meta[key] for key in ("name", "namespace", "resourceVersion", "uid")}
        content = {
            "apiVersion": snapshot["apiVersion"],
            "kind": "VolumeSnapshotContent",
            "metadata": {"name": name, **({"annotations": notes} if notes else {})},
            "spec": {
                "deletionPolicy": chosen["deletionPolicy"],
                "driver": chosen["driver"],
                "source": {"volumeHandle": csi["volumeHandle"]},
                "sourceVolumeMode": volume["spec"].get("volumeMode") or "Filesystem",
                "volumeSnapshotClassName": chosen["metadata"]["name"],
                "volumeSnapshotRef": {"apiVersion": snapshot["apiVersion"], "kind": snapshot["kind"], **reference},
            },
        }
        try:
            content = await self.api.create(CONTENTS, content)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                message = f"Error creating volume snapshot content object for snapshot {key_of(snapshot)}: {error}."
                self._recorder.event(snapshot, "Warning", "CreateSnapshotContentFailed", message)
                raise not_updated(key_of(snapshot), str(error)) from error
            content = await self.api.get(CONTENTS, name)
        self._contents.observe(content)
        message = f"Waiting for a snapshot {key_of(snapshot)} to be created by the CSI driver."
        self._recorder.event(snapshot, "Normal", "CreatingSnapshot", message)
        return content

    async def _update_status(self, snapshot: Object, content: Object) -> None:
        """What is told of the content, in the snapshot's status, and in events the first time."""
        current = await self.api.get(SNAPSHOTS, snapshot["metadata"]["name"], snapshot["metadata"]["namespace"])
        told, status = content.get("status") or {}, own_copy(current.get("status") or {})
        was_created, was_ready = "creationTime" in status, is_ready(current)
        status.setdefault("boundVolumeSnapshotContentName", content["metadata"]["name"])
        status["readyToUse"] = bool(told.get("readyToUse"))
        if told.get("creationTime"):
            taken = datetime.fromtimestamp(told["creationTime"] // 10**9, UTC)
            status.setdefault("creationTime", timestamp(taken))
        if told.get("restoreSize"):
            status.setdefault("restoreSize", _binary(told["restoreSize"]))
        status.pop("error", None)
        if told.get("error"):
            status["error"] = told["error"]
        if status == current.get("status"):
            return
        name = key_of(snapshot)
        if not was_created and "creationTime" in status:
            message = f"Snapshot {name} was successfully created by the CSI driver."
            self._recorder.event(snapshot, "Normal", "SnapshotCreated", message)
        if not was_ready and status["readyToUse"]:
            self._recorder.event(snapshot, "Normal", "SnapshotReady", f"Snapshot {name} is ready to use.")
        await self._write_status({**current, "status": status})

    async def _tell_error(self, snapshot: Object, reason: str, message: str, *, unready: bool = True) -> Object:
        """Into its status and as an event, unless the status says so already; the snapshot as it is then."""
        status: dict[str, Any] = own_copy(snapshot.get("status") or {})
        if (status.get("error") or {}).get("message") == message:
            return snapshot
        status["error"] = {"message": message, "time": timestamp(self.clock.now())}
        if unready:
            status["readyToUse"] = False
        try:
            written = await self._write_status({**snapshot, "status": status})
        except ApiError:
            # Upstream's client answers a refusal with an empty object, and the event is about that.
            nobody = {"apiVersion": snapshot["apiVersion"], "kind": snapshot["kind"], "metadata": {}}
            self._recorder.event(nobody, "Warning", reason, message)
            raise
        self._recorder.event(written, "Warning", reason, message)
        return written

    async def _write_status(self, snapshot: Object) -> Object:
        """Raises `ApiError` Conflict when somebody else wrote it since it was read."""
        written = await self.api.update(SNAPSHOTS, snapshot, subresource="status")
        self._snapshots.observe(written)
        return written

    async def _patched(self, snapshot: Object, patch: Object) -> Object:
        meta = snapshot["metadata"]
        written = await self.api.patch(SNAPSHOTS, meta["name"], patch, meta["namespace"])
        self._snapshots.observe(written)
        return written

    # Their deletion

    async def _delete(self, snapshot: Object) -> None:
        """Its content goes first where the policy says so; nothing goes while a claim is being made from it."""
        if not _is_going(snapshot):
            return
        dynamic = "persistentVolumeClaimName" in snapshot["spec"]["source"]
        name = _content_name(snapshot) or (_made_name(snapshot) if dynamic else "")
        content = self._contents.get(name)
        if content is not None and not _points_to(content, snapshot):
            content = None
        if content is not None and self._sources.restores(snapshot):
            message = "Snapshot is being used to restore a PVC"
            self._recorder.event(snapshot, "Warning", "SnapshotDeletePending", message)
            raise AgainError
        goes_along = content is not None and content["spec"]["deletionPolicy"] == "Delete"
        if content is not None:
            await self._mark_deleted(content)
            if goes_along:
                await self._delete_content(content)
        await self._sources.release(snapshot, but=snapshot["metadata"]["name"])
        without = (AS_SOURCE,) if goes_along else (AS_SOURCE, BOUND)
        if any(has_finalizer(snapshot, one) for one in without):
            self._snapshots.observe(await self.api.update(SNAPSHOTS, with_finalizers(snapshot, without=without)))

    async def _delete_content(self, content: Object) -> None:
        if "deletionTimestamp" in content["metadata"]:
            return
        try:
            self._contents.observe_deleted(content, await self.api.delete(CONTENTS, content["metadata"]["name"]))
        except ApiError as error:
            if error.reason != "NotFound":
                raise


def _made_name(snapshot: Object) -> str:
    """The content that is made for a snapshot of a claim."""
    return f"snapcontent-{snapshot['metadata']['uid']}"


def _content_name(snapshot: Object) -> str:
    return str((snapshot.get("status") or {}).get("boundVolumeSnapshotContentName") or "")


def _snapshot_key(content: Object) -> str:
    reference = content["spec"]["volumeSnapshotRef"]
    return f"{reference['namespace']}/{reference['name']}"


def _names(content: Object, snapshot: Object) -> bool:
    return _snapshot_key(content) == key_of(snapshot)


def _points_to(content: Object, snapshot: Object) -> bool:
    """This very snapshot, not one that had its name before."""
    uid = content["spec"]["volumeSnapshotRef"].get("uid")
    return _names(content, snapshot) and bool(uid == snapshot["metadata"]["uid"])


def _is_going(snapshot: Object) -> bool:
    going = "deletionTimestamp" in snapshot["metadata"]
    return going and any(has_finalizer(snapshot, one) for one in (AS_SOURCE, BOUND))


def _binary(size: int) -> str:
    """Bytes as a quantity in powers of 1024."""
    return canonical(f"{size // 1024}Ki") if size % 1024 == 0 else str(size)

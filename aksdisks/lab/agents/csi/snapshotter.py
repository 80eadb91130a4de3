"""The csi-snapshotter beside a driver: makes Azure's snapshots for VolumeSnapshotContents, and deletes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from aksdisks.lab.agents.csi.common import ABORTED, DEADLINE_EXCEEDED, UNIMPLEMENTED, RpcError, called
from aksdisks.lab.agents.csi.snapshot_driver import SnapshotDriver, Taken
from aksdisks.lab.agents.csi.snapshot_parameters import metadata, snapshot_parameters
from aksdisks.lab.arm.driver.interface import AzureCompute
from aksdisks.lab.client.controller import AgainError, Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.snapshots import (
    BEING_CREATED,
    BEING_DELETED,
    CLASSES,
    CONTENT_BOUND,
    CONTENTS,
    RESERVED,
    SECRET_NAME,
    SECRET_NAMESPACE,
    SECRETS,
    SnapshotError,
    class_not_found,
    has_finalizer,
    is_ready,
    with_finalizers,
)
from aksdisks.lab.controllers.storage import DISK_DRIVER, FILE_DRIVER, annotations_of
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.authz.attributes import quote

TIMEOUT = 1200.0
"""Seconds that the snapshotter waits for the driver (deploy/csi-azuredisk-controller.yaml)."""

_NOT_FINAL = (DEADLINE_EXCEEDED, ABORTED)
"""Codes after which the snapshot may still be being made."""

_LIST_SECRETS = (f"{RESERVED}snapshotter-list-secret-name", f"{RESERVED}snapshotter-list-secret-namespace")
_GROUP_SECRETS = tuple(
    f"{RESERVED}group-snapshotter-{kind}secret-{part}" for kind in ("", "get-") for part in ("name", "namespace")
)


class Snapshotter(Controller):
    """A subclass is the part that calls its driver: `take` and `drop`.

    Source: kubernetes-csi/external-snapshotter pkg/sidecar-controller.
    """

    driver: ClassVar[str]
    # worker-threads of deploy/csi-azuredisk-controller.yaml is 250; a worker here is one task that mostly waits.
    workers: ClassVar[int] = 50
    base_delay: ClassVar[float] = 1.0
    """Seconds: --retry-interval-start; so long, doubled each time, it waits between looks at a snapshot, too."""

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Keys are the names of contents."""
        super().__init__(api, clock, ids)
        self._contents = self.watch(CONTENTS, _concerned)
        self._classes = self.watch(CLASSES, None)
        self._recorder = EventRecorder(api, clock, self.name)

    async def take(self, name: str, handle: str, parameters: Mapping[str, str]) -> Taken:
        """The driver's CreateSnapshot of the volume with this handle. Raises `RpcError`."""
        raise NotImplementedError

    async def drop(self, handle: str) -> None:
        """The driver's DeleteSnapshot. Raises `RpcError`."""
        raise NotImplementedError

    async def reconcile(self, key: str) -> float | None:
        """See `Controller`."""
        content = self._contents.get_key(key)
        if content is None or not self._is_ours(content):
            return None
        if _is_to_go(content):
            await self._delete(content)
        elif is_ready(content):
            await self._created(content)
        else:
            await self._look(content)
        return None

    def _is_ours(self, content: Object) -> bool:
        named = self._classes.get(content["spec"].get("volumeSnapshotClassName") or "")
        return bool(content["spec"]["driver"] == self.driver and (named is None or named["driver"] == self.driver))

    async def _look(self, content: Object) -> None:
        """Make the snapshot, or see how far it is; one that is there from before is taken to be ready."""
        dynamic, first = "volumeHandle" in content["spec"]["source"], content.get("status") is None
        try:
            content = await (self._create(content) if dynamic else self._adopt(content))
        except SnapshotError as error:
            created = dynamic and first
            reason = "SnapshotCreationFailed" if created else "SnapshotContentCheckandUpdateFailed"
            what = "create snapshot" if created else "check and update snapshot content"
            await self._tell_error(
                self._contents.get_key(key_of(content)) or content, reason, f"Failed to {what}: {error}"
            )
            raise AgainError from error
        if not is_ready(content):
            raise AgainError

    async def _create(self, content: Object) -> Object:
        """Raises `SnapshotError`."""
        name, spec = content["metadata"]["name"], content["spec"]
        try:
            parameters = self._parameters(content)
            await self._check_secret(content)
        except SnapshotError as error:
            text = f"failed to get input parameters to create snapshot for content {name}: {quote(str(error))}"
            raise SnapshotError(text) from error
        content = await self._begin(content)
        for key in parameters:
            if key.startswith(RESERVED) and key not in (*SECRETS, *_LIST_SECRETS, *_GROUP_SECRETS):
                why = f"found unknown parameter key {quote(key)} with reserved namespace {RESERVED}"
                raise SnapshotError(f"failed to remove CSI Parameters of prefixed keys: {why}")
        reference = spec["volumeSnapshotRef"]
        own = {key: value for key, value in parameters.items() if not key.startswith(RESERVED)}
        own |= metadata(reference["name"], reference["namespace"], name)
        handle = str(spec["source"]["volumeHandle"])
        try:
            taken = await self.take(f"snapshot-{reference['uid']}", handle, own)
        except RpcError as error:
            if error.code not in _NOT_FINAL:
                await self._created(content)
            raise SnapshotError(f"failed to take snapshot of the volume {handle}: {quote(str(error))}") from error
        return await self._created(await self._tell(content, taken))

    def _parameters(self, content: Object) -> Mapping[str, str]:
        name = content["spec"].get("volumeSnapshotClassName")
        if name is None:
            raise SnapshotError(f"failed to take snapshot {content['metadata']['name']} without a snapshot class")
        chosen = self._classes.get(name)
        if chosen is None:
            raise class_not_found(name)
        parameters: Mapping[str, str] = chosen.get("parameters") or {}
        return parameters

    async def _check_secret(self, content: Object) -> None:
        """The driver's secret, where a class names one, has to be there; the disk driver reads none."""
        notes, name = annotations_of(content), content["metadata"]["name"]
        if SECRET_NAME not in notes or SECRET_NAMESPACE not in notes:
            return
        if not notes[SECRET_NAME] or not notes[SECRET_NAMESPACE]:
            why = "secret name or namespace not specified"
            raise SnapshotError(f"cannot retrieve secrets for snapshot content {quote(name)}, err: {why}")
        try:
            await self.api.get("secrets", notes[SECRET_NAME], notes[SECRET_NAMESPACE])
        except ApiError as error:
            raise SnapshotError(f"cannot get credentials for snapshot content {quote(name)}") from error

    async def _adopt(self, content: Object) -> Object:
        """What somebody says is a snapshot: the driver lists none, so nobody looks for it in Azure (GetSnapshotStatus).

        Raises `SnapshotError`.
        """
        name = content["spec"].get("volumeSnapshotClassName")
        if name is not None and self._classes.get(name) is None:
            own = content["metadata"]["name"]
            raise SnapshotError(
                f"failed to get snapshot class {name} for snapshot content {own}: {class_not_found(name)}"
            )
        handle = str(content["spec"]["source"]["snapshotHandle"])
        return await self._tell(content, Taken(handle, self.clock.now().isoformat(), 0, ready=True))

    # What is written of it

    async def _begin(self, content: Object) -> Object:
        """Before the driver is called: what it may be making is not to be forgotten."""
        if BEING_CREATED in annotations_of(content):
            return content
        return await self._annotate(content, "yes")

    async def _created(self, content: Object) -> Object:
        """Once the driver has answered for good."""
        return await self._annotate(content, None) if BEING_CREATED in annotations_of(content) else content

    async def _annotate(self, content: Object, value: str | None) -> Object:
        patch = {"metadata": {"annotations": {BEING_CREATED: value}}}
        content = await self.api.patch(CONTENTS, content["metadata"]["name"], patch)
        self._contents.observe(content)
        return content

    async def _tell(self, content: Object, taken: Taken) -> Object:
        """What the driver has answered, into the status; what stands there of the snapshot's moment stays."""
        current = await self.api.get(CONTENTS, content["metadata"]["name"])
        status: dict[str, Any] = own_copy(current.get("status") or {})
        status.setdefault("snapshotHandle", taken.handle)
        status.setdefault("creationTime", _nanoseconds(taken.created))
        if taken.size:
            status.setdefault("restoreSize", taken.size)
        if taken.ready and status.get("readyToUse") is not True:
            status.pop("error", None)
        status["readyToUse"] = taken.ready
        return await self._write_status(current, status)

    async def _tell_error(self, content: Object, reason: str, message: str) -> None:
        """Into its status and as an event, unless the status says so already."""
        status: dict[str, Any] = own_copy(content.get("status") or {})
        if (status.get("error") or {}).get("message") == message:
            return
        status |= {"error": {"message": message, "time": timestamp(self.clock.now())}, "readyToUse": False}
        written = await self._write_status(content, status)
        self._recorder.event(written, "Warning", reason, message)

    async def _write_status(self, content: Object, status: dict[str, Any]) -> Object:
        before = content.get("status")
        if status == before:
            return content
        patch = {"status": {key: status.get(key) for key in (*status, *(before or ()))}}
        written = await self.api.patch(CONTENTS, content["metadata"]["name"], patch, subresource="status")
        self._contents.observe(written)
        return written

    async def _delete(self, content: Object) -> None:
        """Azure's snapshot where the policy says so, then the finalizer."""
        handle = (content.get("status") or {}).get("snapshotHandle")
        if content["spec"]["deletionPolicy"] == "Delete" and handle:
            try:
                await self._check_secret(content)
            except SnapshotError as error:
                self._recorder.event(content, "Warning", "SnapshotDeleteError", "Failed to get snapshot credentials")
                raise AgainError from error
            try:
                await self.drop(handle)
            except RpcError as error:
                self._recorder.event(content, "Warning", "SnapshotDeleteError", "Failed to delete snapshot")
                raise AgainError from error
            content = await self.api.get(CONTENTS, content["metadata"]["name"])
            gone = ("snapshotHandle", "readyToUse", "creationTime", "restoreSize")
            left = {key: value for key, value in content["status"].items() if key not in gone}
            content = await self._write_status(content, left)
        if has_finalizer(content, CONTENT_BOUND):
            self._contents.observe(await self.api.update(CONTENTS, with_finalizers(content, without=(CONTENT_BOUND,))))


class DiskSnapshotter(Snapshotter):
    """That of the disk driver."""

    name = f"csi-snapshotter {DISK_DRIVER}"
    driver = DISK_DRIVER

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, compute: AzureCompute) -> None:
        """As `Snapshotter`."""
        super().__init__(api, clock, ids)
        self._compute = compute
        self._driver = SnapshotDriver(compute)

    async def take(self, name: str, handle: str, parameters: Mapping[str, str]) -> Taken:
        """See `Snapshotter`."""
        work = self._driver.create(name, handle, snapshot_parameters(parameters))
        return await called(self._compute, self.clock, TIMEOUT, work)

    async def drop(self, handle: str) -> None:
        """See `Snapshotter`."""
        await called(self._compute, self.clock, TIMEOUT, self._driver.delete(handle))


class FileSnapshotter(Snapshotter):
    """That of the file driver: the lab has no snapshots of shares, so it refuses them and keeps none from going."""

    name = f"csi-snapshotter {FILE_DRIVER}"
    driver = FILE_DRIVER

    async def take(self, _name: str, _handle: str, _parameters: Mapping[str, str]) -> Taken:
        """See `Snapshotter`."""
        raise RpcError(UNIMPLEMENTED, "the lab's file driver takes no snapshots of shares")

    async def drop(self, _handle: str) -> None:
        """There is none."""


def _concerned(before: Object | None, after: Object | None) -> Iterable[str]:
    """Contents that are seen first or ready, or of which the sidecar has not itself made the change."""
    if after is None:
        return ()
    if before is None or (is_ready(after) and not is_ready(before)) or _own(before) != _own(after):
        return (key_of(after),)
    return ()


def _own(content: Object) -> Object:
    """What of a content others change (pkg/utils/util.go ShouldEnqueueContentChange)."""
    left_out = ("resourceVersion", "managedFields", "finalizers", "annotations")
    meta = {key: value for key, value in content["metadata"].items() if key not in left_out}
    notes = {key: value for key, value in annotations_of(content).items() if key != BEING_CREATED}
    return {"metadata": meta, "annotations": notes, "spec": content["spec"]}


def _is_to_go(content: Object) -> bool:
    """It is being deleted, and its snapshot with it, or it has none; while it is being made it stays (shouldDelete)."""
    if "deletionTimestamp" not in content["metadata"]:
        return False
    if "snapshotHandle" in content["spec"]["source"] and not content["spec"]["volumeSnapshotRef"].get("uid"):
        return True
    notes = annotations_of(content)
    return BEING_CREATED not in notes and BEING_DELETED in notes


def _nanoseconds(created: str) -> int:
    """Since 1970, of a time as Azure writes it, to the microsecond."""
    moment = datetime.fromisoformat(created)
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000

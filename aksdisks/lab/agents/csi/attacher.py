"""The external-attacher of the disk driver: attaches and detaches disks as VolumeAttachments come and go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aksdisks.lab.agents.csi.common import (
    FAILED_PRECONDITION,
    INTERNAL,
    NOT_FOUND,
    AzureError,
    Backoff,
    RpcError,
    called,
    machine_id,
    managed_by_id,
    parameter,
    refusal_text,
    shortened,
)
from aksdisks.lab.agents.csi.volume_objects import default_caching
from aksdisks.lab.arm.driver.interface import AzureCompute
from aksdisks.lab.arm.driver.refusals import AttachedDiskError, disk_path
from aksdisks.lab.arm.driver.retries import DeadlineExceededError, DriverError, within
from aksdisks.lab.arm.errors import NOT_ACTIVE, CloudError, machine_is_no_more
from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.storage import DISK_DRIVER, attached_volume, driver_and_handle
from aksdisks.lab.controllers.volume_matching import capacity_bytes
from aksdisks.lab.ids import Ids

FINALIZER = "external-attacher/disk-csi-azure-com"
NODE_ID = "csi.alpha.kubernetes.io/node-id"

TIMEOUT = 1200.0
"""Seconds that the attacher waits for the driver (deploy/csi-azuredisk-controller.yaml)."""

READ_TIMEOUT = 15.0
"""Seconds in which the driver reads a disk before it attaches it (CSI azuredisk_option.go get-disk-timeout-seconds)."""


def _attachment_keys(_before: Object | None, after: Object | None) -> Iterable[str]:
    return () if after is None else (f"attachment:{key_of(after)}",)


def _volume_keys(_before: Object | None, after: Object | None) -> Iterable[str]:
    deleting = after is not None and after["metadata"].get("deletionTimestamp")
    return (f"volume:{key_of(after)}",) if after is not None and deleting else ()


class Attacher(Controller):
    """Source: ATT pkg/controller/csi_handler.go. It writes no events: errors stand in the attachment's status."""

    name = "csi-attacher"
    workers: ClassVar[int] = 100

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, compute: AzureCompute) -> None:
        """Keys are `attachment:<name>` and, for volumes being deleted, `volume:<name>`."""
        super().__init__(api, clock, ids)
        self.compute = compute
        self.attachments = self.watch("volumeattachments", _attachment_keys)
        self.attachments.add_index("volume", attached_volume)
        self.attachments.add_handler(self._attachment_gone)
        self.volumes = self.watch("persistentvolumes", _volume_keys)
        self.nodes = self.watch("nodes", None)
        self.csi_nodes = self.watch("csinodes", None)
        self._backoff = Backoff(clock)

    def _attachment_gone(self, before: Object | None, after: Object | None) -> None:
        if after is None and before is not None:
            self.queue.add(f"volume:{before['spec']['source'].get('persistentVolumeName', '')}")

    async def reconcile(self, key: str) -> float | None:
        """See `Controller`."""
        kind, _, name = key.partition(":")
        if kind == "volume":
            volume = self.volumes.get_key(name)
            if volume is not None:
                await self._let_go(volume)
            return None
        attachment = self.attachments.get_key(name)
        if attachment is None or attachment["spec"]["attacher"] != DISK_DRIVER:
            return None
        detaching = bool(attachment["metadata"].get("deletionTimestamp"))
        step = f"{'detach' if detaching else 'attach'}:{name}"
        left = self._backoff.left(step)
        if left > 0:
            return left
        if detaching:
            return await self._detach(step, attachment)
        if (attachment.get("status") or {}).get("attached"):
            return None
        return await self._attach(step, attachment)

    async def _attach(self, step: str, attachment: Object) -> float | None:
        node, name = attachment["spec"]["nodeName"], attachment["metadata"]["name"]
        volume = self.volumes.get(attachment["spec"]["source"].get("persistentVolumeName", ""))
        found = None if volume is None else driver_and_handle(volume)
        if volume is None or found is None:
            missing = attachment["spec"]["source"].get("persistentVolumeName", "")
            text = f'could not add PersistentVolume finalizer: persistentvolume "{missing}" not found'
            return await self._refuse(step, name, "attachError", text, INTERNAL)
        await self._add_finalizer(volume)
        try:
            node_id = self._node_id(node)
        except LookupError as error:
            return await self._refuse(step, name, "attachError", str(error), None)
        finalizers = attachment["metadata"].get("finalizers") or []
        if FINALIZER not in finalizers:
            patch: Object = {"metadata": {"annotations": {NODE_ID: node_id}, "finalizers": [*finalizers, FINALIZER]}}
            self.attachments.observe(await self.api.patch("volumeattachments", name, patch))
        try:
            work = self._attach_disk(node, found[1], _caching(volume))
            lun = await called(self.compute, self.clock, TIMEOUT, work)
        except RpcError as error:
            return await self._refuse(step, name, "attachError", str(error), error.code)
        self._backoff.succeeded(step)
        status = {"attached": True, "attachmentMetadata": {"LUN": str(lun)}, "attachError": None}
        patch = {"status": status}
        self.attachments.observe(await self.api.patch("volumeattachments", name, patch, subresource="status"))
        return None

    def _node_id(self, node: str, attachment: Object | None = None) -> str:
        """The driver's name of the node, from its CSINode or else from the attachment. Raises `LookupError`."""
        csi_node = self.csi_nodes.get(node)
        for entry in () if csi_node is None else csi_node["spec"].get("drivers") or ():
            if entry["name"] == DISK_DRIVER:
                return str(entry["nodeID"])
        known = ((attachment or {}).get("metadata") or {}).get("annotations") or {}
        if NODE_ID in known:
            return str(known[NODE_ID])
        missing = f'csinode.storage.k8s.io "{node}" not found'
        raise LookupError(missing if csi_node is None else f"CSINode {node} does not contain driver {DISK_DRIVER}")

    def _attached_by_cluster(self, node: str, disk_id: str) -> bool:
        """Whether a VolumeAttachment of the disk to that node exists, so that the disk is not dangling there."""
        for attachment in self.attachments.items():
            volume = self.volumes.get(attachment["spec"]["source"].get("persistentVolumeName", ""))
            found = None if volume is None else driver_and_handle(volume)
            if attachment["spec"]["nodeName"] == node and found is not None and found[1].lower() == disk_id.lower():
                return True
        return False

    async def _attach_disk(self, node: str, disk_id: str, caching: str) -> int:
        """Attach; a disk that another machine has is first taken from it (CSI ControllerPublishVolume).

        Then it is still attached by what was read of it before: that is refused, and the attacher's next try succeeds.
        """
        disk = await self._read(disk_id)
        try:
            try:
                return await self.compute.attach_disk(node, disk_id, caching, disk)
            except AttachedDiskError as dangling:
                holder = self._node_of(dangling.managed_by)
                if holder is None:
                    raise
                if self._attached_by_cluster(holder, disk_id):
                    text = f"volume {disk_id} still has VolumeAttachments on node {holder}, refusing dangling detach"
                    raise RpcError(FAILED_PRECONDITION, text) from dangling
                await self._take_away(holder, disk_id)
                return await self.compute.attach_disk(node, disk_id, caching, disk)
        except (CloudError, DriverError) as error:
            if _no_machine(error):
                text = f'failed to get azure instance id for node "{node}" (instance not found)'
                raise RpcError(NOT_FOUND, text) from error
            name = disk_id.rpartition("/")[2]
            text = f"Attach volume {name} to instance {node} failed with {self._refusal(error, node)}"
            raise RpcError(INTERNAL, shortened(text)) from error

    async def _read(self, disk_id: str) -> Object | None:
        """The disk as Azure shows it, None when that takes too long. Raises `RpcError`."""
        try:
            return await within(self.clock, READ_TIMEOUT * self.compute.pace, self.compute.get_disk(disk_id))
        except DeadlineExceededError:
            return None
        except (CloudError, DriverError) as error:
            text = f"Volume not found, failed with error: {refusal_text(error, 'GET', disk_id)}"
            raise RpcError(NOT_FOUND, text) from error

    async def _take_away(self, node: str, disk_id: str) -> None:
        """Detach; where the machine no longer exists, the driver takes the disk for detached. Raises `RpcError`."""
        try:
            disk_path(disk_id)
        except DriverError as error:
            raise RpcError(INTERNAL, str(error)) from error
        try:
            await self.compute.detach_disk(node, disk_id)
        except (CloudError, DriverError) as error:
            if machine_is_no_more(error):
                return
            text = f"Could not detach volume {disk_id} from node {node}: {self._refusal(error, node)}"
            raise RpcError(INTERNAL, shortened(text)) from error

    def _refusal(self, error: AzureError, node: str) -> str:
        return refusal_text(error, "PUT", machine_id(self.nodes.get(node)))

    def _node_of(self, managed_by: str) -> str | None:
        wanted = managed_by.lower()
        return next(
            (key_of(node) for node in self.nodes.items() if managed_by_id(machine_id(node)).lower() == wanted), None
        )

    async def _detach(self, step: str, attachment: Object) -> float | None:
        meta, node = attachment["metadata"], attachment["spec"]["nodeName"]
        finalizers = meta.get("finalizers") or []
        if FINALIZER not in finalizers:
            return None
        volume = self.volumes.get(attachment["spec"]["source"].get("persistentVolumeName", ""))
        found = None if volume is None else driver_and_handle(volume)
        if found is not None:
            try:
                work = self._take_away(self._node_id(node, attachment), found[1])
                await called(self.compute, self.clock, TIMEOUT, work)
            except (LookupError, RpcError) as error:
                return await self._refuse(step, meta["name"], "detachError", str(error), None)
        await self._detached(step, attachment)
        return None

    async def _detached(self, step: str, attachment: Object) -> None:
        meta = attachment["metadata"]
        self._backoff.succeeded(step)
        try:
            status = {"attached": False, "attachmentMetadata": None, "detachError": None}
            patch = {"status": status}
            await self.api.patch("volumeattachments", meta["name"], patch, subresource="status")
            rest = [entry for entry in meta.get("finalizers") or () if entry != FINALIZER]
            await self.api.patch("volumeattachments", meta["name"], {"metadata": {"finalizers": rest or None}})
        except ApiError as error:
            if error.reason != "NotFound":
                raise

    async def _refuse(self, step: str, name: str, part: str, message: str, code: int | None) -> float:
        problem: Object = {"time": timestamp(self.clock.now()), "message": message}
        if code is not None:
            problem["errorCode"] = code
        try:
            patch = {"status": {"attached": part == "detachError", part: problem}}
            self.attachments.observe(await self.api.patch("volumeattachments", name, patch, subresource="status"))
        except ApiError as error:
            # A message of more than 1024 bytes is invalid: nothing is saved, and Kubernetes waits until its time is up.
            if error.reason not in ("NotFound", "Invalid"):
                raise
        return self._backoff.failed(step)

    async def _add_finalizer(self, volume: Object) -> None:
        finalizers = volume["metadata"].get("finalizers") or []
        if FINALIZER not in finalizers:
            changed = own_copy(volume)
            changed["metadata"]["finalizers"] = [*finalizers, FINALIZER]
            self.volumes.observe(await self.api.update("persistentvolumes", changed))

    async def _let_go(self, volume: Object) -> None:
        """Remove the finalizer of a volume that is being deleted and that no attachment names any more."""
        meta = volume["metadata"]
        finalizers = meta.get("finalizers") or []
        if not meta.get("deletionTimestamp") or FINALIZER not in finalizers:
            return
        if self.attachments.by_index("volume", meta["name"]):
            return
        changed = own_copy(volume)
        changed["metadata"]["finalizers"] = [entry for entry in finalizers if entry != FINALIZER]
        await self.api.update("persistentvolumes", changed)


def _no_machine(error: AzureError) -> bool:
    """Azure has no such machine (as opposed to no such disk)."""
    if not isinstance(error, CloudError):
        return False
    return NOT_ACTIVE in error.message or (error.code == "ResourceNotFound" and "/virtualMachine" in error.message)


def _caching(volume: Object) -> str:
    """The host caching that the volume's class asked for, else the driver's default."""
    if "azureDisk" in volume["spec"]:
        return str(volume["spec"]["azureDisk"].get("cachingMode") or "ReadOnly")
    attributes = volume["spec"]["csi"].get("volumeAttributes") or {}
    sku = parameter(attributes, "skuname", "storageaccounttype")
    return parameter(attributes, "cachingmode") or default_caching(sku, int(capacity_bytes(volume) / 2**30))

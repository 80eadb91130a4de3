"""The external-resizer beside a driver: a claim that asks for more gets a larger disk, or a larger share."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from aksdisks.lab.agents.csi.common import (
    INTERNAL,
    INVALID_ARGUMENT,
    RETRY_LAST,
    Backoff,
    Kept,
    RpcError,
    bound_volume,
    called,
    refusal_text,
)
from aksdisks.lab.agents.csi.share_volumes import HandleError, address_in, full_account
from aksdisks.lab.arm.driver.files import AzureFiles
from aksdisks.lab.arm.driver.interface import AzureCompute
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.storage.refusals import FULL
from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.storage import DISK_DRIVER, FILE_DRIVER, annotations_of
from aksdisks.lab.controllers.volume_matching import capacity_bytes, requested_bytes
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.schema.quantities import parse

GIB = 2**30
TIMEOUT, FILE_TIMEOUT = 240.0, 120.0
"""Seconds that the resizer waits for the driver (csi-azuredisk-controller.yaml and csi-azurefile-controller.yaml)."""
FULL_KEPT = 180.0
TAKEN_FOR_FULL = "specified share does not exist"
"""Cluster seconds for which the file driver lets no share of a full account grow, and Azure's words of a share that is
gone, which it takes for the same (azurefile.go resizeFileShareFailureCache)."""
IN_PROGRESS, NODE_PENDING, NODE_IN_PROGRESS = (
    "ControllerResizeInProgress",
    "NodeResizePending",
    "NodeResizeInProgress",
)
FAILED = "ControllerResizeError"
PRE_RESIZE = "volume.alpha.kubernetes.io/pre-resize-capacity"
PENDING_MESSAGE = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."


class Resizer(Controller):
    """A subclass is the part that calls its driver: `expand`.

    Source: kubernetes-csi/external-resizer pkg/controller/expand_and_recover.go.
    """

    driver: ClassVar[str]
    node_expands: ClassVar[bool] = True
    """Whether a node has to grow a file system afterwards."""
    retry_last: ClassVar[float] = RETRY_LAST
    workers: ClassVar[int] = 10

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Keys are those of claims."""
        super().__init__(api, clock, ids)
        self.claims = self.watch("persistentvolumeclaims")
        self.volumes = self.watch("persistentvolumes", None)
        self.recorder = EventRecorder(api, clock, self.name)
        self._backoff = Backoff(clock, self.retry_last)

    async def expand(self, handle: str, gib: int) -> None:
        """The driver's ControllerExpandVolume. Raises `RpcError`."""
        raise NotImplementedError

    async def reconcile(self, key: str) -> float | None:
        """Grow what the volume stands for, then the volume, and hand the rest to the node; see `Controller`."""
        claim = self.claims.get_key(key)
        found = None if claim is None else bound_volume(claim, self.volumes.get, self.driver)
        if claim is None or found is None:
            return None
        volume, handle = found
        if capacity_bytes(volume) <= parse((claim["status"].get("capacity") or {}).get("storage", "0")):
            await self._forget_growth(volume)
        wanted = _wanted(claim, volume)
        if wanted is None:
            return None
        left = self._backoff.left(key)
        if left > 0:
            return left
        size = f"{math.ceil(float(parse(wanted)) / GIB)}Gi"
        if wanted != (claim["status"].get("allocatedResources") or {}).get("storage"):
            claim = await self._mark(claim, wanted, IN_PROGRESS, [{"type": "Resizing", "status": "True"}])
        name = volume["metadata"]["name"]
        self.recorder.event(claim, "Normal", "Resizing", f"External resizer is resizing volume {name}")
        try:
            await self.expand(handle, int(size.removesuffix("Gi")))
        except RpcError as problem:
            failed = {"type": FAILED, "status": "True", "message": f"failed to expand pvc with {problem}"}
            others = [entry for entry in claim["status"].get("conditions") or () if entry["type"] != FAILED]
            claim = await self._mark(claim, wanted, IN_PROGRESS, [*others, failed])
            message = f'resize volume "{name}" by resizer "{self.driver}" failed: {problem}'
            self.recorder.event(claim, "Warning", "VolumeResizeFailed", message)
            return self._backoff.failed(key)
        self._backoff.succeeded(key)
        await self._grow_volume(volume, size)
        if not self.node_expands:
            await self._finish(claim, size)
            self.recorder.event(claim, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded")
            return None
        pending = {"type": "FileSystemResizePending", "status": "True", "message": PENDING_MESSAGE}
        claim = await self._mark(claim, wanted, NODE_PENDING, [pending])
        message = "Require file system resize of volume on node"
        self.recorder.event(claim, "Normal", "FileSystemResizeRequired", message)
        return None

    async def _grow_volume(self, volume: Object, size: str) -> None:
        changed = own_copy(await self.api.get("persistentvolumes", volume["metadata"]["name"]))
        notes = changed["metadata"].setdefault("annotations", {})
        notes.setdefault(PRE_RESIZE, changed["spec"]["capacity"]["storage"])
        changed["spec"]["capacity"]["storage"] = size
        self.volumes.observe(await self.api.update("persistentvolumes", changed))

    async def _forget_growth(self, volume: Object) -> None:
        """Once the claim has what its volume has, nobody needs to know the size of before (isNodeExpandComplete)."""
        if PRE_RESIZE in annotations_of(volume):
            patch = {"metadata": {"annotations": {PRE_RESIZE: None}}}
            self.volumes.observe(await self.api.patch("persistentvolumes", volume["metadata"]["name"], patch))

    async def _finish(self, claim: Object, size: str) -> None:
        """The claim has its new size; there is nothing for a node to do (markOverallExpansionAsFinished)."""
        meta = claim["metadata"]
        patch = {"status": {"capacity": {"storage": size}, "allocatedResourceStatuses": None, "conditions": None}}
        found = await self.api.patch(
            "persistentvolumeclaims", meta["name"], patch, meta["namespace"], subresource="status"
        )
        self.claims.observe(found)

    async def _mark(self, claim: Object, size: str, progress: str, conditions: list[dict[str, Any]]) -> Object:
        """How far it is, in the claim's status; conditions without a time are new."""
        meta, now = claim["metadata"], timestamp(self.clock.now())
        status = {
            "allocatedResources": {"storage": size},
            "allocatedResourceStatuses": {"storage": progress},
            "conditions": [{"lastTransitionTime": now} | condition for condition in conditions],
        }
        patch = {"status": status}
        claim = await self.api.patch(
            "persistentvolumeclaims", meta["name"], patch, meta["namespace"], subresource="status"
        )
        self.claims.observe(claim)
        return claim


class DiskResizer(Resizer):
    """Source: CSI pkg/azuredisk/controllerserver.go ControllerExpandVolume."""

    name = f"external-resizer {DISK_DRIVER}"
    driver = DISK_DRIVER

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, compute: AzureCompute) -> None:
        """As `Resizer`."""
        super().__init__(api, clock, ids)
        self.compute = compute

    async def expand(self, handle: str, gib: int) -> None:
        """See `Resizer`."""
        try:
            await called(self.compute, self.clock, TIMEOUT, self.compute.get_disk(handle))
        except (CloudError, DriverError) as error:
            refusal = refusal_text(error, "GET", handle)
            raise RpcError(INTERNAL, f"GetDiskByURI({handle}) failed with error({refusal})") from error
        try:
            await called(self.compute, self.clock, TIMEOUT, self.compute.resize_disk(handle, gib))
        except (CloudError, DriverError) as error:
            refusal = refusal_text(error, "PATCH", handle)
            raise RpcError(INTERNAL, f"failed to resize disk({handle}) with error({refusal})") from error


class FileResizer(Resizer):
    """Source: kubernetes-sigs/azurefile-csi-driver pkg/azurefile/controllerserver.go ControllerExpandVolume."""

    name = f"external-resizer {FILE_DRIVER}"
    driver = FILE_DRIVER
    node_expands = False
    retry_last = 1800.0

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, azure: AzureFiles) -> None:
        """As `Resizer`."""
        super().__init__(api, clock, ids)
        self.azure = azure
        self._full = Kept[bool](clock, FULL_KEPT)

    async def expand(self, handle: str, gib: int) -> None:
        """See `Resizer`; only a handle that names the share says what is to grow."""
        try:
            address = address_in(handle)
        except HandleError as error:
            raise RpcError(INVALID_ARGUMENT, f"GetFileShareInfo({handle}) failed with error: {error}") from error
        if self._full.get(address.account):
            raise RpcError(INTERNAL, full_account(address.account))
        group = address.group or self.azure.group
        azure = self.azure.of(address.subscription)
        try:
            work = azure.resize_share(group, address.account, address.share, gib)
            await called(self.azure, self.clock, FILE_TIMEOUT, work)
        except (CloudError, DriverError) as error:
            refusal = refusal_text(error, "GET", azure.id_of(group, address.account, address.share))
            if any(words in refusal for words in (FULL, TAKEN_FOR_FULL)):
                self._full.put(address.account, True)
            raise RpcError(INTERNAL, f"expand volume error: {refusal}") from error


def _wanted(claim: Object, volume: Object) -> str | None:
    """The size to grow to now; None when there is nothing to do, or a node has to grow its file system first."""
    status = claim["status"]
    progress = (status.get("allocatedResourceStatuses") or {}).get("storage")
    allocated = (status.get("allocatedResources") or {}).get("storage")
    if progress in (NODE_PENDING, NODE_IN_PROGRESS):
        return None
    if capacity_bytes(volume) < requested_bytes(claim):
        return str(claim["spec"]["resources"]["requests"]["storage"])
    # The volume says that it has grown, the claim does not yet: what was begun is finished.
    return str(allocated) if progress == IN_PROGRESS and allocated else None

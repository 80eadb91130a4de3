"""The external-resizer of the disk driver: a claim that asks for more gets a larger disk."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from aksdisks.lab.agents.csi.common import INTERNAL, Backoff, RpcError, bound_disk, called, refusal_text
from aksdisks.lab.arm.driver.interface import AzureCompute
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.storage import DISK_DRIVER, annotations_of
from aksdisks.lab.controllers.volume_matching import capacity_bytes, requested_bytes
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.schema.quantities import parse

GIB = 2**30
TIMEOUT = 240.0
"""Seconds that the resizer waits for the driver (deploy/csi-azuredisk-controller.yaml)."""
IN_PROGRESS, NODE_PENDING, NODE_IN_PROGRESS = (
    "ControllerResizeInProgress",
    "NodeResizePending",
    "NodeResizeInProgress",
)
FAILED = "ControllerResizeError"
PRE_RESIZE = "volume.alpha.kubernetes.io/pre-resize-capacity"
PENDING_MESSAGE = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."


class Resizer(Controller):
    """Source: kubernetes-csi/external-resizer pkg/controller/expand_and_recover.go."""

    name = f"external-resizer {DISK_DRIVER}"
    workers: ClassVar[int] = 10

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, compute: AzureCompute) -> None:
        """Keys are those of claims."""
        super().__init__(api, clock, ids)
        self.compute = compute
        self.claims = self.watch("persistentvolumeclaims")
        self.volumes = self.watch("persistentvolumes", None)
        self.recorder = EventRecorder(api, clock, self.name)
        self._backoff = Backoff(clock)

    async def reconcile(self, key: str) -> float | None:
        """Grow the disk, the volume, and hand the rest to the node; see `Controller`."""
        claim = self.claims.get_key(key)
        found = None if claim is None else bound_disk(claim, self.volumes.get)
        if claim is None or found is None:
            return None
        volume, disk_id = found
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
            await self._resize_disk(disk_id, int(size.removesuffix("Gi")))
        except RpcError as problem:
            failed = {"type": FAILED, "status": "True", "message": f"failed to expand pvc with {problem}"}
            others = [entry for entry in claim["status"].get("conditions") or () if entry["type"] != FAILED]
            claim = await self._mark(claim, wanted, IN_PROGRESS, [*others, failed])
            message = f'resize volume "{name}" by resizer "{DISK_DRIVER}" failed: {problem}'
            self.recorder.event(claim, "Warning", "VolumeResizeFailed", message)
            return self._backoff.failed(key)
        self._backoff.succeeded(key)
        await self._grow_volume(volume, size)
        pending = {"type": "FileSystemResizePending", "status": "True", "message": PENDING_MESSAGE}
        claim = await self._mark(claim, wanted, NODE_PENDING, [pending])
        message = "Require file system resize of volume on node"
        self.recorder.event(claim, "Normal", "FileSystemResizeRequired", message)
        return None

    async def _resize_disk(self, disk_id: str, gib: int) -> None:
        """The driver's ControllerExpandVolume (CSI pkg/azuredisk/controllerserver.go). Raises `RpcError`."""
        try:
            await called(self.compute, self.clock, TIMEOUT, self.compute.get_disk(disk_id))
        except (CloudError, DriverError) as error:
            refusal = refusal_text(error, "GET", disk_id)
            raise RpcError(INTERNAL, f"GetDiskByURI({disk_id}) failed with error({refusal})") from error
        try:
            await called(self.compute, self.clock, TIMEOUT, self.compute.resize_disk(disk_id, gib))
        except (CloudError, DriverError) as error:
            refusal = refusal_text(error, "PATCH", disk_id)
            raise RpcError(INTERNAL, f"failed to resize disk({disk_id}) with error({refusal})") from error

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

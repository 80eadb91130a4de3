"""The external-resizer of the disk driver: a claim that asks for more gets a larger disk."""

from __future__ import annotations

import copy
import math
from typing import Any, ClassVar

from aksdisks.lab.agents.driver_parts import INTERNAL, Backoff, RpcError, refusal_text, shortened
from aksdisks.lab.arm.compute import AzureCompute
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.base import Controller
from aksdisks.lab.controllers.events import EventRecorder
from aksdisks.lab.controllers.storage import DISK_DRIVER, driver_and_handle
from aksdisks.lab.controllers.volume_matching import capacity_bytes, requested_bytes
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.interface import KubernetesApi, Object

GIB = 2**30
IN_PROGRESS, NODE_PENDING = "ControllerResizeInProgress", "NodeResizePending"
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
        status = {} if claim is None else claim.get("status") or {}
        if claim is None or status.get("phase") != "Bound":
            return None
        volume = self.volumes.get(claim["spec"].get("volumeName", ""))
        found = None if volume is None else driver_and_handle(volume)
        if volume is None or found is None or found[0] != DISK_DRIVER:
            return None
        size = f"{math.ceil(requested_bytes(claim) / GIB)}Gi"
        if capacity_bytes(volume) >= requested_bytes(claim):
            return None
        left = self._backoff.left(key)
        if left > 0:
            return left
        claim = await self._mark(claim, size, IN_PROGRESS, {"type": "Resizing", "status": "True"})
        name = volume["metadata"]["name"]
        self.recorder.event(claim, "Normal", "Resizing", f"External resizer is resizing volume {name}")
        try:
            await self.compute.resize_disk(found[1], int(size.removesuffix("Gi")))
        except CloudError as error:
            problem = RpcError(INTERNAL, shortened(refusal_text(error, "PATCH", found[1])))
            message = f'resize volume "{name}" by resizer "{DISK_DRIVER}" failed: {problem}'
            self.recorder.event(claim, "Warning", "VolumeResizeFailed", message)
            return self._backoff.failed(key)
        self._backoff.succeeded(key)
        await self._grow_volume(volume, size)
        claim = await self._mark(
            claim,
            size,
            NODE_PENDING,
            {"type": "FileSystemResizePending", "status": "True", "message": PENDING_MESSAGE},
        )
        message = "Require file system resize of volume on node"
        self.recorder.event(claim, "Normal", "FileSystemResizeRequired", message)
        return None

    async def _grow_volume(self, volume: Object, size: str) -> None:
        changed = copy.deepcopy(await self.api.get("persistentvolumes", volume["metadata"]["name"]))
        notes = changed["metadata"].setdefault("annotations", {})
        notes.setdefault(PRE_RESIZE, changed["spec"]["capacity"]["storage"])
        changed["spec"]["capacity"]["storage"] = size
        self.volumes.observe(await self.api.update("persistentvolumes", changed))

    async def _mark(self, claim: Object, size: str, progress: str, condition: dict[str, Any]) -> Object:
        """How far it is, in the claim's status."""
        meta = claim["metadata"]
        status = {
            "allocatedResources": {"storage": size},
            "allocatedResourceStatuses": {"storage": progress},
            "conditions": [condition | {"lastTransitionTime": timestamp(self.clock.now())}],
        }
        patch = {"status": status}
        claim = await self.api.patch(
            "persistentvolumeclaims", meta["name"], patch, meta["namespace"], subresource="status"
        )
        self.claims.observe(claim)
        return claim

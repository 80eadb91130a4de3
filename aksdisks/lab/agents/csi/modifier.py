"""The external-resizer's other half: a claim that names another VolumeAttributesClass has its disk changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from aksdisks.lab.agents.csi.common import (
    ABORTED,
    DEADLINE_EXCEEDED,
    INTERNAL,
    INVALID_ARGUMENT,
    NOT_FOUND,
    Backoff,
    RpcError,
    bound_volume,
    called,
    refusal_text,
)
from aksdisks.lab.agents.csi.disk_parameters import disk_change
from aksdisks.lab.agents.csi.resizer import TIMEOUT, DiskResizer
from aksdisks.lab.arm.driver.interface import AzureCompute
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.storage import DISK_DRIVER, attributes_class
from aksdisks.lab.ids import Ids

RETRY_LAST = 1800.0
"""Seconds: --retry-interval-max (deploy/csi-azuredisk-controller.yaml); so long an infeasible change waits, too."""

PENDING, IN_PROGRESS, INFEASIBLE = "Pending", "InProgress", "Infeasible"
MODIFYING, FAILED = "ModifyingVolume", "ModifyVolumeError"
_UNCERTAIN = (DEADLINE_EXCEEDED, ABORTED)
"""Codes after which the change may still be under way: what it leads to is not exchanged for another class."""


class Modifier(Controller):
    """Source: kubernetes-csi/external-resizer pkg/modifycontroller."""

    name = DiskResizer.name
    workers: ClassVar[int] = 10

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, compute: AzureCompute) -> None:
        """Keys are those of claims."""
        super().__init__(api, clock, ids)
        self.compute = compute
        self.claims = self.watch("persistentvolumeclaims", self._concerned)
        self.volumes = self.watch("persistentvolumes", None)
        self.classes = self.watch("volumeattributesclasses", None)
        self.recorder = EventRecorder(api, clock, self.name)
        self._backoff = Backoff(clock, RETRY_LAST)
        self._uncertain: set[str] = set()
        self._infeasible: dict[str, float] = {}

    def _concerned(self, before: Object | None, after: Object | None) -> Iterable[str]:
        """Claims that are seen first, that name another class, or of which no change is noted.

        So a claim whose class was missing is looked at again when it names another one, not when the class is made.
        """
        if after is None:
            return ()
        key, modification = key_of(after), _modification(after)
        if before is None:
            if modification.get("status") == IN_PROGRESS:
                self._uncertain.add(key)
            return (key,)
        return (key,) if not modification or attributes_class(before) != attributes_class(after) else ()

    async def reconcile(self, key: str) -> float | None:
        """Change the disk as the claim's class says; see `Controller`."""
        claim = self.claims.get_key(key)
        found = None if claim is None else bound_volume(claim, self.volumes.get, DISK_DRIVER)
        if claim is None or found is None:
            return None
        wanted, modification = attributes_class(claim), _modification(claim)
        target = str(modification.get("targetVolumeAttributesClassName") or "")
        if target != wanted:
            self._infeasible.pop(key, None)
        left = self._infeasible.get(key, 0.0) - self.clock.monotonic()
        if left > 0:
            return left
        if not modification and wanted == (claim["status"].get("currentVolumeAttributesClassName") or ""):
            return None
        going = modification.get("status") == IN_PROGRESS
        if not wanted and not going:
            await self._cancel(claim)
            return None
        continues = going and (key in self._uncertain or not wanted)
        chosen = self._class(claim, target if continues else wanted)
        if chosen is None:
            if continues:
                return self._backoff.failed(key)
            await self._mark(claim, PENDING)
            return None
        if not continues:
            claim = await self._mark(claim, IN_PROGRESS)
            message = f"external resizer is modifying volume {claim['metadata']['name']} with vac {wanted}"
            self.recorder.event(claim, "Normal", "VolumeModify", message)
        return await self._change(key, claim, *found, chosen)

    def _class(self, claim: Object, name: str) -> Object | None:
        chosen = self.classes.get(name)
        if chosen is None:
            self.recorder.event(claim, "Warning", "VolumeModifyFailed", f'VAC "{name}" does not exist.')
        return chosen

    async def _change(self, key: str, claim: Object, volume: Object, disk_id: str, chosen: Object) -> float | None:
        name = chosen["metadata"]["name"]
        try:
            work = self._modify_disk(disk_id, chosen.get("parameters") or {})
            await called(self.compute, self.clock, TIMEOUT, work)
        except RpcError as problem:
            said, progress = str(problem), IN_PROGRESS
            if problem.code in _UNCERTAIN:
                self._uncertain.add(key)
                said += f". Still modifying to VAC {name}"
            else:
                self._uncertain.discard(key)
                progress = INFEASIBLE if problem.code == INVALID_ARGUMENT else IN_PROGRESS
            claim = await self._mark(claim, progress, problem)
            self.recorder.event(claim, "Warning", "VolumeModifyFailed", said)
            delay = self._backoff.failed(key)
            if progress == INFEASIBLE:
                self._infeasible[key] = self.clock.monotonic() + RETRY_LAST
            return RETRY_LAST if progress == INFEASIBLE else delay
        self._backoff.succeeded(key)
        self._uncertain.discard(key)
        claim = await self._complete(claim, volume, name)
        message = f"external resizer modified volume {claim['metadata']['name']} with vac {name} successfully"
        self.recorder.event(claim, "Normal", "VolumeModifySuccessful", message)
        return None

    async def _modify_disk(self, disk_id: str, parameters: Mapping[str, str]) -> None:
        """The driver's ControllerModifyVolume (CSI pkg/azuredisk/controllerserver.go). Raises `RpcError`."""
        try:
            await self.compute.get_disk(disk_id)
        except (CloudError, DriverError) as error:
            refusal = refusal_text(error, "GET", disk_id)
            raise RpcError(NOT_FOUND, f"Volume not found, failed with error: {refusal}") from error
        change = disk_change(parameters)
        try:
            await self.compute.modify_disk(disk_id, change.sku, change.iops, change.mbps)
        except (CloudError, DriverError) as error:
            refusal = refusal_text(error, "PATCH", disk_id)
            raise RpcError(NOT_FOUND if "NotFound" in refusal else INTERNAL, refusal) from error

    async def _complete(self, claim: Object, volume: Object, name: str) -> Object:
        """The volume first, so that it never lags behind the claim."""
        changed = own_copy(await self.api.get("persistentvolumes", volume["metadata"]["name"]))
        changed["spec"]["volumeAttributesClassName"] = name
        self.volumes.observe(await self.api.update("persistentvolumes", changed))
        meta = claim["metadata"]
        claim = await self.api.get("persistentvolumeclaims", meta["name"], meta["namespace"])
        status = own_copy(claim["status"])
        status.pop("modifyVolumeStatus", None)
        status["currentVolumeAttributesClassName"] = name
        return await self._write(claim, status, _without(claim, MODIFYING, FAILED))

    async def _cancel(self, claim: Object) -> None:
        """The claim wants no class any more, and nothing is under way."""
        conditions = _without(claim, MODIFYING)
        if len(conditions) < len(claim["status"].get("conditions") or ()):
            self.recorder.event(claim, "Normal", "VolumeModifyCanceled", "Cancelled modify.")
            await self._write(claim, own_copy(claim["status"]), conditions)

    async def _mark(self, claim: Object, progress: str, problem: RpcError | None = None) -> Object:
        """How far it is, in the claim's status; a class that is missing changes no conditions."""
        status = own_copy(claim["status"])
        modification = {**_modification(claim), "status": progress}
        status["modifyVolumeStatus"] = modification
        if progress == PENDING:
            return await self._write(claim, status, list(status.get("conditions") or ()))
        if problem is None:
            modification["targetVolumeAttributesClassName"] = attributes_class(claim)
        target, news = modification.get("targetVolumeAttributesClassName", ""), [{"type": MODIFYING}]
        how = "is in progress."
        if problem is not None:
            how = "is still in progress." if problem.code in _UNCERTAIN else "failed. Waiting for retry."
            news.append({"type": FAILED, "reason": problem.reason, "message": problem.description})
        news[0]["message"] = f'Modifying volume to "{target}" {how}'
        return await self._write(claim, status, _merged(claim, news, timestamp(self.clock.now())))

    async def _write(self, claim: Object, status: dict[str, Any], conditions: list[dict[str, Any]]) -> Object:
        """Raises `ApiError` Conflict when somebody else wrote the claim since it was read."""
        status.pop("conditions", None)
        if conditions:
            status["conditions"] = conditions
        if status == claim["status"]:
            return claim
        written = await self.api.update("persistentvolumeclaims", {**claim, "status": status}, subresource="status")
        self.claims.observe(written)
        return written


def _modification(claim: Object) -> dict[str, Any]:
    return (claim.get("status") or {}).get("modifyVolumeStatus") or {}


def _without(claim: Object, *types: str) -> list[dict[str, Any]]:
    return [one for one in claim["status"].get("conditions") or () if one["type"] not in types]


def _merged(claim: Object, news: list[dict[str, str]], now: str) -> list[dict[str, Any]]:
    """The claim's conditions with new ones in the places of old ones of their types (pkg/util MergePVCConditions)."""
    conditions = {one["type"]: one for one in claim["status"].get("conditions") or ()}
    for new in news:
        old = conditions.get(new["type"], {})
        same = (old.get("status"), old.get("reason", "")) == ("True", new.get("reason", ""))
        since = old["lastTransitionTime"] if same else now
        conditions[new["type"]] = {**new, "status": "True", "lastProbeTime": now, "lastTransitionTime": since}
    return list(conditions.values())

"""The external-provisioner of the disk driver: makes disks and volumes for claims, and deletes released ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from aksdisks.lab.agents.csi.common import (
    ABORTED,
    INTERNAL,
    INVALID_ARGUMENT,
    NOT_FOUND,
    UNKNOWN,
    Backoff,
    RefusalError,
    RpcError,
    called,
    machine_id,
    refusal_text,
)
from aksdisks.lab.agents.csi.data_source import (
    CLONING,
    RESTORING,
    DataSource,
    copied,
    data_source,
    restored,
    source_claim,
    source_snapshot,
    waits_for_copy,
)
from aksdisks.lab.agents.csi.volume_objects import (
    PROVISIONER_FINALIZER,
    DiskRequest,
    disk_request,
    persistent_volume,
    volume_name,
)
from aksdisks.lab.arm.driver.interface import AzureCompute
from aksdisks.lab.arm.driver.retries import DriverError, ThrottledError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.snapshots import SNAPSHOTS, has_finalizer, with_finalizers
from aksdisks.lab.controllers.storage import (
    BETA_STORAGE_PROVISIONER,
    DISK_DRIVER,
    MIGRATED,
    MIGRATED_TO,
    PROVISIONED_BY,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    annotations_of,
    attached_volume,
    attributes_class,
    class_name,
    driver_and_handle,
    waits_for_consumer,
)
from aksdisks.lab.ids import Ids

INFEASIBLE = "Volume provisioning failed with infeasible error. Retries will be delayed. "
RETRY_INFEASIBLE = 300.0

TIMEOUT = 30.0
"""Seconds that the provisioner waits for the driver (deploy/csi-azuredisk-controller.yaml)."""


def _claim_keys(_before: Object | None, after: Object | None) -> Iterable[str]:
    if after is None:
        return ()
    going = bool(after["metadata"].get("deletionTimestamp"))
    return (f"source:{key_of(after)}",) if going else (f"claim:{key_of(after)}",)


def _volume_keys(_before: Object | None, after: Object | None) -> Iterable[str]:
    return () if after is None else (f"volume:{key_of(after)}",)


class Provisioner(Controller):
    """Source: PROV pkg/controller/controller.go and sig-storage-lib-external-provisioner controller.go."""

    name = "csi-provisioner"
    # worker-threads of deploy/csi-azuredisk-controller.yaml is 100; a worker here is one task that mostly waits.
    workers: ClassVar[int] = 100

    def __init__(
        self, api: KubernetesApi, clock: Clock, ids: Ids, compute: AzureCompute, recorder: EventRecorder
    ) -> None:
        """`recorder` is the driver's: its parts share one identity."""
        super().__init__(api, clock, ids)
        self.compute = compute
        self.recorder = recorder
        self.identity = f"{int(clock.now().timestamp() * 1000)}-{ids.number(10_000)}-{DISK_DRIVER}"
        self.claims = self.watch("persistentvolumeclaims", _claim_keys)
        self.volumes = self.watch("persistentvolumes", _volume_keys)
        self.classes = self.watch("storageclasses", None)
        self.nodes = self.watch("nodes", None)
        self.attachments = self.watch("volumeattachments", None)
        self.attachments.add_index("volume", attached_volume)
        self._backoff = Backoff(clock)

    async def reconcile(self, key: str) -> float | None:
        """See `Controller`."""
        left = self._backoff.left(key)
        if left > 0:
            return left
        kind, _, name = key.partition(":")
        if kind == "claim":
            claim = self.claims.get_key(name)
            return None if claim is None else await self._provision(key, claim)
        if kind == "source":
            claim = self.claims.get_key(name)
            return None if claim is None else await self._end_cloning(key, claim)
        volume = self.volumes.get_key(name)
        return None if volume is None else await self._delete(key, volume)

    async def _provision(self, key: str, claim: Object) -> float | None:
        notes = annotations_of(claim)
        if notes.get(STORAGE_PROVISIONER, notes.get(BETA_STORAGE_PROVISIONER)) != DISK_DRIVER:
            return None
        if claim["spec"].get("volumeName") or self.volumes.get(volume_name(claim)) is not None:
            self._backoff.succeeded(key)
            return None
        storage_class = self.classes.get(class_name(claim))
        if storage_class is None or claim["metadata"].get("deletionTimestamp"):
            return None
        chosen = notes.get(SELECTED_NODE, "")
        if waits_for_consumer(storage_class) and not chosen:
            return None
        if chosen and self.nodes.get(chosen) is None:
            await self._reschedule(claim, f'node "{chosen}" not found')
            return None
        node = self.nodes.get(chosen) or min(self.nodes.items(), key=key_of)
        name = key_of(claim)
        self.recorder.event(
            claim, "Normal", "Provisioning", f'External provisioner is provisioning volume for claim "{name}"'
        )
        source = data_source(claim)
        if source is not None and source.is_populators:
            message = "Assuming an external populator will provision the volume"
            self.recorder.event(claim, "Normal", "Provisioning", message)
            return None
        try:
            volume = await self._create_disk(claim, storage_class, node, source)
        except (RpcError, RefusalError) as error:
            infeasible = isinstance(error, RpcError) and error.code == INVALID_ARGUMENT
            message = f"{INFEASIBLE if infeasible else ''}{error}"
            self.recorder.event(claim, "Warning", "ProvisioningFailed", message)
            delay = self._backoff.failed(key)
            return max(delay, RETRY_INFEASIBLE) if infeasible else delay
        try:
            volume = await self.api.create("persistentvolumes", volume)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        else:
            self.volumes.observe(volume)
        self._backoff.succeeded(key)
        message = f"Successfully provisioned volume {volume['metadata']['name']}"
        self.recorder.event(claim, "Normal", "ProvisioningSucceeded", message)
        return None

    async def _create_disk(
        self, claim: Object, storage_class: Object, node: Object, source: DataSource | None
    ) -> Object:
        handle = "" if source is None else await self._source(source, claim, storage_class)
        if attributes_class(claim):
            mutable = await self._attributes(attributes_class(claim))
            storage_class = {**storage_class, "parameters": {**(storage_class.get("parameters") or {}), **mutable}}
        request = disk_request(claim, storage_class, node)
        work = self._call_driver(request, handle, node, source)
        request, disk_id = await called(self.compute, self.clock, TIMEOUT, work)
        if source is not None and source.is_snapshot:
            await self._hold_snapshot(source.name, claim["metadata"]["namespace"], hold=False)
        return persistent_volume(claim, storage_class, request, disk_id, self.identity)

    async def _call_driver(
        self, request: DiskRequest, handle: str, node: Object, source: DataSource | None
    ) -> tuple[DiskRequest, str]:
        """The driver's CreateVolume: the request as it was carried out, and the disk's id. Raises `RpcError`."""
        try:
            if source is not None and source.is_snapshot:
                request = await restored(request, handle, self.compute)
            elif source is not None:
                region = str((node["metadata"].get("labels") or {}).get("topology.kubernetes.io/region", ""))
                request = await copied(request, handle, self.compute, region)
            size = 0 if request.size_of_source else request.size_gib
            disk_id = await self.compute.create_disk(
                request.name, size, request.sku, request.tags, request.zone, request.max_shares,
                request.source_id, request.iops, request.mbps,
            )  # fmt: skip
        except (CloudError, DriverError) as error:
            group = machine_id(node).partition("/providers/")[0]
            text = refusal_text(error, "PUT", f"{group}/providers/Microsoft.Compute/disks/{request.name}")
            code = ABORTED if isinstance(error, ThrottledError) else NOT_FOUND if "NotFound" in text else INTERNAL
            raise RpcError(code, text) from error
        return request, disk_id

    async def _attributes(self, name: str) -> Mapping[str, str]:
        """The parameters of the VolumeAttributesClass that a claim names. Raises `RefusalError`."""
        try:
            found = await self.api.get("volumeattributesclasses", name)
        except ApiError as error:
            raise RefusalError(error.message) from error
        if found["driverName"] != DISK_DRIVER:
            raise RefusalError(
                f"VAC {name} referenced in PVC is for driver {found['driverName']} which does not match driver name "
                f"{DISK_DRIVER}"
            )
        parameters: Mapping[str, str] = found["parameters"]
        return parameters

    async def _source(self, source: DataSource, claim: Object, storage_class: Object) -> str:
        """The disk or snapshot that the claim's becomes a copy of; it is protected until then. Raises `SourceError`."""
        if source.is_snapshot:
            handle = await source_snapshot(source, claim, storage_class, self.api)
            await self._hold_snapshot(source.name, claim["metadata"]["namespace"], hold=True)
            return handle
        provisioner = str(storage_class["provisioner"])
        driver = MIGRATED.get(provisioner, provisioner)
        found = source_claim(source, claim, driver, self.claims.get_key, self.volumes.get)
        finalizers = found["metadata"].get("finalizers") or []
        if CLONING not in finalizers:
            changed = own_copy(found)
            changed["metadata"]["finalizers"] = [*finalizers, CLONING]
            self.claims.observe(await self.api.update("persistentvolumeclaims", changed))
        volume = self.volumes.get(found["spec"]["volumeName"])
        assert volume is not None
        return str(volume["spec"]["csi"]["volumeHandle"])

    async def _hold_snapshot(self, name: str, namespace: str, *, hold: bool) -> None:
        """It stays while a disk is made from it; one whose restore is given up keeps the finalizer, as upstream."""
        try:
            snapshot = await self.api.get(SNAPSHOTS, name, namespace)
            if hold != has_finalizer(snapshot, RESTORING):
                added, without = ((RESTORING,), ()) if hold else ((), (RESTORING,))
                await self.api.update(SNAPSHOTS, with_finalizers(snapshot, *added, without=without))
        except ApiError as error:
            if hold or error.reason != "NotFound":
                raise

    async def _end_cloning(self, key: str, claim: Object) -> float | None:
        """A source that is being deleted goes once nothing is being made from it (clone_controller.go)."""
        finalizers = claim["metadata"].get("finalizers") or []
        if CLONING not in finalizers:
            return None
        if waits_for_copy(claim, self.claims.items(claim["metadata"]["namespace"])):
            return self._backoff.failed(key)
        self._backoff.succeeded(key)
        changed = own_copy(claim)
        changed["metadata"]["finalizers"] = [entry for entry in finalizers if entry != CLONING]
        await self.api.update("persistentvolumeclaims", changed)
        return None

    async def _reschedule(self, claim: Object, why: str) -> None:
        """Without its annotation the scheduler chooses a node anew (provisionVolumeErrorHandling)."""
        self.recorder.event(claim, "Warning", "ProvisioningFailed", why)
        changed = own_copy(claim)
        del changed["metadata"]["annotations"][SELECTED_NODE]
        self.claims.observe(await self.api.update("persistentvolumeclaims", changed))

    async def _delete(self, key: str, volume: Object) -> float | None:
        found = driver_and_handle(volume)
        if found is None or not _is_ours(volume):
            return None
        volume = await self._protect(volume)
        meta, name = volume["metadata"], volume["metadata"]["name"]
        if meta.get("deletionTimestamp") and PROVISIONER_FINALIZER not in (meta.get("finalizers") or ()):
            return None
        if (volume.get("status") or {}).get("phase") != "Released" or _policy(volume) != "Delete":
            return None
        problem = self._holder(name) or await self._delete_disk(found[1])
        if problem is not None:
            self.recorder.event(volume, "Warning", "VolumeFailedDelete", problem)
            return self._backoff.failed(key)
        if not volume["metadata"].get("deletionTimestamp"):
            await self.api.delete("persistentvolumes", name)
        self._backoff.succeeded(key)
        try:
            await self._set_finalizer(await self.api.get("persistentvolumes", name), wanted=False)
        except ApiError as error:
            if error.reason != "NotFound":
                raise
        return None

    async def _protect(self, volume: Object) -> Object:
        """The finalizer follows the policy: Retain frees a volume of it, also one that is being deleted.

        A volume made by hand for this driver gets it once it is bound, and goes as one that was provisioned does
        (handleProtectionFinalizer; K feature HonorPVReclaimPolicy).
        """
        bound = (volume.get("status") or {}).get("phase") == "Bound"
        if _policy(volume) != "Delete":
            return await self._set_finalizer(volume, wanted=False)
        if bound and not volume["metadata"].get("deletionTimestamp"):
            return await self._set_finalizer(volume, wanted=True)
        return volume

    async def _set_finalizer(self, volume: Object, *, wanted: bool) -> Object:
        finalizers = volume["metadata"].get("finalizers") or []
        if (PROVISIONER_FINALIZER in finalizers) == wanted:
            return volume
        changed = own_copy(volume)
        others = [entry for entry in finalizers if entry != PROVISIONER_FINALIZER]
        changed["metadata"]["finalizers"] = [*others, PROVISIONER_FINALIZER] if wanted else others
        volume = await self.api.update("persistentvolumes", changed)
        self.volumes.observe(volume)
        return volume

    def _holder(self, volume_name: str) -> str | None:
        for attachment in self.attachments.by_index("volume", volume_name):
            return f"persistentvolume {volume_name} is still attached to node {attachment['spec']['nodeName']}"
        return None

    async def _delete_disk(self, disk_id: str) -> str | None:
        """What went wrong, as the driver words it; None when the disk is gone."""
        try:
            await called(self.compute, self.clock, TIMEOUT, self.compute.delete_disk(disk_id))
        except RpcError as error:
            return str(error)
        except (CloudError, DriverError) as error:
            return str(RpcError(UNKNOWN, refusal_text(error, "DELETE", disk_id)))
        return None


def _is_ours(volume: Object) -> bool:
    """The driver provisioned the volume, or serves it: then it need not have made it (isProvisionerForVolume)."""
    notes = annotations_of(volume)
    if PROVISIONED_BY in notes:
        return DISK_DRIVER in (notes[PROVISIONED_BY], notes.get(MIGRATED_TO))
    return DISK_DRIVER in ((volume["spec"].get("csi") or {}).get("driver"), notes.get(MIGRATED_TO))


def _policy(volume: Object) -> str:
    return str(volume["spec"].get("persistentVolumeReclaimPolicy") or "Retain")

"""The provisioner of the disk driver: makes disks for claims, also as copies, and deletes those of released volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aksdisks.lab.agents.csi.common import (
    ABORTED,
    INTERNAL,
    NOT_FOUND,
    UNKNOWN,
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
    restored,
    source_claim,
    source_snapshot,
    waits_for_copy,
)
from aksdisks.lab.agents.csi.provisioner import Provisioner, claim_keys
from aksdisks.lab.agents.csi.volume_objects import DiskRequest, disk_request, persistent_volume
from aksdisks.lab.arm.driver.interface import AzureCompute
from aksdisks.lab.arm.driver.retries import DriverError, ThrottledError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.snapshots import SNAPSHOTS, has_finalizer, with_finalizers
from aksdisks.lab.controllers.storage import DISK_DRIVER, MIGRATED, attached_volume, attributes_class
from aksdisks.lab.ids import Ids

TIMEOUT = 30.0
"""Seconds that the provisioner waits for the driver (deploy/csi-azuredisk-controller.yaml)."""


class DiskProvisioner(Provisioner):
    """Source: CSI pkg/azuredisk/controllerserver.go; of copies PROV controller.go, clone_controller.go."""

    driver = DISK_DRIVER

    def __init__(
        self, api: KubernetesApi, clock: Clock, ids: Ids, compute: AzureCompute, recorder: EventRecorder
    ) -> None:
        """As `Provisioner`."""
        super().__init__(api, clock, ids, recorder)
        self.compute = compute
        self.nodes = self.watch("nodes", None)
        self.attachments = self.watch("volumeattachments", None)
        self.attachments.add_index("volume", attached_volume)

    def claim_keys(self, before: Object | None, after: Object | None) -> Iterable[str]:
        """A claim that is being deleted may be a source of copies."""
        if after is not None and after["metadata"].get("deletionTimestamp"):
            return (f"source:{key_of(after)}",)
        return claim_keys(before, after)

    async def node(self, name: str) -> Object | None:
        """See `Provisioner`."""
        return self.nodes.get(name)

    async def reconcile(self, key: str) -> float | None:
        """See `Controller`."""
        kind, _, name = key.partition(":")
        if kind != "source":
            return await super().reconcile(key)
        claim, left = self.claims.get_key(name), self._backoff.left(key)
        return left if left > 0 else None if claim is None else await self._end_cloning(key, claim)

    async def create_volume(
        self, claim: Object, storage_class: Object, node: Object | None, source: DataSource | None
    ) -> Object:
        """See `Provisioner`; without a chosen node the disk is made for the first."""
        node = node or min(self.nodes.items(), key=key_of)
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

    async def delete_volume(self, name: str, handle: str) -> str | None:
        """See `Provisioner`."""
        return self._holder(name) or await self._delete_disk(handle)

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

"""The in-tree disk plugin's halves, parts of Kubernetes' own controllers: disks for claims, and disks on machines."""

from __future__ import annotations

from aksdisks.lab.agents.csi.attacher import Attacher
from aksdisks.lab.agents.csi.common import RpcError, machine_id
from aksdisks.lab.agents.csi.data_source import data_source
from aksdisks.lab.agents.csi.disk_provisioner import DiskProvisioner
from aksdisks.lab.agents.csi.driver import DiskDriver
from aksdisks.lab.agents.csi.volume_objects import disk_request, volume_name
from aksdisks.lab.arm.driver.interface import AzureCompute
from aksdisks.lab.arm.driver.refusals import AttachedDiskError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import (
    BETA_STORAGE_PROVISIONER,
    MIGRATED_TO,
    PROVISIONED_BY,
    SELECTED_NODE,
    annotations_of,
    class_name,
    driver_and_handle,
    waits_for_consumer,
)
from aksdisks.lab.ids import Ids
from aksdisks.lab.in_tree.disks import IN_TREE, disk_name, persistent_volume, refusal, tags


class PlainError(RpcError):
    """A refusal without gRPC's frame: there was no driver to call."""

    def __init__(self, text: str) -> None:
        super().__init__(13, text)
        self.args = (text,)


class InTreeProvisioner(DiskProvisioner):
    """Part of the persistentvolume-controller (K pv_controller.go provisionClaimOperation, azure_provision.go)."""

    name = "persistentvolume-controller"

    async def _provision(self, key: str, claim: Object) -> float | None:
        notes = annotations_of(claim)
        name, storage_class = volume_name(claim), self.classes.get(class_name(claim))
        if notes.get(BETA_STORAGE_PROVISIONER) != IN_TREE or claim["spec"].get("volumeName"):
            return None
        if self.volumes.get(name) is not None or storage_class is None or claim["metadata"].get("deletionTimestamp"):
            return None
        if waits_for_consumer(storage_class) and SELECTED_NODE not in notes:
            return None
        if data_source(claim) is not None:
            text = f'plugin "{IN_TREE}" is not a CSI plugin. Only CSI plugin can provision a claim with a datasource'
            self.recorder.event(claim, "Warning", "ProvisioningFailed", text)
            return self._backoff.failed(key)
        node = self.nodes.get(notes.get(SELECTED_NODE, "")) or min(self.nodes.items(), key=key_of)
        try:
            request = disk_request(claim, storage_class, node)
            disk_id = await self.compute.create_disk(
                disk_name(name), request.size_gib, request.sku, tags(claim, name), request.zone
            )
        except (CloudError, RpcError) as error:
            why = refusal(error, "compute.DisksClient#CreateOrUpdate") if isinstance(error, CloudError) else str(error)
            text = f'Failed to provision volume with StorageClass "{class_name(claim)}": {why}'
            self.recorder.event(claim, "Warning", "ProvisioningFailed", text)
            return self._backoff.failed(key)
        volume = await self.api.create("persistentvolumes", persistent_volume(claim, storage_class, request, disk_id))
        self.volumes.observe(volume)
        self._backoff.succeeded(key)
        text = f"Successfully provisioned volume {name} using {IN_TREE}"
        self.recorder.event(claim, "Normal", "ProvisioningSucceeded", text)
        return None

    async def _delete(self, key: str, volume: Object) -> float | None:
        notes, name = annotations_of(volume), volume["metadata"]["name"]
        released = (volume.get("status") or {}).get("phase") == "Released"
        ours = notes.get(PROVISIONED_BY) == IN_TREE and MIGRATED_TO not in notes
        found = driver_and_handle(volume)
        if not released or not ours or found is None or volume["metadata"].get("deletionTimestamp"):
            return None
        if volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete":
            return None
        try:
            await self.compute.delete_disk(found[1])
        except (AttachedDiskError, CloudError) as error:
            text = refusal(error, "compute.DisksClient#Delete")
            self.recorder.event(volume, "Warning", "VolumeFailedDelete", text)
            return self._backoff.failed(key)
        self._backoff.succeeded(key)
        await self.api.delete("persistentvolumes", name)
        return None


class InTreeAttacher(Attacher):
    """Part of the attachdetach-controller (k/k pkg/volume/azure_dd/attacher.go)."""

    name = "attachdetach-controller"

    async def _attach_disk(self, node: str, disk_id: str, caching: str) -> int:
        try:
            return await self.compute.attach_disk(node, disk_id, caching, await self._find(disk_id))
        except (CloudError, AttachedDiskError) as error:
            machine = machine_id(self.nodes.get(node))
            why = refusal(error, "compute.VirtualMachinesClient#CreateOrUpdate")
            text = f'Attach volume "{disk_id.rpartition("/")[2]}" to instance "{machine}" failed with {why}'
            raise PlainError(text) from error

    async def _find(self, disk_id: str) -> Object | None:
        """The disk, None where there is none: the machine's refusal is told then."""
        try:
            return await self.compute.get_disk(disk_id)
        except CloudError as error:
            if error.status != 404:
                raise
            return None

    def _node_id(self, node: str, _attachment: Object | None = None) -> str:
        return node

    async def _add_finalizer(self, volume: Object) -> None:
        """There was none."""

    async def _let_go(self, volume: Object) -> None:
        """Nor one to take away."""


class InTreeDriver(DiskDriver):
    """Both halves."""

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, compute: AzureCompute) -> None:
        """As `DiskDriver`."""
        super().__init__(api, clock, ids, compute)
        recorder = EventRecorder(api, clock, InTreeProvisioner.name)
        self.parts = (
            InTreeProvisioner(api, clock, ids, compute, recorder),
            InTreeAttacher(api, clock, ids, compute),
        )

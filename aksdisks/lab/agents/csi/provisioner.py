"""The external-provisioner beside a driver: makes volumes for claims, and has those of released ones deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aksdisks.lab.agents.csi.common import INVALID_ARGUMENT, RETRY_LAST, Backoff, RefusalError, RpcError
from aksdisks.lab.agents.csi.data_source import DataSource, data_source
from aksdisks.lab.agents.csi.volume_objects import PROVISIONER_FINALIZER, volume_name
from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import (
    BETA_STORAGE_PROVISIONER,
    MIGRATED_TO,
    PROVISIONED_BY,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    annotations_of,
    class_name,
    driver_and_handle,
    waits_for_consumer,
)
from aksdisks.lab.ids import Ids

INFEASIBLE = "Volume provisioning failed with infeasible error. Retries will be delayed. "
RETRY_INFEASIBLE = 300.0

_PREFIX = "csi.storage.k8s.io/"
_FS_TYPE = f"{_PREFIX}fstype"
_SECRETS = {
    f"{_PREFIX}{of}secret-{part}"
    for of in (
        "", "provisioner-", "controller-publish-", "controller-expand-", "controller-modify-", "node-stage-",
        "node-publish-", "node-expand-",
    )
    for part in ("name", "namespace")
}  # fmt: skip


def claim_keys(_before: Object | None, after: Object | None) -> Iterable[str]:
    """`claim:` and the claim's key, unless it is being deleted."""
    if after is not None and not after["metadata"].get("deletionTimestamp"):
        yield f"claim:{key_of(after)}"


def _volume_keys(_before: Object | None, after: Object | None) -> Iterable[str]:
    return () if after is None else (f"volume:{key_of(after)}",)


class Provisioner(Controller):
    """A subclass is the part that calls its driver: `create_volume` and `delete_volume`.

    Source: PROV pkg/controller/controller.go and sig-storage-lib-external-provisioner controller.go.
    """

    name = "csi-provisioner"
    driver: ClassVar[str]
    retry_last: ClassVar[float] = RETRY_LAST
    """Cluster seconds, as the sidecar is started with them (retry-interval-max)."""
    # worker-threads of deploy/csi-azuredisk-controller.yaml is 100; a worker here is one task that mostly waits.
    workers: ClassVar[int] = 100

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, recorder: EventRecorder) -> None:
        """`recorder` is the driver's: its parts share one identity."""
        super().__init__(api, clock, ids)
        self.recorder = recorder
        self.identity = f"{int(clock.now().timestamp() * 1000)}-{ids.number(10_000)}-{self.driver}"
        self.claims = self.watch("persistentvolumeclaims", self.claim_keys)
        self.volumes = self.watch("persistentvolumes", _volume_keys)
        self.classes = self.watch("storageclasses", None)
        self._backoff = Backoff(clock, self.retry_last)

    def claim_keys(self, before: Object | None, after: Object | None) -> Iterable[str]:
        """What a change of a claim concerns."""
        return claim_keys(before, after)

    async def create_volume(
        self, claim: Object, storage_class: Object, node: Object | None, source: DataSource | None
    ) -> Object:
        """The PersistentVolume, once the driver has made what it stands for; `node` is the one chosen, if one is.

        Raises `RpcError`, `RefusalError`.
        """
        raise NotImplementedError

    async def delete_volume(self, name: str, handle: str) -> str | None:
        """What keeps the driver from deleting the volume, None when it is gone."""
        raise NotImplementedError

    async def node(self, name: str) -> Object | None:
        """The node that the scheduler chose; None when it is no more."""
        try:
            return await self.api.get("nodes", name)
        except ApiError as error:
            if error.reason != "NotFound":
                raise
            return None

    async def reconcile(self, key: str) -> float | None:
        """See `Controller`."""
        left = self._backoff.left(key)
        if left > 0:
            return left
        kind, _, name = key.partition(":")
        if kind == "claim":
            claim = self.claims.get_key(name)
            return None if claim is None else await self._provision(key, claim)
        volume = self.volumes.get_key(name)
        return None if volume is None else await self._delete(key, volume)

    async def _provision(self, key: str, claim: Object) -> float | None:
        notes = annotations_of(claim)
        if notes.get(STORAGE_PROVISIONER, notes.get(BETA_STORAGE_PROVISIONER)) != self.driver:
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
        node = await self.node(chosen) if chosen else None
        if chosen and node is None:
            await self._reschedule(claim, f'node "{chosen}" not found')
            return None
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
            file_system = _file_system(storage_class)
            volume = await self.create_volume(claim, _of_driver(storage_class), node, source)
        except (RpcError, RefusalError) as error:
            infeasible = isinstance(error, RpcError) and error.code == INVALID_ARGUMENT
            message = f"{INFEASIBLE if infeasible else ''}{error}"
            self.recorder.event(claim, "Warning", "ProvisioningFailed", message)
            delay = self._backoff.failed(key)
            return max(delay, RETRY_INFEASIBLE) if infeasible else delay
        if file_system and "csi" in volume["spec"] and claim["spec"].get("volumeMode") != "Block":
            volume["spec"]["csi"]["fsType"] = file_system
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

    async def _reschedule(self, claim: Object, why: str) -> None:
        """Without its annotation the scheduler chooses a node anew (provisionVolumeErrorHandling)."""
        self.recorder.event(claim, "Warning", "ProvisioningFailed", why)
        changed = own_copy(claim)
        del changed["metadata"]["annotations"][SELECTED_NODE]
        self.claims.observe(await self.api.update("persistentvolumeclaims", changed))

    async def _delete(self, key: str, volume: Object) -> float | None:
        found = driver_and_handle(volume)
        if found is None or not self._is_ours(volume):
            return None
        volume = await self._protect(volume)
        meta, name = volume["metadata"], volume["metadata"]["name"]
        if meta.get("deletionTimestamp") and PROVISIONER_FINALIZER not in (meta.get("finalizers") or ()):
            return None
        if (volume.get("status") or {}).get("phase") != "Released" or _policy(volume) != "Delete":
            return None
        problem = await self.delete_volume(name, found[1])
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

    def _is_ours(self, volume: Object) -> bool:
        """The driver provisioned the volume, or serves it: then it need not have made it (isProvisionerForVolume)."""
        notes = annotations_of(volume)
        if PROVISIONED_BY in notes:
            return self.driver in (notes[PROVISIONED_BY], notes.get(MIGRATED_TO))
        return self.driver in ((volume["spec"].get("csi") or {}).get("driver"), notes.get(MIGRATED_TO))


def _policy(volume: Object) -> str:
    return str(volume["spec"].get("persistentVolumeReclaimPolicy") or "Retain")


def _file_system(storage_class: Object) -> str:
    """The file system that a class names by either name; empty without. Raises `RefusalError` for both."""
    given = storage_class.get("parameters") or {}
    found = [value for name, value in given.items() if name.lower() == "fstype" or name == _FS_TYPE]
    if len(found) > 1:
        raise RefusalError(f'fstype specified in parameters with both "fstype" and "{_FS_TYPE}" keys')
    return found[0] if found else ""


def _of_driver(storage_class: Object) -> Object:
    """The class without the parameters that are the provisioner's own (PROV controller.go removePrefixedParameters).

    Raises `RefusalError` for one that it does not know, and for secrets, which the lab's drivers take none of.
    """
    parameters = storage_class.get("parameters") or {}
    for name, value in parameters.items():
        if name in _SECRETS:
            raise RefusalError(f"parameter {name} of the class: expected one that the lab emulates, found {value!r}")
        if name.startswith(_PREFIX) and name != _FS_TYPE:
            raise RefusalError(
                f'failed to strip CSI Parameters of prefixed keys: found unknown parameter key "{name}" with reserved '
                f"namespace {_PREFIX}"
            )
    kept = {name: value for name, value in parameters.items() if name != _FS_TYPE}
    return {**storage_class, "parameters": kept} if kept != parameters else storage_class

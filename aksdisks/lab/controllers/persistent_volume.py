"""The persistentvolume-controller: binds claims and volumes, asks for provisioning, and releases volumes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.storage import (
    BETA_STORAGE_PROVISIONER,
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    MIGRATED,
    PROVISIONED_BY,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    annotations_of,
    attributes_class,
    claim_names,
    class_name,
    default_class,
    has_class,
    pod_is_over,
    refers_to,
    reserved,
    reserved_for,
    volume_mode,
    waits_for_consumer,
)
from aksdisks.lab.controllers.volume_matching import best_match, why_not
from aksdisks.lab.ids import Ids
from aksdisks.lab.lifecycles import CLAIM, VOLUME

RESYNC = 15.0
"""Cluster seconds after which a claim that still waits is looked at and told about again (K pv_controller_base.go)."""


def _claim_keys(before: Object | None, after: Object | None) -> Iterable[str]:
    if after is not None:
        yield f"claim:{key_of(after)}"
    elif before is not None and before["spec"].get("volumeName"):
        yield f"volume:{before['spec']['volumeName']}"


def _volume_keys(before: Object | None, after: Object | None) -> Iterable[str]:
    obj = before if after is None else after
    if obj is None:
        return
    if after is not None:
        yield f"volume:{key_of(obj)}"
    ref = obj["spec"].get("claimRef")
    if after is None and ref:
        yield f"claim:{ref['namespace']}/{ref['name']}"


class PersistentVolumeController(Controller):
    """Claims and volumes find each other here, in upstream's order of writes.

    Source: K pkg/controller/volume/persistentvolume/pv_controller.go (syncClaim, syncVolume, bind).
    """

    name = "persistentvolume-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Keys are `claim:<namespace>/<name>` and `volume:<name>`, so that one worker keeps the order of writes."""
        super().__init__(api, clock, ids)
        self.claims = self.watch("persistentvolumeclaims", _claim_keys)
        self.volumes = self.watch("persistentvolumes", _volume_keys)
        self.claims.add_index("unbound", lambda claim: () if BIND_COMPLETED in annotations_of(claim) else ("",))
        self.volumes.add_index("claim", reserved_for)
        self.classes = self.watch("storageclasses", None)
        self.pods = self.watch("pods", None)
        self.pods.add_index("claim", lambda pod: (f"{pod['metadata']['namespace']}/{c}" for c in claim_names(pod)))
        self.recorder = EventRecorder(api, clock, self.name)
        self._told: set[str] = set()

    async def reconcile(self, key: str) -> float | None:
        """See `Controller`."""
        kind, _, name = key.partition(":")
        if kind == "volume":
            volume = self.volumes.get_key(name)
            if volume is not None:
                await self._sync_volume(volume)
            return None
        claim = self.claims.get_key(name)
        if claim is None:
            return None
        if BIND_COMPLETED in annotations_of(claim):
            await self._sync_bound_claim(claim)
            return None
        return await self._sync_unbound_claim(claim)

    async def _sync_unbound_claim(self, claim: Object) -> float | None:
        if claim["spec"].get("volumeName"):
            return await self._sync_chosen_volume(claim)
        storage_class = self.classes.get(class_name(claim))
        waits = waits_for_consumer(storage_class)
        candidates = [*self.volumes.by_index("claim", key_of(claim)), *self.volumes.by_index("claim", "")]
        volume = best_match(candidates, claim, reserved_only=waits)
        if volume is not None:
            await self._bind(volume, claim)
            return None
        if await self._assign_default_class(claim):
            return None  # seen again with its class
        if waits and SELECTED_NODE not in annotations_of(claim):
            self._tell_of_waiting(claim)
        elif class_name(claim):
            await self._provision(claim, storage_class)
            return RESYNC
        else:
            message = "no persistent volumes available for this claim and no storage class is set"
            self.recorder.event(claim, "Normal", "FailedBinding", message)
        await self._set_claim_status(claim, "Pending", None)
        return RESYNC

    async def _assign_default_class(self, claim: Object) -> bool:
        """A claim that was made before there was a default class gets it (assignDefaultStorageClass)."""
        if has_class(claim) or (default := default_class(self.classes.items())) is None:
            return False
        changed = own_copy(claim)
        changed["spec"]["storageClassName"] = default["metadata"]["name"]
        self.claims.observe(await self.api.update("persistentvolumeclaims", changed))
        return True

    async def _sync_chosen_volume(self, claim: Object) -> float | None:
        name = claim["spec"]["volumeName"]
        volume = self.volumes.get(name)
        if volume is not None and not volume["spec"].get("claimRef"):
            reason = why_not(volume, claim)
            if reason is None:
                await self._bind(volume, claim)
                return None
            self.recorder.event(
                claim, "Warning", "VolumeMismatch", f'Cannot bind to requested volume "{name}": {reason}'
            )
        elif volume is not None and refers_to(volume, claim):
            await self._bind(volume, claim)
            return None
        elif volume is not None and BOUND_BY_CONTROLLER not in annotations_of(claim):
            message = f'volume "{name}" already bound to a different claim.'
            self.recorder.event(claim, "Warning", "FailedBinding", message)
        await self._set_claim_status(claim, "Pending", None)
        return RESYNC

    async def _sync_bound_claim(self, claim: Object) -> None:
        name = claim["spec"].get("volumeName")
        volume = self.volumes.get(name) if name else None
        if not name:
            message = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
            await self._lose(claim, "ClaimLost", message)
        elif volume is None:
            # The copy may lag behind the claim's: only the API server can say that the volume is gone.
            try:
                await self.api.get("persistentvolumes", name)
            except ApiError as error:
                if error.reason != "NotFound":
                    raise
                message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
                await self._lose(claim, "ClaimLost", message)
        elif (volume["spec"].get("claimRef") or claim["metadata"]).get("uid") == claim["metadata"]["uid"]:
            await self._bind(volume, claim)
        else:
            message = "Two claims are bound to the same volume, this one is bound incorrectly"
            await self._lose(claim, "ClaimMisbound", message)

    async def _lose(self, claim: Object, reason: str, message: str) -> None:
        if claim["status"].get("phase") != "Lost":
            self.recorder.event(claim, "Warning", reason, message)
            await self._set_claim_status(claim, "Lost", None)

    def _tell_of_waiting(self, claim: Object) -> None:
        reason, message = "WaitForFirstConsumer", "waiting for first consumer to be created before binding"
        meta = claim["metadata"]
        # Upstream learns of a new claim before it learns of a pod made right after it; in one process both
        # arrive together, so the first word about a claim never looks at pods.
        if meta["uid"] in self._told:
            pods = self.pods.by_index("claim", f"{meta['namespace']}/{meta['name']}")
            waiting = [pod for pod in pods if not pod["spec"].get("nodeName") and not pod_is_over(pod)]
            names = [pod["metadata"]["name"] for pod in waiting]
            if names:
                subject = f"pod {names[0]}" if len(names) == 1 else f"pods {','.join(names)}"
                reason, message = "WaitForPodScheduled", f"waiting for {subject} to be scheduled"
        self._told.add(meta["uid"])
        self.recorder.event(claim, "Normal", reason, message)

    async def _provision(self, claim: Object, storage_class: Object | None) -> None:
        if storage_class is None:
            message = f'storageclass.storage.k8s.io "{class_name(claim)}" not found'
            self.recorder.event(claim, "Warning", "ProvisioningFailed", message)
            return
        provisioner = str(storage_class["provisioner"])
        driver = MIGRATED.get(provisioner, provisioner)
        if driver.startswith("kubernetes.io/"):
            message = f"no volume plugin matched name: {driver}"
            self.recorder.event(claim, "Warning", "ProvisioningFailed", message)
            return
        if annotations_of(claim).get(STORAGE_PROVISIONER) != driver:
            claim = own_copy(claim)
            claim["metadata"].setdefault("annotations", {}).update(
                {BETA_STORAGE_PROVISIONER: driver, STORAGE_PROVISIONER: driver}
            )
            claim = await self.api.update("persistentvolumeclaims", claim)
            self.claims.observe(claim)
        self.recorder.event(
            claim,
            "Normal",
            "ExternalProvisioning",
            f"Waiting for a volume to be created either by the external provisioner '{driver}' or manually by the "
            "system administrator. If volume creation is delayed, please verify that the provisioner is running and "
            "correctly registered.",
        )

    async def _bind(self, volume: Object, claim: Object) -> None:
        """Volume's claimRef, volume's phase, claim's volumeName and marks, claim's status: each only if it differs."""
        volume = await self._bind_volume(volume, claim)
        volume = await self._set_volume_phase(volume, "Bound")
        claim = await self._bind_claim(claim, volume)
        await self._set_claim_status(claim, "Bound", volume)

    async def _bind_volume(self, volume: Object, claim: Object) -> Object:
        if (changed := reserved(volume, claim)) is None:
            return volume
        volume = await self.api.update("persistentvolumes", changed)
        self.volumes.observe(volume)
        return volume

    async def _bind_claim(self, claim: Object, volume: Object) -> Object:
        name = volume["metadata"]["name"]
        marks = {}
        if claim["spec"].get("volumeName") != name:
            marks[BOUND_BY_CONTROLLER] = "yes"
        if BIND_COMPLETED not in annotations_of(claim):
            marks[BIND_COMPLETED] = "yes"
        if not marks:
            return claim
        changed = own_copy(claim)
        changed["spec"]["volumeName"] = name
        changed["metadata"].setdefault("annotations", {}).update(marks)
        claim = await self.api.update("persistentvolumeclaims", changed)
        self.claims.observe(claim)
        return claim

    async def _set_claim_status(
        self, claim: Object, phase: Literal["Pending", "Bound", "Lost"], volume: Object | None
    ) -> None:
        status = claim.get("status") or {}
        CLAIM.check(status.get("phase") or CLAIM.initial, phase)
        wanted = own_copy(status)
        wanted["phase"] = phase
        if volume is None:
            wanted.pop("accessModes", None)
            wanted.pop("capacity", None)
            wanted.pop("currentVolumeAttributesClassName", None)
        else:
            wanted["accessModes"] = list(volume["spec"].get("accessModes") or ())
            # Later differences mean that a file system is still to be grown.
            if status.get("phase") != "Bound":
                wanted["capacity"] = dict(volume["spec"].get("capacity") or {})
                if attributes_class(volume):
                    wanted["currentVolumeAttributesClassName"] = attributes_class(volume)
        if wanted != status:
            updated = await self.api.update("persistentvolumeclaims", {**claim, "status": wanted}, subresource="status")
            self.claims.observe(updated)

    async def _set_volume_phase(
        self, volume: Object, phase: Literal["Available", "Bound", "Released", "Failed"], message: str = ""
    ) -> Object:
        status = volume.get("status") or {}
        if status.get("phase") == phase:
            return volume
        VOLUME.check(status.get("phase") or VOLUME.initial, phase)
        wanted = {**status, "phase": phase, "lastPhaseTransitionTime": timestamp(self.clock.now())}
        wanted.pop("message", None)
        if message:
            wanted["message"] = message
        volume = await self.api.update("persistentvolumes", {**volume, "status": wanted}, subresource="status")
        self.volumes.observe(volume)
        return volume

    async def _sync_volume(self, volume: Object) -> None:
        ref = volume["spec"].get("claimRef")
        if not ref or not ref.get("uid"):
            await self._set_volume_phase(volume, "Available")
            # A claim of that name may have been waiting for this volume.
            if ref:
                self._enqueue_claim(f"{ref['namespace']}/{ref['name']}")
            else:
                self._enqueue_pending_claims()
            return
        claim = await self._claim_of(ref)
        if claim is None:
            await self._release(volume)
        elif not claim["spec"].get("volumeName"):
            if volume_mode(claim) != volume_mode(volume):
                self._tell_of_modes(volume, claim)
            else:
                self._enqueue_claim(key_of(claim))
        elif claim["spec"]["volumeName"] == volume["metadata"]["name"]:
            await self._set_volume_phase(volume, "Bound")
        elif PROVISIONED_BY in annotations_of(volume) and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete":
            await self._release(volume)
        else:
            await self._unbind(volume)

    def _tell_of_modes(self, volume: Object, claim: Object) -> None:
        names = volume["metadata"]["name"], claim["metadata"]["name"]
        text = "due to incompatible volumeMode."
        message = f'Cannot bind PersistentVolume to requested PersistentVolumeClaim "{names[1]}" {text}'
        self.recorder.event(volume, "Warning", "VolumeMismatch", message)
        message = f'Cannot bind PersistentVolume "{names[0]}" to requested PersistentVolumeClaim {text}'
        self.recorder.event(claim, "Warning", "VolumeMismatch", message)

    async def _claim_of(self, ref: Object) -> Object | None:
        """The claim that a claimRef means, asking the API server before believing that it is gone."""
        claim = self.claims.get(ref["name"], ref["namespace"])
        if claim is None or claim["metadata"]["uid"] != ref["uid"]:
            try:
                claim = await self.api.get("persistentvolumeclaims", ref["name"], ref["namespace"])
            except ApiError as error:
                if error.reason != "NotFound":
                    raise
                return None
        return claim if claim["metadata"]["uid"] == ref["uid"] else None

    async def _release(self, volume: Object) -> None:
        """The claim is gone: Released; deleting the disk is the driver's part, keeping it the policy's."""
        if (volume.get("status") or {}).get("phase") not in ("Released", "Failed"):
            volume = await self._set_volume_phase(volume, "Released")
        if volume["spec"].get("persistentVolumeReclaimPolicy") == "Recycle":
            if (volume.get("status") or {}).get("phase") != "Failed":
                message = "No recycler plugin found for the volume!"
                volume = await self._set_volume_phase(volume, "Failed", message)
                self.recorder.event(volume, "Warning", "VolumeFailedRecycle", message)
            return
        if volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete" or PROVISIONED_BY in annotations_of(volume):
            return
        if "csi" in volume["spec"] or (volume.get("status") or {}).get("phase") == "Failed":
            return
        name = volume["metadata"]["name"]
        message = f'error getting deleter volume plugin for volume "{name}": no deletable volume plugin matched'
        self.recorder.event(volume, "Warning", "VolumeFailedDelete", message)
        await self._set_volume_phase(volume, "Failed", message)

    async def _unbind(self, volume: Object) -> None:
        """Give up a claimRef that lost: entirely when the controller set it, else only its uid."""
        changed = own_copy(volume)
        if BOUND_BY_CONTROLLER in annotations_of(volume):
            changed["spec"].pop("claimRef")
            changed["metadata"]["annotations"].pop(BOUND_BY_CONTROLLER)
        else:
            changed["spec"]["claimRef"].pop("uid", None)
        volume = await self.api.update("persistentvolumes", changed)
        self.volumes.observe(volume)
        await self._set_volume_phase(volume, "Available")

    def _enqueue_claim(self, key: str) -> None:
        self.queue.add(f"claim:{key}")

    def _enqueue_pending_claims(self) -> None:
        for claim in self.claims.by_index("unbound", ""):
            self._enqueue_claim(key_of(claim))

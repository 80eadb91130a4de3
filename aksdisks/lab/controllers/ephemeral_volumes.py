"""The claims of generic ephemeral volumes: made for a pod, owned by it, gone with it (garbage collection)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aksdisks.lab.client.controller import Controller, namespace_terminating
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids

_DONE = ("Succeeded", "Failed")


class EphemeralVolumes(Controller):
    """The ephemeral-volume controller (pkg/controller/volume/ephemeral/controller.go)."""

    name: ClassVar[str] = "ephemeral_volume"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        super().__init__(api, clock, ids)
        self._pods = self.watch("pods", _with_ephemeral)
        self._recorder = EventRecorder(api, clock, self.name)

    async def reconcile(self, key: str) -> float | None:
        """Make the claims that the pod's volumes want and that are not there."""
        pod = self._pods.get_key(key)
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return None
        if (pod.get("status") or {}).get("phase") in _DONE:
            return None
        for volume in pod["spec"].get("volumes") or ():
            if "ephemeral" in volume:
                await self._make(pod, volume)
        return None

    async def _make(self, pod: Object, volume: Object) -> None:
        meta, template = pod["metadata"], volume["ephemeral"]["volumeClaimTemplate"]
        owner = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
        wanted = template.get("metadata") or {}
        metadata: Object = {
            "name": f"{meta['name']}-{volume['name']}",
            "namespace": meta["namespace"],
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
            **{field: dict(wanted[field]) for field in ("labels", "annotations") if wanted.get(field)},
        }
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": template["spec"]}
        try:
            await self.api.create("persistentvolumeclaims", claim, meta["namespace"])
        except ApiError as error:
            if error.reason == "AlreadyExists":
                await self._check_owner(pod, metadata["name"])
                return
            if not namespace_terminating(error):
                self._recorder.event(pod, "Warning", "FailedBinding", f"ephemeral volume {volume['name']}: {error}")
            raise

    async def _check_owner(self, pod: Object, name: str) -> None:
        """A claim of that name must be this pod's. Raises `ApiError`: it is looked at again later."""
        meta = pod["metadata"]
        claim = await self.api.get("persistentvolumeclaims", name, meta["namespace"])
        if not any(owner["uid"] == meta["uid"] for owner in claim["metadata"].get("ownerReferences") or ()):
            where = meta["namespace"]
            why = f"PVC {where}/{name} was not created for pod {where}/{meta['name']} (pod is not owner)"
            raise ApiError(409, "AlreadyExists", why)


def _with_ephemeral(_before: Object | None, after: Object | None) -> Iterable[str]:
    if after is None or not any("ephemeral" in volume for volume in after["spec"].get("volumes") or ()):
        return ()
    return (key_of(after),)

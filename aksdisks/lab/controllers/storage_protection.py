"""Keeps claims that pods use, volumes that are bound, and attributes classes in use from going when deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.pods import is_finished
from aksdisks.lab.controllers.storage import attributes_class
from aksdisks.lab.ids import Ids

PVC_FINALIZER = "kubernetes.io/pvc-protection"
PV_FINALIZER = "kubernetes.io/pv-protection"
VAC_FINALIZER = "kubernetes.io/vac-protection"


class ClaimProtection(Controller):
    """The pvc-protection controller: its finalizer goes when no scheduled pod uses the claim any more."""

    name: ClassVar[str] = "persistentvolumeclaim-protection-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Watches claims and pods."""
        super().__init__(api, clock, ids)
        self._claims = self.watch("persistentvolumeclaims")
        self._pods = self.watch("pods", self._concerned)
        self._pods.add_index("claim", claims_of)

    @staticmethod
    def _concerned(before: Object | None, after: Object | None) -> Iterable[str]:
        """The claims of a pod that is gone, finished or not yet scheduled: a running one sets no claim free."""
        pod = before if after is None else after
        if pod is None or (after is not None and not is_finished(pod) and pod["spec"].get("nodeName")):
            return ()
        return claims_of(pod)

    async def reconcile(self, key: str) -> float | None:
        """Add the finalizer to a claim that lacks it; take it off one that is being deleted and not in use."""
        claim = self._claims.get_key(key)
        if claim is None:
            return None
        protected = PVC_FINALIZER in claim["metadata"].get("finalizers", ())
        if "deletionTimestamp" in claim["metadata"]:
            if protected and not await self._in_use(claim, key):
                await _write_finalizers(self.api, "persistentvolumeclaims", claim, remove=PVC_FINALIZER)
        elif not protected:
            await _write_finalizers(self.api, "persistentvolumeclaims", claim, add=PVC_FINALIZER)
        return None

    async def _in_use(self, claim: Object, key: str) -> bool:
        """The copy first; before letting go, the server itself."""
        if any(pod["spec"].get("nodeName") for pod in self._pods.by_index("claim", key)):
            return True
        pods, _ = await self.api.list("pods", claim["metadata"]["namespace"])
        return any(pod["spec"].get("nodeName") and key in claims_of(pod) for pod in pods)


class VolumeProtection(Controller):
    """The pv-protection controller: its finalizer goes when the volume is no longer bound."""

    name: ClassVar[str] = "persistentvolume-protection-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Watches volumes."""
        super().__init__(api, clock, ids)
        self._volumes = self.watch("persistentvolumes")

    async def reconcile(self, key: str) -> float | None:
        """Add the finalizer to a volume that lacks it; take it off one that is being deleted and not bound."""
        volume = self._volumes.get_key(key)
        if volume is None:
            return None
        protected = PV_FINALIZER in volume["metadata"].get("finalizers", ())
        if "deletionTimestamp" in volume["metadata"]:
            if protected and volume.get("status", {}).get("phase") != "Bound":
                await _write_finalizers(self.api, "persistentvolumes", volume, remove=PV_FINALIZER)
        elif not protected:
            await _write_finalizers(self.api, "persistentvolumes", volume, add=PV_FINALIZER)
        return None


class AttributesClassProtection(Controller):
    """The vac-protection controller: its finalizer goes when no claim and no volume names the class any more.

    Source: K pkg/controller/volume/vacprotection.
    """

    name: ClassVar[str] = "volumeattributesclass-protection-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Watches classes, claims and volumes."""
        super().__init__(api, clock, ids)
        self._classes = self.watch("volumeattributesclasses")
        self._users = [
            self.watch(resource, _no_longer_named) for resource in ("persistentvolumeclaims", "persistentvolumes")
        ]
        for users in self._users:
            users.add_index("attributes class", attributes_classes)

    async def reconcile(self, key: str) -> float | None:
        """Add the finalizer to a class that lacks it; take it off one that is being deleted and not in use."""
        found = self._classes.get_key(key)
        if found is None:
            return None
        protected = VAC_FINALIZER in found["metadata"].get("finalizers", ())
        if "deletionTimestamp" in found["metadata"]:
            if protected and not await self._in_use(key):
                await _write_finalizers(self.api, "volumeattributesclasses", found, remove=VAC_FINALIZER)
        elif not protected:
            await _write_finalizers(self.api, "volumeattributesclasses", found, add=VAC_FINALIZER)
        return None

    async def _in_use(self, key: str) -> bool:
        """The copies first; before letting go, the server itself."""
        if any(users.by_index("attributes class", key) for users in self._users):
            return True
        for resource in ("persistentvolumes", "persistentvolumeclaims"):
            users, _ = await self.api.list(resource)
            if any(key in attributes_classes(user) for user in users):
                return True
        return False


def attributes_classes(user: Object) -> list[str]:
    """The VolumeAttributesClasses that a claim or a volume names: asked for, had, and on the way."""
    status = user.get("status") or {}
    target = (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName")
    named = (attributes_class(user), status.get("currentVolumeAttributesClassName"), target)
    return sorted({str(name) for name in named if name})


def _no_longer_named(before: Object | None, after: Object | None) -> Iterable[str]:
    left = () if after is None else attributes_classes(after)
    return () if before is None else (name for name in attributes_classes(before) if name not in left)


def claims_of(pod: Object) -> list[str]:
    """The keys of the claims that a pod names, its generic ephemeral volumes' included."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    keys = []
    for volume in pod["spec"].get("volumes", ()):
        if "persistentVolumeClaim" in volume:
            keys.append(f"{namespace}/{volume['persistentVolumeClaim']['claimName']}")
        elif "ephemeral" in volume:
            keys.append(f"{namespace}/{name}-{volume['name']}")
    return keys


async def _write_finalizers(
    api: KubernetesApi, resource: str, obj: Object, *, add: str | None = None, remove: str | None = None
) -> None:
    updated = own_copy(obj)
    rest = [name for name in updated["metadata"].get("finalizers", ()) if name != remove]
    if add is not None:
        rest.append(add)
    updated["metadata"]["finalizers"] = rest
    try:
        await api.update(resource, updated)
    except ApiError as error:
        if error.reason != "NotFound":
            raise

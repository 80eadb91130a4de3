"""The claims that snapshots are made of: found with their volumes, and kept while one is being made."""

from __future__ import annotations

from aksdisks.lab.client.informer import Informer
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.controllers.snapshots import (
    CLAIM_AS_SOURCE,
    SnapshotError,
    has_finalizer,
    is_ready,
    with_finalizers,
)
from aksdisks.lab.controllers.storage import refers_to
from aksdisks.lab.kube.authz.attributes import quote


class SourceClaims:
    """Source: kubernetes-csi/external-snapshotter pkg/common-controller, as of `SnapshotController`."""

    def __init__(self, api: KubernetesApi, claims: Informer, snapshots: Informer) -> None:
        """The controller's own copies."""
        self._api = api
        self._claims = claims
        self._snapshots = snapshots

    async def volume(self, snapshot: Object) -> Object:
        """The volume of its claim. Raises `SnapshotError`."""
        claim = self._claim(snapshot)
        name = claim["metadata"]["name"]
        if (claim.get("status") or {}).get("phase") != "Bound":
            raise SnapshotError(f"the PVC {name} is not yet bound to a PV, will not attempt to take a snapshot")
        bound = claim["spec"].get("volumeName", "")
        try:
            volume = await self._api.get("persistentvolumes", bound)
        except ApiError as error:
            text = f"failed to retrieve PV {bound} from the API server: {quote(str(error))}"
            raise SnapshotError(text) from error
        if not refers_to(volume, claim):
            raise SnapshotError("claim in dataSource not bound or invalid")
        return volume

    def _claim(self, snapshot: Object) -> Object:
        """Raises `SnapshotError`."""
        name = snapshot["spec"]["source"]["persistentVolumeClaimName"]
        claim = self._claims.get(name, snapshot["metadata"]["namespace"])
        if claim is None:
            missing = quote(f'persistentvolumeclaim "{name}" not found')
            raise SnapshotError(f"failed to retrieve PVC {name} from the lister: {missing}")
        return claim

    async def hold(self, snapshot: Object) -> None:
        """It stays until the snapshot is made. Raises `SnapshotError`."""
        try:
            claim = self._claim(snapshot)
        except SnapshotError as error:
            raise not_updated(snapshot["metadata"]["name"], "cannot get claim from snapshot") from error
        if has_finalizer(claim, CLAIM_AS_SOURCE):
            return
        if "deletionTimestamp" in claim["metadata"]:
            why = "cannot add finalizer on claim because it is being deleted"
            raise not_updated(claim["metadata"]["name"], why)
        try:
            held = await self._api.update("persistentvolumeclaims", with_finalizers(claim, CLAIM_AS_SOURCE))
        except ApiError as error:
            raise not_updated(claim["metadata"]["name"], str(error)) from error
        self._claims.observe(held)

    async def release(self, snapshot: Object, but: str = "") -> None:
        """It may go once no snapshot of it is being made any more, the one named `but` not counted."""
        source = snapshot["spec"]["source"].get("persistentVolumeClaimName")
        claim = self._claims.get(source or "", snapshot["metadata"]["namespace"])
        if source is None or claim is None or not has_finalizer(claim, CLAIM_AS_SOURCE):
            return
        for other in self._snapshots.items(snapshot["metadata"]["namespace"]):
            of_it = other["spec"]["source"].get("persistentVolumeClaimName") == source
            if of_it and other["metadata"]["name"] != but and not is_ready(other):
                return
        claim = await self._api.get("persistentvolumeclaims", source, snapshot["metadata"]["namespace"])
        free = await self._api.update("persistentvolumeclaims", with_finalizers(claim, without=(CLAIM_AS_SOURCE,)))
        self._claims.observe(free)

    def restores(self, snapshot: Object) -> bool:
        """Whether one is being made from the snapshot."""
        for claim in self._claims.items(snapshot["metadata"]["namespace"]):
            source = claim["spec"].get("dataSource") or {}
            named = (source.get("kind"), source.get("name")) == (snapshot["kind"], snapshot["metadata"]["name"])
            if named and (claim.get("status") or {}).get("phase") == "Pending":
                return True
        return False


def not_updated(name: str, why: str) -> SnapshotError:
    """A write that was refused, or not even tried."""
    return SnapshotError(f"snapshot controller failed to update {name} on API server: {why}")

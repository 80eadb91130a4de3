"""The volume_expand controller: tells who asks for a larger volume that the driver will see to it."""

from __future__ import annotations

from collections.abc import Iterable

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import driver_and_handle
from aksdisks.lab.controllers.volume_matching import requested_bytes
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.schema.quantities import parse


def _grown(before: Object | None, after: Object | None) -> Iterable[str]:
    """Claims that ask for more than they did a moment ago."""
    if before is not None and after is not None and requested_bytes(after) > requested_bytes(before):
        yield key_of(after)


class VolumeExpand(Controller):
    """Source: K pkg/controller/volume/expand/expand_controller.go; no volume is left that it grows itself."""

    name = "volume_expand"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Keys are those of claims."""
        super().__init__(api, clock, ids)
        self.claims = self.watch("persistentvolumeclaims", _grown)
        self.volumes = self.watch("persistentvolumes", None)
        self.recorder = EventRecorder(api, clock, self.name)

    async def reconcile(self, key: str) -> float | None:
        """See `Controller`."""
        claim = self.claims.get_key(key)
        status = {} if claim is None else claim.get("status") or {}
        if claim is None or status.get("phase") != "Bound":
            return None
        volume = self.volumes.get(claim["spec"].get("volumeName", ""))
        capacity = (status.get("capacity") or {}).get("storage", "0")
        if volume is None or driver_and_handle(volume) is None or requested_bytes(claim) <= parse(capacity):
            return None
        message = "waiting for an external controller to expand this PVC"
        self.recorder.event(claim, "Normal", "ExternalExpanding", message)
        return None

"""Removes what a pod kept on its node, once the pod is gone: the kubelet's clean-up of pod directories."""

from __future__ import annotations

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import KubernetesApi, Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.sandbox.volumes import Volumes


class PodStorage(Controller):
    """Keys are pods' uids: a pod made again under the same name is another."""

    name = "pod-storage"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, volumes: Volumes) -> None:
        super().__init__(api, clock, ids)
        self._volumes = volumes
        self.watch("pods", _gone)

    async def reconcile(self, key: str) -> float | None:
        """Remove the directories of a uid that no pod has any more."""
        self._volumes.remove_pod(key)
        return None


def _gone(before: Object | None, after: Object | None) -> tuple[str, ...]:
    if before is None or (after is not None and after["metadata"]["uid"] == before["metadata"]["uid"]):
        return ()
    return (before["metadata"]["uid"],)

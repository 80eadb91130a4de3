"""The cloud-node-lifecycle-controller: takes nodes out of the cluster whose machine Azure no longer knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids


def _not_ready(_before: Object | None, after: Object | None) -> Iterable[str]:
    if after is not None and _ready(after) != "True":
        yield key_of(after)


class CloudNodes(Controller):
    """Source: cloud-provider controllers/nodelifecycle/node_lifecycle_controller.go: only nodes that are not ready."""

    name = "cloud-node-lifecycle-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, exists: Callable[[str], bool]) -> None:
        """`exists` asks Azure for the machine with that ARM id."""
        super().__init__(api, clock, ids)
        self._exists = exists
        self.nodes = self.watch("nodes", _not_ready)
        self.recorder = EventRecorder(api, clock, self.name)

    async def reconcile(self, key: str) -> float | None:
        """See `Controller`."""
        node = self.nodes.get(key)
        provider = "" if node is None else str(node["spec"].get("providerID", ""))
        if node is None or not provider or _ready(node) == "True" or self._exists(provider.removeprefix("azure://")):
            return None
        message = f"Deleting node {key} because it does not exist in the cloud provider"
        self.recorder.event(node, "Normal", "DeletingNode", message)
        try:
            await self.api.delete("nodes", key, uid=node["metadata"]["uid"])
        except ApiError as error:
            if error.reason != "NotFound":
                raise
        return None


def _ready(node: Object) -> str:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return next((str(entry["status"]) for entry in conditions if entry["type"] == "Ready"), "")

"""The node agent's part of a resize: the file system grows where a pod runs, and the claim shows its new size."""

from __future__ import annotations

from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.base import Controller
from aksdisks.lab.controllers.events import EventRecorder
from aksdisks.lab.controllers.informer import key_of
from aksdisks.lab.controllers.storage import claim_names
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.interface import KubernetesApi, Object

NODE_PENDING = "NodeResizePending"


class NodeExpansion(Controller):
    """Source: K pkg/volume/util/operationexecutor/node_expander.go."""

    name = "kubelet"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, node_name: str, recorder: EventRecorder) -> None:
        """`recorder` is the node agent's; keys are those of claims."""
        super().__init__(api, clock, ids)
        self.node_name = node_name
        self.recorder = recorder
        self.claims = self.watch("persistentvolumeclaims")
        self.pods = self.watch("pods", self._claims_of)

    def _claims_of(self, _before: Object | None, after: Object | None) -> list[str]:
        if after is None or not self._runs_here(after):
            return []
        return [f"{after['metadata']['namespace']}/{name}" for name in claim_names(after)]

    def _runs_here(self, pod: Object) -> bool:
        phase = (pod.get("status") or {}).get("phase")
        return bool(pod["spec"].get("nodeName") == self.node_name and phase == "Running")

    async def reconcile(self, key: str) -> float | None:
        """Finish a resize that waits for a node, if a pod with the claim runs on this one."""
        claim = self.claims.get_key(key)
        status = {} if claim is None else claim.get("status") or {}
        if claim is None or (status.get("allocatedResourceStatuses") or {}).get("storage") != NODE_PENDING:
            return None
        pods = [pod for pod in self.pods.items() if self._runs_here(pod) and key in self._claims_of(None, pod)]
        if not pods:
            return None
        meta = claim["metadata"]
        capacity = dict(status["allocatedResources"])
        patch = {"status": {"capacity": capacity, "allocatedResourceStatuses": None, "conditions": None}}
        self.claims.observe(
            await self.api.patch("persistentvolumeclaims", meta["name"], patch, meta["namespace"], subresource="status")
        )
        name = claim["spec"]["volumeName"]
        message = f'MountVolume.NodeExpandVolume succeeded for volume "{name}" {self.node_name}'
        for subject in (*sorted(pods, key=key_of), claim):
            self.recorder.event(subject, "Normal", "FileSystemResizeSuccessful", message)
        return None

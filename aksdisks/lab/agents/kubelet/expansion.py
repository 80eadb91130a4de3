"""The node agent's part of a resize: the file system grows where a pod runs, and the claim shows its new size."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from aksdisks.lab.client.informer import Informer, key_of, split_key
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import claim_names

log = logging.getLogger("aksdisks.lab.kubelet")

NODE_PENDING = "NodeResizePending"
LOOK_EVERY, LOOK_EVERY_REAL = 60.0, 0.25
"""Cluster seconds between looks at the claims of the node's pods (kubelet: syncFrequency), and never less than the real
seconds: in a fast lab many nodes would do nothing else."""
READS = 100
"""Claims that all nodes together read in a real second at most: with more of them each looks less often."""


class NodeExpansion:
    """Source: K pkg/volume/util/operationexecutor/node_expander.go.

    As the kubelet it reads the claims of its own pods now and then; no node watches every claim of the cluster.
    """

    def __init__(
        self,
        api: KubernetesApi,
        clock: Clock,
        node_name: str,
        pods: Informer,
        recorder: EventRecorder,
        nodes: int = 1,
    ) -> None:
        """`pods` and `recorder` are the node agent's; `nodes` there are in all, taken to be as full as this one."""
        self._api = api
        self._clock = clock
        self._node_name = node_name
        self._pods = pods
        self._recorder = recorder
        self._nodes = nodes

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            reads = self._nodes * max(1, len(_users(self._pods.items())))
            await self._clock.sleep(max(LOOK_EVERY, max(LOOK_EVERY_REAL, reads / READS) * self._clock.speed))
            await self.look_at(self._pods.items())

    async def look_at(self, pods: Iterable[Object]) -> None:
        """Finish each resize that waits for one of these pods to run here; what fails is tried at the next look."""
        for key, mounting in _users(pods).items():
            namespace, name = split_key(key)
            try:
                claim = await self._api.get("persistentvolumeclaims", name, namespace)
                if _waits(claim):
                    await self._expand(claim, mounting)
            except ApiError as error:
                if error.reason != "NotFound":
                    log.warning("%s: %s: %s", self._node_name, key, error)

    async def _expand(self, claim: Object, pods: list[Object]) -> None:
        meta, volume = claim["metadata"], claim["spec"]["volumeName"]
        capacity = dict((await self._api.get("persistentvolumes", volume))["spec"]["capacity"])
        patch = {"status": {"capacity": capacity, "allocatedResourceStatuses": None, "conditions": None}}
        await self._api.patch("persistentvolumeclaims", meta["name"], patch, meta["namespace"], subresource="status")
        message = f'MountVolume.NodeExpandVolume succeeded for volume "{volume}" {self._node_name}'
        for subject in (*sorted(pods, key=key_of), claim):
            self._recorder.event(subject, "Normal", "FileSystemResizeSuccessful", message)


def _users(pods: Iterable[Object]) -> dict[str, list[Object]]:
    """Those of the pods that run, by the keys of their claims."""
    users: dict[str, list[Object]] = {}
    for pod in pods:
        if (pod.get("status") or {}).get("phase") == "Running":
            for name in claim_names(pod):
                users.setdefault(f"{pod['metadata']['namespace']}/{name}", []).append(pod)
    return users


def _waits(claim: Object) -> bool:
    statuses = (claim.get("status") or {}).get("allocatedResourceStatuses") or {}
    return bool(statuses.get("storage") == NODE_PENDING)

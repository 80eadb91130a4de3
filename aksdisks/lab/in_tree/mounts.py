"""The kubelet of 2019: a pod whose volumes do not come in time is told so again and again."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.agents.kubelet.kubelet import NodeAgent
from aksdisks.lab.client.interface import Object

PATIENCE = 123.0
"""Cluster seconds that the kubelet waited for volumes before it said so and began again (facts D: pod wait 2 m 3 s)."""


class InTreeNodeAgent(NodeAgent):
    """The node agent of 2019: it writes an event when a mount timed out, as later ones do not (AKS#1278, #884)."""

    async def _start(self, entry: Any) -> None:
        telling = self.spawn(self._lose_patience(entry.latest))
        try:
            await super()._start(entry)
        finally:
            telling.cancel()

    async def _lose_patience(self, pod: Object) -> None:
        while True:
            await self.clock.sleep(PATIENCE)
            self.recorder.event(pod, "Warning", "FailedMount", timeout_message(pod))


def timeout_message(pod: Object) -> str:
    """None of the pod's claims is mounted before all are attached, so each of them is listed."""
    meta, volumes = pod["metadata"], pod["spec"].get("volumes") or ()
    name, namespace = meta["name"], meta["namespace"]
    unmounted = " ".join(volume["name"] for volume in volumes if "persistentVolumeClaim" in volume)
    every = " ".join(volume["name"] for volume in volumes)
    return (
        f'Unable to mount volumes for pod "{name}_{namespace}({meta["uid"]})": timeout expired waiting for volumes '
        f'to attach or mount for pod "{namespace}"/"{name}". list of unmounted volumes=[{unmounted}]. '
        f"list of unattached volumes=[{every}]"
    )

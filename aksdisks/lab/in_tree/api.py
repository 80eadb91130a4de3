"""The API as controllers and agents of 2019 use it: later kinds stay hidden, and events have the wording of then."""

from __future__ import annotations

import re
from typing import Any

from aksdisks.lab.client.forwarding import ForwardingApi
from aksdisks.lab.client.interface import KubernetesApi
from aksdisks.lab.controllers.scheduler import SchedulingApi

HIDDEN = frozenset({"volumeattachments", "csinodes", "csidrivers"})
"""In-tree disks had no VolumeAttachment, and Kubernetes 1.11 no CSINode; the lab's controllers keep theirs apart."""

_COMBINED = "(combined from similar events): "
_WORDING = tuple(
    (re.compile(pattern, re.DOTALL), then)
    for pattern, then in (
        (r"Scaled (up|down) replica set (\S+) from \d+ to (\d+)", r"Scaled \1 replica set \2 to \3"),
        (
            r"0/\d+ nodes are available: (pod has unbound immediate PersistentVolumeClaims)\b.*",
            r"\1 (repeated 2 times)",
        ),
        (r"(0/\d+ nodes are available: .*?\.) preemption: .*", r"\1"),
        (r"Pulling (image .*)", r"pulling \1"),
        (r'Successfully pulled (image "[^"]*") .*', r"Successfully pulled \1"),
        (r"Created container: \S+", "Created container"),
        (r"Started container \S+", "Started container"),
        (r"Stopping container (\S+)", r"Killing container with id docker://\1:Need to kill Pod"),
    )
)


def wording(message: str) -> str:
    """An event's message in the words of then (facts C; 2019's in-tree kubelet and workload controllers)."""
    if message.startswith(_COMBINED):
        return _COMBINED + wording(message.removeprefix(_COMBINED))
    for pattern, then in _WORDING:
        if (found := pattern.fullmatch(message)) is not None:
            return found.expand(then)
    return message


class InTreeApi(ForwardingApi):
    """`KubernetesApi` in front of the served one, and of one besides for what was hidden."""

    def __init__(self, served: SchedulingApi, hidden: KubernetesApi) -> None:
        self._served = served
        self._hidden = hidden

    async def bind(self, namespace: str, name: str, node: str, *, uid: str | None = None) -> None:
        """See `SchedulingApi`."""
        await self._served.bind(namespace, name, node, uid=uid)

    async def _target(self, resource: str) -> KubernetesApi:
        return self._hidden if resource in HIDDEN else self._served

    def _written(self, resource: str, content: Any) -> Any:
        if not resource.startswith("events") or not isinstance(content, dict):
            return content
        return {key: wording(value) if key in ("message", "note") else value for key, value in content.items()}

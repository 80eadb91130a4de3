"""What actors of 2019 see and write: kinds that were not there yet stay hidden, and events have the wording of then."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Literal

from aksdisks.lab.client.interface import KubernetesApi, Object, PatchType, WatchEvent
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


class InTreeApi:
    """`KubernetesApi` in front of the served one, and of one besides for what was hidden."""

    def __init__(self, served: SchedulingApi, hidden: KubernetesApi) -> None:
        self._served = served
        self._hidden = hidden

    def _of(self, resource: str) -> KubernetesApi:
        return self._hidden if resource in HIDDEN else self._served

    async def get(self, resource: str, name: str, namespace: str | None = None) -> Object:
        """See `KubernetesApi`."""
        return await self._of(resource).get(resource, name, namespace)

    async def list(
        self, resource: str, namespace: str | None = None, *, label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Object], str]:
        """See `KubernetesApi`."""
        return await self._of(resource).list(
            resource, namespace, label_selector=label_selector, field_selector=field_selector
        )

    def watch(
        self, resource: str, namespace: str | None = None, *, resource_version: str, field_selector: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """See `KubernetesApi`."""
        return self._of(resource).watch(
            resource, namespace, resource_version=resource_version, field_selector=field_selector
        )

    async def create(self, resource: str, obj: Object, namespace: str | None = None) -> Object:
        """See `KubernetesApi`."""
        return await self._of(resource).create(resource, _then(resource, obj), namespace)

    async def bind(self, namespace: str, name: str, node: str, *, uid: str | None = None) -> None:
        """See `SchedulingApi`."""
        await self._served.bind(namespace, name, node, uid=uid)

    async def update(self, resource: str, obj: Object, *, subresource: str | None = None) -> Object:
        """See `KubernetesApi`."""
        return await self._of(resource).update(resource, obj, subresource=subresource)

    async def patch(
        self,
        resource: str,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        patch_type: PatchType = "merge",
    ) -> Object:
        """See `KubernetesApi`."""
        return await self._of(resource).patch(
            resource, name, _then(resource, patch), namespace, subresource=subresource, patch_type=patch_type
        )

    async def delete(
        self,
        resource: str,
        name: str,
        namespace: str | None = None,
        *,
        propagation: Literal["Background", "Foreground", "Orphan"] | None = None,
        grace_period_seconds: int | None = None,
        uid: str | None = None,
    ) -> Object:
        """See `KubernetesApi`."""
        return await self._of(resource).delete(
            resource, name, namespace, propagation=propagation, grace_period_seconds=grace_period_seconds, uid=uid
        )


def _then(resource: str, written: Any) -> Any:
    if not resource.startswith("events") or not isinstance(written, dict):
        return written
    return {key: wording(value) if key in ("message", "note") else value for key, value in written.items()}

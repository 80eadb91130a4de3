"""A node's connection to the API server, which a fault or a machine that is off cuts: calls wait until it is back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

from aksdisks.lab.arm.compute.powered_off import PoweredOff
from aksdisks.lab.client.interface import KubernetesApi, Object, PatchType, WatchEvent
from aksdisks.lab.faults.registry import Faults

NODE_SILENT = "node-silent"


class NodeConnection:
    """`KubernetesApi` of one node: the kubelet behind it goes on with what it knows while it is cut off."""

    def __init__(self, api: KubernetesApi, faults: Faults, node_name: str, powered_off: PoweredOff) -> None:
        self._api = api
        self._faults = faults
        self._node_name = node_name
        self._node = f"node/{node_name}"
        self._powered_off = powered_off

    async def _restored(self) -> None:
        while self._node_name in self._powered_off or self._faults.hit(NODE_SILENT, self._node) is not None:
            await self._powered_off.passed(self._node_name)
            await self._faults.passed(NODE_SILENT, self._node)

    async def get(self, resource: str, name: str, namespace: str | None = None) -> Object:
        """See `KubernetesApi`."""
        await self._restored()
        return await self._api.get(resource, name, namespace)

    async def list(
        self, resource: str, namespace: str | None = None, *, label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Object], str]:
        """See `KubernetesApi`."""
        await self._restored()
        return await self._api.list(resource, namespace, label_selector=label_selector, field_selector=field_selector)

    async def watch(
        self, resource: str, namespace: str | None = None, *, resource_version: str, field_selector: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """See `KubernetesApi`."""
        await self._restored()
        events = self._api.watch(resource, namespace, resource_version=resource_version, field_selector=field_selector)
        async for event in events:
            await self._restored()
            yield event

    async def create(self, resource: str, obj: Object, namespace: str | None = None) -> Object:
        """See `KubernetesApi`."""
        await self._restored()
        return await self._api.create(resource, obj, namespace)

    async def update(self, resource: str, obj: Object, *, subresource: str | None = None) -> Object:
        """See `KubernetesApi`."""
        await self._restored()
        return await self._api.update(resource, obj, subresource=subresource)

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
        await self._restored()
        return await self._api.patch(resource, name, patch, namespace, subresource=subresource, patch_type=patch_type)

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
        await self._restored()
        return await self._api.delete(
            resource, name, namespace, propagation=propagation, grace_period_seconds=grace_period_seconds, uid=uid
        )

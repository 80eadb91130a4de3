"""A Kubernetes interface in front of another one: every call is handed on, where a subclass does not step in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any, Literal

from aksdisks.lab.client.interface import KubernetesApi, Object, PatchType, WatchEvent


class ForwardingApi(ABC):
    """`KubernetesApi` on one that a subclass chooses for each call."""

    @abstractmethod
    async def _target(self, resource: str) -> KubernetesApi:
        """Who answers a call about this kind; asked again before each event of a watch is handed on."""

    def _written(self, resource: str, content: Any) -> Any:
        """What is handed on of an object to create, or of a patch."""
        del resource
        return content

    async def get(self, resource: str, name: str, namespace: str | None = None) -> Object:
        """See `KubernetesApi`."""
        return await (await self._target(resource)).get(resource, name, namespace)

    async def list(
        self, resource: str, namespace: str | None = None, *, label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Object], str]:
        """See `KubernetesApi`."""
        target = await self._target(resource)
        return await target.list(resource, namespace, label_selector=label_selector, field_selector=field_selector)

    async def watch(
        self, resource: str, namespace: str | None = None, *, resource_version: str, field_selector: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """See `KubernetesApi`."""
        target = await self._target(resource)
        events = target.watch(resource, namespace, resource_version=resource_version, field_selector=field_selector)
        async for event in events:
            await self._target(resource)
            yield event

    async def create(self, resource: str, obj: Object, namespace: str | None = None) -> Object:
        """See `KubernetesApi`."""
        return await (await self._target(resource)).create(resource, self._written(resource, obj), namespace)

    async def update(self, resource: str, obj: Object, *, subresource: str | None = None) -> Object:
        """See `KubernetesApi`."""
        return await (await self._target(resource)).update(resource, obj, subresource=subresource)

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
        target, patch = await self._target(resource), self._written(resource, patch)
        return await target.patch(resource, name, patch, namespace, subresource=subresource, patch_type=patch_type)

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
        return await (await self._target(resource)).delete(
            resource, name, namespace, propagation=propagation, grace_period_seconds=grace_period_seconds, uid=uid
        )

"""The small asynchronous Kubernetes interface that controllers and agents use, whoever answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import orjson

Object = dict[str, Any]
T = TypeVar("T")
PatchType = Literal["merge", "strategic", "json"]


def own_copy(obj: T) -> T:
    """A deep copy through JSON, which is faster than copy.deepcopy and proves that the object is JSON."""
    copy: T = orjson.loads(orjson.dumps(obj))
    return copy


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: ADDED, MODIFIED or DELETED, and the object as it then was (shared, never to be changed)."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Object


class ApiError(Exception):
    """A refusal by the API server, with all that a `Status` answer carries."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        """`reason` is the machine-readable one (`NotFound`, `Conflict`, …); `details` go out as they are."""
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.metadata: Object = {}
        """The `Status`'s own metadata: a forgotten page's refusal carries a token there."""


class KubernetesApi(Protocol):
    """List, watch, get, create, update, patch, delete.

    `resource` is the plural (`pods`, `deployments`, `volumeattachments`); plurals are unique among the kinds served
    (`events` is the core view). What comes back is shared with the store: callers copy before they change it.
    All calls raise `ApiError`.
    """

    async def get(self, resource: str, name: str, namespace: str | None = None) -> Object:
        """One object."""

    async def list(
        self, resource: str, namespace: str | None = None, *, label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Object], str]:
        """All objects that match, and the resourceVersion to watch from."""

    def watch(
        self, resource: str, namespace: str | None = None, *, resource_version: str, field_selector: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """Every change after `resource_version`, until the caller closes it; 410 Gone when it is too old.

        An object that comes to match `field_selector` is told as ADDED, one that no longer does as DELETED.
        """

    async def create(self, resource: str, obj: Object, namespace: str | None = None) -> Object:
        """The object as stored, with defaults, uid and resourceVersion."""

    async def update(self, resource: str, obj: Object, *, subresource: str | None = None) -> Object:
        """Replace; 409 Conflict when obj carries a resourceVersion that is no longer the current one."""

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
        """Change part of an object; a merge patch unless said otherwise."""

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
        """Delete, or mark as being deleted where a grace period or a finalizer says so; the object as it then is."""

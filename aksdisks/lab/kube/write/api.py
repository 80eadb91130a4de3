"""The Kubernetes API in process: what controllers call and what the HTTPS handlers translate to."""

from __future__ import annotations

import builtins
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, Unpack

from aksdisks.lab.client.interface import Object, WatchEvent
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.fieldmanager import apply
from aksdisks.lab.kube.schema import decoding, objects, selectors
from aksdisks.lab.kube.schema.registry import EVENTS_V1, RESOURCES
from aksdisks.lab.kube.schema.status import bad_request, conflict, no_such_resource
from aksdisks.lab.kube.storage import event_views, paging
from aksdisks.lab.kube.storage import watch as watching
from aksdisks.lab.kube.storage.store import Key, Store, Version
from aksdisks.lab.kube.storage.watch import VersionEvent
from aksdisks.lab.kube.strategies.catalog import STRATEGIES
from aksdisks.lab.kube.write import patches, scale
from aksdisks.lab.kube.write.deletion import Deleted, DeleteOptions, delete
from aksdisks.lab.kube.write.options import WriteOptions, how, strictness, warn, without_repeated_owners
from aksdisks.lab.kube.write.pods import bind, evict
from aksdisks.lab.kube.write.writes import Writes, storage_key

PatchType = Literal["merge", "strategic", "json", "apply"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `remaining` is None on the last page and, as upstream has it, with selectors."""

    versions: Sequence[Version]
    resource_version: str
    continue_token: str = ""
    remaining: int | None = None

    @property
    def items(self) -> list[Object]:
        """The objects, shared with the store."""
        return [version.object for version in self.versions]


@dataclass(frozen=True, slots=True)
class Written:
    """What a write left: the version, and whether the write created it."""

    version: Version
    created: bool = False


class KubeApi:
    """Implements `KubernetesApi` in process; the `*_version` calls are the richer ones that the wire needs.

    All raise `ApiError` with upstream's code, reason, message and details.
    """

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self.store = store
        self.clock = clock
        self.writes = Writes(store, clock, ids)

    # Reading

    async def get(self, resource: str, name: str, namespace: str | None = None) -> Object:
        """One object; 404 when there is none."""
        return self.get_version(resource, name, namespace).object

    def get_version(
        self,
        resource: str,
        name: str,
        namespace: str | None = None,
        subresource: str | None = None,
        resource_version: str = "",
    ) -> Version:
        """One object as a version, or its scale; 504 for a `resource_version` that has not been reached."""
        if resource_version:
            wanted = paging.version_number(resource_version, "invalid resource version: ")
            paging.check_not_future(wanted, self.store.resource_version)
        version = self._view(resource, self.writes.current(resource, _key(resource, namespace, name)))
        return scale.view(version) if subresource == "scale" else version

    async def list(
        self, resource: str, namespace: str | None = None, *, label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Object], str]:
        """All objects that match, and the resourceVersion to watch from."""
        page = self.list_page(resource, namespace, label_selector=label_selector, field_selector=field_selector)
        return page.items, page.resource_version

    def list_page(
        self,
        resource: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
        resource_version: str = "",
        resource_version_match: str = "",
    ) -> Page:
        """One page, sorted by namespace and name; later pages show the same moment as the first (410 when forgotten).

        `resource_version`: refused with 504 when it lies in the future; with a limit, or when the match is Exact, the
        list is as of then, else the newest state answers. For "0" the limit does not count, as upstream's cache has it.
        """
        _served(resource)
        holds = selectors.predicate(resource, label_selector, field_selector)
        key = storage_key(resource)
        if continue_token:
            when = paging.decode(continue_token, namespace, namespaced=RESOURCES[key].namespaced)
            if resource_version not in ("", "0"):
                raise bad_request("specifying resource version is not allowed when using continue")
        else:
            when = paging.moment(resource_version, resource_version_match, limit, self.store.resource_version)
        found = paging.at(self.store, key, namespace, when)
        at = self.store.resource_version if when.resource_version is None else when.resource_version
        if holds is not None:
            found = [pair for pair in found if holds(pair[1].object)]
        token, remaining = "", None
        if 0 < limit < len(found) and (resource_version != "0" or continue_token):
            token = paging.encode(at, found[limit - 1][0], namespace)
            remaining = len(found) - limit if holds is None else None
            found = found[:limit]
        return Page([self._view(resource, version) for _, version in found], str(at), token, remaining)

    async def watch(
        self,
        resource: str,
        namespace: str | None = None,
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        allow_bookmarks: bool = False,
        timeout_seconds: float | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """Every change after `resource_version` as objects; `watch_versions` with the same meaning."""
        async for event in self.watch_versions(
            resource,
            namespace,
            resource_version=resource_version,
            label_selector=label_selector,
            field_selector=field_selector,
            allow_bookmarks=allow_bookmarks,
            timeout_seconds=timeout_seconds,
        ):
            yield WatchEvent(event.type, event.version.object)

    def watch_versions(
        self,
        resource: str,
        namespace: str | None = None,
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
        allow_bookmarks: bool = False,
        timeout_seconds: float | None = None,
        send_initial_events: bool | None = None,
    ) -> AsyncGenerator[VersionEvent, None]:
        """Changes as versions, whose JSON is shared by all watchers.

        With `send_initial_events`, or where nothing is said of that and the resourceVersion is none or "0", the present
        objects come first as ADDED. An
        object that leaves the selection comes as DELETED, one that enters as ADDED. `timeout_seconds` is real time, as
        clients mean it. 400 for a bad selector at once; 410 from the first step when the version is forgotten.
        """
        _served(resource)
        holds = selectors.predicate(resource, label_selector, field_selector)
        request = watching.Watch(
            storage_key(resource), namespace, resource_version, holds, allow_bookmarks, timeout_seconds,
            send_initial_events, selectors.trigger(resource, field_selector),
        )  # fmt: skip
        events = watching.watch(self.store, self.clock, request)
        return self._views(events) if resource == EVENTS_V1 else events

    # Writing

    async def create(
        self, resource: str, obj: Object, namespace: str | None = None, **options: Unpack[WriteOptions]
    ) -> Object:
        """Store a new object: defaults, admission, validation."""
        return self.create_version(resource, obj, namespace, **options).object

    def create_version(
        self, resource: str, obj: Object, namespace: str | None = None, **options: Unpack[WriteOptions]
    ) -> Version:
        """As `create`, the version instead of the object; with a `field_manager` its owner is recorded."""
        _served(resource)
        body = decoding.decode(resource, objects.copy(obj), strictness(options))
        without_repeated_owners(body, options)
        made = self.writes.create(resource, body, namespace, **how(options))
        warn(self.store, resource, made, None, options)
        return self._view(resource, made)

    async def update(
        self, resource: str, obj: Object, *, subresource: str | None = None, **options: Unpack[WriteOptions]
    ) -> Object:
        """Replace an object or what its subresource owns (`status`, `scale`, `finalize`); 409 for an old version."""
        return self.update_version(resource, obj, subresource=subresource, **options).version.object

    def update_version(
        self, resource: str, obj: Object, *, subresource: str | None = None, **options: Unpack[WriteOptions]
    ) -> Written:
        """As `update`; a scale when the subresource is `scale`. Some kinds are created by it (201 on the wire)."""
        _served(resource)
        body = objects.copy(obj)
        if subresource == "scale":
            metadata = body.get("metadata", {})
            key = _key(resource, metadata.get("namespace"), metadata.get("name", ""))
            whole = scale.scaled(resource, self.writes.current(resource, key), body)
            return Written(scale.view(self.writes.update(resource, whole, None, recorded="scale", **how(options))))
        body = decoding.decode(resource, body, strictness(options))
        if subresource is None and STRATEGIES[resource].created_by_update:
            metadata = body.get("metadata", {})
            key = _key(resource, metadata.get("namespace"), metadata.get("name", ""))
            if self.store.get(storage_key(resource), key) is None:
                if metadata.get("resourceVersion"):
                    raise conflict(RESOURCES[resource], key[1])
                return Written(self.create_version(resource, body, metadata.get("namespace"), **options), created=True)
        return self._updated(resource, body, subresource, options)

    async def patch(
        self,
        resource: str,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        patch_type: PatchType = "merge",
        force: bool = False,
        **options: Unpack[WriteOptions],
    ) -> Object:
        """Change part of an object; `apply` (server-side) also creates it."""
        return self.patch_version(
            resource, name, patch, namespace, subresource=subresource, patch_type=patch_type, force=force, **options
        ).version.object

    def patch_version(
        self,
        resource: str,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        patch_type: PatchType = "merge",
        force: bool = False,
        **options: Unpack[WriteOptions],
    ) -> Written:
        """As `patch`; tells whether an apply created the object (201 on the wire)."""
        _served(resource)
        key = _key(resource, namespace, name)
        patch = objects.copy(patch)  # what is stored must not be the caller's own lists and maps
        if patch_type == "apply":
            if subresource == "scale":
                patch = apply.scale(resource, patch, key)
            apply.check(resource, patch, key)
            body = decoding.decode(resource, patch, strictness(options))
            request = apply.Apply(resource, key, body, subresource, options.get("field_manager", ""), force)
            old = self.store.get(storage_key(resource), key)
            applied, created = apply.apply(self.writes, request, dry_run=options.get("dry_run", False))
            if subresource is None:
                warn(self.store, resource, applied, old, options)
            return Written(scale.view(applied) if subresource == "scale" else self._view(resource, applied), created)
        version = self._view(resource, self.writes.current(resource, key))
        if subresource == "scale":
            changed = patches.apply(resource, scale.view(version).object, patch, patch_type)
            whole = scale.scaled(resource, version, changed)
            return Written(scale.view(self.writes.update(resource, whole, None, recorded="scale", **how(options))))
        changed = patches.apply(resource, version.object, patch, patch_type)
        if changed["metadata"].get("name") != name:
            given = changed["metadata"].get("name", "")
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")
        shown = objects.go_text(patch) if patch_type == "strategic" else objects.text(changed)
        body = decoding.decode(resource, changed, strictness(options), shown)
        return self._updated(resource, body, subresource, options)

    def _updated(self, resource: str, body: Object, subresource: str | None, options: WriteOptions) -> Written:
        metadata = body.get("metadata", {})
        key = _key(resource, metadata.get("namespace"), metadata.get("name", ""))
        old = self.store.get(storage_key(resource), key)
        without_repeated_owners(body, options)
        version = self.writes.update(resource, body, subresource, **how(options))
        if old is not None and subresource is None:
            warn(self.store, resource, version, old, options)
        return Written(self._view(resource, version))

    async def delete(
        self,
        resource: str,
        name: str,
        namespace: str | None = None,
        *,
        propagation: Literal["Background", "Foreground", "Orphan"] | None = None,
        grace_period_seconds: int | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Delete, or mark as being deleted where a grace period or a finalizer says so; the object as it then is."""
        options = DeleteOptions(propagation, grace_period_seconds, uid, resource_version)
        return self.delete_version(resource, name, namespace, options, dry_run=dry_run).version.object

    def delete_version(
        self, resource: str, name: str, namespace: str | None, options: DeleteOptions, *, dry_run: bool = False
    ) -> Deleted:
        """As `delete`; tells whether the object is gone (a Status on the wire) or only marked."""
        _served(resource)
        deleted = delete(self.writes, resource, _key(resource, namespace, name), options, dry_run=dry_run)
        return Deleted(self._view(resource, deleted.version), deleted.gone)

    def delete_collection(
        self,
        resource: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        options: DeleteOptions | None = None,
        dry_run: bool = False,
    ) -> builtins.list[Version]:
        """Delete each object that matches; the versions as they were found."""
        page = self.list_page(resource, namespace, label_selector=label_selector, field_selector=field_selector)
        for version in page.versions:
            metadata = version.object["metadata"]
            name, of = metadata["name"], metadata.get("namespace")
            self.delete_version(resource, name, of, options or DeleteOptions(), dry_run=dry_run)
        return builtins.list(page.versions)

    async def bind(
        self, namespace: str, name: str, node: str, *, uid: str | None = None, dry_run: bool = False
    ) -> None:
        """Assign a pod to a node (pods/binding): nodeName, the PodScheduled condition, nomination cleared."""
        bind(self.writes, (namespace, name), node, uid, dry_run=dry_run)

    async def evict(
        self, namespace: str, name: str, options: DeleteOptions | None = None, *, dry_run: bool = False
    ) -> None:
        """Evict a pod (pods/eviction): the DisruptionTarget condition, then a delete."""
        evict(self.writes, (namespace, name), options or DeleteOptions(), dry_run=dry_run)

    def _view(self, resource: str, version: Version) -> Version:
        return event_views.view(version) if resource == EVENTS_V1 else version

    @staticmethod
    async def _views(events: AsyncGenerator[VersionEvent, None]) -> AsyncGenerator[VersionEvent, None]:
        async with aclosing(events):
            async for event in events:
                yield VersionEvent(event.type, event_views.view(event.version))


def _served(resource: str) -> None:
    if resource not in RESOURCES:
        raise no_such_resource()


def _key(resource: str, namespace: str | None, name: str) -> Key:
    _served(resource)
    return ((namespace or "default") if RESOURCES[resource].namespaced else "", name)

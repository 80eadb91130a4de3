"""The Kubernetes API in process: what controllers call and what the HTTPS handlers translate to."""

from __future__ import annotations

import builtins
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Literal, TypedDict, Unpack

from aksdisks.lab.client.interface import Object, WatchEvent, own_copy
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.fieldmanager import apply
from aksdisks.lab.kube.schema import decoding, objects, selectors
from aksdisks.lab.kube.schema.status import bad_request, conflict
from aksdisks.lab.kube.schema.unstored import SUBRESOURCE_KINDS
from aksdisks.lab.kube.storage import paging
from aksdisks.lab.kube.storage import watch as watching
from aksdisks.lab.kube.storage.store import Key, Store, Version
from aksdisks.lab.kube.storage.watch import VersionEvent
from aksdisks.lab.kube.write import patches, scale
from aksdisks.lab.kube.write.deletion import Deleted, DeleteOptions, delete
from aksdisks.lab.kube.write.options import WriteOptions, strictness, warn, write_mode
from aksdisks.lab.kube.write.pods import bind, evict
from aksdisks.lab.kube.write.writes import Writes

PatchType = Literal["merge", "strategic", "json", "apply"]


class PatchOptions(WriteOptions, total=False):
    """How a patch is to be done; `force`: an apply takes fields from other managers."""

    subresource: str | None
    patch_type: PatchType
    force: bool


class WatchOptions(TypedDict, total=False):
    """What a watch is of.

    With `send_initial_events`, or where nothing is said of that and the resourceVersion is none or "0", the present
    objects come first as ADDED. `timeout_seconds` is real time, as clients mean it.
    """

    resource_version: str
    label_selector: str
    field_selector: str
    allow_bookmarks: bool
    timeout_seconds: float | None
    send_initial_events: bool | None


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
        self.kinds = self.writes.kinds

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
        version = self.kinds.seen(resource, self.writes.current(resource, self._key(resource, namespace, name)))
        return self._scale(resource, version) if subresource == "scale" else version

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
        holds = selectors.predicate(self.kinds.resource(resource), label_selector, field_selector)
        key = self.kinds.storage_key(resource)
        if continue_token:
            when = paging.decode(continue_token, namespace, namespaced=self.kinds.resource(key).namespaced)
            if resource_version not in ("", "0"):
                raise bad_request("specifying resource version is not allowed when using continue")
        else:
            when = paging.moment(resource_version, resource_version_match, limit, self.store.resource_version)
        name = selectors.one_name(self.kinds.resource(resource), field_selector)
        if name and when == paging.Moment() and (namespace or not self.kinds.resource(key).namespaced):
            # A node agent asks for its own node, kubectl wait for one object: not to be looked for among thousands.
            place = (namespace or "", name)
            found = [(place, one)] if (one := self.store.get(key, place)) is not None else []
        else:
            found = paging.at(self.store, key, namespace, when)
        at = self.store.resource_version if when.resource_version is None else when.resource_version
        if holds is not None:
            found = [pair for pair in found if holds(pair[1].object)]
        token, remaining = "", None
        if 0 < limit < len(found) and (resource_version != "0" or continue_token):
            token = paging.encode(at, found[limit - 1][0], namespace)
            remaining = len(found) - limit if holds is None else None
            found = found[:limit]
        shown = self.kinds.all_seen(resource, [version for _, version in found])
        return Page(shown, str(at), token, remaining)

    async def watch(
        self, resource: str, namespace: str | None = None, **options: Unpack[WatchOptions]
    ) -> AsyncIterator[WatchEvent]:
        """Every change after a resourceVersion as objects; `watch_versions` with the same meaning."""
        async for event in self.watch_versions(resource, namespace, **options):
            yield WatchEvent(event.type, event.version.object)

    def watch_versions(
        self, resource: str, namespace: str | None = None, **options: Unpack[WatchOptions]
    ) -> AsyncGenerator[VersionEvent, None]:
        """Changes as versions, whose JSON is shared by all watchers.

        An object that leaves the selection comes as DELETED, one that enters as ADDED. 400 for a bad selector at once;
        410 from the first step when the version is forgotten.
        """
        labels, fields = options.get("label_selector", ""), options.get("field_selector", "")
        kind, key = self.kinds.resource(resource), self.kinds.storage_key(resource)
        request = watching.Watch(
            key,
            self.kinds.resource(key),
            namespace,
            options.get("resource_version", ""),
            selectors.predicate(kind, labels, fields),
            options.get("allow_bookmarks", False),
            options.get("timeout_seconds"),
            options.get("send_initial_events"),
            selectors.trigger(kind, fields),
        )
        events = watching.watch(self.store, self.clock, request)
        return self._views(resource, events) if self.kinds.has_views(resource) else events

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
        body = decoding.decode(self.kinds.resource(resource), own_copy(obj), strictness(options))
        made = self.writes.create(resource, body, namespace, write_mode(options))
        warn(self.store, self.kinds.strategy(resource), made, None, options)
        return self.kinds.seen(resource, made)

    async def update(
        self, resource: str, obj: Object, *, subresource: str | None = None, **options: Unpack[WriteOptions]
    ) -> Object:
        """Replace an object or what its subresource owns (`status`, `scale`, `finalize`); 409 for an old version."""
        return self.update_version(resource, obj, subresource=subresource, **options).version.object

    def update_version(
        self, resource: str, obj: Object, *, subresource: str | None = None, **options: Unpack[WriteOptions]
    ) -> Written:
        """As `update`; a scale when the subresource is `scale`. Some kinds are created by it (201 on the wire)."""
        if subresource == "scale":
            return self._scaled(resource, self.writes.current(resource, self._own_key(resource, obj)), obj, options)
        body = self._decoded(resource, obj, self._version_of(resource, obj), options)
        key = self._own_key(resource, body)
        creates = subresource is None and self.kinds.strategy(resource).created_by_update
        if not creates or self.store.get(self.kinds.storage_key(resource), key) is not None:
            return self._updated(resource, body, subresource, options)
        if body["metadata"].get("resourceVersion"):
            raise conflict(self.kinds.resource(resource), key[1])
        return Written(self.create_version(resource, body, key[0] or None, **options), created=True)

    async def patch(
        self, resource: str, name: str, patch: Any, namespace: str | None = None, **options: Unpack[PatchOptions]
    ) -> Object:
        """Change part of an object; `apply` (server-side) also creates it."""
        return self.patch_version(resource, name, patch, namespace, **options).version.object

    def patch_version(
        self, resource: str, name: str, patch: Any, namespace: str | None = None, **options: Unpack[PatchOptions]
    ) -> Written:
        """As `patch`; tells whether an apply created the object (201 on the wire)."""
        key, subresource = self._key(resource, namespace, name), options.get("subresource")
        patch_type = options.get("patch_type", "merge")
        if patch_type == "apply":
            return self._applied(resource, key, own_copy(patch), options)
        version = self.kinds.seen(resource, self.writes.current(resource, key))
        kind = self.kinds.resource(resource)
        if subresource == "scale":
            changed = patches.apply(kind, self._scale(resource, version).object, patch, patch_type)
            return self._scaled(resource, version, changed, options)
        changed = patches.apply(kind, version.object, patch, patch_type)
        _check_place(changed, key)

        def shown() -> str:
            return objects.go_text(patch) if patch_type == "strategic" else objects.text(changed)

        body = self._decoded(resource, changed, version, options, shown)
        return self._updated(resource, body, subresource, options)

    def _version_of(self, resource: str, unread: Object) -> Version | None:
        """What is stored of an object that has not been looked at yet."""
        metadata = unread.get("metadata")
        named = isinstance(metadata, dict) and all(
            isinstance(metadata.get(key, ""), str) for key in ("name", "namespace")
        )
        version = self.store.get(self.kinds.storage_key(resource), self._own_key(resource, unread)) if named else None
        return None if version is None else self.kinds.seen(resource, version)

    def _decoded(
        self,
        resource: str,
        obj: Object,
        known: Version | None,
        options: WriteOptions,
        patched: Callable[[], str] | None = None,
    ) -> Object:
        """An own copy of `obj`, read; what it has in common with the version that is known is neither.

        Of a custom resource all is: its schema may be another now.
        """
        kind = self.kinds.resource(resource)
        stored = known.object if known is not None and kind.custom is None else {}
        return decoding.decode(kind, objects.apart(obj, stored), strictness(options), patched, stored)

    def _updated(self, resource: str, body: Object, subresource: str | None, options: WriteOptions) -> Written:
        old = self.store.get(self.kinds.storage_key(resource), self._own_key(resource, body))
        version = self.writes.update(resource, body, subresource, write_mode(options))
        if old is not None and subresource is None:
            warn(self.store, self.kinds.strategy(resource), version, old, options)
        return Written(self.kinds.seen(resource, version))

    def _scaled(self, resource: str, version: Version, body: Object, options: WriteOptions) -> Written:
        """The scale after a workload got the replicas of a Scale."""
        asked = decoding.decode(SUBRESOURCE_KINDS["scale"], own_copy(body), strictness(options))
        whole = scale.scaled(self.kinds.strategy(resource), version, asked)
        changed = self.writes.update(resource, whole, None, write_mode(options), recorded="scale")
        return Written(self._scale(resource, changed))

    def _applied(self, resource: str, key: Key, patch: Any, options: PatchOptions) -> Written:
        """What an apply left; the field manager says what the object becomes, which is written as anything else is."""
        subresource = options.get("subresource")
        if subresource == "scale":
            patch = apply.scale(self.kinds.resource(resource), patch, key)
        apply.check(self.kinds.resource(resource), patch, key)
        config = decoding.decode(self.kinds.resource(resource), patch, strictness(options))
        config.setdefault("metadata", {}).setdefault("name", key[1])
        _check_place(config, key)
        manager, force = options.get("field_manager", ""), options.get("force", False)
        request = apply.Apply(self.kinds.resource(resource), config, subresource, manager, force, self.writes.now())
        # The field manager has said already who owns what.
        mode = replace(write_mode(options), manager="")
        old = self.store.get(self.kinds.storage_key(resource), key)
        if old is None and subresource is None:
            applied = self.writes.create(resource, apply.created(request), key[0] or None, mode)
        else:
            live = self.kinds.seen(resource, self.writes.current(resource, key)).object
            part = None if subresource == "scale" else subresource
            applied = self.writes.update(resource, apply.merged(request, live), part, mode)
        if subresource is None:
            warn(self.store, self.kinds.strategy(resource), applied, old, options)
        shown = self._scale(resource, applied) if subresource == "scale" else self.kinds.seen(resource, applied)
        return Written(shown, old is None)

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
        deleted = delete(self.writes, resource, self._key(resource, namespace, name), options, dry_run=dry_run)
        return Deleted(self.kinds.seen(resource, deleted.version), deleted.gone)

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

    def _scale(self, resource: str, version: Version) -> Version:
        return scale.view(self.kinds.strategy(resource), version)

    def _key(self, resource: str, namespace: str | None, name: str) -> Key:
        return ((namespace or "default") if self.kinds.resource(resource).namespaced else "", name)

    def _own_key(self, resource: str, body: Object) -> Key:
        metadata = body.get("metadata", {})
        return self._key(resource, metadata.get("namespace"), metadata.get("name", ""))

    async def _views(
        self, resource: str, events: AsyncGenerator[VersionEvent, None]
    ) -> AsyncGenerator[VersionEvent, None]:
        async with aclosing(events):
            async for event in events:
                yield VersionEvent(event.type, self.kinds.seen(resource, event.version))


def _check_place(body: Object, key: Key) -> None:
    if (given := body["metadata"].get("name", "")) != key[1]:
        raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({key[1]})")
    if key[0] and body["metadata"].get("namespace", key[0]) != key[0]:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")

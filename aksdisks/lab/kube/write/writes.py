"""Create and update: the pipeline that every write passes, from defaults and admission to the store."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.admission import admission, pod_security
from aksdisks.lab.kube.fieldmanager import compare, managers
from aksdisks.lab.kube.schema import decoding, objects, schema
from aksdisks.lab.kube.schema.registry import EVENTS_V1, RESOURCES, Resource
from aksdisks.lab.kube.schema.status import Cause, already_exists, bad_request, conflict, internal, invalid, not_found
from aksdisks.lab.kube.storage import event_views
from aksdisks.lab.kube.storage.store import Key, Store, Version
from aksdisks.lab.kube.strategies.catalog import STRATEGIES
from aksdisks.lab.kube.strategies.strategy import ALL

_SYSTEM = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_MAX_GENERATED = 58
_ATTEMPTS = 8


def storage_key(resource: str) -> str:
    """The store's key of a resource: both views of events share one."""
    return "events" if resource == EVENTS_V1 else resource


def seen(resource: str, version: Version) -> Version:
    """A stored version as the resource shows it: events have two shapes."""
    return event_views.view(version) if resource == EVENTS_V1 else version


def _shape(resource: str, stored: Object) -> Object:
    return event_views.to_events_v1(stored) if resource == EVENTS_V1 else stored


class Writes:
    """The rules of writing; synchronous, so that nothing can come between reading and storing."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self.store = store
        self.clock = clock
        self.ids = ids

    def now(self) -> str:
        """The time as Kubernetes writes it."""
        return timestamp(self.clock.now())

    def current(self, resource: str, key: Key) -> Version:
        """The stored version; 404 when there is none."""
        version = self.store.get(storage_key(resource), key)
        if version is None:
            raise not_found(RESOURCES[resource], key[1])
        return version

    def create(
        self, resource: str, obj: Object, namespace: str | None, *, dry_run: bool = False, manager: str = ""
    ) -> Version:
        """Store a new object; `obj` is the caller's own copy. 404, 403, 409 or 422, in upstream's order.

        `manager`: who is recorded as the owner of its fields; empty for the lab's own parts, of which none is kept.
        """
        kind = RESOURCES[resource]
        if resource == EVENTS_V1:
            obj = event_views.from_events_v1(obj)
        stored = RESOURCES[storage_key(resource)]
        obj = objects.tidy(stored, obj)
        metadata: Object = obj["metadata"]
        if metadata.pop("resourceVersion", None):
            raise internal("resourceVersion should not be set on objects to be created")
        self._place(kind, metadata, namespace)
        self._name(resource, metadata)
        strategy = STRATEGIES[resource]
        complete(resource, obj)
        # Before admission: what the server adds is not its client's.
        owners = managers.given(metadata.pop("managedFields", None), [])
        if manager and not owners:
            root = schema.root(kind)
            written = _shape(resource, event_views.default(dict(obj)) if stored.plural == "events" else obj)
            owners = managers.created(root, written, kind.api_version, manager, self.now())
        admission.on_create(self.store, self.ids, stored, obj)
        for field in _SYSTEM:
            metadata.pop(field, None)
        metadata["uid"] = self.ids.uid(resource, metadata.get("namespace", ""), metadata.get("name", ""))
        metadata["creationTimestamp"] = self.now()
        if kind.generation:
            metadata["generation"] = 1
        if strategy.initial is not None:
            strategy.initial(obj, metadata["creationTimestamp"])
        if strategy.prepare is not None:
            strategy.prepare(obj, None)
        causes = strategy.validate(obj)
        if causes:
            raise invalid(kind, metadata.get("name", ""), causes)
        self._check_security(resource, obj, None)
        key = (metadata.get("namespace", ""), metadata["name"])
        if self.store.get(storage_key(resource), key) is not None:
            raise already_exists(kind, metadata["name"])
        if strategy.allocate is not None:
            strategy.allocate(self.store, self.ids, obj)
        obj = objects.tidy(stored, obj)
        if resource == "events" or resource == EVENTS_V1:
            obj = event_views.default(obj)
        if owners:
            obj["metadata"]["managedFields"] = owners
        if dry_run:
            return Version(obj, 0)
        return self.store.create(storage_key(resource), key, obj)

    def update(
        self,
        resource: str,
        obj: Object,
        subresource: str | None,
        *,
        dry_run: bool = False,
        manager: str = "",
        recorded: str | None = None,
    ) -> Version:
        """Replace an object or the part that a subresource owns; `obj` is the caller's own copy.

        `manager`: who takes over the fields that change, where an object's owners are recorded at all; `recorded`: by
        way of which subresource, where that is another than what is written.

        Nothing is written, and no resourceVersion used, when nothing changes. An object that is being deleted goes
        when its last finalizer does.
        """
        kind = RESOURCES[resource]
        stored = RESOURCES[storage_key(resource)]
        if resource == EVENTS_V1:
            obj = event_views.from_events_v1(obj)
        metadata: Object = obj.setdefault("metadata", {})
        key = (metadata.get("namespace", ""), metadata.get("name", ""))
        version = self.current(resource, key)
        old = version.object
        self._check_preconditions(kind, metadata, old["metadata"])
        new = objects.tidy(stored, _merge_part(resource, subresource, old, obj))
        live = old["metadata"].get("managedFields", [])
        owners = metadata.get("managedFields", live)
        if manager:
            owners = live if subresource else managers.given(owners, live)
        new["metadata"].pop("managedFields", None)
        for field in (*_SYSTEM, "resourceVersion"):
            new["metadata"].pop(field, None)
            if field in old["metadata"]:
                new["metadata"][field] = old["metadata"][field]
        strategy = STRATEGIES[resource]
        complete(resource, new)
        new = objects.tidy(stored, new)
        if resource in ("events", EVENTS_V1):
            new = event_views.default(new)
        admission.on_update(self.store, stored, new, old)
        if subresource is None and strategy.prepare is not None:
            strategy.prepare(new, old)
        causes = strategy.validate_update(new, old, subresource)
        if causes:
            raise invalid(kind, key[1], causes)
        if subresource is None:
            self._check_security(resource, new, old)
        if strategy.allocate is not None and subresource is None:
            strategy.allocate(self.store, self.ids, new)
        if owners and manager:
            change = compare.compare(schema.root(kind), _shape(resource, old), _shape(resource, new))
            owners = managers.updated(owners, change, kind.api_version, manager, recorded or subresource, self.now())
        if owners:
            new["metadata"]["managedFields"] = owners
        if kind.generation and subresource is None and strategy.raises_generation(new, old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        if "deletionTimestamp" in new["metadata"] and _nothing_holds(new):
            return version if dry_run else self.store.delete(storage_key(resource), key)
        if new == old:
            return version
        if dry_run:
            return Version(new, version.resource_version)
        return self.store.update(storage_key(resource), key, new)

    def _check_security(self, resource: str, new: Object, old: Object | None) -> None:
        if resource == "pods":
            pod_security.check_pod(self.store, new, old)
        elif resource == "namespaces":
            pod_security.check_namespace(new, old)

    def _place(self, kind: Resource, metadata: Object, namespace: str | None) -> None:
        if not kind.namespaced:
            metadata.pop("namespace", None)
            return
        own = metadata.get("namespace")
        if namespace is not None and own not in (None, namespace):
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        metadata["namespace"] = namespace or own or "default"

    def _name(self, resource: str, metadata: Object) -> None:
        """A name made from generateName; another one when it is taken, eight times as upstream does."""
        if metadata.get("name") or not metadata.get("generateName"):
            return
        of = (resource, metadata.get("namespace", ""), metadata["generateName"])
        for _ in range(_ATTEMPTS):
            metadata["name"] = metadata["generateName"][:_MAX_GENERATED] + self.ids.suffix(of=of)
            if self.store.get(storage_key(resource), (metadata.get("namespace", ""), metadata["name"])) is None:
                return

    @staticmethod
    def _check_preconditions(kind: Resource, new: Object, old: Object) -> None:
        if not new.get("resourceVersion") and not kind.unconditional_update:
            why = "Invalid value: 0: must be specified for an update"
            raise invalid(kind, old["name"], [Cause("metadata.resourceVersion", "FieldValueInvalid", why)])
        if new.get("uid") and new["uid"] != old["uid"]:
            why = f"Precondition failed: UID in precondition: {new['uid']}, UID in object meta: {old['uid']}"
            raise conflict(kind, old["name"], why)
        if new.get("resourceVersion") and new["resourceVersion"] != old["resourceVersion"]:
            raise conflict(kind, old["name"])


def complete(resource: str, obj: Object) -> None:
    """Fill in what the object leaves out (pkg/apis/*/v1/defaults.go); changes `obj`."""
    defaults = STRATEGIES[storage_key(resource)].defaults
    if defaults is not None:
        defaults(obj)
    decoding.complete(storage_key(resource), obj)


def _merge_part(resource: str, subresource: str | None, old: Object, new: Object) -> Object:
    """The whole object after a write that owns only a part: status, finalizers of a namespace, or all but status."""
    metadata = dict(new["metadata"])
    if subresource == "finalize":
        finalizers = new.get("spec", {}).get("finalizers") or []
        spec = {key: value for key, value in old.get("spec", {}).items() if key != "finalizers"}
        return {**old, "spec": {**spec, **({"finalizers": finalizers} if finalizers else {})}}
    if subresource == "status":
        kept = STRATEGIES[resource].status_keeps
        metadata = dict(old["metadata"]) if kept == ALL else metadata
        metadata |= {key: old["metadata"].get(key) for key in kept if key != ALL[0]}
        return {**old, "metadata": metadata, "status": new.get("status", {})}
    if "status" in RESOURCES[resource].subresources:
        rest = {key: value for key, value in new.items() if key != "status"}
        return {**rest, "metadata": metadata, **({"status": old["status"]} if "status" in old else {})}
    return {**new, "metadata": metadata}


def _nothing_holds(obj: Object) -> bool:
    """Whether an object being deleted has neither finalizers nor a grace period left."""
    metadata = obj["metadata"]
    if metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds"):
        return False
    return not (obj["kind"] == "Namespace" and obj.get("spec", {}).get("finalizers"))

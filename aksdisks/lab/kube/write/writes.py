"""Create and update: the pipeline that every write passes, from defaults and admission to the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aksdisks.lab.client.interface import Object, own_copy
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.admission import plugins
from aksdisks.lab.kube.fieldmanager import compare, managers
from aksdisks.lab.kube.schema import objects, schema
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import Cause, already_exists, bad_request, conflict, internal, invalid, not_found
from aksdisks.lab.kube.storage.store import Key, Store, Version
from aksdisks.lab.kube.strategies.served import Kinds
from aksdisks.lab.kube.strategies.strategy import ALL, Strategy
from aksdisks.lab.kube.write.options import BY_THE_LAB, WriteMode

_SYSTEM = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_MAX_GENERATED = 58
_ATTEMPTS = 8


class Writes:
    """The rules of writing; synchronous, so that nothing can come between reading and storing."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self.labels_pods = True
        """Whether pods are labelled with where their nodes are."""
        self.disabled_fields: Mapping[str, Sequence[str]] = {}
        """By resource, what is left out of the spec of each write, unless it stands there from before."""
        self.store = store
        self.clock = clock
        self.ids = ids
        self.kinds = Kinds(store)

    def now(self) -> str:
        """The time as Kubernetes writes it."""
        return timestamp(self.clock.now())

    def _stored(self, resource: str) -> Resource:
        return self.kinds.resource(self.kinds.storage_key(resource))

    def _finished(self, stored: Resource, obj: Object) -> Object:
        obj = objects.tidy(stored, obj)
        _write_unset(self.kinds.strategy(stored.key), obj)
        return obj

    def current(self, resource: str, key: Key) -> Version:
        """The stored version; 404 when there is none."""
        version = self.store.get(self.kinds.storage_key(resource), key)
        if version is None:
            raise not_found(self.kinds.resource(resource), key[1])
        return version

    def create(self, resource: str, obj: Object, namespace: str | None, mode: WriteMode = BY_THE_LAB) -> Version:
        """Store a new object; `obj` is the caller's own copy. 404, 403, 409 or 422, in upstream's order."""
        stored = self._stored(resource)
        obj = objects.ordered(stored, self.kinds.to_stored(resource, obj))
        metadata: Object = obj["metadata"]
        if metadata.pop("resourceVersion", None):
            raise internal("resourceVersion should not be set on objects to be created")
        self._place(stored, metadata, namespace)
        self._name(resource, metadata)
        self.kinds.complete(resource, obj)
        # Before admission: a client does not own what the server adds.
        owners = self._first_owners(resource, obj, mode)
        self._admit(resource, obj)
        self._set_system_fields(resource, obj)
        self._run_strategy(resource, obj, None, None, mode)
        obj = self._finished(stored, obj)
        if owners:
            obj["metadata"]["managedFields"] = owners
        if mode.dry_run:
            return Version(obj, 0)
        return self.store.create(self.kinds.storage_key(resource), _key(obj), obj)

    def update(
        self,
        resource: str,
        obj: Object,
        subresource: str | None,
        mode: WriteMode = BY_THE_LAB,
        *,
        recorded: str | None = None,
    ) -> Version:
        """Replace an object or the part that a subresource owns; `obj` is the caller's own copy.

        `recorded`: by way of which subresource the fields were changed, where that is another than what is written.

        Nothing is written, and no resourceVersion used, when nothing changes. An object that is being deleted goes
        when its last finalizer does.
        """
        kind, stored = self.kinds.resource(resource), self._stored(resource)
        obj = self.kinds.to_stored(resource, obj)
        metadata: Object = obj.setdefault("metadata", {})
        key = _key(obj)
        version = self.current(resource, key)
        old = version.object
        self._check_preconditions(kind, metadata, old["metadata"])
        new = _merge_part(self.kinds.strategy(resource), subresource, old, obj)
        new["metadata"] = _keep_system(new["metadata"], old["metadata"])
        self.kinds.complete(resource, new, old)
        new = self._finished(stored, new)
        for plugin in self.kinds.strategy(resource).admit_update:
            plugin(self.store, new, old)
        self._run_strategy(resource, new, old, subresource, mode)
        if owners := self._owners(resource, metadata, new, old, recorded or subresource, mode):
            new["metadata"]["managedFields"] = owners
        if kind.generation and subresource is None and self.kinds.strategy(resource).raises_generation(new, old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        if "deletionTimestamp" in new["metadata"] and not is_held(self.kinds.strategy(resource), new):
            return version if mode.dry_run else self.store.delete(self.kinds.storage_key(resource), key)
        if new == old:
            return version
        if mode.dry_run:
            return Version(new, version.resource_version)
        return self.store.update(self.kinds.storage_key(resource), key, new)

    def _admit(self, resource: str, obj: Object) -> None:
        """Let the admission plugins change or refuse a new object: that of all namespaces, and those of its kind."""
        metadata, strategy = obj["metadata"], self.kinds.strategy(resource)
        if strategy.resource.namespaced:
            plugins.namespace_lifecycle(self.store, self._stored(resource), metadata)
        for plugin in strategy.admit:
            plugin(self.store, self.ids, obj)
        if strategy.finalizers:
            metadata["finalizers"] = list(dict.fromkeys([*metadata.get("finalizers", ()), *strategy.finalizers]))

    def _set_system_fields(self, resource: str, obj: Object) -> None:
        """Give a new object what only the server sets: uid, time, generation, the first status of its kind."""
        metadata = obj["metadata"]
        for field in _SYSTEM:
            metadata.pop(field, None)
        metadata["uid"] = self.ids.uid(resource, metadata.get("namespace", ""), metadata.get("name", ""))
        metadata["creationTimestamp"] = self.now()
        if self.kinds.resource(resource).generation:
            metadata["generation"] = 1
        if (status := self.kinds.strategy(resource).initial_status(obj, metadata["creationTimestamp"])) is not None:
            obj["status"] = status

    def _run_strategy(
        self, resource: str, new: Object, old: Object | None, subresource: str | None, mode: WriteMode
    ) -> None:
        """Let the kind's strategy prepare, refuse and allocate; a subresource's write is only refused."""
        kind, strategy, name = (
            self.kinds.resource(resource),
            self.kinds.strategy(resource),
            new["metadata"].get("name", ""),
        )
        if subresource is None:
            for field in self.disabled_fields.get(resource, ()):
                if old is None or field not in old["spec"]:
                    new["spec"].pop(field, None)
            if strategy.prepare is not None:
                strategy.prepare(new, old)
        causes = strategy.validate(new) if old is None else strategy.validate_update(new, old, subresource)
        if causes:
            raise invalid(kind, name, causes)
        if subresource is not None:
            return
        if strategy.validating_admission is not None:
            strategy.validating_admission(self.store, new, old)
        if old is None and self.store.get(self.kinds.storage_key(resource), _key(new)) is not None:
            raise already_exists(kind, name)
        if mode.guard is not None:
            mode.guard(new, old)
        if strategy.allocate is not None:
            strategy.allocate(self.store, self.ids, new)

    def _first_owners(self, resource: str, obj: Object, mode: WriteMode) -> list[Object]:
        """The entries of managedFields that a new object begins with, which the object itself loses."""
        owners = managers.from_client(obj["metadata"].pop("managedFields", None), [])
        if owners or not mode.manager:
            return owners
        kind = self.kinds.resource(resource)
        written = own_copy(obj)
        _write_unset(self.kinds.strategy(self.kinds.storage_key(resource)), written)
        return managers.created(
            schema.root(kind), self.kinds.from_stored(resource, written), kind.api_version, mode.manager, self.now()
        )

    def _owners(
        self, resource: str, given: Object, new: Object, old: Object, subresource: str | None, mode: WriteMode
    ) -> list[Object]:
        """The entries of managedFields after a write with the metadata `given`, where owners are recorded at all."""
        live: list[Object] = old["metadata"].get("managedFields", [])
        owners: list[Object] = given.get("managedFields", live)
        if not mode.manager:
            return owners
        if not (owners := live if subresource else managers.from_client(owners, live)):
            return []
        kind = self.kinds.resource(resource)
        before, after = (self.kinds.from_stored(resource, one) for one in (old, new))
        change = compare.compare(schema.root(kind), before, after)
        return managers.updated(owners, change, kind.api_version, mode.manager, subresource, self.now())

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
            if (
                self.store.get(self.kinds.storage_key(resource), (metadata.get("namespace", ""), metadata["name"]))
                is None
            ):
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


def _write_unset(strategy: Strategy, obj: Object) -> None:
    """Put in what is written even when it is unset; changes `obj`."""
    for path, value in strategy.always_written.items():
        *parents, name = path.split(".")
        place: Any = obj
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        if isinstance(place, dict) and name not in place:
            place[name] = value.copy() if isinstance(value, dict | list) else value


def _key(obj: Object) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"].get("name", "")


def _keep_system(new: Object, old: Object) -> Object:
    """The new metadata with what only the server sets as it was, whatever a client wrote there."""
    own = {*_SYSTEM, "resourceVersion", "managedFields"}
    kept = {field: old[field] for field in (*_SYSTEM, "resourceVersion") if field in old}
    return {field: value for field, value in new.items() if field not in own} | kept


def _merge_part(strategy: Strategy, subresource: str | None, old: Object, new: Object) -> Object:
    """The whole object after a write that owns only a part: status, finalizers of a namespace, or all but status."""
    metadata = dict(new["metadata"])
    if subresource == "finalize":
        finalizers = new.get("spec", {}).get("finalizers") or []
        spec = {key: value for key, value in old.get("spec", {}).items() if key != "finalizers"}
        return {**old, "spec": {**spec, **({"finalizers": finalizers} if finalizers else {})}}
    if subresource == "status":
        kept = strategy.status_keeps
        metadata = dict(old["metadata"]) if kept == ALL else metadata
        metadata |= {key: old["metadata"].get(key) for key in kept if key != ALL[0]}
        if strategy.resource.custom is not None and "status" not in new:
            return {key: value for key, value in old.items() if key != "status"}
        return {**old, "metadata": metadata, "status": new.get("status", {})}
    if "status" in strategy.resource.subresources:
        rest = {key: value for key, value in new.items() if key != "status"}
        return {**rest, "metadata": metadata, **({"status": old["status"]} if "status" in old else {})}
    return {**new, "metadata": metadata}


def is_held(strategy: Strategy, obj: Object) -> bool:
    """Whether an object being deleted has finalizers or a grace period left, or what else its kind waits for."""
    metadata, held = obj["metadata"], strategy.held
    waits = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds")
    return bool(waits or (held is not None and held(obj)))

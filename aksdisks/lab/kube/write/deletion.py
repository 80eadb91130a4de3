"""Delete: preconditions, grace periods, finalizers and what propagation adds to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import conflict, forbidden
from aksdisks.lab.kube.storage.store import Key, Version
from aksdisks.lab.kube.strategies.metadata import stamp_deletion
from aksdisks.lab.kube.write.writes import Writes, is_held

_COLLECTOR = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What a DELETE asks for; `propagation` is Background, Foreground or Orphan, None the kind's own (Background)."""

    propagation: str | None = None
    grace_period_seconds: int | None = None
    uid: str | None = None
    resource_version: str | None = None


@dataclass(frozen=True, slots=True)
class Deleted:
    """The object as it then is, and whether it is gone."""

    version: Version
    gone: bool


def delete(writes: Writes, resource: str, key: Key, options: DeleteOptions, *, dry_run: bool = False) -> Deleted:
    """Delete an object or mark it as being deleted (k8s.io/apiserver registry/generic/registry/store.go).

    A pod on a node waits for its grace period, which only a later delete with a shorter one ends; an object with
    finalizers waits for them. 404 when missing, 403 for what stays, 409 when uid or resourceVersion is another.
    """
    version = writes.current(resource, key)
    old = version.object
    strategy = writes.kinds.strategy(resource)
    if key[1] in strategy.undeletable:
        raise forbidden(strategy.resource, key[1], f"this {strategy.resource.singular} may not be deleted")
    _check(strategy.resource, key, options, old["metadata"])
    new = {**old, "metadata": dict(old["metadata"])}
    metadata: Object = new["metadata"]
    _set_collector_finalizers(metadata, options.propagation)
    now = writes.clock.now()
    if strategy.mark_deleted is not None:
        marked = strategy.mark_deleted(new, options.grace_period_seconds, now)
    else:
        marked = _mark(metadata, now) if metadata.get("finalizers") else True
    if not marked and new == old:
        return Deleted(version, gone=False)
    held = is_held(strategy, new)
    if dry_run:
        return Deleted(Version(new, version.resource_version), gone=not held)
    if new != old:
        version = writes.store.update(writes.kinds.storage_key(resource), key, new)
    if held:
        return Deleted(version, gone=False)
    return Deleted(writes.store.delete(writes.kinds.storage_key(resource), key), gone=True)


def _check(kind: Resource, key: Key, options: DeleteOptions, metadata: Object) -> None:
    if options.uid and options.uid != metadata["uid"]:
        why = f"Precondition failed: UID in precondition: {options.uid}, UID in object meta: {metadata['uid']}"
        raise conflict(kind, key[1], why)
    found = metadata["resourceVersion"]
    if options.resource_version and options.resource_version != found:
        wanted = options.resource_version
        why = f"Precondition failed: ResourceVersion in precondition: {wanted}, ResourceVersion in object meta: {found}"
        raise conflict(kind, key[1], why)


def _set_collector_finalizers(metadata: Object, propagation: str | None) -> None:
    if propagation is None:
        return
    kept = [name for name in metadata.get("finalizers", []) if name not in _COLLECTOR.values()]
    wanted = _COLLECTOR.get(propagation)
    finalizers = [*kept, wanted] if wanted else kept
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)


def _mark(metadata: Object, now: datetime) -> bool:
    if "deletionTimestamp" in metadata:
        return False
    stamp_deletion(metadata, now, 0)
    return True

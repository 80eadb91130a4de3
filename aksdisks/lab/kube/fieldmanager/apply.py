"""Server-side apply: create, or merge by the schema's list keys, with the owners of fields in managedFields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.fieldmanager import compare, fieldsets, last_applied, managers, typed
from aksdisks.lab.kube.schema import objects, schema
from aksdisks.lab.kube.schema.registry import RESOURCES, Resource
from aksdisks.lab.kube.schema.status import bad_request, conflict
from aksdisks.lab.kube.storage.store import Key, Version
from aksdisks.lab.kube.write.writes import Writes, seen, storage_key


@dataclass(frozen=True, slots=True)
class Apply:
    """One apply request: the configuration as decoded, and on whose behalf."""

    resource: str
    key: Key
    body: Object
    subresource: str | None
    manager: str
    force: bool


def apply(writes: Writes, request: Apply, *, dry_run: bool = False) -> tuple[Version, bool]:
    """Create or change an object so that it has what the configuration says; the version, and whether it is new.

    Fields that this manager applied before and now leaves out are removed unless another manager owns them. 409
    Conflict names the fields that another manager owns with another value, unless forced. 400 without a manager.
    """
    kind = RESOURCES[request.resource]
    if not request.manager:
        raise bad_request(
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        )
    name = request.body.get("metadata", {}).get("name", request.key[1])
    if name != request.key[1]:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({request.key[1]})")
    config = objects.copy(request.body)
    config.setdefault("metadata", {})["name"] = name
    root = schema.root(kind)
    stated = {key: value for key, value in config.items() if key not in _reset(kind, request.subresource)}
    mine = fieldsets.fields(root, stated)
    entry = fieldsets.entry(kind.api_version, request.manager, request.subresource, mine, writes.now())
    current = writes.store.get(storage_key(request.resource), request.key)
    if current is None:
        if request.subresource:
            writes.current(request.resource, request.key)
        if uid := config["metadata"].get("uid"):
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(kind, name, why)
        config["metadata"]["managedFields"] = [entry] if mine else []
        return writes.create(request.resource, config, request.key[0] or None, dry_run=dry_run), True
    live: Object = objects.copy(seen(request.resource, current).object)
    entries = live["metadata"].pop("managedFields", None)
    if entries is None:
        entries = managers.before_first_apply(root, live, kind.api_version, writes.now())
    others = [one for one in entries if not fieldsets.is_of(one, request.manager, request.subresource)]
    before: fieldsets.Fields = next((one["fieldsV1"] for one in entries if one not in others), {})
    dropped = fieldsets.dropped(before, mine, others)
    merged = fieldsets.merge(root, fieldsets.without(objects.copy(live), dropped), stated)
    change = compare.compare(root, live, merged)
    conflicts = fieldsets.conflicts(change.written, others)
    if conflicts and request.manager == last_applied.MANAGER:
        allowed = last_applied.may_take(root, live)
        conflicts = [(path, manager) for path, manager in conflicts if path not in allowed]
    if conflicts and not request.force:
        raise _conflict(conflicts)
    lost = change.written | change.removed
    others = fieldsets.taken(others, lost) if lost else others
    if request.manager == last_applied.MANAGER:
        last_applied.follow(merged, config)
    unchanged = before == mine and (not mine or len(others) < len(entries)) and objects.same(merged, live)
    # Who states nothing owns nothing, and is not named.
    own = [entry] if mine else []
    merged["metadata"]["managedFields"] = entries if unchanged else managers.ordered([*others, *own])
    part = None if request.subresource == "scale" else request.subresource
    return writes.update(request.resource, merged, part, dry_run=dry_run), False


def scale(resource: str, body: Any, key: Key) -> Object:
    """What an apply of a Scale says of the workload: how many replicas; 400 for anything but a Scale."""
    if not isinstance(body, dict):
        raise bad_request("error decoding YAML: expected a mapping")
    if (version := body.get("apiVersion", "")) != _SCALE:
        raise bad_request(
            f"Incorrect version specified in apply patch. Specified patch version: {version}, expected: {_SCALE}"
        )
    kind, spec = RESOURCES[resource], body.get("spec")
    stated = {"spec": {"replicas": spec["replicas"]}} if isinstance(spec, dict) and "replicas" in spec else {}
    place = {"name": key[1], "namespace": key[0]}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": place, **stated}


_SCALE = "autoscaling/v1"


def check(resource: str, body: Any, key: Key) -> None:
    """400 for what no apply may say: another version, the owners of its fields; 500 for what the schema lacks."""
    kind = RESOURCES[resource]
    if not isinstance(body, dict):
        raise bad_request("error decoding YAML: expected a mapping")
    version = body.get("apiVersion", "")
    if version != kind.api_version:
        raise bad_request(
            f"Incorrect version specified in apply patch. Specified patch version: {version}, "
            f"expected: {kind.api_version}"
        )
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    if body.get("kind") == kind.kind:
        typed.check(kind, schema.root(kind), body, *key)


def _reset(kind: Resource, subresource: str | None) -> tuple[str, ...]:
    """What an apply may state and yet does not own, because its strategy takes it back (rest.ResetFieldsStrategy)."""
    if subresource == "status":
        return ("spec",)
    return ("status",) if "status" in kind.subresources and subresource is None else ()


def _conflict(conflicts: list[tuple[fieldsets.Path, str]]) -> ApiError:
    by_manager: dict[str, list[str]] = {}
    for path, manager in conflicts:
        by_manager.setdefault(manager, []).append(fieldsets.text(path))
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": field}
        for manager, fields in by_manager.items()
        for field in fields
    ]
    count = len(causes)
    if count == 1:
        shown = f"{causes[0]['message']}: {causes[0]['field']}"
    else:
        parts = [f"conflicts with {m}:\n" + "\n".join(f"- {f}" for f in fields) for m, fields in by_manager.items()]
        shown = "\n".join(parts)
    message = f"Apply failed with {count} conflict{'s' if count > 1 else ''}: {shown}"
    return ApiError(409, "Conflict", message, {"causes": causes})

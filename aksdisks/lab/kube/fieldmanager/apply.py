"""Server-side apply: the object after it, merged by the schema's list keys, and the owners of its fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aksdisks.lab.client.interface import ApiError, Object, own_copy
from aksdisks.lab.kube.fieldmanager import compare, fieldsets, last_applied, managers, typed
from aksdisks.lab.kube.schema import objects, schema
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import bad_request, conflict
from aksdisks.lab.kube.schema.unstored import SUBRESOURCE_KINDS
from aksdisks.lab.kube.storage.store import Key


@dataclass(frozen=True, slots=True)
class Apply:
    """One apply request: the configuration as decoded, by whom and when (as Kubernetes writes times)."""

    kind: Resource
    config: Object
    subresource: str | None
    manager: str
    force: bool
    now: str

    @property
    def stated(self) -> Object:
        """What the manager states, without the fields that the strategy resets (rest.ResetFieldsStrategy)."""
        reset = ""
        if "status" in self.kind.subresources:
            reset = {None: "status", "status": "spec"}.get(self.subresource, "")
        return {key: value for key, value in self.config.items() if key != reset}

    def own(self, fields: fieldsets.Fields) -> list[Object]:
        """The manager's entry in managedFields; who states nothing owns nothing, and is not named."""
        entry = fieldsets.entry("Apply", self.kind.api_version, self.manager, self.subresource, fields, self.now)
        return [entry] if fields else []


def created(request: Apply) -> Object:
    """The object that an apply creates. 409 for one that states a uid, which is another's."""
    metadata = request.config["metadata"]
    if uid := metadata.get("uid"):
        why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        raise conflict(request.kind, metadata["name"], why)
    owners = request.own(fieldsets.fields(schema.root(request.kind), request.stated))
    return {**request.config, "metadata": {**metadata, "managedFields": owners}}


def merged(request: Apply, live: Object) -> Object:
    """The object that `live` becomes: it has what the configuration states.

    Fields that this manager applied before and now leaves out are removed unless another manager owns them. 409
    Conflict names the fields that another manager owns with another value, unless forced.
    """
    root = schema.root(request.kind)
    mine = fieldsets.fields(root, request.stated)
    live = own_copy(live)
    entries = live["metadata"].pop("managedFields", None)
    if entries is None:
        entries = managers.before_first_apply(root, live, request.kind.api_version, request.now)
    others = [one for one in entries if not fieldsets.is_of(one, request.manager, request.subresource)]
    before: fieldsets.Fields = next((one["fieldsV1"] for one in entries if one not in others), {})
    left = fieldsets.remove(own_copy(live), fieldsets.dropped(before, mine, others))
    result: Object = fieldsets.merge(root, left, request.stated)
    change = compare.compare(root, live, result)
    if not request.force:
        _check_conflicts(request, root, live, fieldsets.conflicts(change.written, others))
    if lost := change.written | change.removed:
        others = fieldsets.release(others, lost)
    if request.manager == last_applied.MANAGER:
        last_applied.update(result, request.config)
    if not (before == mine and (not mine or len(others) < len(entries)) and objects.same(result, live)):
        entries = managers.ordered([*others, *request.own(mine)])
    result["metadata"]["managedFields"] = entries
    return result


def scale(kind: Resource, body: Any, key: Key) -> Object:
    """What an apply of a Scale says of the workload: how many replicas; 400 for anything but a Scale."""
    _check_version(SUBRESOURCE_KINDS["scale"], body)
    spec = body.get("spec")
    stated = {"spec": {"replicas": spec["replicas"]}} if isinstance(spec, dict) and "replicas" in spec else {}
    place = {"name": key[1], "namespace": key[0]}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": place, **stated}


def check(kind: Resource, body: Any, key: Key) -> None:
    """400 for what no apply may say: another version, the owners of its fields; 500 for what the schema lacks."""
    _check_version(kind, body)
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    if body.get("kind") == kind.kind:
        typed.check(kind, schema.root(kind), body, *key)


def _check_version(kind: Resource, body: Any) -> None:
    if not isinstance(body, dict):
        raise bad_request("error decoding YAML: expected a mapping")
    if (version := body.get("apiVersion", "")) != kind.api_version:
        raise bad_request(
            f"Incorrect version specified in apply patch. Specified patch version: {version}, "
            f"expected: {kind.api_version}"
        )


def _check_conflicts(
    request: Apply, root: schema.Node, live: Object, conflicts: list[tuple[fieldsets.Path, str]]
) -> None:
    if conflicts and request.manager == last_applied.MANAGER:
        allowed = last_applied.unchanged(root, live)
        conflicts = [(path, manager) for path, manager in conflicts if path not in allowed]
    if not conflicts:
        return
    by_manager: dict[str, list[str]] = {}
    for path, manager in conflicts:
        by_manager.setdefault(manager, []).append(fieldsets.path_text(path))
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": field}
        for manager, fields in by_manager.items()
        for field in fields
    ]
    if len(causes) == 1:
        shown = f"1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        parts = [f"conflicts with {m}:\n" + "\n".join(f"- {f}" for f in fields) for m, fields in by_manager.items()]
        shown = f"{len(causes)} conflicts: " + "\n".join(parts)
    raise ApiError(409, "Conflict", f"Apply failed with {shown}", {"causes": causes})

"""Definitions of custom resources (apiextensions: registry/customresourcedefinition, apis/apiextensions/validation)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from aksdisks.lab.client.interface import Object, own_copy
from aksdisks.lab.clock import timestamp
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.objects import fill
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.schema.structural import PRESERVE
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies import celrules, jsonpath, naming, structure
from aksdisks.lab.kube.strategies.causes import duplicate, forbidden, immutable, invalid, required, unsupported
from aksdisks.lab.kube.strategies.custom import is_true, storage_version
from aksdisks.lab.kube.strategies.defaults import within
from aksdisks.lab.kube.strategies.metadata import stamp_deletion
from aksdisks.lab.kube.strategies.strategy import ALL, Strategy

GROUP = "apiextensions.k8s.io"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""The finalizer that keeps a deleted definition until its objects are gone."""
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_MOST_FIELDS = 8


def _default(spec: Object) -> None:
    named = spec.get("names", {})
    if named.get("kind"):
        fill(named, singular=named["kind"].lower(), listKind=f"{named['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})


def _first_status(crd: Object, now: str) -> Object:
    found: Object = {"conditions": [], "acceptedNames": {"plural": "", "kind": ""}}
    found["storedVersions"] = [storage_version(crd)]
    naming.approve({**crd, "status": found}, now)
    return found


def _prepare(new: Object, old: Object | None) -> None:
    """Remember each version that objects were ever stored in."""
    if old is None:
        return
    stored = new["status"].get("storedVersions", [])
    if storage_version(new) not in stored:
        new["status"] = {**new["status"], "storedVersions": [*stored, storage_version(new)]}


def _establish(store: Store, ids: Ids, crd: Object) -> None:
    """Accept a new definition's names at once: its paths are served from the first answer on."""
    del ids
    if not crd["status"]["conditions"] or not any(
        one["type"] == "NamesAccepted" for one in crd["status"]["conditions"]
    ):
        others = [version.object for _, version in store.list("customresourcedefinitions")]
        naming.accept(crd, others, crd["metadata"]["creationTimestamp"])


def _mark_deleted(crd: Object, grace: int | None, now: datetime) -> bool:
    del grace
    if "deletionTimestamp" in crd["metadata"]:
        return False
    stamp_deletion(crd["metadata"], now, 0)
    crd["metadata"]["finalizers"] = list(dict.fromkeys([*crd["metadata"].get("finalizers", ()), CLEANUP]))
    crd["status"] = own_copy(crd["status"])
    why = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    naming.set_condition(crd["status"], "Terminating", "True", "InstanceDeletionPending", why, timestamp(now))
    return True


def _rules(at: str, crd: Object) -> list[Cause]:
    del at
    spec = crd["spec"]
    named = f"{spec['names'].get('plural', '')}.{spec.get('group', '')}"
    found: list[Cause] = []
    if crd["metadata"].get("name") and crd["metadata"]["name"] != named:
        found.append(invalid("metadata.name", crd["metadata"]["name"], 'must be spec.names.plural+"."+spec.group'))
    found += [*_group(spec), *_versions(spec), *_names(spec["names"], "spec.names", must=True)]
    return [*found, *_conversion(spec), *_stored(crd), *_approval(crd), *_preserves(spec)]


def _group(spec: Object) -> Iterator[Cause]:
    group, scope = spec.get("group", ""), spec.get("scope", "")
    if not group:
        yield required("spec.group")
    elif wrong := names.subdomain_errors(group):
        yield invalid("spec.group", group, ",".join(wrong))
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")
    if not scope:
        yield required("spec.scope")
    elif scope not in ("Cluster", "Namespaced"):
        yield unsupported("spec.scope", scope, ("Cluster", "Namespaced"))


def _versions(spec: Object) -> Iterator[Cause]:
    versions = spec.get("versions") or []
    for index, version in enumerate(versions):
        if "openAPIV3Schema" not in version.get("schema", {}):
            yield required(f"spec.versions[{index}].schema.openAPIV3Schema")
    for index, version in enumerate(versions):
        at = f"spec.versions[{index}]"
        if wrong := names.label_1035_errors(version.get("name", "")):
            yield invalid(f"{at}.name", version.get("name", ""), ",".join(wrong))
        if not version.get("deprecated") and "deprecationWarning" in version:
            yield invalid(f"{at}.deprecationWarning", version["deprecationWarning"], _DEPRECATION)
    # What all versions have alike is told of the definition itself, as the internal type has it.
    for part, hoisted, check in (
        ("schema", "spec.validation", _schema),
        ("subresources", "spec.subresources", _subresources),
        ("additionalPrinterColumns", "spec.additionalPrinterColumns", _printed),
    ):
        stated = [version.get(part) for version in versions]
        if stated and stated[0] and all(one == stated[0] for one in stated):
            yield from check(stated[0], hoisted, versions[0])
            continue
        for index, version in enumerate(versions):
            if version.get(part):
                yield from check(version[part], f"spec.versions[{index}].{part}", version)
    for index, version in enumerate(versions):
        at = "spec.selectableFields" if len(versions) == 1 else f"spec.versions[{index}].selectableFields"
        yield from _selectable(version, at)
    if len({version.get("name") for version in versions}) < len(versions):
        yield invalid("spec.versions", versions, "must contain unique version names")
    if sum(1 for version in versions if version.get("storage")) != 1:
        yield invalid("spec.versions", versions, "must have exactly one version marked as storage version")


_DEPRECATION = "can only be set for deprecated versions"
_ROOT = (
    "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern "
    "MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields "
    "XValidations"
)
"""What upstream allows at the root of a schema where there is a status, in Go's names (allowedFieldsAtRootSchema)."""
_AT_ROOT = {f"{name[0].lower()}{name[1:]}" for name in _ROOT.split()} | {PRESERVE, celrules.RULES}


def _schema(stated: Object, at: str, version: Object) -> Iterator[Cause]:
    schema = stated.get("openAPIV3Schema")
    if schema is None:
        return
    at = f"{at}.openAPIV3Schema"
    if "status" in version.get("subresources", {}) and set(schema) - _AT_ROOT:
        why = f"only [{_ROOT}] fields are allowed at the root of the schema if the status subresource is enabled"
        yield invalid(at, schema, why)
    if schema.get("nullable"):
        yield forbidden(f"{at}.nullable", "nullable cannot be true at the root")
    yield from structure.problems(at, schema)


def _subresources(stated: Object, at: str, version: Object) -> Iterator[Cause]:
    del version
    scale = stated.get("scale")
    if scale is None:
        return
    for name, below, must in (
        ("specReplicasPath", ".spec", True),
        ("statusReplicasPath", ".status", True),
        ("labelSelectorPath", "either .spec or .status", False),
    ):
        path, field = scale.get(name, ""), f"{at}.scale.{name}"
        if not path:
            if must:
                yield required(field)
            continue
        yield from _path(path, field)
        if not path.startswith(tuple(f"{root}." for root in (".spec", ".status") if root in below)):
            yield invalid(field, path, f"should be a json path under {below}")


def _path(path: str, field: str) -> Iterator[Cause]:
    """A simple JSONPath: fields alone, an index or a filter of a list."""
    if not path.startswith("."):
        yield invalid(field, path, "must be a simple json path starting with .")
        return
    try:
        jsonpath.parse(path)
    except ValueError as error:
        yield invalid(field, path, f"is an invalid jsonpath: {error}")


def _printed(stated: list[Object], at: str, version: Object) -> Iterator[Cause]:
    del version
    for index, column in enumerate(stated):
        field = f"{at}[{index}]"
        if not column.get("name"):
            yield required(f"{field}.name")
        for name, allowed in (("type", _COLUMN_TYPES), ("format", _COLUMN_FORMATS)):
            why, value = f"must be one of {','.join(allowed)}", column.get(name)
            if not value and name == "type":
                yield required(f"{field}.type", why)
            elif value and value not in allowed:
                yield invalid(f"{field}.{name}", value, why)
        if not column.get("jsonPath"):
            yield required(f"{field}.JSONPath")
        else:
            yield from _path(column["jsonPath"], f"{field}.JSONPath")


def _selectable(version: Object, at: str) -> Iterator[Cause]:
    schema, seen = version.get("schema", {}).get("openAPIV3Schema", {}), set[str]()
    for index, one in enumerate(version.get("selectableFields", ())):
        path, field = one.get("jsonPath", ""), f"{at}[{index}].jsonPath"
        if not path:
            yield required(field)
            continue
        found: Any = schema
        for step in path.removeprefix(".").split("."):
            found = found.get("properties", {}).get(step) if isinstance(found, dict) else None
        if found is None:
            yield invalid(field, path, "is an invalid path: does not refer to a valid field")
        elif path.startswith(".metadata"):
            yield invalid(field, path, "must not point to fields in metadata")
        elif found.get("type") not in ("string", "boolean", "integer"):
            why = (
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats"
            )
            yield invalid(field, path, f"{why} are allowed.")
        if path in seen:
            yield duplicate(field, path)
        seen.add(path)
    if len(seen) > _MOST_FIELDS:
        yield Cause(at, "FieldValueTooMany", f"Too many: {len(seen)}: must have at most {_MOST_FIELDS} items")


def _names(stated: Object, at: str, *, must: bool) -> Iterator[Cause]:
    for field in ("plural", "singular", "kind", "listKind"):
        if must and not stated.get(field):
            yield required(f"{at}.{field}")
    for field in ("plural", "singular", "kind", "listKind"):
        name, mixed = stated.get(field, ""), field in ("kind", "listKind")
        wrong = names.label_1035_errors(name.lower() if mixed else name) if name else []
        if wrong:
            prefix = "may have mixed case, but should otherwise match: " if mixed else ""
            yield invalid(f"{at}.{field}", name, prefix + ",".join(wrong))
    if stated.get("kind") and stated["kind"] == stated.get("listKind"):
        yield invalid(f"{at}.listKind", stated["listKind"], "kind and listKind may not be the same")
    for field in ("shortNames", "categories"):
        for index, name in enumerate(stated.get(field, ())):
            if wrong := names.label_1035_errors(name):
                yield invalid(f"{at}.{field}[{index}]", name, ",".join(wrong))


def _conversion(spec: Object) -> Iterator[Cause]:
    conversion = spec.get("conversion", {})
    strategy = conversion.get("strategy", "")
    if not strategy:
        yield required("spec.conversion.strategy")
    elif strategy == "Webhook":
        why = "the lab calls no webhooks: nothing would convert between versions. Use the strategy None"
        yield forbidden("spec.conversion.strategy", why)
    elif strategy != "None":
        yield unsupported("spec.conversion.strategy", strategy, ("None", "Webhook"))
    elif "webhook" in conversion:
        why = "should not be set when strategy is not set to Webhook"
        yield forbidden("spec.conversion.webhookClientConfig", why)


def _stored(crd: Object) -> Iterator[Cause]:
    stored = crd.get("status", {}).get("storedVersions") or []
    present = [version.get("name") for version in crd["spec"].get("versions") or []]
    for index, name in enumerate(stored):
        if name and name not in present:
            why = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and removes "
                f"{name} from status.storedVersions"
            )
            yield invalid(f"status.storedVersions[{index}]", name, why)


def _approval(crd: Object) -> Iterator[Cause]:
    url = crd["metadata"].get("annotations", {}).get(naming.APPROVAL, "")
    field = f"metadata.annotations[{naming.APPROVAL}]"
    if not naming.is_protected(crd["spec"].get("group", "")):
        return
    if not url:
        why = f'protected groups must have approval annotation "{naming.APPROVAL}", see {naming.PULL}'
        yield required(field, why)
    elif not url.startswith(("unapproved", "https://", "http://")):
        why = f'protected groups must have approval annotation "{naming.APPROVAL}" with either a URL or a reason '
        yield invalid(field, url, f'{why}starting with "unapproved", see {naming.PULL}')


def _preserves(spec: Object) -> Iterator[Cause]:
    if spec.get("preserveUnknownFields"):
        why = "must be false, set x-kubernetes-preserve-unknown-fields: true in the schema instead"
        yield invalid("spec.preserveUnknownFields", True, why)


def _changes(new: Object, old: Object) -> list[Cause]:
    after, before = new["spec"], old["spec"]
    found: list[Cause] = []
    if is_true(old, "Established"):
        found += immutable("spec.scope", after["scope"], before["scope"])
        found += immutable("spec.names.kind", after["names"]["kind"], before["names"]["kind"])
    found += immutable("spec.group", after["group"], before["group"])
    return found + immutable("spec.names.plural", after["names"]["plural"], before["names"]["plural"])


def _warnings(new: Object, old: Object | None) -> Iterator[str]:
    """Formats that nobody knows, and so nobody checks."""
    known = set() if old is None else set(_formats(old))
    yield from (f'unrecognized format "{name}"' for name in _formats(new) if name not in known)


def _formats(crd: Object) -> Iterator[str]:
    for version in crd["spec"]["versions"]:
        yield from structure.unknown_formats(version.get("schema", {}).get("openAPIV3Schema", {}))


STRATEGIES = (
    Strategy(
        Resource(
            "customresourcedefinitions",
            "CustomResourceDefinition",
            GROUP,
            namespaced=False,
            short_names=("crd", "crds"),
            categories=("api-extensions",),
            subresources=("status",),
            generation=True,
            unconditional_update=False,
        ),
        defaults=(within("spec", (_default,)),),
        status=_first_status,
        prepare=_prepare,
        rules=(_rules,),
        changes=(_changes,),
        status_keeps=ALL,
        allocate=_establish,
        mark_deleted=_mark_deleted,
        warnings=_warnings,
    ),
)

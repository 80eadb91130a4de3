"""The strategies of custom resources, made from a CustomResourceDefinition (apiextensions: registry/customresource)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.schema.durations import age
from aksdisks.lab.kube.schema.objects import text
from aksdisks.lab.kube.schema.resource import Field, Resource
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.schema.structural import Structural
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies import celrules, customvalues, jsonpath
from aksdisks.lab.kube.strategies.columns import NAME, Cell, Column
from aksdisks.lab.kube.strategies.strategy import ALL, ScalePaths, Strategy, View

DEFINITIONS = "customresourcedefinitions"
Strategies = list[tuple[str, Strategy]]
_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_BLOCKING = tuple(f"FieldValue{kind}" for kind in ("NotSupported", "Required", "TooLong", "TooMany", "TypeInvalid"))
_AGE_PATH = ".metadata.creationTimestamp"
_AGE_TOLD = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed "
    "to be set in happens-before order across separate operations. Clients may not set this value. It is represented "
    "in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)


def strategies(crd: Object) -> Strategies:
    """One strategy for each served version, by its key, once the names are accepted.

    The storage version has the key under which objects are stored, whether it is served or not.
    """
    if not is_true(crd, "Established"):
        return []
    found: Strategies = []
    for version in crd["spec"]["versions"]:
        if version["storage"] or version["served"]:
            kind = _resource(crd, version)
            found.append(
                (kind.key if version["storage"] else _key(kind), _strategy(kind, version, crd["metadata"]["name"]))
            )
    return found


def made_of(crd: Object) -> Object:
    """What the strategies of a definition are made from: while it is the same, so are they."""
    accepted = crd.get("status", {}).get("acceptedNames")
    return {"spec": crd["spec"], "names": accepted, "established": is_true(crd, "Established")}


def is_true(crd: Object, condition: str) -> bool:
    """Whether a condition of a definition holds."""
    conditions = crd.get("status", {}).get("conditions") or ()
    return any(one["type"] == condition and one["status"] == "True" for one in conditions)


def stored_as(crd: Object) -> str:
    """The key under which the objects of a definition are stored, and by which the lab's own parts ask for them."""
    return f"{crd['spec']['names']['plural']}.{crd['spec']['group']}"


def storage_version(crd: Object) -> str:
    """The version in which objects are stored."""
    return next((str(one["name"]) for one in crd["spec"]["versions"] if one.get("storage")), "")


def priority(version: str) -> tuple[int, int, int]:
    """How new a version is: v2 after v1 after v1beta1 (apimachinery: version.CompareKubeAwareVersionStrings)."""
    matched = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if matched is None:
        return (0, 0, 0)
    return ({None: 3, "beta": 2, "alpha": 1}[matched[2]], int(matched[1]), int(matched[3] or 0))


def _key(kind: Resource) -> str:
    return f"{kind.plural}.{kind.version}.{kind.group}"


def _resource(crd: Object, version: Object) -> Resource:
    spec, names = crd["spec"], crd["status"]["acceptedNames"]
    subresources = version.get("subresources", {})
    return Resource(
        names["plural"],
        names["kind"],
        spec["group"],
        version["name"],
        spec["scope"] == "Namespaced",
        tuple(names.get("shortNames", ())),
        tuple(names.get("categories", ())),
        tuple(name for name in ("scale", "status") if name in subresources),
        _VERBS,
        f"{spec['group']}/{storage_version(crd)}/{names['kind']}",
        generation=True,
        unconditional_update=False,
        kept=bool(version["served"]),
        selectable=tuple(Field(path.removeprefix(".")) for path in _selectable(version)),
        custom=Structural(version.get("schema", {}).get("openAPIV3Schema", {})),
        singular_name=names.get("singular", ""),
        listed_as=names.get("listKind", ""),
    )


def _selectable(version: Object) -> list[str]:
    return [one["jsonPath"] for one in version.get("selectableFields", ())]


def _strategy(kind: Resource, version: Object, definition: str) -> Strategy:
    has_status = "status" in kind.subresources
    assert kind.custom is not None
    stated = kind.custom.stated
    # Compiled for the first object: most labs have kinds with rules, and few make objects of them.
    values = partial(_values, stated, cache(lambda: celrules.compiled(stated)))
    return Strategy(
        kind,
        view=View(kind.key, partial(_to_stored, kind.stored), partial(_shown, kind, kind.custom)),
        admit=(partial(_refuse_new, definition),),
        prepare=_without_status if has_status else None,
        rules=(lambda _, obj: values(obj),),
        rules_on_update=(),
        changes=(values,),
        status_changes=(values,),
        status_keeps=ALL,
        raises_generation=partial(_differs, ("metadata", "status") if has_status else ("metadata",)),
        warnings=partial(_deprecated, kind, version) if version.get("deprecated") else None,
        scale=_scale(version.get("subresources", {}).get("scale", {})),
        columns=_columns(version.get("additionalPrinterColumns", ())),
    )


def _scale(stated: Object) -> ScalePaths:
    paths = (stated.get(name, "") for name in ("specReplicasPath", "statusReplicasPath", "labelSelectorPath"))
    return ScalePaths(*(path.removeprefix(".") for path in paths))


def _refuse_new(definition: str, store: Store, ids: Ids, obj: Object) -> None:
    del ids, obj
    found = store.get(DEFINITIONS, ("", definition))
    if found is not None and "deletionTimestamp" in found.object["metadata"]:
        why = "create not allowed while custom resource definition is terminating"
        raise ApiError(405, "MethodNotAllowed", why, {})


def _values(
    schema: Object, compiled: Callable[[], celrules.Rules | None], new: Object, old: Object | None = None
) -> list[Cause]:
    found = customvalues.errors(new, schema) if old is None else customvalues.errors(new, schema, old=old)
    rules = compiled()
    if rules is None:
        return found
    if any(cause.reason in _BLOCKING for cause in found):
        why = "some validation rules were not checked because the object was invalid; correct the existing errors to "
        return [*found, Cause("<nil>", "FieldValueInvalid", f'Invalid value: "null": {why}complete validation')]
    return found + rules.errors(new, old)


def _without_status(new: Object, old: Object | None) -> None:
    if old is None:
        new.pop("status", None)


def _differs(apart_from: Sequence[str], new: Object, old: Object) -> bool:
    return {key: new[key] for key in new if key not in apart_from} != {
        key: old[key] for key in old if key not in apart_from
    }


def _to_stored(stored: str, obj: Object) -> Object:
    """The conversion strategy None: only the apiVersion changes."""
    api_version = stored.rpartition("/")[0]
    return obj if obj.get("apiVersion") == api_version else {**obj, "apiVersion": api_version}


def _shown(kind: Resource, structural: Structural, obj: Object) -> Object:
    """A stored object in this version, with the defaults that its schema has by now; the object itself where it is."""
    obj = structural.completed(obj)
    return obj if obj["apiVersion"] == kind.api_version else {**obj, "apiVersion": kind.api_version}


def _deprecated(kind: Resource, version: Object, new: Object, old: Object | None) -> Iterator[str]:
    del new, old
    yield version.get("deprecationWarning") or f"{kind.api_version} {kind.kind} is deprecated"


def _columns(stated: Sequence[Object]) -> tuple[Column, ...]:
    """The name and the stated columns, or the age where none are stated (apiextensions: tableconvertor)."""
    default: Object = {"name": "Age", "type": "date", "description": _AGE_TOLD, "jsonPath": _AGE_PATH}
    return (NAME, *map(_column, stated or (default,)))


def _column(stated: Object) -> Column:
    told = stated.get("description") or f"Custom resource definition column (in JSONPath format): {stated['jsonPath']}"
    cell = _cell(stated["type"], stated["jsonPath"])
    return Column(stated["name"], cell, stated["type"], stated.get("format", ""), stated.get("priority", 0), told)


def _cell(kind: str, path: str) -> Cell:
    steps, shown = jsonpath.parse(path), _CELLS[kind]

    def cell(item: Object, now: datetime) -> Any:
        found = jsonpath.find(steps, item)
        return None if not found or found[0] is None else shown(found[0], now)

    return cell


def _text(value: Any, now: datetime) -> str:
    del now
    return value if isinstance(value, str) else text(value)


def _whole(value: Any, now: datetime) -> int | None:
    del now
    return int(value) if type(value) in (int, float) else None


def _real(value: Any, now: datetime) -> float | None:
    del now
    return float(value) if type(value) in (int, float) else None


def _flag(value: Any, now: datetime) -> bool | None:
    del now
    return value if isinstance(value, bool) else None


def _date(value: Any, now: datetime) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return age(value, now)
    except ValueError:
        return "<invalid>"


_CELLS: dict[str, Callable[[Any, datetime], Any]] = {
    "string": _text, "integer": _whole, "number": _real, "boolean": _flag, "date": _date,
}  # fmt: skip

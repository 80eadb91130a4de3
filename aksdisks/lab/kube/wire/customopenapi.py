"""OpenAPI v3 of custom resources, as kubectl explain and makers of clients read it (apiextensions: openapi/builder)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.resource import Resource

_REF = "#/components/schemas/"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_TOLD: Object = {
    "apiVersion": {
        "description": (
            "APIVersion defines the versioned schema of this representation of an object. Servers should convert "
            "recognized schemas to the latest internal value, and may reject unrecognized values. More info: "
            f"{_CONVENTIONS}#resources"
        ),
        "type": "string",
    },
    "kind": {
        "description": (
            "Kind is a string value representing the REST resource this object represents. Servers may infer this from "
            "the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: "
            f"{_CONVENTIONS}#types-kinds"
        ),
        "type": "string",
    },
}
_ACTIONS = {"get": "get", "put": "put", "patch": "patch", "delete": "delete"}
_OF_ALL = {"get": "list", "post": "post", "delete": "deletecollection"}
_WRITES = ("dryRun", "fieldManager", "fieldValidation")
_LISTS = ("labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "resourceVersionMatch")
_WATCHES = ("watch", "allowWatchBookmarks", "sendInitialEvents", "timeoutSeconds")
_DELETES = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
_PARAMETERS = {
    "get": ("resourceVersion",),
    "list": (*_LISTS, *_WATCHES),
    "post": _WRITES,
    "put": _WRITES,
    "patch": (*_WRITES, "force"),
    "delete": _DELETES,
    "deletecollection": (*_DELETES, *_LISTS),
}
"""What may stand in a query, by action: kubectl asks here whether the server looks at unknown fields itself."""
_BOOLEANS = {"watch", "allowWatchBookmarks", "sendInitialEvents", "force", "orphanDependents"}
_NUMBERS = {"limit", "timeoutSeconds", "gracePeriodSeconds"}


def document(kinds: tuple[Resource, ...], shared: Mapping[str, Any], version: str) -> Object:
    """The paths and schemas of one group's version; `shared` has the schemas of metadata, by their names."""
    schemas: Object = {}
    paths: Object = {}
    for kind in kinds:
        name = _named(kind)
        schemas[name], schemas[f"{name}List"] = _schema(kind), _list(kind, name)
        paths |= dict(_paths(kind, name))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes CRD Swagger", "version": version},
        "paths": paths,
        "components": {"schemas": schemas | _needed(schemas, shared)},
    }


def _named(kind: Resource) -> str:
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind])


def _gvk(kind: Resource, name: str = "") -> Object:
    return {"group": kind.group, "version": kind.version, "kind": name or kind.kind}


def _to(name: str) -> Object:
    return {"allOf": [{"$ref": _REF + name}]}


def _schema(kind: Resource) -> Object:
    assert kind.custom is not None
    told = "Standard object's metadata. More info: " + _CONVENTIONS + "#metadata"
    own = {**_TOLD, "metadata": {"description": told, **_to(f"{_META}.ObjectMeta")}}
    properties = {**kind.custom.stated.get("properties", {}), **own}
    return {**kind.custom.stated, "properties": properties, "x-kubernetes-group-version-kind": [_gvk(kind)]}


def _list(kind: Resource, name: str) -> Object:
    items = {"description": f"List of {kind.plural}.", "type": "array", "items": _to(name)}
    properties = {**_TOLD, "items": items, "metadata": _to(f"{_META}.ListMeta")}
    return {
        "description": f"{kind.list_kind} is a list of {kind.kind}",
        "type": "object",
        "required": ["items"],
        "properties": properties,
        "x-kubernetes-group-version-kind": [_gvk(kind, kind.list_kind)],
    }


def _paths(kind: Resource, name: str) -> Iterator[tuple[str, Object]]:
    root = f"/apis/{kind.group}/{kind.version}"
    place = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    if kind.namespaced:
        yield f"{root}/{kind.plural}", _item(kind, f"{name}List", {"get": "list"})
    yield place, _item(kind, f"{name}List", _OF_ALL)
    yield f"{place}/{{name}}", _item(kind, name, _ACTIONS)
    for subresource in kind.subresources:
        shown = "io.k8s.api.autoscaling.v1.Scale" if subresource == "scale" else name
        actions = {verb: verb for verb in ("get", "put", "patch")}
        yield f"{place}/{{name}}/{subresource}", _item(kind, shown, actions)


def _item(kind: Resource, shown: str, actions: Mapping[str, str]) -> Object:
    content = {"application/json": {"schema": {"$ref": _REF + shown}}}
    return {
        method: {
            "parameters": [_parameter(name) for name in ("pretty", *_PARAMETERS[action])],
            "responses": {"200": {"description": "OK", "content": content}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": _gvk(kind),
        }
        for method, action in actions.items()
    }


def _parameter(name: str) -> Object:
    kind = "boolean" if name in _BOOLEANS else "integer" if name in _NUMBERS else "string"
    return {"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": True}}


def _needed(schemas: Object, shared: Mapping[str, Any]) -> Object:
    """The shared schemas that others name, and those that they name in turn."""
    found: Object = {}
    wanted = [f"{_META}.ObjectMeta", f"{_META}.ListMeta", "io.k8s.api.autoscaling.v1.Scale"]
    while wanted:
        name = wanted.pop()
        if name not in found and name not in schemas and name in shared:
            found[name] = shared[name]
            wanted += _references(shared[name])
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix(_REF)
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)

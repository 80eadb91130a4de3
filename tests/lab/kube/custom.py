"""A definition of a custom resource, objects of it, and an API server in process that takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.write.api import KubeApi

CRDS, WIDGETS = "customresourcedefinitions", "widgets.example.com"
SPEC: Object = {
    "type": "object",
    "required": ["color"],
    "properties": {
        "color": {"type": "string", "enum": ["red", "blue"]},
        "size": {"type": "integer", "default": 3, "maximum": 5},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "port": {"x-kubernetes-int-or-string": True},
        "note": {"type": "string", "nullable": True},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "count": {"type": "integer", "default": 1}},
            },
        },
    },
}
STATUS: Object = {"type": "object", "properties": {"size": {"type": "integer"}, "selector": {"type": "string"}}}


def version(name: str = "v1", *, storage: bool = True, served: bool = True, **more: Any) -> Object:
    schema = {"type": "object", "properties": {"spec": more.pop("spec", SPEC), "status": STATUS}}
    return {"name": name, "served": served, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more}


def crd(*versions: Object, scope: str = "Namespaced", group: str = "example.com", **names: Any) -> Object:
    named = {"plural": "widgets", "kind": "Widget", **names}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{named['plural']}.{group}"},
        "spec": {"group": group, "scope": scope, "names": named, "versions": list(versions) or [version()]},
    }


def widget(name: str = "a", of: str = "v1", **spec: Any) -> Object:
    metadata = {"name": name, "namespace": "n"}
    return {"apiVersion": f"example.com/{of}", "kind": "Widget", "metadata": metadata, "spec": {"color": "red", **spec}}


def run(test: Callable[[KubeApi], Awaitable[None]], *definitions: Object) -> None:
    """A test on an API server that has a namespace and the definitions; the widgets' own where none is given."""

    async def prepared() -> None:
        api = KubeApi(Store(), Clock(), Ids(7))
        await api.create("namespaces", {"metadata": {"name": "n"}})
        for one in definitions or (crd(),):
            await api.create(CRDS, one)
        await test(api)

    asyncio.run(prepared())


async def refusal(of: Awaitable[object]) -> str:
    """The code and the words of a refusal; empty when there is none."""
    try:
        await of
    except ApiError as error:
        return f"{error.code} {error.message}"
    return ""

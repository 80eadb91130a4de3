"""The OpenAPI documents as the rules need them: merge keys, known fields, types."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from aksdisks.lab.kube.schema.resource import Resource

_REF = "#/components/schemas/"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
SCHEMA_OR = ("JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool")
"""Where OpenAPI leaves open what stands: a schema, or something else."""
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
}


class _Children(dict[str, "Node"]):
    """The places below one, each resolved when it is asked for first."""

    __slots__ = ("_above", "_values")

    def __init__(self, above: Node) -> None:
        super().__init__()
        self._above = above
        self._values: Node | None = None

    def __missing__(self, key: str) -> Node:
        schema, document = self._above.schema, self._above.document
        inner = schema.get("properties", {}).get(key)
        if inner is not None:
            found = self[key] = _resolve(inner, document)
            return found
        if self._values is None:
            # A map's keys are data: they share one place, so that the schema does not grow with them.
            values = schema.get("additionalProperties")
            self._values = _resolve(values, document) if isinstance(values, dict) else NOWHERE
        return self._values


class Node:
    """One place in a schema: the schema there (references resolved) and the keywords beside it."""

    __slots__ = (
        "_flat", "_items", "beside", "children", "defaults", "document", "form", "is_map", "is_quantity", "is_struct",
        "name", "plain", "required", "schema", "types",
    )  # fmt: skip

    def __init__(self, schema: dict[str, Any], beside: dict[str, Any], document: str, name: str = "") -> None:
        """`name`: the schema's own name, empty for an anonymous one; `beside`: where the reference stands."""
        self.schema = schema
        self.beside = beside
        self.document = document
        self.name = name
        self.children: dict[str, Node] = _Children(self)
        """The place under each key of an object or a map; `NOWHERE` when the schema does not know it."""
        self._items: Node | None = None
        self._flat: bool | None = None
        self.is_struct = "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields")
        """Whether only the named fields are known here."""
        self.is_map = "additionalProperties" in schema
        """Whether any key is known here."""
        self.is_quantity = name == _QUANTITY
        """Whether the value is a quantity."""
        alternatives = self.is_quantity or "oneOf" in schema or name.endswith(SCHEMA_OR)
        self.types = () if alternatives else _TYPES.get(schema.get("type", ""), (object,))
        """The types of the values that fit here; none where the schema has alternatives."""
        self.form = schema.get("format")
        self.plain = self.types[0] if self.form is None and self.types in ((str,), (bool,)) else None
        """The type of which any value fits here as it is; None where there is more to look at."""
        self.required = frozenset(schema.get("required", ()))
        """The keys that Go writes even when they are empty."""
        properties = schema.get("properties", {}).items()
        self.defaults = tuple((key, inner["default"]) for key, inner in properties if "default" in inner)
        """The keys that Go writes even when they are unset, and what it then writes."""

    def child(self, key: str) -> Node:
        """One of `children`."""
        return self.children[key]

    def items(self) -> Node:
        """The place of a list's elements."""
        if self._items is None:
            inner = self.schema.get("items")
            self._items = _resolve(inner, self.document) if isinstance(inner, dict) else NOWHERE
        return self._items

    @property
    def is_flat(self) -> bool:
        """Whether no object with keys of its own can stand below: a map or a list of plain values, or of anything."""
        if self._flat is None:
            inner = self.child("*") if self.is_map else self.items()
            self._flat = not self.schema.get("properties") and (inner is NOWHERE or inner.plain is not None)
        return self._flat

    def beside_it(self, name: str) -> Node:
        """Another schema of the same document and package, by its own name."""
        whole = f"{self.name.rpartition('.')[0]}.{name}"
        return Node(_schemas(self.document)[whole], {}, self.document, whole)

    @property
    def is_atomic(self) -> bool:
        """Whether server-side apply treats a map or struct as one value."""
        return "atomic" in (self.beside.get("x-kubernetes-map-type"), self.schema.get("x-kubernetes-map-type"))

    @property
    def is_set(self) -> bool:
        """Whether server-side apply treats a list as a set of plain values."""
        return bool(self.beside.get("x-kubernetes-list-type") == "set")

    @property
    def list_keys(self) -> tuple[str, ...]:
        """The keys that tell elements apart in a list that server-side apply treats as a map."""
        if self.beside.get("x-kubernetes-list-type") != "map":
            return ()
        return tuple(self.beside.get("x-kubernetes-list-map-keys", ()))

    @property
    def merges(self) -> bool:
        """Whether a strategic patch merges the list's elements."""
        return "merge" in str(self.beside.get("x-kubernetes-patch-strategy", "")).split(",")

    @property
    def merge_key(self) -> str | None:
        """The key that tells a list's elements apart in a strategic merge; None for lists of plain values."""
        key = self.beside.get("x-kubernetes-patch-merge-key")
        return None if key is None else str(key)


NOWHERE = Node({}, {}, "")
"""A place that the schema does not know; anything goes there."""


@cache
def _documents() -> frozenset[str]:
    return frozenset(
        one.name.removesuffix(".json.gz") for one in files("aksdisks.lab.kube").joinpath("openapi").iterdir()
    )


@cache
def _document(name: str) -> dict[str, Any]:
    packed = files("aksdisks.lab.kube").joinpath("openapi", f"{name}.json.gz").read_bytes()
    read: dict[str, Any] = orjson.loads(gzip.decompress(packed))
    return read


@cache
def _schemas(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = _document(name)["components"]["schemas"]
    return found


def root(resource: Resource) -> Node:
    """The schema of a kind."""
    return _built_in(resource) if resource.custom is None else resource.custom.root


@cache
def _built_in(resource: Resource) -> Node:
    return _find(resource.group, resource.version, resource.kind)


def is_known(api_version: str, kind: str) -> bool:
    """Whether there is a schema of such a kind."""
    group, _, version = api_version.rpartition("/")
    return _find(group, version, kind) is not NOWHERE


def _find(group: str, version: str, kind: str) -> Node:
    name = f"apis_{group}_{version}" if group else f"api_{version}"
    if name not in _documents():
        return NOWHERE
    wanted = {"group": group, "version": version, "kind": kind}
    # What a pod's or an account's subresource is written with stands in the document of the core group.
    for document in (name, "api_v1"):
        for title, schema in _schemas(document).items():
            if wanted in schema.get("x-kubernetes-group-version-kind", ()):
                return Node(schema, {}, document, title)
    return NOWHERE


@cache
def unset(node: Node) -> dict[str, Any]:
    """The object of a kind before anything is set: what Go writes of it all the same. Not to be changed."""
    shown: dict[str, Any] = {}
    defaults = dict(node.defaults)
    for key in {*defaults, *node.schema.get("required", ())}:
        child = node.child(key)
        if defaults.get(key) == {}:
            shown[key] = unset(child) if child.is_struct else None
        else:
            shown[key] = defaults.get(key)
    return shown


def _resolve(schema: dict[str, Any], document: str) -> Node:
    ref = schema.get("$ref")
    if ref is None and len(schema.get("allOf", ())) == 1:
        ref = schema["allOf"][0].get("$ref")
    if ref is None:
        return Node(schema, schema, document)
    name = ref.removeprefix(_REF)
    return Node(_schemas(document)[name], schema, document, name)

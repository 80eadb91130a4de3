"""Whether a schema is structural, in upstream's words (apiextensions: apiserver/schema, apiextensions/validation)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aksdisks.lab.client.interface import Object, own_copy
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.schema.structural import EMBEDDED, INT_OR_STRING, PRESERVE, Structural
from aksdisks.lab.kube.strategies import celrules
from aksdisks.lab.kube.strategies.causes import forbidden, invalid, required, unsupported
from aksdisks.lab.kube.strategies.celfunctions import matches
from aksdisks.lab.kube.strategies.celrules import RULES
from aksdisks.lab.kube.strategies.customvalues import errors, is_known_format

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_LIST, _KEYS, _MAP = "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"
_NOT_SUPPORTED = {
    name: f"{name} is not supported"
    for name in ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
}
_EMPTY, _FALSE, _UNDEFINED = (f"must be {what} to be structural" for what in ("empty", "false", "undefined"))
_NOT_NESTED = {
    "type": _EMPTY, "additionalProperties": _UNDEFINED, "default": _UNDEFINED, "title": _EMPTY, "description": _EMPTY,
    "nullable": _FALSE, PRESERVE: _FALSE, EMBEDDED: _FALSE, INT_OR_STRING: _FALSE, _KEYS: _EMPTY, _LIST: _UNDEFINED,
    _MAP: _UNDEFINED, RULES: _EMPTY,
}  # fmt: skip
"""What may not stand below allOf, anyOf, oneOf and not, in upstream's order."""

_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_LEVELS = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}


def problems(field: str, schema: Object) -> list[Cause]:
    """What is wrong with an openAPIV3Schema that stands at a field."""
    found = sorted(_invariants(schema, "root", field), key=lambda cause: (cause.field, cause.message))
    found += list(_complete(schema, schema, field))
    if not found:
        found = list(_defaults(schema, field))
    found += _plain(schema, field)
    return found or list(celrules.problems(schema, field))


def unknown_formats(s: Object) -> Iterator[str]:
    """The formats of texts that nobody knows, in a schema and below."""
    form = s.get("format")
    if form and s.get("type") == "string" and not is_known_format(form):
        yield form
    for below, _ in (*((below, where) for below, where, _ in _children(s, "")), *_junctions(s, "")):
        yield from unknown_formats(below)


def _invariants(s: Object, level: str, at: str) -> Iterator[Cause]:
    kind = s.get("type", "")
    if kind == "array" and "items" not in s:
        yield required(f"{at}.items", "must be specified")
    for below, where, how in _children(s, at):
        yield from _invariants(below, how, where)
    if level == "root" and "additionalProperties" in s:
        yield forbidden(f"{at}.additionalProperties", "must not be used at the root")
    if s.get(INT_OR_STRING):
        for name in (PRESERVE, EMBEDDED):
            if s.get(name):
                yield invalid(f"{at}.{name}", True, f"must be false if {INT_OR_STRING} is true")
    yield from _values(s, at)
    if s.get(EMBEDDED) and kind != "object":
        why = f"must be object if {EMBEDDED} is true"
        yield invalid(f"{at}.type", kind, why) if kind else required(f"{at}.type", why)
    elif not kind and not s.get(INT_OR_STRING) and not s.get(PRESERVE):
        yield required(f"{at}.type", _LEVELS[level])
    if level == "root" and kind and kind != "object":
        yield invalid(f"{at}.type", kind, "must be object at the root")
    yield from _identity(s, level, at)


def _identity(s: Object, level: str, at: str) -> Iterator[Cause]:
    """What a schema may say of what every object has."""
    properties = s.get("properties", {})
    if level == "root" or s.get(EMBEDDED):
        for name in ("kind", "apiVersion"):
            if name in properties and properties[name].get("type") != "string":
                yield invalid(f"{at}.properties[{name}].type", properties[name].get("type", ""), "must be string")
        metadata = properties.get("metadata")
        if metadata is not None and metadata.get("type") != "object":
            yield invalid(f"{at}.properties[metadata].type", metadata.get("type", ""), "must be object")
        allowed = {"type", "properties", "description"}
        if level == "root" and metadata is not None:
            named = set(metadata.get("properties", {})) - {"name", "generateName"}
            if named or set(metadata) - allowed:
                why = "must not specify anything other than name and generateName, but metadata is implicitly specified"
                yield forbidden(f"{at}.properties[metadata]", why)
    if s.get(EMBEDDED) and not s.get(PRESERVE) and not properties:
        yield required(f"{at}.properties", f"must not be empty if {EMBEDDED} is true without {PRESERVE}")


def _children(s: Object, at: str) -> Iterator[tuple[Object, str, str]]:
    if isinstance(s.get("items"), dict):
        yield s["items"], f"{at}.items", "item"
    for name, below in s.get("properties", {}).items():
        yield below, f"{at}.properties[{name}]", "field"
    if isinstance(s.get("additionalProperties"), dict):
        yield s["additionalProperties"], f"{at}.additionalProperties", "field"


def _junctions(s: Object, at: str) -> Iterator[tuple[Object, str]]:
    for word in ("anyOf", "allOf", "oneOf"):
        for index, below in enumerate(s.get(word, ())):
            yield below, f"{at}.{word}[{index}]"
    if "not" in s:
        yield s["not"], f"{at}.not"


def _values(s: Object, at: str) -> Iterator[Cause]:
    for below, where in _junctions(s, at):
        # An int-or-string may say so by the types of its alternatives.
        typed = s.get(INT_OR_STRING) and s.get("anyOf") == _INT_OR_STRING and ".anyOf[" in where.removeprefix(at)
        first = s.get(INT_OR_STRING) and where == f"{at}.allOf[0]" and below.get("anyOf") == _INT_OR_STRING
        if not typed and not first:
            yield from _nested(below, where)
    if s.get("pattern"):
        try:
            matches(s["pattern"], "")
        except ValueError as error:
            why = f"must be a valid regular expression, but isn't: {error}"
            yield invalid(f"{at}.pattern", s["pattern"], why)


def _nested(s: Object, at: str) -> Iterator[Cause]:
    yield from _values(s, at)
    for name, why in _NOT_NESTED.items():
        if s.get(name) not in (None, "", False, []):
            yield forbidden(f"{at}.{name}", why)
    if isinstance(s.get("items"), dict):
        yield from _nested(s["items"], f"{at}.items")
    for name, below in s.get("properties", {}).items():
        yield from _nested(below, f"{at}.properties[{name}]")
    if "metadata" in s.get("properties", {}):
        yield forbidden(f"{at}.properties[metadata]", "must not be specified in a nested context")


def _complete(whole: Object, s: Object, at: str) -> Iterator[Cause]:
    """Whatever a junction speaks of has to be specified outside it."""
    for below, where in _junctions(s, at):
        yield from _specified(whole, below, where, at)
    for below, where, _ in _children(s, at):
        yield from _complete(below, below, where)


def _specified(of: Object, s: Object, at: str, base: str) -> Iterator[Cause]:
    for name, below in s.get("properties", {}).items():
        found = of.get("properties", {}).get(name)
        place = f"{base}.properties[{name}]"
        if found is None:
            yield required(place, f"because it is defined in {at}.properties[{name}]")
        else:
            yield from _specified(found, below, f"{at}.properties[{name}]", place)
    if isinstance(s.get("items"), dict):
        if not isinstance(of.get("items"), dict):
            yield required(f"{base}.items", f"because it is defined in {at}.items")
        else:
            yield from _specified(of["items"], s["items"], f"{at}.items", f"{base}.items")
    for below, where in _junctions(s, at):
        yield from _specified(of, below, where, base)


def _defaults(s: Object, at: str) -> Iterator[Cause]:
    """Defaults that are valid themselves, and have no field that would be pruned."""
    if "default" in s and s.get("type", "string") in _TYPES:
        value: Any = own_copy(s["default"])
        box = Structural({"type": "object", "properties": {"default": s}})
        holder = {"default": value}
        if box.prune(holder) or holder["default"] != s["default"]:
            yield invalid(f"{at}.default", s["default"], "must not have unknown fields")
        box.complete(holder)
        yield from errors(holder.get("default"), s, f"{at}.default")
    for below, where, _ in _children(s, at):
        yield from _defaults(below, where)


def _plain(s: Object, at: str) -> Iterator[Cause]:
    """What upstream asks of every schema, structural or not."""
    if s.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden(f"{at}.uniqueItems", why)
    if s.get("additionalProperties", True) is not True and s.get("properties"):
        yield forbidden(f"{at}.additionalProperties", "additionalProperties and properties are mutual exclusive")
    if s.get(PRESERVE) is False:
        yield invalid(f"{at}.{PRESERVE}", False, "must be true or undefined")
    yield from _topology(s, at)
    kind = s.get("type")
    if kind == "null":
        yield forbidden(f"{at}.type", "type cannot be set to null, use nullable as an alternative")
    elif kind and kind not in _TYPES:
        yield unsupported(f"{at}.type", kind, _TYPES)
    for name, why in _NOT_SUPPORTED.items():
        if s.get(name) is not None:
            yield forbidden(f"{at}.{name}", why)
    if isinstance(s.get("items"), list):
        yield forbidden(f"{at}.items", "items must be a schema object and not an array")
    for below, where, _ in _children(s, at):
        yield from _plain(below, where)


def _topology(s: Object, at: str) -> Iterator[Cause]:
    """The types of lists and maps, which server-side apply merges by."""
    kind, lists, maps, keys = s.get("type", ""), s.get(_LIST), s.get(_MAP), s.get(_KEYS, [])
    for name, value, of in ((_MAP, maps, "object"), (_LIST, lists, "array")):
        if value is not None and kind != of:
            why = f"must be {of} if {name} is specified"
            yield invalid(f"{at}.type", kind, why) if kind else required(f"{at}.type", why)
    if maps is not None and maps not in ("atomic", "granular"):
        yield unsupported(f"{at}.{_MAP}", maps, ("atomic", "granular"))
    if lists is not None and lists not in ("atomic", "set", "map"):
        yield unsupported(f"{at}.{_LIST}", lists, ("atomic", "set", "map"))
    if keys and lists != "map":
        why = f"must be map if {_KEYS} is non-empty"
        yield invalid(f"{at}.{_LIST}", lists, why) if lists else required(f"{at}.{_LIST}", why)
    items = s.get("items")
    if lists == "set" and isinstance(items, dict):
        why = f"must be atomic as item of a list with {_LIST}=set"
        if items.get("type") == "array" and items.get(_LIST, "atomic") != "atomic":
            yield invalid(f"{at}.items.{_LIST}", items[_LIST], why)
        if items.get("type") == "object" and items.get(_MAP) != "atomic":
            yield invalid(f"{at}.items.{_MAP}", items.get(_LIST), why)
    if lists == "map":
        yield from _map_keys(keys, items, at)


def _map_keys(keys: list[str], items: Any, at: str) -> Iterator[Cause]:
    if not keys:
        yield required(f"{at}.{_KEYS}", f"must not be empty if {_LIST} is map")
    if not isinstance(items, dict):
        yield required(f"{at}.items", f"must have a schema if {_LIST} is map")
        return
    parents = f"if parent array's {_LIST} is map"
    if items.get("type") != "object":
        yield invalid(f"{at}.items.type", items.get("type", ""), f"must be object {parents}")
        return
    if items.get("nullable"):
        yield forbidden(f"{at}.items.nullable", f"cannot be nullable when {_LIST} is map")
    for index, key in enumerate(keys):
        found = items.get("properties", {}).get(key)
        where = f"{at}.items.properties[{key}]"
        if found is None:
            yield invalid(f"{at}.{_KEYS}", keys, "entries must all be names of item properties")
            continue
        if found.get("type") in ("array", "object"):
            yield invalid(f"{where}.type", items["type"], f"must be a scalar type {parents}")
        if key in keys[:index]:
            yield invalid(f"{at}.{_KEYS}", keys, "must not contain duplicate entries")
        if key not in items.get("required", ()) and "default" not in found:
            why = f"this property is in {_KEYS}, so it must have a default or be a required property"
            yield required(f"{where}.default", why)
        if found.get("nullable"):
            yield forbidden(f"{where}.nullable", f"this property is in {_KEYS}, so it cannot be nullable")

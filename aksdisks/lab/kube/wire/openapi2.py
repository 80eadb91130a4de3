"""OpenAPI v2 of custom resources, as JSON and as the protobuf that kubectl asks for (apiextensions: openapi/v2).

Of built-in kinds it says nothing: clients that read it leave to the server what they do not find here.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.wire import openapi
from aksdisks.lab.kube.wire.discovery import Served

_REF = "#/components/schemas/"
_FORGOTTEN = ("anyOf", "oneOf", "not", "nullable", "allOf")
"""What v2 has not, or what kubectl would take for more than it is."""


@lru_cache(2)
def document(served: Served, version: str) -> Object:
    """`/openapi/v2` as JSON."""
    paths: Object = {}
    definitions: Object = {}
    for path in openapi.custom_paths(served):
        found = orjson.loads(openapi.document(served, path) or b"{}")
        definitions |= {name: _schema(one) for name, one in found["components"]["schemas"].items()}
        paths |= {url: {verb: _operation(one) for verb, one in item.items()} for url, item in found["paths"].items()}
    info = {"title": "Kubernetes", "version": f"v{version}"}
    return {"swagger": "2.0", "info": info, "paths": paths, "definitions": definitions}


def _schema(stated: Object) -> Object:
    """A schema of v3 in the words of v2."""
    if stated.get("nullable"):
        return {key: stated[key] for key in ("description",) if key in stated}
    parts = [one for one in stated.get("allOf", ()) if set(one) == {"$ref"}]
    found: Object = {key: value for key, value in stated.items() if key not in _FORGOTTEN}
    for part in parts[:1]:
        # A reference stands alone in v2, but for what is told of it.
        found = {key: found[key] for key in ("description",) if key in found} | part
    if stated.get("format") == "int-or-string":
        found["type"] = "string"
    if "$ref" in found:
        found["$ref"] = found["$ref"].replace(_REF, "#/definitions/")
    if "properties" in found:
        found["properties"] = {name: _schema(one) for name, one in found["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(found.get(key), dict):
            found[key] = _schema(found[key])
    return found


def _operation(stated: Object) -> Object:
    content = stated["responses"]["200"]["content"]["application/json"]["schema"]
    parameters = [{**{key: one[key] for key in ("name", "in")}, **one["schema"]} for one in stated["parameters"]]
    responses = {"200": {"description": "OK", "schema": _schema(content)}}
    return {**stated, "parameters": parameters, "responses": responses}


@lru_cache(2)
def protobuf(served: Served, version: str) -> bytes:
    """The same as gnostic's openapi.v2.Document (google/gnostic-models: openapiv2/OpenAPIv2.proto)."""
    found = document(served, version)
    info = _text(1, found["info"]["title"]) + _text(2, found["info"]["version"])
    told = _text(1, found["swagger"]) + _bytes(2, info)
    if not found["paths"]:
        return told
    return told + _bytes(8, _named(2, found["paths"], _path_item)) + _bytes(9, _schemas(found["definitions"]))


_TEXTS = {"$ref": 1, "format": 2, "title": 3, "description": 4, "pattern": 13}
_DOUBLES = {"multipleOf": 6, "maximum": 7, "minimum": 9}
_FLAGS = {"exclusiveMaximum": 8, "exclusiveMinimum": 10, "uniqueItems": 16}
_COUNTS = {
    "maxLength": 11, "minLength": 12, "maxItems": 14, "minItems": 15, "maxProperties": 17, "minProperties": 18,
}  # fmt: skip
_VERBS = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}


def _encoded(schema: Object) -> bytes:
    found = b"".join(_text(number, schema[key]) for key, number in _TEXTS.items() if key in schema)
    for key, number in _DOUBLES.items():
        if key in schema:
            found += _key(number, 1) + struct.pack("<d", schema[key])
    for key, number in (*_FLAGS.items(), *_COUNTS.items()):
        if schema.get(key):
            found += _key(number, 0) + _varint(int(schema[key]))
    if schema.get("default") is not None:
        found += _bytes(5, _any(schema["default"]))
    found += b"".join(_text(19, name) for name in schema.get("required", ()))
    found += b"".join(_bytes(20, _any(one)) for one in schema.get("enum", ()))
    more = schema.get("additionalProperties")
    if more is not None:
        found += _bytes(21, _bytes(1, _encoded(more)) if isinstance(more, dict) else _key(2, 0) + _varint(int(more)))
    if "type" in schema:
        found += _bytes(22, _text(1, schema["type"]))
    if isinstance(schema.get("items"), dict):
        found += _bytes(23, _bytes(1, _encoded(schema["items"])))
    if "properties" in schema:
        found += _bytes(25, _schemas(schema["properties"]))
    return found + _extensions(31, schema)


def _schemas(named: Object) -> bytes:
    return _named(1, named, _encoded)


def _path_item(item: Object) -> bytes:
    return b"".join(_bytes(_VERBS[verb], _encoded_operation(one)) for verb, one in item.items())


def _encoded_operation(operation: Object) -> bytes:
    parameters = b"".join(_bytes(8, _bytes(1, _bytes(2, _bytes(3, _query(one))))) for one in operation["parameters"])
    responses = _named(1, operation["responses"], lambda one: _bytes(1, _response(one)))
    return parameters + _bytes(9, responses) + _extensions(13, operation)


def _query(parameter: Object) -> bytes:
    return _text(2, parameter["in"]) + _text(4, parameter["name"]) + _text(6, parameter["type"])


def _response(response: Object) -> bytes:
    return _text(1, response["description"]) + _bytes(2, _bytes(1, _encoded(response["schema"])))


def _extensions(number: int, of: Mapping[str, Any]) -> bytes:
    return b"".join(_bytes(number, _text(1, key) + _bytes(2, _any(of[key]))) for key in of if key.startswith("x-"))


def _named(number: int, named: Mapping[str, Any], encode: Any) -> bytes:
    return b"".join(_bytes(number, _text(1, name) + _bytes(2, encode(one))) for name, one in named.items())


def _any(value: Any) -> bytes:
    """A value as YAML, of which JSON is a part."""
    return _text(2, orjson.dumps(value).decode() + "\n")


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _bytes(number: int, value: bytes) -> bytes:
    return _key(number, 2) + _varint(len(value)) + value


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])

"""Bodies in Kubernetes' protobuf form: typed clients of kubectl 1.32 and later send nothing else.

The message tables (`protobuf.json.gz`) are the descriptors of the Kubernetes project (Apache-2.0, release 1.33, and
1.34 for VolumeAttributesClass) of the kinds served: for each message its fields by number, each a JSON name (empty
for a struct that JSON shows inline), a type, and `list`, `map` or `kept`. Go sends numbers, booleans and texts that
are zero or empty whether they were set or not; JSON shows them where the field is `kept`: an optional one, whose zero
was set, or one that Go always writes. A field that is newer than the tables is passed over. Answers are always JSON,
which these clients accept as well.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

import orjson

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import micro_timestamp, timestamp

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"

_Field = tuple[int, int | bytes]


class MalformedError(ValueError):
    """A body that is not protobuf of a known kind."""


def decode(body: bytes) -> Object:
    """The object as JSON would show it, apiVersion and kind included; raises `MalformedError`."""
    if not body.startswith(_MAGIC):
        raise MalformedError("the body does not begin with the protobuf prefix")
    try:
        envelope = dict(_fields(body[len(_MAGIC) :]))
        meta = dict(_fields(_bytes(envelope.get(1, b""))))
        api_version, kind = _bytes(meta.get(1, b"")).decode(), _bytes(meta.get(2, b"")).decode()
        message = _message(api_version, kind)
        return {"apiVersion": api_version, "kind": kind, **_object(message, _bytes(envelope.get(2, b"")))}
    except (IndexError, UnicodeDecodeError, OverflowError, TypeError) as error:
        raise MalformedError("the body ends early or is not protobuf") from error


@cache
def _tables() -> dict[str, Any]:
    packed = resources.files("aksdisks.lab.kube").joinpath("protobuf.json.gz").read_bytes()
    tables: dict[str, Any] = orjson.loads(gzip.decompress(packed))
    return tables


def _message(api_version: str, kind: str) -> str:
    kinds = _tables()["kinds"]
    # Every group's DeleteOptions is the same message, sent under the group's own name.
    key = "v1/DeleteOptions" if kind == "DeleteOptions" else f"{api_version}/{kind}"
    if key not in kinds:
        raise MalformedError(f'no kind "{kind}" is registered for version "{api_version}"')
    return str(kinds[key])


def _object(message: str, data: bytes) -> Object:
    table = _tables()["messages"][message]
    result: Object = {}
    for number, raw in _fields(data):
        if str(number) not in table:
            continue
        name, kind, *shape = table[str(number)]
        if shape == ["map"]:
            entry = dict(_fields(_bytes(raw)))
            value_kind = _tables()["messages"][kind]["2"][1]
            key = _bytes(entry.get(1, b"")).decode()
            result.setdefault(name, {})[key] = _value(value_kind, entry[2]) if 2 in entry else ""
            continue
        value = _value(kind, raw)
        if shape == ["list"]:
            result.setdefault(name, []).append(value)
        elif name == "":
            result |= value
        elif value is not None and (value or shape or isinstance(value, dict | list)):
            result[name] = value
    return result


def _value(kind: str, raw: int | bytes) -> Any:
    match kind:
        case "bool":
            return bool(raw)
        case "int32" | "int64" | "uint32" | "uint64":
            number = _number(raw)
            return number - (1 << 64) if kind.startswith("int") and number >= 1 << 63 else number
        case "string":
            return _bytes(raw).decode()
        case "bytes":
            return base64.b64encode(_bytes(raw)).decode()
        case "api.resource.Quantity":
            return _bytes(dict(_fields(_bytes(raw))).get(1, b"")).decode()
        case "util.intstr.IntOrString":
            parts = dict(_fields(_bytes(raw)))
            return _bytes(parts.get(3, b"")).decode() if parts.get(1) else _value("int32", parts.get(2, 0))
        case "apis.meta.v1.Time" | "apis.meta.v1.MicroTime":
            return _time(dict(_fields(_bytes(raw))), micro=kind.endswith("MicroTime"))
        case "apis.meta.v1.FieldsV1" | "runtime.RawExtension":
            text = _bytes(dict(_fields(_bytes(raw))).get(1, b""))
            return orjson.loads(text) if text else None
        case _:
            value = _object(kind, _bytes(raw))
            return value.get("items", []) if kind.endswith(".ExtraValue") else value


def _time(parts: dict[int, int | bytes], *, micro: bool) -> str | None:
    if not parts:
        return None
    seconds = _value("int64", parts.get(1, 0))
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=_number(parts.get(2, 0)) // 1000)
    return micro_timestamp(moment) if micro else timestamp(moment)


def _fields(data: bytes) -> Iterator[_Field]:
    """Number and raw value of each field (protobuf wire format)."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire == 2:
            length, position = _varint(data, position)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise MalformedError(f"unknown protobuf wire type {wire}")
        if position + length > len(data):
            raise MalformedError("the body ends early")
        yield number, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return result, position
        shift += 7


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    raise TypeError("expected a length-delimited field")


def _number(value: int | bytes) -> int:
    if isinstance(value, int):
        return value
    raise TypeError("expected a varint field")

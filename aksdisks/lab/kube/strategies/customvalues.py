"""Values against a structural schema, in upstream's words (kube-openapi: validation/validate, validation/errors)."""

from __future__ import annotations

import base64
import ipaddress
import re
import uuid
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.objects import text
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.schema.structural import EMBEDDED, INT_OR_STRING, values_below
from aksdisks.lab.kube.strategies import causes
from aksdisks.lab.kube.strategies.celfunctions import matches

_ABSENT = object()
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "boolean": (bool,), "integer": (int,), "number": (int, float),
    "object": (dict,), "array": (list,),
}  # fmt: skip
_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}


def errors(value: Any, node: Object, field: str = "", old: Any = _ABSENT) -> list[Cause]:
    """What is wrong with a value and all that is in it.

    `old`: what stood there before. What stayed as it was is not looked at again (upstream: CRDValidationRatcheting),
    where old and new can be told to be the same: fields, and elements of lists that are maps.
    """
    if old is not _ABSENT and value == old and type(value) is type(old):
        return []
    if value is None and node.get("nullable"):
        return []
    kind = type(value)
    found = [] if kind in _TYPES.get(node.get("type", ""), ()) else _type(value, node, field)
    if "enum" in node:
        found += _enum(value, node, field)
    check = _CHECKS.get(kind)
    if check is not None:
        found += check(value, node, field)
    if not _JUNCTIONS.isdisjoint(node):
        found += _together(value, node, field)
    if kind is dict:
        found += _object(value, node, field, old if isinstance(old, dict) else {})
    elif kind is list:
        found += _list(value, node, field, old if isinstance(old, list) else [])
    return found


def _type(value: Any, node: Object, field: str) -> list[Cause]:
    kind = node.get("type", "")
    wanted = [kind] if kind else ["integer", "string"] if node.get(INT_OR_STRING) else []
    if not wanted or any(_is(value, name) for name in wanted):
        return []
    found = "null" if value is None else _NAMES[type(value)]
    why = f'{_called(field)} in body must be of type {",".join(wanted)}: "{found}"'
    return [Cause(field or "<nil>", "FieldValueTypeInvalid", f'Invalid value: "{found}": {why}')]


def _is(value: Any, name: str) -> bool:
    if name == "integer" and type(value) is float:
        return value.is_integer()
    return type(value) in _TYPES.get(name, ())


def _called(field: str) -> str:
    return field


def _invalid(field: str, value: Any, why: str) -> list[Cause]:
    return [causes.invalid(field or "<nil>", value, f"{_called(field)} in body {why}")]


def _enum(value: Any, node: Object, field: str) -> list[Cause]:
    allowed = node.get("enum")
    if not allowed or any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in allowed):
        return []
    return [causes.unsupported(field, value, (one if isinstance(one, str) else text(one) for one in allowed))]


def _string(value: Any, node: Object, field: str) -> list[Cause]:
    found: list[Cause] = []
    if "maxLength" in node and len(value) > node["maxLength"]:
        found.append(causes.too_long(field, node["maxLength"]))
    if "minLength" in node and len(value) < node["minLength"]:
        found += _invalid(field, value, f"should be at least {node['minLength']} chars long")
    pattern = node.get("pattern")
    if pattern and not matches(pattern, value):
        found += _invalid(field, value, f"should match '{pattern}'")
    form = str(node["format"]).replace("-", "") if "format" in node else ""
    if form in _FORMATS and not _FORMATS[form](value):
        why = f"{_called(field)} in body must be of type {node['format']}: {causes.shown(value)}"
        found.append(Cause(field, "FieldValueTypeInvalid", f"Invalid value: {causes.shown(value)}: {why}"))
    return found


def _number(value: Any, node: Object, field: str) -> list[Cause]:
    found: list[Cause] = []
    high, low, step = node.get("maximum"), node.get("minimum"), node.get("multipleOf")
    if high is not None and (value > high or (node.get("exclusiveMaximum") and value == high)):
        than = "less than" if node.get("exclusiveMaximum") else "less than or equal to"
        found += _invalid(field, value, f"should be {than} {_go(high)}")
    if low is not None and (value < low or (node.get("exclusiveMinimum") and value == low)):
        than = "greater than" if node.get("exclusiveMinimum") else "greater than or equal to"
        found += _invalid(field, value, f"should be {than} {_go(low)}")
    limit = _LIMITS.get(str(node["format"])) if "format" in node else None
    if limit is not None and not -limit <= value < limit:
        why = f"Checked value must be of type integer with format {node['format']} in {field}"
        found.append(Cause("<nil>", "FieldValueInvalid", f'Invalid value: "": {why}'))
    if step and abs(value / step - round(value / step)) > 1e-9:
        found += _invalid(field, value, f"should be a multiple of {_go(step)}")
    return found


_LIMITS = {"int32": 2**31, "int64": 2**63}


def _go(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)


def _sizes(value: Any, node: Object, field: str) -> list[Cause]:
    most, least = ("maxItems", "minItems") if isinstance(value, list) else ("maxProperties", "minProperties")
    found: list[Cause] = []
    if most in node and len(value) > node[most]:
        why = f"Too many: {len(value)}: must have at most {node[most]} items"
        found.append(Cause(field, "FieldValueTooMany", why))
    if least in node and len(value) < node[least]:
        found += _invalid(field, value, f"should have at least {node[least]} {least[3:].lower()}")
    return found


_CHECKS: dict[type, Callable[[Any, Object, str], list[Cause]]] = {
    str: _string, int: _number, float: _number, dict: _sizes, list: _sizes
}  # fmt: skip
_JUNCTIONS = frozenset(("allOf", "anyOf", "oneOf", "not"))


def _together(value: Any, node: Object, field: str) -> list[Cause]:
    """allOf, anyOf, oneOf and not; what a failed alternative said comes with it."""

    def wrong(why: str) -> Cause:
        return Cause("<nil>", "FieldValueInvalid", f'Invalid value: "": "{field}" {why}')

    found: list[Cause] = []
    told = {word: [errors(value, one, field) for one in node.get(word, ())] for word in ("allOf", "anyOf", "oneOf")}
    if any(told["allOf"]):
        found += [wrong("must validate all the schemas (allOf)"), *_flat(told["allOf"])]
    if told["anyOf"] and all(told["anyOf"]):
        found += [wrong("must validate at least one schema (anyOf)"), *told["anyOf"][0]]
    held = sum(1 for one in told["oneOf"] if not one)
    if told["oneOf"] and held != 1:
        how = f"Found {held} valid alternatives" if held else "Found none valid"
        found += [wrong(f"must validate one and only one schema (oneOf). {how}")]
        found += [] if held else told["oneOf"][0]
    if "not" in node and not errors(value, node["not"], field):
        found.append(wrong("must not validate the schema (not)"))
    return found


def _flat(lists: Iterable[list[Cause]]) -> list[Cause]:
    return [cause for one in lists for cause in one]


def _object(value: Object, node: Object, field: str, old: Object) -> list[Cause]:
    properties, others = node.get("properties", {}), values_below(node)
    found: list[Cause] = []
    if "required" in node or EMBEDDED in node:
        identity = ("apiVersion", "kind") if node.get(EMBEDDED) else ()
        missing = [key for key in dict.fromkeys((*node.get("required", ()), *identity)) if key not in value]
        found = [causes.required(_below(field, key)) for key in missing]
    for key in sorted(value):
        below = properties.get(key, others)
        if below is not None:
            found += errors(value[key], below, _below(field, key), old.get(key, _ABSENT))
    return found


def _below(field: str, key: str) -> str:
    return f"{field}.{key}" if field else key


def _list(value: list[Any], node: Object, field: str, old: list[Any]) -> list[Cause]:
    keys = node.get("x-kubernetes-list-map-keys", ()) if node.get("x-kubernetes-list-type") == "map" else ()
    before = {_identity(item, keys): item for item in old} if keys else {}
    items = node.get("items") or {}
    found: list[Cause] = []
    for index, item in enumerate(value):
        was = before.get(_identity(item, keys), _ABSENT) if keys else _ABSENT
        found += errors(item, items, f"{field}[{index}]", was)
    return found + _repeated(value, node.get("x-kubernetes-list-type", ""), keys, field)


def _repeated(value: list[Any], kind: str, keys: Iterable[str], field: str) -> list[Cause]:
    """Elements that a set or a map has twice (apiextensions: schema/listtype)."""
    if kind not in ("set", "map"):
        return []
    seen: set[str] = set()
    found: list[Cause] = []
    for index, item in enumerate(value):
        named = {key: item[key] for key in keys if key in item} if kind == "map" and isinstance(item, dict) else item
        if text(named) in seen:
            found.append(causes.duplicate(f"{field}[{index}]", named))
        seen.add(text(named))
    return found


def _identity(item: Any, keys: Iterable[str]) -> str:
    return text([item.get(key) for key in keys]) if isinstance(item, dict) else text(item)


def _reads(reader: Callable[[str], object]) -> Callable[[str], bool]:
    def form(value: str) -> bool:
        try:
            reader(value)
        except ValueError:
            return False
        return True

    return form


_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?")
_DURATION = re.compile(r"[-+]?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w)\s*)+")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*"
)


def _is_time(value: str) -> bool:
    matched = _TIME.fullmatch(value)
    return matched is not None and _reads(date.fromisoformat)(matched[1])


_FORMATS: dict[str, Callable[[str], bool]] = {
    "datetime": _is_time,
    "date": _reads(date.fromisoformat),
    "duration": lambda value: value == "0" or _DURATION.fullmatch(value) is not None,
    "byte": _reads(lambda value: base64.b64decode(value, validate=True)),
    "ipv4": _reads(ipaddress.IPv4Address),
    "ipv6": _reads(ipaddress.IPv6Address),
    "cidr": _reads(lambda value: ipaddress.ip_network(value, strict=False)),
    "uuid": _reads(uuid.UUID),
    "hostname": lambda value: _HOST.fullmatch(value) is not None,
    "email": lambda value: re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None,
    "mac": lambda value: re.fullmatch(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}", value) is not None,
    "hexcolor": lambda value: re.fullmatch(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", value) is not None,
    "k8sshortname": lambda value: not names.label_errors(value),
    "k8slongname": lambda value: not names.subdomain_errors(value),
    "uri": lambda value: re.fullmatch(r"[A-Za-z][-+.A-Za-z0-9]*:\S+", value) is not None,
}
"""Those of the formats that upstream looks at, by their names without dashes; the rest are taken as they are."""

_NOT_CHECKED = "bsonobjectid creditcard isbn isbn10 isbn13 password rgbcolor ssn uuid3 uuid4 uuid5"


def is_known_format(name: str) -> bool:
    """Whether upstream knows a format of texts (apiextensions: apiserver/validation/formats.go)."""
    plain = name.replace("-", "")
    return plain in _FORMATS or plain in _NOT_CHECKED.split()

"""Bodies against the schema: kind, unknown fields, types and quantities, as upstream's decoder answers them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.schema import objects, quantities, schema
from aksdisks.lab.kube.schema.duplicates import problems
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import bad_request


class _WrongTypeError(Exception):
    """A value that Go would not decode; the message is the decoder's."""


@dataclass(frozen=True, slots=True)
class Strictness:
    """What happens with fields that nobody knows: Ignore, Warn (told in `warnings`) or Strict (refused).

    `duplicates`: the body with the fields that it named twice, if any (`duplicates.in_json`).
    """

    validation: str = "Ignore"
    warnings: list[str] | None = None
    duplicates: Any = None


def decode(
    kind: Resource,
    body: Any,
    strictness: Strictness | None = None,
    patched: Callable[[], str] | None = None,
    stored: Object | None = None,
) -> Object:
    """The body as the typed decoder would see it: quantities canonical, unknown fields and nulls gone.

    Changes and returns `body`, apart from what it shares with `stored`. 400 for another kind or version, a value of the
    wrong type, a bad quantity, and by strictness for unknown fields; 422 with `patched`, the text of what a patch made,
    in their place.
    """
    if not isinstance(body, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {kind.kind}): expected an object")
    check_kind(kind, body)
    strictness = strictness or Strictness()
    unknown: list[str] = []
    try:
        _read(kind, body, unknown, stored)
    except _WrongTypeError as error:
        raise _cannot(kind, str(error), patched) from error
    if strictness.validation == "Ignore" or not (unknown or strictness.duplicates is not None):
        return body
    told = problems(unknown, strictness.duplicates, patched=patched is not None)
    if told and strictness.validation == "Strict":
        raise _cannot(kind, "strict decoding error: " + ", ".join(told), patched)
    if strictness.warnings is not None:
        strictness.warnings.extend(told)
    return body


def _read(kind: Resource, body: Object, unknown: list[str], stored: Object | None) -> None:
    """Check and convert the whole body; of a custom resource its metadata, for the rest is validated later."""
    root = schema.root(kind)
    if kind.custom is None:
        _walk(root, body, "", unknown, stored=stored)
        return
    unknown += kind.custom.prune(body)
    if body.get("metadata") is not None:
        body["metadata"] = _walk(root.child("metadata"), body["metadata"], "metadata", unknown, ("ObjectMeta", ""))


def complete(kind: Resource, obj: Object, stored: Object | None = None) -> Object:
    """The object with the keys that Go always writes and without the empty lists and maps that it never does.

    The schema gives a default exactly for the fields that have no omitempty. Changes and returns `obj`, apart from what
    it shares with `stored`.
    """
    if kind.custom is None:
        _complete(schema.root(kind), obj, stored)
    else:
        kind.custom.complete(obj)
    return obj


def check_kind(kind: Resource, body: Object) -> None:
    """400 for a body of another kind or version; what it leaves out it need not say."""
    given_kind, given_version = body.get("kind") or kind.kind, body.get("apiVersion") or kind.api_version
    if not isinstance(given_kind, str) or not isinstance(given_version, str):
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind.kind}): couldn't get version/kind"
        )
    if given_kind == kind.kind and given_version == kind.api_version:
        return
    short = given_version.rpartition("/")[2]
    same_group = given_version.rpartition("/")[0] == kind.group
    if not schema.is_known(given_version, given_kind) and not (given_kind == kind.kind and same_group):
        raise bad_request(
            f'{given_kind} in version "{short}" cannot be handled as a {kind.kind}: no kind "{given_kind}" is '
            f'registered for version "{given_version}" in scheme "pkg/api/legacyscheme/scheme.go:30"'
        )
    if given_kind == kind.kind:
        raise bad_request(
            f"the API version in the data ({given_version}) does not match the expected API version "
            f"({kind.api_version})"
        )
    group = kind.group.partition(".")[0] or "core"
    raise bad_request(
        f'{given_kind} in version "{short}" cannot be handled as a {kind.kind}: converting ({short}.{given_kind}) to '
        f"({group}.{kind.kind}): unknown conversion"
    )


def _cannot(kind: Resource, why: str, patched: Callable[[], str] | None) -> Exception:
    if patched is not None:
        shown = f"Invalid value: {objects.text(patched())}: {why}"
        cause = {"reason": "FieldValueInvalid", "message": shown, "field": "patch"}
        return ApiError(422, "Invalid", f' "" is invalid: patch: {cause["message"]}', {"causes": [cause]})
    return bad_request(f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}')


Where = tuple[str, str]
"""A field as Go's errors name it: the struct and the path; put into words only for an error."""


def _walk(
    node: schema.Node,
    value: Any,
    path: str,
    unknown: list[str],
    where: Where = ("", ""),
    stored: Any = None,
) -> Any:
    """Check one value, but not what it shares with `stored`; returns what replaces it."""
    if node is schema.NOWHERE or value is None:
        return value
    if not node.types:
        return _alternative(node, value, path, unknown, where)
    _check_type(node, value, where)
    if isinstance(value, list):
        inner_node = node.items()
        for index, element in enumerate(value):
            if type(element) is inner_node.plain:
                continue
            if element is None:  # Go decodes null in a list as the zero value
                element = {} if inner_node.is_struct or inner_node.is_map else ""
            value[index] = _walk(inner_node, element, f"{path}[{index}]", unknown, where)
    elif isinstance(value, dict) and (node.is_struct or node.is_map):
        struct = node.name.rpartition(".")[2] or where[0]
        children = node.children
        known = stored if type(stored) is dict else {}
        for key, inner in list(value.items()):
            child, there = children[key], known.get(key)
            # Most values are of either kind: a call for each would be most of the work.
            if type(inner) is child.plain or (inner is there and inner is not None):
                continue
            at = f"{path}.{key}" if path else key
            if child is schema.NOWHERE and node.is_struct:
                unknown.append(at)
                del value[key]
            elif inner is None:
                del value[key]
            else:
                # Go's decoder names a map's field, not its key.
                value[key] = _walk(child, inner, at, unknown, where if node.is_map else (struct, at), there)
    return value


def _alternative(node: schema.Node, value: Any, path: str, unknown: list[str], where: Where) -> Any:
    """What is of one of several types."""
    if node.is_quantity:
        return _quantity(value)
    if node.name.endswith(schema.SCHEMA_OR):
        return _schema_or(node, value, path, unknown, where)
    if node.name.endswith(".IntOrString") and not (type(value) is str or _is_int32(value)):
        found = f"number {value}" if type(value) in (int, float) else _JSON[type(value)]
        raise _WrongTypeError(f"json: cannot unmarshal {found} into Go value of type int32")
    return value


def _schema_or(node: schema.Node, value: Any, path: str, unknown: list[str], where: Where) -> Any:
    """What OpenAPI leaves open: a schema, or a list of them or a boolean (apiextensions: v1/marshal.go)."""
    if isinstance(value, bool if node.name.endswith("Bool") else list):
        return value
    if not isinstance(value, dict):
        wanted = "boolean" if node.name.endswith("Bool") else "array"
        raise _WrongTypeError(f"{wanted} or JSON schema expected")
    return _walk(node.beside_it("JSONSchemaProps"), value, path, unknown, where)


def _is_int32(value: Any) -> bool:
    return type(value) is int and -(2**31) <= value < 2**31


def _quantity(value: Any) -> str:
    try:
        return quantities.canonical(str(value))
    except ValueError as error:
        raise _WrongTypeError(str(error)) from error


def _told(where: Where) -> str:
    struct, path = where
    unindexed = "".join(part.partition("]")[2] if index else part for index, part in enumerate(path.split("[")))
    return f"{struct}.{unindexed}" if path else ""


_JSON = {str: "string", bool: "bool", int: "number", float: "number", dict: "object", list: "array"}


def _check_type(node: schema.Node, value: Any, where: Where) -> None:
    if type(value) in node.types or node.types == (object,):
        if node.form is not None:
            _check_format(node, value, where)
        return
    found = f"number {value}" if isinstance(value, float) else _JSON[type(value)]
    raise _WrongTypeError(
        f"json: cannot unmarshal {found} into Go struct field {_told(where)} of type {_go_type(node)}"
    )


_LIMITS = {"int32": 2**31, "int64": 2**63}
_BASE64 = re.compile("[A-Za-z0-9+/]*={0,2}")
_TIME = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
)


def _check_format(node: schema.Node, value: Any, where: Where) -> None:
    """Numbers that fit, base64 and times that can be read."""
    form = node.form
    if form in _LIMITS:
        if not -_LIMITS[form] <= value < _LIMITS[form]:
            raise _WrongTypeError(
                f"json: cannot unmarshal number {value} into Go struct field {_told(where)} of type {form}"
            )
    elif form == "byte":
        encoded = value.replace("\n", "").replace("\r", "")
        if len(encoded) % 4 or not _BASE64.fullmatch(encoded):
            wrong = re.search("[^A-Za-z0-9+/]", encoded.rstrip("="))
            at = wrong.start() if wrong else len(encoded) // 4 * 4
            raise _WrongTypeError(f"illegal base64 data at input byte {at}")
    elif form == "date-time" and not (_TIME.fullmatch(value) and _is_day(value)):
        layout = "2006-01-02T15:04:05.000000Z07:00" if node.name.endswith("MicroTime") else "2006-01-02T15:04:05Z07:00"
        raise _WrongTypeError(f'parsing time "{value}" as "{layout}": cannot parse "{value}" as "2006"')


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _go_type(node: schema.Node) -> str:
    kind = node.schema.get("type")
    if kind == "array":
        return f"[]{_go_type(node.items())}"
    if kind == "object":
        return f"v1.{node.name.rpartition('.')[2]}" if node.is_struct else f"map[string]{_go_type(node.child('*'))}"
    if kind == "integer":
        return str(node.schema.get("format", "int64"))
    return {"boolean": "bool", "number": "float64"}.get(str(kind), "string")


_CONTAINERS = (dict, list)


def _complete(node: schema.Node, value: Any, stored: Any = None) -> None:
    if node.is_flat:
        return
    if isinstance(value, list):
        inner_node = node.items()
        for element in value:
            _complete(inner_node, element)
        return
    if not isinstance(value, dict):
        return
    known = stored if type(stored) is dict else {}
    for key, inner in list(value.items()):
        if inner is None:  # Go decodes null as absent
            del value[key]
        elif isinstance(inner, _CONTAINERS) and inner is not (there := known.get(key)):
            child = node.children[key]
            _complete(child, inner, there)
            empty = child.schema and not inner and key not in node.required
            if empty and (isinstance(inner, list) or child.is_map):
                del value[key]
    for key, default in node.defaults:
        if key not in value:
            value[key] = {} if default == {} else default
            _complete(node.children[key], value[key])

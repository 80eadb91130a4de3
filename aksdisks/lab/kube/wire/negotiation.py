"""Content negotiation: the media types that a client accepts and sends, and the decoding of bodies."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import yaml

from aksdisks.lab import yamls
from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.schema.status import bad_request
from aksdisks.lab.kube.wire import protobuf

JSON, YAML = "application/json", "application/yaml"
_ACCEPTED = {JSON: JSON, YAML: YAML, "*/*": JSON, "application/*": JSON}

_MEDIA_TYPES = f"{JSON}, {YAML}, {protobuf.MEDIA_TYPE}"
"""As upstream lists them; protobuf is read but not written here, and its clients fall back to JSON."""

_STREAM_TYPES = f"{JSON};stream=watch, {protobuf.MEDIA_TYPE};stream=watch"
_PRODUCED = (JSON, YAML, protobuf.MEDIA_TYPE, "*/*")

PatchType = Literal["merge", "strategic", "json", "apply"]

APPLY = "application/apply-patch+yaml"

PATCH_TYPES: dict[str, PatchType] = {
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/json-patch+json": "json",
    APPLY: "apply",
}


Kind = Literal["", "Table", "PartialObjectMetadata", "PartialObjectMetadataList", "APIGroupDiscoveryList"]


@dataclass(frozen=True, slots=True)
class Representation:
    """How an answer is to look: `kind` is empty for the objects themselves, `version` that of the kind asked for."""

    media_type: str = JSON
    kind: Kind = ""
    version: str = ""


_META, _DISCOVERY = "meta.k8s.io", "apidiscovery.k8s.io"
_VERSIONS: dict[tuple[Kind, str], tuple[str, ...]] = {
    ("Table", _META): ("v1", "v1beta1"),
    ("PartialObjectMetadata", _META): ("v1", "v1beta1"),
    ("PartialObjectMetadataList", _META): ("v1", "v1beta1"),
    ("APIGroupDiscoveryList", _DISCOVERY): ("v2", "v2beta1"),
}
"""By kind and API group, the versions of what an answer can be turned into."""


def accepted(
    header: str, *, discovery: bool = False, transformed: bool = True, streams: bool = False
) -> Representation:
    """The first entry that can be served; 406 when there is none (protobuf alone, for instance).

    `discovery`: whether the path answers in the aggregated form; elsewhere that entry is passed over, and vice versa.
    `transformed`: whether there are other forms at all, such as tables. `streams`: whether the path can be watched.
    """
    entries = [_entry(part) for part in header.split(",") if part.strip()] or [(JSON, {})]
    entries.sort(key=lambda entry: -_quality(entry[1]))
    if not discovery and not any(name in _PRODUCED for name, _ in entries):
        # The router refuses before the serializer is asked (go-restful: jsr311.go).
        listed = f"{_MEDIA_TYPES}, {_STREAM_TYPES}" if streams else _MEDIA_TYPES
        raise ApiError(406, "NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {listed}", {})
    for name, parameters in entries:
        served = _ACCEPTED.get(name)
        if served is None:
            continue
        if "as" not in parameters:
            return Representation(served)
        for (kind, group), versions in _VERSIONS.items() if transformed else ():
            wanted = (kind, group) == (parameters["as"], parameters.get("g")) and parameters.get("v") in versions
            if wanted and (group == _DISCOVERY) == discovery:
                return Representation(served, kind, parameters["v"])
    raise ApiError(406, "NotAcceptable", f"only the following media types are accepted: {_MEDIA_TYPES}")


def check_stream(form: Representation) -> None:
    """406 for a watch in a media type that cannot be streamed."""
    if form.media_type != JSON:
        raise ApiError(406, "NotAcceptable", f"only the following media types are accepted: {_STREAM_TYPES}")


def encode(value: Any, media_type: str) -> bytes:
    """JSON or YAML."""
    if media_type == YAML:
        return yaml.dump(orjson.loads(orjson.dumps(value)), Dumper=_Dumper, sort_keys=False).encode()
    return orjson.dumps(value)


def decode(body: bytes, content_type: str, kind: str) -> Any:
    """The body of a request; `kind` is what it should be. 415 for a media type that is not read, 400 if malformed."""
    sent = media_type(content_type)
    if sent == YAML:
        try:
            return _load(body)
        except yaml.YAMLError as error:
            raise _unrecognized(body, kind, f"yaml parse error: {' '.join(str(error).split())}") from None
    if sent == protobuf.MEDIA_TYPE:
        try:
            return protobuf.decode(body)
        except protobuf.MalformedError as error:
            raise _unrecognized(body, kind, f"protobuf error: {error}") from None
    if sent not in ("", JSON):
        why = f"the body of the request was in an unknown format - accepted media types include: {_MEDIA_TYPES}"
        raise ApiError(415, "UnsupportedMediaType", why)
    try:
        return _writable(orjson.loads(body))
    except orjson.JSONDecodeError:
        raise _unrecognized(body, kind, f"json parse error: {_go_error(body)}") from None
    except yaml.YAMLError as error:
        raise _unrecognized(body, kind, f"json parse error: {error}") from None


def decode_patch(body: bytes, kind: PatchType) -> Any:
    """A patch; 400 in upstream's words, which differ between kinds of patch (apiserver: handlers/patch.go)."""
    if kind == "apply":
        try:
            patch = _load(body)
        except yaml.YAMLError as error:
            raise bad_request(f"error decoding YAML: {' '.join(str(error).split())}") from None
        if not isinstance(patch, dict):
            raise bad_request("error decoding YAML: expected a mapping")
        return patch
    try:
        return _writable(orjson.loads(body))
    except (orjson.JSONDecodeError, yaml.YAMLError) as error:
        prefix = "" if kind == "strategic" else "error decoding patch: "
        why = _TOO_DEEP if isinstance(error, yaml.YAMLError) else _go_error(body)
        raise bad_request(f"{prefix}{why}") from None


def media_type(content_type: str) -> str:
    """A Content-Type header without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def status(error: ApiError) -> Object:
    """The `Status` that a refusal goes out as."""
    result: Object = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": error.metadata,
        "status": "Failure",
        "message": error.message,
        **({"reason": error.reason} if error.reason else {}),
    }
    if error.details is not None:
        result["details"] = error.details
    result["code"] = error.code
    return result


def _entry(text: str) -> tuple[str, dict[str, str]]:
    name, *parameters = (part.strip() for part in text.split(";"))
    pairs = (parameter.partition("=") for parameter in parameters)
    return name.lower(), {name.strip().lower(): value.strip() for name, _, value in pairs}


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 0.0


_MOST_NODES = 1_000_000
"""Most values in a YAML document, aliases counted each time: more would be an attack with nested aliases."""


def _load(body: bytes) -> Any:
    """YAML, much faster where it is JSON; raises `yaml.YAMLError`."""
    try:
        return _writable(orjson.loads(body))
    except orjson.JSONDecodeError:
        pass
    try:
        return _writable(_as_json(yaml.load(body, Loader=_Loader), [0]))
    except (RecursionError, ValueError, TypeError) as error:
        raise yaml.YAMLError(str(error) or "document contains excessive aliasing") from None


def _writable(value: Any) -> Any:
    """The value, unless it is nested deeper than orjson can write; raises `yaml.YAMLError`."""
    try:
        orjson.dumps(value)
    except TypeError:
        raise yaml.YAMLError(_TOO_DEEP) from None
    return value


_TOO_DEEP = "exceeded max depth"


def _as_json(value: Any, seen: list[int]) -> Any:
    """The value with the keys that JSON has; `seen` counts the values. ValueError for what JSON does not have."""
    seen[0] += 1
    if seen[0] > _MOST_NODES:
        raise ValueError("document contains excessive aliasing")
    if isinstance(value, dict):
        return {_key(key): _as_json(inner, seen) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_json(inner, seen) for inner in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ValueError(f"unsupported value of type {type(value).__name__}")


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    if isinstance(key, str | int | float):
        return str(key)
    raise ValueError("unsupported map key")


def _unrecognized(body: bytes, kind: str, why: str) -> ApiError:
    """Upstream's words for a body whose kind cannot be read (apiserver: handlers/rest.go transformDecodeError)."""
    shown = body[:30].decode(errors="replace") if body[:1] == b"{" else body[:30].hex()
    summary = (shown + (" ..." if len(body) > 30 else "")) if body else "<empty>"
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; {why} ({summary})"
    )


_GO_WHERE = {
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Expecting value": "looking for beginning of value",
    "Expecting ':' delimiter": "after object key",
    "Expecting ',' delimiter": "after object key:value pair",
    "Extra data": "after top-level value",
}


def _go_error(body: bytes) -> str:
    """What Go's encoding/json says of the same text."""
    text = body.decode(errors="replace")
    try:
        json.loads(text)
    except RecursionError:
        return _TOO_DEEP
    except json.JSONDecodeError as error:
        position = error.pos
        while position < len(text) and text[position].isspace():
            position += 1
        if position < len(text) and error.msg in _GO_WHERE:
            return f"invalid character '{text[position]}' {_GO_WHERE[error.msg]}"
        return "unexpected end of JSON input"
    return "invalid UTF-8 or number in JSON input"


class _Loader(yamls.LOADER):  # type: ignore[misc]
    """YAML as Kubernetes reads it: what looks like a date, a `=`, or a number to the base of sixty stays text."""


_LEFT_AS_TEXT = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
_Loader.yaml_implicit_resolvers = {
    first: [
        (
            tag,
            re.compile(rf"(?!.*:)(?:{pattern.pattern})", pattern.flags) if tag.endswith(("int", "float")) else pattern,
        )
        for tag, pattern in resolvers
        if tag not in _LEFT_AS_TEXT
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yamls.DUMPER):  # type: ignore[misc]
    """YAML without anchors, since one value may stand in several places."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True

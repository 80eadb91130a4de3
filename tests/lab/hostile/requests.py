"""Strategies: requests built from what each server says it serves, and then spoiled in every part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

NAMES = ("a", "default", "probe", "web-0", "pvc-1", "aks-agentpool-22115152-vmss000000", "managed-csi")
NAMESPACES = ("default", "probe", "default", "probe", "nowhere")
ODD_NAMES = (
    "",
    ".",
    "..",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "a%00b",
    "%",
    "%zz",
    "%c0%af",
    "%ff%fe",
    "a b",
    "ü",
    "🦆",
    "a/b",
    "a\\b",
    "x" * 300,
    "*",
    "$",
    "{name}",
    "'; --",
    "<script>",
    "\r\n",
    "%0d%0aX-Evil:%201",
    "~",
    ";",
    "?",
    "#",
)
TEXTS = (
    "",
    "a",
    "A_b",
    "1Gi",
    "-1Gi",
    "1e9999",
    "1e-9999",
    "9" * 400,
    "25%",
    "1000%",
    "2026-11-23T00:00:00Z",
    "9999-99-99T99",
    "2026-02-30T00:00:00Z",
    "Always",
    "ReadWriteOnce",
    "RollingUpdate",
    "Delete",
    "v1",
    "apps/v1",
    "\0",
    "\ud7ff",
    "\U0001d54f" * 50,
    "../../etc/passwd",
    "AAAA",
    "A===",
    "a=b,c in (d",
    "null",
    "NaN",
    "None",
    "10.0.0.1",
    "/dev/null",
    "x" * 5000,
)
NUMBERS = (0, 1, -1, 3, 65536, 2**31, -(2**31) - 1, 2**63, -(2**63) - 1, 2**64, 10**30, 0.5, -0.0, 1e308, 1e-300)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ODD_METHODS = ("HEAD", "OPTIONS", "TRACE", "CONNECT", "LINK", "get", "FOO", "PROPFIND", "X" * 200, "G\0T")
MEDIA_TYPES = (
    "application/json",
    "application/yaml",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/json-patch+json",
    "application/apply-patch+yaml",
    "application/vnd.kubernetes.protobuf",
)
ODD_MEDIA_TYPES = (
    "",
    "text/plain",
    "application/json; charset=utf-7",
    ";;;",
    "multipart/form-data",
    "a" * 3000,
    "\xff",
)
ACCEPTS = (
    "",
    "application/json",
    "*/*",
    "application/yaml",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json",
    "text/html",
    ";q=;as=",
    "q" * 500,
    "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io",
    "application/vnd.kubernetes.protobuf",
)
PARAMETERS = (
    "limit",
    "continue",
    "resourceVersion",
    "resourceVersionMatch",
    "labelSelector",
    "fieldSelector",
    "dryRun",
    "force",
    "fieldManager",
    "fieldValidation",
    "propagationPolicy",
    "gracePeriodSeconds",
    "orphanDependents",
    "pretty",
    "includeObject",
    "sendInitialEvents",
    "allowWatchBookmarks",
    "hash",
    "api-version",
    "$expand",
    "$top",
    "$skipToken",
    "$filter",
    "command",
    "container",
    "stdin",
    "tty",
    "forceDelete",
    "statusOnly",
    "object",
)
VALUES = (
    "",
    "0",
    "1",
    "-1",
    "true",
    "All",
    "Strict",
    "Warn",
    "Exact",
    "NotOlderThan",
    "2025-01-02",
    "a=b",
    "a in (b,c)",
    "a==",
    "!x",
    "metadata.name=a",
    "status.phase!=Running",
    "eyJydiI6MX0",
    "Foreground",
    "99999999999999999999",
    "1e5",
    "x" * 2000,
    "%00",
    "%ff",
    "((((",
    "a,b,,c",
    "=",
    "NaN",
    "instanceView",
)
HEADERS = (
    ("User-Agent", "kubectl/v1.32.0"),
    ("User-Agent", "\x01\x02"),
    ("User-Agent", "x" * 4000),
    ("X-Remote-User", "root"),
    ("Impersonate-User", "system:admin"),
    ("Impersonate-Group", "system:masters"),
    ("Expect", "100-continue"),
    ("Accept-Encoding", "br, gzip;q=0"),
    ("Content-Encoding", "gzip"),
    ("Transfer-Encoding", "identity"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "zzz"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Protocol", "v4.channel.k8s.io"),
    ("If-Match", '"x"'),
    ("If-None-Match", "*"),
    ("Range", "bytes=0-1"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Forwarded", "for=1.2.3.4"),
    ("Cookie", "a=b"),
    ("Host", "evil.example"),
    ("x-ms-client-request-id", "a" * 500),
    ("Content-Length-X", "5"),
    ("\x7f", "1"),
    ("A" * 300, "1"),
    ("Date", "yesterday"),
    ("x-ms-correlation-request-id", "{}\t;"),
)
RAW_BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"0",
    b'""',
    b"{nope",
    b"\xff\xfe\x00",
    b"{} {}",
    b"---\na: &a [*a]\n",
    b"a: &x [b]\nc: *x\n",
    b"!!python/object:os.system",
    b"k8s\x00\xff\xff\xff\xff",
    b"k8s\x00" + b"\x0a" * 64,
    b'{"a":NaN}',
    b'{"a":1e999}',
    b'{"kind":1,"apiVersion":[]}',
    b'{"metadata":7}',
    b'{"metadata":{"name":{}}}',
    b'{"spec":' + b"[" * 90 + b"]" * 90 + b"}",
    b"[" * 20000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"a" * 70000,
    b'{"metadata":{"name":"a","name":"b"}}',
    b'{"metadata":{"name":"\\ud800"}}',
    b"- " * 20000,
    b"a: " * 3000,
    b"{a: b, ? [x]: y}",
    b"1: 2\ntrue: 3\n",
    b'[{"op":"add","path":"/","value":1}]',
    b'[{"op":"test","path":"/a/b/c","value":1}]',
    b'[{"op":1}]',
    b"[{}]",
    b'[{"op":"copy","from":"/metadata","path":"/metadata/labels"}]',
    b'[{"op":"remove","path":"/metadata"}]',
    b'[{"op":"replace","path":"","value":[]}]',
    b'{"$patch":"delete"}',
    b'{"spec":{"$patch":"replace"}}',
    b'{"metadata":{"$retainKeys":["name"],"$setElementOrder/finalizers":[1]}}',
    b'{"$deleteFromPrimitiveList/x":1}',
)


@dataclass(frozen=True)
class Request:
    """One request as it goes over the wire; what HTTP would not allow in a line is sent all the same."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def wire(self, authorization: str) -> bytes:
        """The bytes; the length of the body is right, so that the connection can go on."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Authorization: {authorization}", f"Content-Length: {len(self.body)}"]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + self.body


def junk(depth: int = 3) -> st.SearchStrategy[Any]:
    """Any JSON value, of those that make trouble."""
    plain = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(TEXTS))
    if not depth:
        return plain
    inner = junk(depth - 1)
    lists = st.lists(inner, max_size=3)
    return st.one_of(plain, lists, st.dictionaries(st.sampled_from(TEXTS), inner, max_size=3))


JUNK = junk()


class Bodies:
    """Objects by a schema of the served OpenAPI, some of whose values are not what the schema says."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas

    @st.composite
    @staticmethod
    def _drawn(draw: st.DrawFn, self: Bodies, schema: Mapping[str, Any], depth: int) -> Any:
        if "allOf" in schema:
            schema = schema["allOf"][0]
        if "$ref" in schema:
            schema = self._schemas.get(schema["$ref"].rpartition("/")[2], {})
        if draw(st.integers(0, 24)) == 0:
            return draw(JUNK)
        properties = schema.get("properties")
        if properties and depth:
            wanted = set(draw(st.lists(st.sampled_from(sorted(properties)), max_size=4)))
            wanted |= {name for name in schema.get("required", ()) if draw(st.integers(0, 15))}
            return {name: draw(self._drawn(self, properties[name], depth - 1)) for name in sorted(wanted)}
        if "additionalProperties" in schema and depth:
            keys = draw(st.lists(st.sampled_from(TEXTS), max_size=2))
            return {key: draw(self._drawn(self, schema["additionalProperties"], depth - 1)) for key in keys}
        if schema.get("type") == "array" and depth:
            return [draw(self._drawn(self, schema["items"], depth - 1)) for _ in range(draw(st.integers(0, 2)))]
        plain = {
            "integer": st.sampled_from(NUMBERS[:9]),
            "number": st.sampled_from(NUMBERS),
            "boolean": st.booleans(),
            "array": st.just([]),
            "object": st.just({}),
        }
        return draw(plain.get(schema.get("type", ""), st.sampled_from(NAMES + TEXTS)))

    @st.composite
    @staticmethod
    def of(draw: st.DrawFn, self: Bodies, kind: Mapping[str, str], name: str) -> bytes:
        """The JSON of an object of a kind, with the name that the path has."""
        schema = next(
            (
                found
                for found in self._schemas.values()
                if dict(kind) in found.get("x-kubernetes-group-version-kind", ())
            ),
            {},
        )
        body = draw(self._drawn(self, schema, 7))
        if isinstance(body, dict) and draw(st.integers(0, 5)):
            group = f"{kind['group']}/" if kind["group"] else ""
            body = {**body, "apiVersion": f"{group}{kind['version']}", "kind": kind["kind"]}
            if isinstance(body.get("metadata", {}), dict):
                body["metadata"] = {**body.get("metadata", {}), "name": name}
        return json.dumps(body).encode("utf-8", "replace")


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all values within a value."""
    if at:
        yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from places(inner, (*at, key))


@st.composite
def spoiled(draw: st.DrawFn, base: Mapping[str, Any], name: str) -> bytes:
    """A good object some of whose values are replaced, removed or joined by others."""
    found: Any = json.loads(json.dumps({**base, "metadata": {**base.get("metadata", {}), "name": name}}))
    for _ in range(draw(st.integers(0, 2))):
        *parents, last = draw(st.sampled_from(list(places(found))))
        holder = found
        for step in parents:
            holder = holder[step]
        kind = draw(st.integers(0, 3))
        if kind == 0:
            del holder[last]
        elif kind == 1 and isinstance(holder, dict):
            holder[draw(st.sampled_from(TEXTS))] = draw(JUNK)
        else:
            holder[last] = draw(JUNK)
    return json.dumps(found).encode("utf-8", "replace")


@st.composite
def filled(draw: st.DrawFn, template: str, names: tuple[str, ...] = NAMES) -> str:
    """A path with names in the place of its parameters, now and then odd ones."""
    parts = []
    for part in template.split("/"):
        if part.startswith("{"):
            odd = draw(st.integers(0, 9)) == 0
            usual = {"{namespace}": NAMESPACES, "{name}": ("a", "a", "a", *names)}.get(part, names)
            part = draw(st.sampled_from(ODD_NAMES if odd else usual))
        parts.append(part)
    return "/".join(parts).replace(" ", "%20").replace("\r", "%0D").replace("\n", "%0A")


@st.composite
def query(draw: st.DrawFn) -> str:
    """No parameter, some, or very many."""
    if draw(st.integers(0, 60)) == 0:
        return "?" + "&".join(f"labelSelector=a{number}" for number in range(400))
    pairs = draw(st.lists(st.tuples(st.sampled_from(PARAMETERS), st.sampled_from(VALUES)), max_size=3))
    return "?" + "&".join(f"{name}={quote(value, safe='%')}" for name, value in pairs) if pairs else ""


@st.composite
def headers(draw: st.DrawFn, method: str) -> tuple[tuple[str, str], ...]:
    """What a client says of the body and of itself; mostly what fits the method."""
    fitting = tuple(name for name in MEDIA_TYPES if ("patch" in name) == (method == "PATCH"))
    kind = draw(st.integers(0, 15))
    media_type = draw(st.sampled_from(ODD_MEDIA_TYPES if kind == 0 else MEDIA_TYPES if kind == 1 else fitting))
    found = [("Content-Type", media_type)] if media_type else []
    if draw(st.integers(0, 5)) == 0:
        found.append(("Accept", draw(st.sampled_from(ACCEPTS))))
    if draw(st.integers(0, 5)) == 0:
        found += draw(st.lists(st.sampled_from(HEADERS), max_size=3))
    return tuple(found)

"""OpenAPI v3: an index with hashes, and upstream's documents reduced to the paths that the lab serves.

The documents are those of the Kubernetes project (Apache-2.0), without descriptions; nothing is read before a client
asks for it.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

import orjson

from aksdisks.lab.kube.wire import discovery
from aksdisks.lab.kube.wire.discovery import Served, versions

_REMEMBERED = 256


def paths(served: Served) -> tuple[str, ...]:
    """What the index names: `api/v1`, `apis/apps/v1`, …"""
    pairs = ((group, of) for group in discovery.groups(served) for of in versions(served, group))
    named = (f"apis/{group}/{of}" if group else f"api/{of}" for group, of in pairs)
    return tuple(path for path in named if _packed(path).is_file())


@lru_cache(_REMEMBERED)
def index(served: Served) -> bytes:
    """`/openapi/v3`."""
    entries = {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest(served, path)}"} for path in paths(served)}
    return orjson.dumps({"paths": entries})


@lru_cache(_REMEMBERED)
def digest(served: Served, path: str) -> str:
    """A hash of the packed source and of what is served: it changes when the document does."""
    shown = repr(discovery.aggregated(served, True, "v2")) + repr(discovery.aggregated(served, False, "v2"))
    return hashlib.sha256(_packed(path).read_bytes() + shown.encode()).hexdigest().upper()


@lru_cache(_REMEMBERED)
def document(served: Served, path: str) -> bytes | None:
    """`/openapi/v3/<path>`: one group's served paths, and its schemas; None for a path the index does not name."""
    if path not in paths(served):
        return None
    source = orjson.loads(gzip.decompress(_packed(path).read_bytes()))
    source["paths"] = {url: item for url, item in source["paths"].items() if _is_served(served, path, url)}
    return orjson.dumps(source)


def empty_v2_protobuf(version: str) -> bytes:
    """An OpenAPI v2 document (gnostic openapi_v2.Document): swagger and info alone."""

    def text(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    return text(1, b"2.0") + text(2, text(1, b"Kubernetes") + text(2, f"v{version}".encode()))


def _packed(path: str) -> Traversable:
    """Where upstream's document would stand; not every group of the kinds that the lab does not have comes with it."""
    name = path.replace("/", "_") + ".json.gz"
    return resources.files("aksdisks.lab.kube").joinpath("openapi", name)


def _is_served(served: Served, path: str, url: str) -> bool:
    group, _, version = path.removeprefix("apis/").removeprefix("api/").rpartition("/")
    listing = discovery.resource_list(served, group, version)
    assert listing is not None
    names = {entry["name"] for entry in listing["resources"]}
    rest = url.removeprefix(f"/{path}").strip("/")
    # Deprecated upstream and not answered by the lab: a watch is a parameter of a list.
    if rest.startswith("watch/"):
        return False
    # `namespaces/{namespace}/pods/{name}/status` is about `pods/status`; `namespaces/{name}/status` is not.
    rest = re.sub(r"^namespaces/\{namespace\}/", "", rest)
    return not rest or "/".join(part for part in rest.split("/") if not part.startswith("{")) in names

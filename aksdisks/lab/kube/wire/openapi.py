"""OpenAPI v3: an index with hashes, and upstream's documents reduced to the paths served; custom kinds have their own.

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

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.wire import customopenapi, discovery
from aksdisks.lab.kube.wire.discovery import Served, versions

_REMEMBERED = 128


def paths(served: Served) -> tuple[str, ...]:
    """What the index names: `api/v1`, `apis/apps/v1`, …"""
    pairs = ((group, of) for group in discovery.groups(served) for of in versions(served, group))
    named = (f"apis/{group}/{of}" if group else f"api/{of}" for group, of in pairs)
    return tuple(path for path in named if _packed(path).is_file() or _custom(served, path))


@lru_cache(4)
def index(served: Served) -> bytes:
    """`/openapi/v3`."""
    entries = {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest(served, path)}"} for path in paths(served)}
    return orjson.dumps({"paths": entries})


def digest(served: Served, path: str) -> str:
    """A hash of what the document is made from: it changes when the document does."""
    return _digest(_below(served, path), path)


def document(served: Served, path: str) -> bytes | None:
    """`/openapi/v3/<path>`: one group's served paths, and its schemas; None for a path the index does not name."""
    return _document(_below(served, path), path) if path in paths(served) else None


@lru_cache(_REMEMBERED)
def _digest(below: Served, path: str) -> str:
    if _custom(below, path):
        return hashlib.sha256(_document(below, path)).hexdigest().upper()
    shown = repr([discovery.resource_list(below, *_group_version(path))])
    return hashlib.sha256(_packed(path).read_bytes() + shown.encode()).hexdigest().upper()


@lru_cache(_REMEMBERED)
def _document(below: Served, path: str) -> bytes:
    """Kept by what the group itself serves: a definition in another changes nothing here."""
    if kinds := _custom(below, path):
        shared = _source("api/v1")["components"]["schemas"] | _source("apis/autoscaling/v1")["components"]["schemas"]
        return orjson.dumps(customopenapi.document(kinds, shared, "v0.1.0"))
    source = _source(path)
    source["paths"] = {url: item for url, item in source["paths"].items() if _is_served(below, path, url)}
    return orjson.dumps(source)


def _source(path: str) -> Object:
    read: Object = orjson.loads(gzip.decompress(_packed(path).read_bytes()))
    return read


def _group_version(path: str) -> tuple[str, str]:
    group, _, version = path.removeprefix("apis/").removeprefix("api/").rpartition("/")
    return group, version


def _below(served: Served, path: str) -> Served:
    return tuple(kind for kind in served if (kind.group, kind.version) == _group_version(path))


def _custom(served: Served, path: str) -> Served:
    return tuple(kind for kind in _below(served, path) if kind.custom is not None)


def custom_paths(served: Served) -> tuple[str, ...]:
    """Those of the paths that have a custom kind."""
    return tuple(path for path in paths(served) if _custom(served, path))


def _packed(path: str) -> Traversable:
    """Where upstream's document would stand; not every group of the kinds that the lab does not have comes with it."""
    name = path.replace("/", "_") + ".json.gz"
    return resources.files("aksdisks.lab.kube").joinpath("openapi", name)


def _is_served(served: Served, path: str, url: str) -> bool:
    listing = discovery.resource_list(served, *_group_version(path))
    assert listing is not None
    names = {entry["name"] for entry in listing["resources"]}
    rest = url.removeprefix(f"/{path}").strip("/")
    # Deprecated upstream and not answered by the lab: a watch is a parameter of a list.
    if rest.startswith("watch/"):
        return False
    # `namespaces/{namespace}/pods/{name}/status` is about `pods/status`; `namespaces/{name}/status` is not.
    rest = re.sub(r"^namespaces/\{namespace\}/", "", rest)
    return not rest or "/".join(part for part in rest.split("/") if not part.startswith("{")) in names

"""ConfigMaps, Secrets and service accounts (pkg/registry/core, pkg/apis/core/validation)."""

from __future__ import annotations

import base64
from collections.abc import Callable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.resource import Resource, fields, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import forbidden, formed, invalid, required, too_long
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.rules import Fixed
from aksdisks.lab.kube.strategies.strategy import Strategy

_MAX_BYTES = 1024 * 1024
_ACCOUNT = "kubernetes.io/service-account.name"


def _config_map(at: str, obj: Object) -> list[Cause]:
    """Keys, which stand in one of the two maps only, and the size of all."""
    del at
    data, binary = obj.get("data", {}), obj.get("binaryData", {})
    causes: list[Cause] = []
    for key in data:
        causes += formed(f"data[{key}]", key, names.config_key_errors)
        if key in binary:
            causes.append(invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
    for key in binary:
        causes += formed(f"binaryData[{key}]", key, names.config_key_errors)
    size = sum(len(value.encode()) for value in data.values()) + sum(_decoded(value) for value in binary.values())
    return [*causes, too_long("[]", _MAX_BYTES)] if size > _MAX_BYTES else causes


def _write_only(obj: Object) -> None:
    """`stringData` ends up in `data`."""
    for key, text in obj.pop("stringData", {}).items():
        obj["data"] = obj.get("data", {}) | {key: base64.b64encode(text.encode()).decode()}


def _secret(at: str, obj: Object) -> list[Cause]:
    """Keys, size, and what the type asks for."""
    del at
    data, kind = obj.get("data", {}), obj.get("type", "")
    causes: list[Cause] = []
    for key in data:
        causes += formed(f"data[{key}]", key, names.config_key_errors)
    if sum(_decoded(value) for value in data.values()) > _MAX_BYTES:
        causes.append(too_long("data", _MAX_BYTES))
    if kind == "kubernetes.io/service-account-token" and not obj["metadata"].get("annotations", {}).get(_ACCOUNT):
        causes.append(required(f"metadata.annotations[{_ACCOUNT}]"))
    return causes


def _decoded(encoded: str) -> int:
    return len(encoded) * 3 // 4


def _immutable(new: Object, old: Object) -> list[Cause]:
    """Nothing changes once it is immutable."""
    if not old.get("immutable"):
        return []
    why = "field is immutable when `immutable` is set"
    causes = [] if new.get("immutable") else [forbidden("immutable", why)]
    return causes + [forbidden(key, why) for key in ("data", "binaryData") if new.get(key) != old.get(key)]


def _count(*paths: str) -> Callable[[Object], int]:
    return lambda item: sum(len(find(item, path, ())) for path in paths)


_CONFIGMAPS_COLUMNS = (columns.NAME, column("Data", _count("data", "binaryData")), columns.AGE)
_SECRETS_COLUMNS = (columns.NAME, column("Type", "type"), column("Data", _count("data")), columns.AGE)
_SERVICEACCOUNTS_COLUMNS = (columns.NAME, column("Secrets", _count("secrets")), columns.AGE)
STRATEGIES = (
    Strategy(
        Resource("configmaps", "ConfigMap", short_names=("cm",)),
        columns=_CONFIGMAPS_COLUMNS,
        known_finalizers=True,
        metadata_checks="whole",
        rules=(_config_map,),
        changes=(_immutable,),
    ),
    Strategy(
        Resource("secrets", "Secret", selectable=fields("type")),
        columns=_SECRETS_COLUMNS,
        known_finalizers=True,
        metadata_checks="whole",
        defaults=(default("", type="Opaque"), _write_only),
        rules=(_secret,),
        changes=(Fixed("type"), _immutable),
    ),
    Strategy(
        Resource("serviceaccounts", "ServiceAccount", short_names=("sa",), subresources=("token",)),
        columns=_SERVICEACCOUNTS_COLUMNS,
        returns_deleted=True,
        known_finalizers=True,
        metadata_checks="whole",
    ),
)

"""How the disk driver reads the parameters of a VolumeSnapshotClass (CSI pkg/azuredisk/controllerserver.go)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from aksdisks.lab.agents.csi.common import INTERNAL, INVALID_ARGUMENT, RpcError
from aksdisks.lab.controllers.snapshots import RESERVED

_CREATED_FOR = "kubernetes.io-created-for-snapshot"
_TAGGED = {f"{RESERVED}volumesnapshot/{part}": f"{_CREATED_FOR}-{part}" for part in ("name", "namespace")}
_CONTENT = f"{RESERVED}volumesnapshotcontent/name"
_MINUTES = "instantaccessdurationminutes"
_NOT_IN_KEYS = "<>%&?\\/"
_ACCESS = {
    "dataaccessauthmode": ("dataAccessAuthMode", ("AzureActiveDirectory", "None")),
    "networkaccesspolicy": ("networkAccessPolicy", ("AllowAll", "AllowPrivate", "DenyAll")),
    "publicnetworkaccess": ("publicNetworkAccess", ("Disabled", "Enabled")),
}
_PLAIN = ("resourcegroup", "location", "subscriptionid", "tags", "tagvaluedelimiter", "incremental", "useragent")


@dataclass(frozen=True)
class SnapshotParameters:
    """What a class asks of a snapshot; empty where it says nothing. `minutes`: of instant access, None for none."""

    resource_group: str = ""
    subscription: str = ""
    location: str = ""
    incremental: bool = True
    minutes: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    access: Mapping[str, str] = field(default_factory=dict)


def metadata(snapshot_name: str, namespace: str, content_name: str) -> dict[str, str]:
    """What the sidecar adds to the parameters (--extra-create-metadata)."""
    return dict(zip((*_TAGGED, _CONTENT), (snapshot_name, namespace, content_name), strict=True))


def snapshot_parameters(parameters: Mapping[str, str]) -> SnapshotParameters:
    """Raises `RpcError` for what the driver refuses before it asks Azure."""
    found: dict[str, str] = {}
    tags: dict[str, str] = {}
    minutes: int | None = None
    for stated, value in parameters.items():
        name = stated.lower()
        if name in _TAGGED:
            tags[_TAGGED[name]] = value
        elif name == _MINUTES:
            minutes = _duration(value)
        elif name in (*_PLAIN, *_ACCESS):
            found[name] = value
        elif name != _CONTENT:
            raise RpcError(INTERNAL, f"AzureDisk - invalid option {stated} in VolumeSnapshotClass")
    custom = _tags(found.get("tags", ""), found.get("tagvaluedelimiter", "") or ",")
    return SnapshotParameters(
        resource_group=found.get("resourcegroup", ""),
        subscription=found.get("subscriptionid", ""),
        location=found.get("location", ""),
        incremental=found.get("incremental") != "false",
        minutes=minutes,
        tags=tags | custom,
        access={_ACCESS[name][0]: _access(name, found[name]) for name in _ACCESS if found.get(name)},
    )


def _duration(value: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,18}", value, re.ASCII):
        why = f'strconv.ParseInt: parsing "{value}": invalid syntax'
        raise RpcError(INVALID_ARGUMENT, f"invalid value({value}) for {_MINUTES}: {why}")
    if not 60 <= int(value) <= 300:
        why = "must be between 60 and 300 minutes"
        raise RpcError(INVALID_ARGUMENT, f"invalid value({int(value)}) for {_MINUTES}: {why}")
    return int(value)


def _tags(text: str, delimiter: str) -> dict[str, str]:
    """CSI pkg/util/util.go ConvertTagsToMap."""
    tags: dict[str, str] = {}
    for part in text.split(delimiter) if text else ():
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            form = f"'key1=value1{delimiter}key2=value2'"
            raise RpcError(INVALID_ARGUMENT, f"tags '{text}' are invalid, the format should like: {form}")
        if set(key) & set(_NOT_IN_KEYS):
            raise RpcError(INVALID_ARGUMENT, f"tag key '{key.strip()}' contains invalid characters")
        tags[key.strip()] = value.strip()
    return tags


def _access(name: str, value: str) -> str:
    written, known = _ACCESS[name]
    if value in known:
        return value
    if name == "dataaccessauthmode":
        raise RpcError(INVALID_ARGUMENT, f"dataAccessAuthMode({value}) is not supported")
    kind = written[0].upper() + written[1:]
    text = f"azureDisk - {value} is not supported {kind}. Supported values are [{' '.join(known)}]"
    raise RpcError(INVALID_ARGUMENT, text)

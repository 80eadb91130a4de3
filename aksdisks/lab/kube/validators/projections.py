"""Validation of volumes made of keys, fields and tokens (pkg/apis/core/validation)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import forbidden, invalid, required
from aksdisks.lab.kube.validators.environment import VOLUME_FIELDS, field_reference, resource_reference
from aksdisks.lab.kube.validators.mounts import unreserved_path

_MAX_MODE = 0o777
_TEN_MINUTES, _LONGEST = 600, 2**32
_SOURCES = ("secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle")


def mode(field: str, value: int | None) -> list[Cause]:
    """The rights of a file."""
    if value is None or 0 <= value <= _MAX_MODE:
        return []
    return [invalid(field, value, "must be a number between 0 and 0777 (octal), both inclusive")]


def keys(at: str, source: Object, name: str) -> list[Cause]:
    """A Secret's or ConfigMap's keys as files; `name` is the field that names the object."""
    causes = [] if source.get(name) else [required(f"{at}.{name}")]
    causes += mode(f"{at}.defaultMode", source.get("defaultMode"))
    for index, item in enumerate(source.get("items", ())):
        causes += _key(f"{at}.items[{index}]", item)
    return causes


def _key(at: str, item: Object) -> list[Cause]:
    causes = [required(f"{at}.{key}") for key in ("key", "path") if not item.get(key)]
    causes += unreserved_path(f"{at}.path", item.get("path", ""))
    return causes + mode(f"{at}.mode", item.get("mode"))


def file(at: str, item: Object) -> list[Cause]:
    """A file that shows a field or a resource."""
    causes = [] if item.get("path") else [required(f"{at}.path")]
    causes += unreserved_path(f"{at}.path", item.get("path", ""))
    if "fieldRef" in item:
        causes += field_reference(f"{at}.fieldRef", item["fieldRef"], VOLUME_FIELDS)
        if "resourceFieldRef" in item:
            why = "fieldRef and resourceFieldRef can not be specified simultaneously"
            causes.append(invalid(at, "resource", why))
    elif "resourceFieldRef" in item:
        causes += resource_reference(f"{at}.resourceFieldRef", item["resourceFieldRef"], in_volume=True)
    else:
        causes.append(required(at, "one of fieldRef and resourceFieldRef is required"))
    return causes + mode(f"{at}.mode", item.get("mode"))


def projected(at: str, source: Object) -> list[Cause]:
    """Several sources in one directory, no two of one path."""
    causes = mode(f"{at}.defaultMode", source.get("defaultMode"))
    paths: set[str] = set()
    for index, one in enumerate(source.get("sources", ())):
        field = f"{at}.sources[{index}]"
        for kind in ("secret", "configMap"):
            if kind in one:
                causes += _projected_keys(at, f"{field}.{kind}", one[kind], paths)
        for item in one.get("downwardAPI", {}).get("items", ()):
            causes += file(f"{field}.downwardAPI", item)
            causes += _taken(at, item.get("path", ""), item.get("path", ""), paths)
        if "serviceAccountToken" in one:
            causes += _token(at, f"{field}.serviceAccountToken", one["serviceAccountToken"])
        if sum(kind in one for kind in _SOURCES) > 1:
            causes.append(forbidden(field, "may not specify more than 1 volume type per source"))
    return causes


def _projected_keys(at: str, field: str, source: Object, paths: set[str]) -> list[Cause]:
    causes = [] if source.get("name") else [required(f"{field}.name")]
    for index, item in enumerate(source.get("items", ())):
        causes += _key(f"{field}.items[{index}]", item)
        causes += _taken(at, item.get("path", ""), source.get("name", ""), paths)
    return causes


def _taken(at: str, path: str, shown: str, paths: set[str]) -> list[Cause]:
    if not path:
        return []
    if path in paths:
        return [invalid(at, shown, "conflicting duplicate paths")]
    paths.add(path)
    return []


def _token(at: str, field: str, token: Object) -> list[Cause]:
    seconds, path = token.get("expirationSeconds", 0), token.get("path", "")
    causes: list[Cause] = []
    if seconds < _TEN_MINUTES:
        why = "may not specify a duration less than 10 minutes"
        causes.append(invalid(f"{field}.expirationSeconds", seconds, why))
    if seconds > _LONGEST:
        why = "may not specify a duration larger than 2^32 seconds"
        causes.append(invalid(f"{field}.expirationSeconds", seconds, why))
    return causes + (unreserved_path(f"{at}.path", path) if path else [required(f"{at}.path")])

"""Validation of where containers see volumes: mounts and block devices (pkg/apis/core/validation)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies.causes import invalid, not_found, required

_MOUNTS, _DEVICES = ("volumeMounts", "mountPath"), ("volumeDevices", "devicePath")


def places(at: str, container: Object, volumes: dict[str, Object], *, block: bool) -> list[Cause]:
    """A container's mounts, or its block devices; `volumes` are the pod's by name."""
    (key, path_key), (other, other_path) = (_DEVICES, _MOUNTS) if block else (_MOUNTS, _DEVICES)
    elsewhere = container.get(other, ())
    names, paths = {one.get("name") for one in elsewhere}, {one.get(other_path) for one in elsewhere}
    causes: list[Cause] = []
    seen: set[str] = set()
    taken: set[str] = set()
    for index, place in enumerate(container.get(key, ())):
        field, name, path = f"{at}.{key}[{index}]", place.get("name", ""), place.get(path_key, "")
        causes += [] if name else [required(f"{field}.name")]
        if name in seen and block:
            causes.append(invalid(f"{field}.name", name, "must be unique"))
        if name not in volumes:
            causes.append(not_found(f"{field}.name", name))
        elif block and not volumes[name].keys() & {"persistentVolumeClaim", "ephemeral"}:
            why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            causes.append(invalid(f"{field}.name", name, why))
        causes += [] if path else [required(f"{field}.{path_key}")]
        if path in taken:
            causes.append(invalid(f"{field}.{path_key}", path, "must be unique"))
        if block and ".." in path.split("/"):
            causes.append(invalid(f"{field}.devicePath", path, "can not contain backsteps ('..')"))
        if name in names:
            causes.append(invalid(f"{field}.name", name, f"must not already exist in {other}"))
        if path in paths:
            causes.append(invalid(f"{field}.{path_key}", path, f"must not already exist as a path in {other}"))
        for part in ("subPath", "subPathExpr"):
            causes += _descending_path(f"{at}.{key}.{part}", place[part]) if place.get(part) else []
        seen.add(name)
        taken.add(path)
    return causes


def _descending_path(field: str, path: str) -> list[Cause]:
    """A path that must stay below where it starts."""
    causes = [invalid(field, path, "must be a relative path")] if path.startswith("/") else []
    return causes + no_backsteps(field, path)


def no_backsteps(field: str, path: str) -> list[Cause]:
    """A path that never goes up."""
    return [invalid(field, path, "must not contain '..'")] if ".." in path.split("/") else []

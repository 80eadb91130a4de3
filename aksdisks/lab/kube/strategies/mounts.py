"""Validation of where containers see volumes: mounts and block devices (pkg/apis/core/validation)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies.causes import forbidden, invalid, not_found, required, unsupported

_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def mounts(at: str, container: Object, volumes: dict[str, Object]) -> list[Cause]:
    """A container's mounts; `volumes` are the pod's by name."""
    causes: list[Cause] = []
    devices = container.get("volumeDevices", ())
    device_names = {device.get("name") for device in devices}
    device_paths = {device.get("devicePath") for device in devices}
    paths: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts", ())):
        field = f"{at}[{index}]"
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            causes.append(required(f"{field}.name"))
        if name not in volumes:
            causes.append(not_found(f"{field}.name", name))
        if not path:
            causes.append(required(f"{field}.mountPath"))
        if path in paths:
            causes.append(invalid(f"{field}.mountPath", path, "must be unique"))
        paths.add(path)
        if name in device_names:
            causes.append(invalid(f"{field}.name", name, "must not already exist in volumeDevices"))
        if path in device_paths:
            causes.append(invalid(f"{field}.mountPath", path, "must not already exist as a path in volumeDevices"))
        causes += _below(at, field, mount)
        causes += _propagation(f"{at}.mountPropagation", mount, container)
        causes += _recursion(f"{at}.recursiveReadOnly", mount)
    return causes


def _below(at: str, field: str, mount: Object) -> list[Cause]:
    causes: list[Cause] = []
    below, expression = mount.get("subPath", ""), mount.get("subPathExpr", "")
    if below:
        causes += descending_path(f"{at}.subPath", below)
    if expression and below:
        causes.append(invalid(f"{field}.subPathExpr", expression, "subPathExpr and subPath are mutually exclusive"))
    return causes + (descending_path(f"{at}.subPathExpr", expression) if expression else [])


def _propagation(field: str, mount: Object, container: Object) -> list[Cause]:
    mode = mount.get("mountPropagation")
    if mode is None:
        return []
    causes = [] if mode in _PROPAGATIONS else [unsupported(field, mode, _PROPAGATIONS)]
    if mode == "Bidirectional" and not container.get("securityContext", {}).get("privileged"):
        why = "Bidirectional mount propagation is available only to privileged containers"
        causes.append(forbidden(field, why))
    return causes


def _recursion(field: str, mount: Object) -> list[Cause]:
    mode = mount.get("recursiveReadOnly")
    if mode is None or mode == "Disabled":
        return []
    if mode not in _RECURSIVE:
        return [unsupported(field, mode, _RECURSIVE)]
    causes = [] if mount.get("readOnly") else [forbidden(field, "may only be specified when readOnly is true")]
    if mount.get("mountPropagation", "None") != "None":
        causes.append(forbidden(field, "may only be specified when mountPropagation is None or not specified"))
    return causes


def devices(at: str, container: Object, volumes: dict[str, Object]) -> list[Cause]:
    """A container's block devices."""
    causes: list[Cause] = []
    mounted = container.get("volumeMounts", ())
    mounted_names = {mount.get("name") for mount in mounted}
    mounted_paths = {mount.get("mountPath") for mount in mounted}
    seen: set[str] = set()
    paths: set[str] = set()
    for index, device in enumerate(container.get("volumeDevices", ())):
        field = f"{at}[{index}]"
        name, path = device.get("name", ""), device.get("devicePath", "")
        if not name:
            causes.append(required(f"{field}.name"))
        if name in seen:
            causes.append(invalid(f"{field}.name", name, "must be unique"))
        volume = volumes.get(name)
        if volume is None:
            causes.append(not_found(f"{field}.name", name))
        elif "persistentVolumeClaim" not in volume and "ephemeral" not in volume:
            why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            causes.append(invalid(f"{field}.name", name, why))
        if not path:
            causes.append(required(f"{field}.devicePath"))
        if path in paths:
            causes.append(invalid(f"{field}.devicePath", path, "must be unique"))
        if ".." in path.split("/"):
            causes.append(invalid(f"{field}.devicePath", path, "can not contain backsteps ('..')"))
        else:
            paths.add(path)
        if name in mounted_names:
            causes.append(invalid(f"{field}.name", name, "must not already exist in volumeMounts"))
        if path in mounted_paths:
            causes.append(invalid(f"{field}.devicePath", path, "must not already exist as a path in volumeMounts"))
        if name:
            seen.add(name)
    return causes


def descending_path(field: str, path: str) -> list[Cause]:
    """A path that must stay below where it starts."""
    causes = [invalid(field, path, "must be a relative path")] if path.startswith("/") else []
    return causes + no_backsteps(field, path)


def no_backsteps(field: str, path: str) -> list[Cause]:
    """A path that never goes up."""
    return [invalid(field, path, "must not contain '..'")] if ".." in path.split("/") else []

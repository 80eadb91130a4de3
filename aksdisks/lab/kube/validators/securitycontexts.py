"""Validation of what pods and containers may do: users, profiles, sysctls (pkg/apis/core/validation)."""

from __future__ import annotations

import re

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import (
    Struct,
    duplicate,
    forbidden,
    invalid,
    required,
    too_long,
    unsupported,
)
from aksdisks.lab.kube.validators.mounts import descending_path

MAX_ID = 2**31 - 1
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_CHANGES = ("Always", "OnRootMismatch")
_SYSCTL = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_MAX_SYSCTL, _MAX_PATH = 253, 4095
_IPC = ("kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced")


def identity(field: str, value: int | None) -> list[Cause]:
    """The number of a user or group."""
    if value is None or 0 <= value <= MAX_ID:
        return []
    return [invalid(field, value, f"must be between 0 and {MAX_ID}, inclusive")]


def of_pod(at: str, context: Object, spec: Object) -> list[Cause]:
    """What holds for all containers; `spec` is the pod's, which says what it shares with its node."""
    causes: list[Cause] = []
    for key in ("fsGroup", "runAsUser", "runAsGroup"):
        causes += identity(f"{at}.{key}", context.get(key))
    for index, group in enumerate(context.get("supplementalGroups", ())):
        causes += identity(f"{at}.supplementalGroups[{index}]", group)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        causes.append(invalid(f"{at}.shareProcessNamespace", True, why))
    causes += _sysctls(f"{at}.sysctls", context.get("sysctls", ()), spec)
    change = context.get("fsGroupChangePolicy")
    if change is not None and change not in _CHANGES:
        causes.append(unsupported(f"{at}.fsGroupChangePolicy", change, _CHANGES))
    causes += _seccomp(f"{at}.seccompProfile", context.get("seccompProfile"))
    causes += _app_armor(f"{at}.appArmorProfile", context.get("appArmorProfile"))
    for key, allowed in (
        ("supplementalGroupsPolicy", ("Merge", "Strict")),
        ("seLinuxChangePolicy", ("MountOption", "Recursive")),
    ):
        if key in context and context[key] not in allowed:
            causes.append(unsupported(f"{at}.{key}", context[key], allowed))
    return causes


def of_container(at: str, context: Object, *, host_users: bool) -> list[Cause]:
    """What one container may do."""
    causes: list[Cause] = []
    for key in ("runAsUser", "runAsGroup"):
        causes += identity(f"{at}.{key}", context.get(key))
    mount = context.get("procMount")
    if mount is not None:
        if mount not in ("Default", "Unmasked"):
            causes.append(unsupported(f"{at}.procMount", mount, ("Default", "Unmasked")))
        if host_users and mount == "Unmasked":
            causes.append(invalid(f"{at}.procMount", mount, "`hostUsers` must be false to use `Unmasked`"))
    causes += _seccomp(f"{at}.seccompProfile", context.get("seccompProfile"))
    if context.get("allowPrivilegeEscalation") is False:
        why = "cannot set `allowPrivilegeEscalation` to false and "
        if context.get("privileged"):
            causes.append(invalid(at, _struct(context), f"{why}`privileged` to true"))
        if "CAP_SYS_ADMIN" in context.get("capabilities", {}).get("add", ()):
            causes.append(invalid(at, _struct(context), f"{why}`capabilities.Add` CAP_SYS_ADMIN"))
    return causes + _app_armor(f"{at}.appArmorProfile", context.get("appArmorProfile"))


_FIELDS = (
    ("Capabilities", "capabilities"), ("Privileged", "privileged"), ("SELinuxOptions", "seLinuxOptions"),
    ("WindowsOptions", "windowsOptions"), ("RunAsUser", "runAsUser"), ("RunAsGroup", "runAsGroup"),
    ("RunAsNonRoot", "runAsNonRoot"), ("ReadOnlyRootFilesystem", "readOnlyRootFilesystem"),
    ("AllowPrivilegeEscalation", "allowPrivilegeEscalation"), ("ProcMount", "procMount"),
    ("SeccompProfile", "seccompProfile"), ("AppArmorProfile", "appArmorProfile"),
)  # fmt: skip


def _struct(context: Object) -> Struct:
    shown = Struct({name: context.get(key) for name, key in _FIELDS})
    if shown["Capabilities"] is not None:
        given = shown["Capabilities"]
        shown["Capabilities"] = Struct(Add=given.get("add"), Drop=given.get("drop"))
    return shown


def _seccomp(at: str, profile: Object | None) -> list[Cause]:
    if profile is None:
        return []
    kind, path = profile.get("type", ""), profile.get("localhostProfile")
    causes: list[Cause] = []
    if not kind:
        causes.append(required(f"{at}.type", "type is required when seccompProfile is set"))
    elif kind not in _PROFILES:
        causes.append(unsupported(f"{at}.type", kind, _PROFILES))
    if kind == "Localhost":
        if path is None:
            causes.append(required(f"{at}.localhostProfile", "must be set when seccomp type is Localhost"))
        else:
            causes += descending_path(f"{at}.localhostProfile", path)
    elif path is not None:
        shown = Struct(Type=kind, LocalhostProfile=path)
        causes.append(invalid(f"{at}.localhostProfile", shown, "can only be set when seccomp type is Localhost"))
    return causes


def _app_armor(at: str, profile: Object | None) -> list[Cause]:
    if profile is None:
        return []
    kind, path = profile.get("type", ""), profile.get("localhostProfile")
    if not kind:
        return [required(f"{at}.type", "type is required when appArmorProfile is set")]
    if kind not in _PROFILES:
        return [unsupported(f"{at}.type", kind, _PROFILES)]
    field = f"{at}.localhostProfile"
    if kind != "Localhost":
        why = "can only be set when AppArmor type is Localhost"
        return [] if path is None else [invalid(field, path, why)]
    if not path:
        return [required(field, "must be set when AppArmor type is Localhost")]
    causes = [] if path == path.strip() else [invalid(field, path, "must not be padded with whitespace")]
    return causes + ([too_long(field, _MAX_PATH)] if len(path) > _MAX_PATH else [])


def _sysctls(at: str, found: list[Object] | tuple[()], spec: Object) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, entry in enumerate(found):
        field, name = f"{at}[{index}].name", entry.get("name", "")
        if not name:
            causes.append(required(field))
        elif len(name) > _MAX_SYSCTL or not re.fullmatch(_SYSCTL, name):
            why = f"must have at most {_MAX_SYSCTL} characters and match regex ^{_SYSCTL}$"
            causes.append(invalid(field, name, why))
        elif name in seen:
            causes.append(duplicate(field, name))
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            causes.append(invalid(field, name, "may not be specified when 'hostNetwork' is true"))
        elif spec.get("hostIPC") and (dotted in _IPC or dotted.startswith(("kernel.msg", "kernel.sem", "fs.mqueue."))):
            causes.append(invalid(field, name, "may not be specified when 'hostIPC' is true"))
        seen.add(name)
    return causes


_NOT_ON_WINDOWS = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls", "runAsUser",
    "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy",
)  # fmt: skip
_NOT_IN_WINDOWS_CONTAINERS = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
)  # fmt: skip


def of_system(at: str, spec: Object, containers: list[tuple[str, Object]]) -> list[Cause]:
    """What a pod that names its operating system may not set; `containers` with their fields."""
    system = spec.get("os", {}).get("name", "")
    if not system:
        return [required(f"{at}.os.name", "cannot be empty")]
    if system not in ("linux", "windows"):
        return [unsupported(f"{at}.os", system, ("linux", "windows"))]
    context = spec.get("securityContext", {})
    if system == "linux":
        fields = [(f"{at}.securityContext", context)]
        fields += [(f"{field}.securityContext", one.get("securityContext", {})) for field, one in containers]
        why = "windows options cannot be set for a linux pod"
        return [forbidden(f"{field}.windowsOptions", why) for field, found in fields if "windowsOptions" in found]
    why = "cannot be set for a windows pod"
    causes = [forbidden(f"{at}.securityContext.{key}", why) for key in _NOT_ON_WINDOWS if context.get(key) is not None]
    causes += [forbidden(f"{at}.{key}", why) for key in ("hostUsers", "shareProcessNamespace") if key in spec]
    causes += [forbidden(f"{at}.{key}", why) for key in ("hostPID", "hostIPC") if spec.get(key)]
    for field, one in containers:
        found = one.get("securityContext", {})
        keys = [key for key in _NOT_IN_WINDOWS_CONTAINERS if key in found]
        causes += [forbidden(f"{field}.securityContext.{key}", why) for key in keys]
    return causes

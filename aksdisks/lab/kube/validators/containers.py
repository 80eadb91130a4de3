"""Validation of containers: ports, environment, mounts, resources, probes (pkg/apis/core/validation)."""

from __future__ import annotations

import re
from typing import Any

from aksdisks.lab.kube import names
from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.quantities import parse
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators.causes import (
    duplicate,
    forbidden,
    formed,
    invalid,
    not_found,
    not_negative,
    one_of,
    required,
    unsupported,
)

_PULL = ("Always", "IfNotPresent", "Never")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_TERMINATION = ("File", "FallbackToLogsOnError")
_SCHEMES = ("HTTP", "HTTPS")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_MAX_INT32 = 2**31 - 1


def container(at: str, found: Object, volumes: dict[str, Object]) -> list[Cause]:
    """What all containers share; `volumes` are the pod's by name."""
    name = found.get("name", "")
    causes = formed(f"{at}.name", name, names.label_errors) if name else [required(f"{at}.name")]
    if not found.get("image"):
        causes.append(required(f"{at}.image"))
    causes += one_of(f"{at}.terminationMessagePolicy", found.get("terminationMessagePolicy"), _TERMINATION)
    causes += _ports(f"{at}.ports", found.get("ports", ()))
    for index, variable in enumerate(found.get("env", ())):
        causes += _variable(f"{at}.env[{index}]", variable)
    causes += _mounts(at, found, volumes) + _devices(at, found, volumes)
    causes += one_of(f"{at}.imagePullPolicy", found.get("imagePullPolicy"), _PULL)
    causes += resources(f"{at}.resources", found.get("resources", {}))
    context = found.get("securityContext", {})
    for key in ("runAsUser", "runAsGroup"):
        value = context.get(key)
        if value is not None and not 0 <= value <= _MAX_INT32:
            why = f"must be between 0 and {_MAX_INT32}, inclusive"
            causes.append(invalid(f"{at}.securityContext.{key}", value, why))
    return causes


def port_errors(number: Any) -> list[str]:
    """What is wrong with a port's number."""
    return [] if 1 <= number <= 65535 else ["must be between 1 and 65535, inclusive"]


def port_name_errors(name: str) -> list[str]:
    """What is wrong with a port's name (apimachinery: IsValidPortName)."""
    problems = []
    if len(name) > 15:
        problems.append("must be no more than 15 characters")
    if not re.fullmatch("[-a-z0-9]+", name):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", name):
        problems.append("must contain at least one letter (a-z)")
    if "--" in name:
        problems.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def port_or_name(field: str, value: Any) -> list[Cause]:
    """A port by number or by name."""
    problems = port_name_errors(value) if isinstance(value, str) else port_errors(value or 0)
    return [invalid(field, value or 0 if not isinstance(value, str) else value, problem) for problem in problems]


def _ports(at: str, ports: Any) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        field = f"{at}[{index}]"
        name = port.get("name", "")
        if name:
            problems = formed(f"{field}.name", name, port_name_errors)
            if not problems and name in seen:
                problems = [duplicate(f"{field}.name", name)]
            causes += problems
            seen.add(name)
        number = port.get("containerPort", 0)
        if number == 0:
            causes.append(required(f"{field}.containerPort"))
        else:
            causes += [invalid(f"{field}.containerPort", number, problem) for problem in port_errors(number)]
        if port.get("hostPort"):
            number = port["hostPort"]
            causes += [invalid(f"{field}.hostPort", number, problem) for problem in port_errors(number)]
        causes += one_of(f"{field}.protocol", port.get("protocol"), _PROTOCOLS)
    return causes


def host_ports(at: str, found: Object, seen: set[str]) -> list[Cause]:
    """Ports of the host that two of a pod's containers want."""
    causes = []
    for index, port in enumerate(found.get("ports", ())):
        if not port.get("hostPort"):
            continue
        shown = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
        if shown in seen:
            causes.append(duplicate(f"{at}.ports[{index}].hostPort", shown))
        seen.add(shown)
    return causes


def _variable(at: str, variable: Object) -> list[Cause]:
    name = variable.get("name", "")
    causes = formed(f"{at}.name", name, names.variable_errors) if name else [required(f"{at}.name")]
    if "valueFrom" not in variable:
        return causes
    source, field = variable["valueFrom"], f"{at}.valueFrom"
    given = [key for key in _SOURCES if key in source]
    for key in ("configMapKeyRef", "secretKeyRef"):
        if key in source:
            causes += formed(f"{field}.{key}.name", source[key].get("name", ""), names.subdomain_errors)
            if not source[key].get("key"):
                causes.append(required(f"{field}.{key}.key"))
            else:
                causes += formed(f"{field}.{key}.key", source[key]["key"], names.config_key_errors)
    if "fieldRef" in source and not source["fieldRef"].get("fieldPath"):
        causes.append(required(f"{field}.fieldRef.fieldPath"))
    if not given:
        why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        causes.append(invalid(field, "", why))
    elif variable.get("value"):
        causes.append(invalid(field, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        causes.append(invalid(field, "", "may not have more than one field specified at a time"))
    return causes


def _mounts(at: str, found: Object, volumes: dict[str, Object]) -> list[Cause]:
    causes: list[Cause] = []
    devices = found.get("volumeDevices", ())
    paths: list[str] = []
    for index, mount in enumerate(found.get("volumeMounts", ())):
        field = f"{at}.volumeMounts[{index}]"
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            causes.append(required(f"{field}.name"))
        if name not in volumes:
            causes.append(not_found(f"{field}.name", name))
        if not path:
            causes.append(required(f"{field}.mountPath"))
        if path in paths:
            causes.append(invalid(f"{field}.mountPath", path, "must be unique"))
        paths.append(path)
        if any(device.get("name") == name for device in devices):
            causes.append(invalid(f"{field}.name", name, "must not already exist in volumeDevices"))
        if any(device.get("devicePath") == path for device in devices):
            causes.append(invalid(f"{field}.mountPath", path, "must not already exist as a path in volumeDevices"))
        if mount.get("subPath"):
            causes += descending_path(f"{at}.volumeMounts.subPath", mount["subPath"])
    return causes


def _devices(at: str, found: Object, volumes: dict[str, Object]) -> list[Cause]:
    causes: list[Cause] = []
    seen_names: set[str] = set()
    paths: set[str] = set()
    for index, device in enumerate(found.get("volumeDevices", ())):
        field = f"{at}.volumeDevices[{index}]"
        name, path = device.get("name", ""), device.get("devicePath", "")
        if not name:
            causes.append(required(f"{field}.name"))
        if name in seen_names:
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
        seen_names.add(name)
        paths.add(path)
    return causes


def descending_path(field: str, path: str) -> list[Cause]:
    """A path that must stay below where it starts."""
    causes = [invalid(field, path, "must be a relative path")] if path.startswith("/") else []
    return causes + ([invalid(field, path, "must not contain '..'")] if ".." in path.split("/") else [])


def resources(at: str, found: Object) -> list[Cause]:
    """Requests and limits."""
    causes: list[Cause] = []
    limits = found.get("limits", {})
    for kind in ("limits", "requests"):
        for name, value in found.get(kind, {}).items():
            field = f"{at}.{kind}[{name}]"
            causes += _resource_name(field, name)
            if parse(value) < 0:
                causes.append(invalid(field, value, "must be greater than or equal to 0"))
            if kind == "requests" and name in limits and parse(value) > parse(limits[name]):
                why = f"must be less than or equal to {name} limit of {limits[name]}"
                causes.append(invalid(f"{at}.requests", value, why))
    return causes


def _resource_name(field: str, name: str) -> list[Cause]:
    causes = formed(field, name, names.qualified_name_errors)
    if not causes and "/" not in name:
        known = ("cpu", "memory", "ephemeral-storage")
        if name not in known and not name.startswith("hugepages-"):
            causes.append(invalid(field, name, "must be a standard resource type or fully qualified"))
            causes.append(invalid(field, name, "must be a standard resource for containers"))
    return causes


def handlers(at: str, found: Object) -> list[Cause]:
    """Lifecycle and probes of a container that runs on."""
    causes: list[Cause] = []
    for key in ("postStart", "preStop"):
        if key in found.get("lifecycle", {}):
            causes += _handler(
                f"{at}.lifecycle.{key}", found["lifecycle"][key], ("exec", "httpGet", "tcpSocket", "sleep")
            )
    for key in ("livenessProbe", "readinessProbe", "startupProbe"):
        if key not in found:
            continue
        probe, field = found[key], f"{at}.{key}"
        causes += _handler(field, probe, ("exec", "httpGet", "tcpSocket", "grpc"))
        for number in (
            "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold",
        ):  # fmt: skip
            causes += not_negative(f"{field}.{number}", probe.get(number))
        grace = probe.get("terminationGracePeriodSeconds")
        if grace is not None and grace <= 0:
            causes.append(invalid(f"{field}.terminationGracePeriodSeconds", grace, "must be greater than 0"))
        if key == "readinessProbe":
            if grace is not None:
                why = "must not be set for readinessProbes"
                causes.append(invalid(f"{field}.terminationGracePeriodSeconds", grace, why))
        elif probe.get("successThreshold", 1) != 1:
            causes.append(invalid(f"{field}.successThreshold", probe["successThreshold"], "must be 1"))
    return causes


def _handler(at: str, found: Object, kinds: tuple[str, ...]) -> list[Cause]:
    given = [kind for kind in kinds if kind in found]
    if not given:
        return [required(at, "must specify a handler type")]
    causes = [forbidden(f"{at}.{kind}", "may not specify more than 1 handler type") for kind in given[1:]]
    action, field = found[given[0]], f"{at}.{given[0]}"
    if given[0] == "exec" and not action.get("command"):
        causes.append(required(f"{field}.command"))
    if given[0] == "httpGet":
        if not action.get("path"):
            causes.append(required(f"{field}.path"))
        causes += port_or_name(f"{field}.port", action.get("port"))
        if action.get("scheme") not in _SCHEMES:
            causes.append(unsupported(f"{field}.scheme", action.get("scheme", ""), _SCHEMES))
    if given[0] in ("tcpSocket", "grpc"):
        causes += port_or_name(f"{field}.port", action.get("port"))
    return causes

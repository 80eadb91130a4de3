"""Validation of environment variables and of references to fields and resources (pkg/apis/core/validation)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.quantities import canonical, parse
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import formed, invalid, required, unsupported

_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
VOLUME_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
"""The fields that files may show."""
_CONVERTIBLE = (
    *_FIELDS, "metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase",
    "spec.host",
)  # fmt: skip
_RESOURCES = (
    "limits.cpu", "limits.ephemeral-storage", "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory",
)  # fmt: skip
_UNITS = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"
_SUBSCRIPT = re.compile(r"(metadata\.(?:annotations|labels)|[^\[\]]+)\['(.*)'\]")


def variables(at: str, found: Iterable[Object]) -> list[Cause]:
    """A container's variables."""
    causes: list[Cause] = []
    for index, variable in enumerate(found):
        field, name = f"{at}[{index}]", variable.get("name", "")
        causes += formed(f"{field}.name", name, names.variable_errors) if name else [required(f"{field}.name")]
        if "valueFrom" in variable:
            causes += _value_from(f"{field}.valueFrom", variable["valueFrom"], variable.get("value", ""))
    return causes


def _value_from(at: str, source: Object, value: str) -> list[Cause]:
    causes: list[Cause] = []
    given = [key for key in _SOURCES if key in source]
    if "fieldRef" in source:
        causes += field_reference(f"{at}.fieldRef", source["fieldRef"], _FIELDS)
    if "resourceFieldRef" in source:
        causes += resource_reference(f"{at}.resourceFieldRef", source["resourceFieldRef"], in_volume=False)
    for key in ("configMapKeyRef", "secretKeyRef"):
        if key in source:
            causes += formed(f"{at}.{key}.name", source[key].get("name", ""), names.subdomain_errors)
            if not source[key].get("key"):
                causes.append(required(f"{at}.{key}.key"))
            else:
                causes += formed(f"{at}.{key}.key", source[key]["key"], names.config_key_errors)
    if not given:
        why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        causes.append(invalid(at, "", why))
    elif value:
        causes.append(invalid(at, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        causes.append(invalid(at, "", "may not have more than one field specified at a time"))
    return causes


def from_objects(at: str, found: Iterable[Object]) -> list[Cause]:
    """The objects whose every key becomes a variable."""
    causes: list[Cause] = []
    for index, source in enumerate(found):
        field = f"{at}[{index}]"
        if source.get("prefix"):
            causes += formed(f"{field}.prefix", source["prefix"], names.variable_errors)
        given = [key for key in ("configMapRef", "secretRef") if key in source]
        for key in given:
            name = source[key].get("name", "")
            shortened = f"{name[:-2]}a" if len(name) > 1 and name.endswith("-") else name
            problems = names.subdomain_errors(shortened)
            causes += [invalid(f"{field}.{key}.name", name, p) for p in problems] if name else []
            causes += [] if name else [required(f"{field}.{key}.name")]
        if not given:
            causes.append(invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            causes.append(invalid(at, "", "may not have more than one field specified at a time"))
    return causes


def field_reference(at: str, reference: Object, allowed: tuple[str, ...]) -> list[Cause]:
    """A field of the pod, or one entry of its labels or annotations."""
    version, path = reference.get("apiVersion", ""), reference.get("fieldPath", "")
    if not version:
        return [required(f"{at}.apiVersion")]
    if not path:
        return [required(f"{at}.fieldPath")]
    subscripted = _SUBSCRIPT.fullmatch(path)
    if version != "v1":
        return [_unconverted(at, path, f"unsupported pod version: {version}")]
    if subscripted and subscripted[1] in ("metadata.annotations", "metadata.labels"):
        key = subscripted[2].lower() if subscripted[1] == "metadata.annotations" else subscripted[2]
        return formed(at, key, names.qualified_name_errors)
    if subscripted:
        return [_unconverted(at, path, f'field label does not support subscript: "{path}"')]
    if path not in _CONVERTIBLE:
        return [_unconverted(at, path, f"field label not supported: {path}")]
    converted = "spec.nodeName" if path == "spec.host" else path
    return [] if converted in allowed else [unsupported(f"{at}.fieldPath", converted, allowed)]


def _unconverted(at: str, path: str, why: str) -> Cause:
    return invalid(f"{at}.fieldPath", path, f"error converting fieldPath: {why}")


def resource_reference(at: str, reference: Object, *, in_volume: bool) -> list[Cause]:
    """A request or limit, in units of a divisor."""
    resource, causes = reference.get("resource", ""), []
    if in_volume and not reference.get("containerName"):
        causes.append(required(f"{at}.containerName"))
    elif not resource:
        causes.append(required(f"{at}.resource"))
    elif resource not in _RESOURCES and not resource.startswith(("limits.hugepages-", "requests.hugepages-")):
        causes.append(unsupported(f"{at}.resource", resource, _RESOURCES))
    divisor = canonical(str(reference.get("divisor", "0")))
    if parse(divisor) == 0:
        return causes
    kind = resource.partition(".")[2]
    if kind == "cpu":
        if divisor not in ("1m", "1"):
            why = "only divisor's values 1m and 1 are supported with the cpu resource"
            causes.append(invalid(f"{at}.divisor", resource, why))
    elif divisor not in _UNITS.split(", "):
        named = {"memory": "memory", "ephemeral-storage": "local ephemeral storage"}.get(kind)
        named = named or ("hugepages" if kind.startswith("hugepages-") else None)
        if named:
            why = f"only divisor's values {_UNITS} are supported with the {named} resource"
            causes.append(invalid(f"{at}.divisor", resource, why))
    return causes

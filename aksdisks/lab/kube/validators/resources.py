"""Validation of requests, limits and their names (pkg/apis/core/validation, pkg/apis/core/helper)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.quantities import canonical, parse
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import NOT_NEGATIVE, duplicate, forbidden, formed, invalid, required

_OF_CONTAINERS = ("cpu", "memory", "ephemeral-storage")
_OF_QUOTAS = (
    "configmaps", "limits.cpu", "limits.ephemeral-storage", "limits.memory", "persistentvolumeclaims", "pods",
    "replicationcontrollers", "requests.cpu", "requests.ephemeral-storage", "requests.memory", "requests.storage",
    "resourcequotas", "secrets", "services", "services.loadbalancers", "services.nodeports", "storage",
)  # fmt: skip
_COUNTED = (
    "configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services",
    "services.loadbalancers", "services.nodeports",
)  # fmt: skip


def requirements(at: str, found: Object, claims: frozenset[str] = frozenset()) -> list[Cause]:
    """Requests and limits of a container; `claims` are the names of the pod's resource claims."""
    causes: list[Cause] = []
    limits, requests = found.get("limits", {}), found.get("requests", {})
    for name, value in limits.items():
        causes += _named_value(f"{at}.limits[{name}]", name, value)
    for name, value in requests.items():
        field = f"{at}.requests[{name}]"
        causes += _container_resource(field, name) + quantity(field, name, value)
        if name in limits:
            causes += _within_limit(f"{at}.requests", name, value, limits[name])
        elif not _may_overcommit(name):
            causes.append(required(f"{at}.limits", "Limit must be set for non overcommitable resources"))
        causes += _huge_pages(field, name, value)
    given = {*limits, *requests}
    if any(map(_is_huge, given)) and not given & {"cpu", "memory"}:
        causes.append(forbidden(at, "HugePages require cpu or memory"))
    return causes + _claims(f"{at}.claims", found.get("claims", ()), claims)


def _named_value(field: str, name: str, value: str) -> list[Cause]:
    return _container_resource(field, name) + quantity(field, name, value) + _huge_pages(field, name, value)


def _within_limit(at: str, name: str, value: str, limit: str) -> list[Cause]:
    if parse(value) != parse(limit) and not _may_overcommit(name):
        return [invalid(at, value, f"must be equal to {name} limit of {canonical(limit)}")]
    if parse(value) > parse(limit):
        return [invalid(at, value, f"must be less than or equal to {name} limit of {canonical(limit)}")]
    return []


def quantity(field: str, name: str, value: str) -> list[Cause]:
    """Not below zero, and whole for what is counted."""
    causes = [invalid(field, value, NOT_NEGATIVE)] if parse(value) < 0 else []
    if (name in _COUNTED or _is_extended(name)) and parse(value).denominator != 1:
        causes.append(invalid(field, value, "must be an integer"))
    return causes


def _container_resource(field: str, name: str) -> list[Cause]:
    causes = formed(field, name, names.qualified_name_errors)
    if "/" not in name:
        if not causes and name not in _OF_CONTAINERS and name not in _OF_QUOTAS and not _is_huge(name):
            causes.append(invalid(field, name, "must be a standard resource type or fully qualified"))
        if name not in _OF_CONTAINERS and not _is_huge(name):
            causes.append(invalid(field, name, "must be a standard resource for containers"))
    elif not _is_native(name) and not _is_extended(name):
        causes.append(invalid(field, name, "doesn't follow extended resource name standard"))
    return causes


def _is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def _is_extended(name: str) -> bool:
    if _is_native(name) or name.startswith("requests."):
        return False
    return not names.qualified_name_errors(f"requests.{name}")


def _is_huge(name: str) -> bool:
    return name.startswith("hugepages-")


def _may_overcommit(name: str) -> bool:
    return _is_native(name) and not _is_huge(name)


def _huge_pages(field: str, name: str, value: str) -> list[Cause]:
    if not _is_huge(name):
        return []
    try:
        size = parse(name.removeprefix("hugepages-"))
    except ValueError:
        size = parse("0")
    if size > 0 and parse(value) % size == 0:
        return []
    return [invalid(field, value, f"{canonical(value)} is not positive integer multiple of {name}")]


def _claims(at: str, found: Any, known: frozenset[str]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    asked: Counter[str] = Counter()
    listed = f": {', '.join(sorted(known))}" if known else " which is empty"
    for index, claim in enumerate(found):
        name, request = claim.get("name", ""), claim.get("request", "")
        if not name:
            causes.append(required(f"{at}[{index}]"))
            continue
        key = f"{name}/{request}" if request else name
        if name in seen or key in seen:
            causes.append(duplicate(f"{at}[{index}]", name if name in seen else key))
        elif not request:
            causes += [duplicate(f"{at}[{index}]", name)] * asked[name]
        if key not in seen:
            asked[key.partition("/")[0]] += 1
        seen.add(key)
        if name not in known:
            why = f'Not found: "{name}": must be one of the names in pod.spec.resourceClaims{listed}'
            causes.append(Cause(f"{at}[{index}]", "FieldValueNotFound", why))
    return causes

"""Requests, limits and their names (pkg/apis/core/validation, pkg/apis/core/helper)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.quantities import canonical, parse
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies.causes import NOT_NEGATIVE, formed, invalid, required

_STANDARD = ("cpu", "memory", "ephemeral-storage")


def requirements(field: str, found: Object | None) -> list[Cause]:
    """Requests and limits of a container."""
    causes: list[Cause] = []
    limits, requests = (found or {}).get("limits", {}), (found or {}).get("requests", {})
    for name, value in limits.items():
        causes += _name(f"{field}.limits[{name}]", name) + quantity(f"{field}.limits[{name}]", name, value)
    for name, value in requests.items():
        at, fixed = f"{field}.requests[{name}]", _is_extended(name)
        causes += _name(at, name) + quantity(at, name, value)
        if name not in limits:
            why = "Limit must be set for non overcommitable resources"
            causes += [required(f"{field}.limits", why)] if fixed else []
        elif fixed and parse(value) != parse(limits[name]):
            causes.append(invalid(f"{field}.requests", value, f"must be equal to {name} limit of {limits[name]}"))
        elif parse(value) > parse(limits[name]):
            why = f"must be less than or equal to {name} limit of {canonical(limits[name])}"
            causes.append(invalid(f"{field}.requests", value, why))
    return causes


def quantity(field: str, name: str, value: str) -> list[Cause]:
    """Not below zero, and whole for what is counted."""
    causes = [invalid(field, value, NOT_NEGATIVE)] if parse(value) < 0 else []
    if (name == "pods" or _is_extended(name)) and parse(value).denominator != 1:
        causes.append(invalid(field, value, "must be an integer"))
    return causes


def _name(field: str, name: str) -> list[Cause]:
    causes = formed(field, name, names.qualified_name_errors)
    if "/" not in name and name not in _STANDARD and not name.startswith("hugepages-"):
        causes.append(invalid(field, name, "must be a standard resource for containers"))
    return causes


def _is_extended(name: str) -> bool:
    return "/" in name and "kubernetes.io/" not in name

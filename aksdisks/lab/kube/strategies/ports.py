"""Ports, by number and by name (apimachinery: util/validation, pkg/apis/core/validation)."""

from __future__ import annotations

import re
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies.causes import duplicate, formed, invalid, required
from aksdisks.lab.kube.strategies.rules import check, enumeration

PROTOCOLS = ("SCTP", "TCP", "UDP")
PROTOCOL = enumeration("protocol", *PROTOCOLS, must=True)


def port_errors(number: int) -> list[str]:
    """What is wrong with a port's number."""
    return [] if 1 <= number <= 65535 else ["must be between 1 and 65535, inclusive"]


def _name_errors(name: str) -> list[str]:
    """What is wrong with a port's name (IsValidPortName)."""
    problems = []
    if len(name) > 15:
        problems.append("must be no more than 15 characters")
    if not re.fullmatch("[-a-z0-9]+", name):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", name):
        problems.append("must contain at least one letter (a-z)")
    if "--" in name:
        problems.append("must not contain consecutive hyphens")
    if name and (name.startswith("-") or name.endswith("-")):
        problems.append("must not begin or end with a hyphen")
    return problems


def port_or_name(field: str, value: Any) -> list[Cause]:
    """A port by number or by name."""
    problems = _name_errors(value) if isinstance(value, str) else port_errors(value or 0)
    return [invalid(field, value or 0 if not isinstance(value, str) else value, problem) for problem in problems]


def container_ports(field: str, ports: list[Object] | None) -> list[Cause]:
    """A container's ports."""
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports or ()):
        at, name, number, on_host = f"{field}[{index}]", *map(port.get, ("name", "containerPort", "hostPort"))
        if name:
            problems = formed(f"{at}.name", name, _name_errors)
            causes += problems or ([duplicate(f"{at}.name", name)] if name in seen else [])
            seen.add(name)
        if not number:
            causes.append(required(f"{at}.containerPort"))
        else:
            causes += [invalid(f"{at}.containerPort", number, problem) for problem in port_errors(number)]
        causes += [invalid(f"{at}.hostPort", on_host, problem) for problem in port_errors(on_host)] if on_host else []
        causes += check((PROTOCOL,), port, at)
    return causes


def host_ports(at: str, container: Object, seen: set[str]) -> list[Cause]:
    """Ports of the host that two of a pod's containers want."""
    causes = []
    for index, port in enumerate(container.get("ports", ())):
        if not port.get("hostPort"):
            continue
        shown = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
        if shown in seen:
            causes.append(duplicate(f"{at}.ports[{index}].hostPort", shown))
        seen.add(shown)
    return causes

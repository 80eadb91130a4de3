"""Validation of ports, by number and by name (apimachinery: util/validation, pkg/apis/core/validation)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import duplicate, formed, invalid, one_of, required

PROTOCOLS = ("SCTP", "TCP", "UDP")


def port_errors(number: Any) -> list[str]:
    """What is wrong with a port's number."""
    return [] if 1 <= number <= 65535 else ["must be between 1 and 65535, inclusive"]


def port_name_errors(name: str) -> list[str]:
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
    problems = port_name_errors(value) if isinstance(value, str) else port_errors(value or 0)
    return [invalid(field, value or 0 if not isinstance(value, str) else value, problem) for problem in problems]


def of_container(at: str, ports: Iterable[Object]) -> list[Cause]:
    """A container's ports."""
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        field, name = f"{at}[{index}]", port.get("name", "")
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
        causes += one_of(f"{field}.protocol", port.get("protocol"), PROTOCOLS)
    return causes


def of_host(at: str, container: Object, seen: set[str]) -> list[Cause]:
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

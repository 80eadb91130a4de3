"""Validation of probes and lifecycle handlers (pkg/apis/core/validation)."""

from __future__ import annotations

import re

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import forbidden, invalid, not_negative, required, unsupported
from aksdisks.lab.kube.validators.ports import port_or_name

_SCHEMES = ("HTTP", "HTTPS")
_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_HEADER = (
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for "
    "validation is '[-A-Za-z0-9]+')"
)
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def handlers(at: str, container: Object, grace: int | None) -> list[Cause]:
    """Lifecycle and probes of a container that runs on; `grace` is the pod's, in seconds."""
    causes: list[Cause] = []
    for key in ("postStart", "preStop"):
        if key in container.get("lifecycle", {}):
            kinds = ("exec", "httpGet", "tcpSocket", "sleep")
            causes += _handler(f"{at}.lifecycle.{key}", container["lifecycle"][key], kinds, grace)
    for key in PROBES:
        if key in container:
            causes += _probe(f"{at}.{key}", container[key], key, grace)
    return causes


def _probe(at: str, probe: Object, kind: str, pod_grace: int | None) -> list[Cause]:
    causes = _handler(at, probe, ("exec", "httpGet", "tcpSocket", "grpc"), pod_grace)
    for number in _NUMBERS:
        causes += not_negative(f"{at}.{number}", probe.get(number))
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        causes.append(invalid(f"{at}.terminationGracePeriodSeconds", grace, "must be greater than 0"))
    if kind == "readinessProbe":
        if grace is not None:
            why = "must not be set for readinessProbes"
            causes.append(invalid(f"{at}.terminationGracePeriodSeconds", grace, why))
    elif probe.get("successThreshold", 0) != 1:
        causes.append(invalid(f"{at}.successThreshold", probe.get("successThreshold", 0), "must be 1"))
    return causes


def _handler(at: str, found: Object, kinds: tuple[str, ...], grace: int | None) -> list[Cause]:
    given = [kind for kind in kinds if kind in found]
    if not given:
        return [required(at, "must specify a handler type")]
    causes = _action(f"{at}.{given[0]}", given[0], found[given[0]], grace)
    return causes + [forbidden(f"{at}.{kind}", "may not specify more than 1 handler type") for kind in given[1:]]


def _action(at: str, kind: str, action: Object, grace: int | None) -> list[Cause]:
    if kind == "exec":
        return [] if action.get("command") else [required(f"{at}.command")]
    if kind == "sleep":
        seconds = action.get("seconds", 0)
        if grace is None or 0 <= seconds <= grace:
            return []
        why = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
        return [invalid(at, seconds, why)]
    if kind != "httpGet":
        return port_or_name(f"{at}.port", action.get("port"))
    causes = [] if action.get("path") else [required(f"{at}.path")]
    causes += port_or_name(f"{at}.port", action.get("port"))
    if action.get("scheme") not in _SCHEMES:
        causes.append(unsupported(f"{at}.scheme", action.get("scheme", ""), _SCHEMES))
    for header in action.get("httpHeaders", ()):
        name = header.get("name", "")
        if not re.fullmatch("[-A-Za-z0-9]+", name):
            causes.append(invalid(f"{at}.httpHeaders", name, _HEADER))
    return causes

"""What somebody wants to do, in the terms of access control: verb and resource, or verb and path; and its refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass

from aksdisks.lab.client.interface import ApiError, Object


@dataclass(frozen=True, slots=True)
class Attributes:
    """`path` for what is no resource (discovery, health), else the resource; empty means none, or all."""

    verb: str
    resource: str = ""
    group: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    path: str = ""


def forbidden(user: str, asked: Attributes, reason: str = "") -> ApiError:
    """403 in upstream's words (apiserver: handlers/responsewriters/errors.go)."""
    if asked.path:
        message = f"forbidden: User {quote(user)} cannot {asked.verb} path {quote(asked.path)}"
        return ApiError(403, "Forbidden", message + (f": {reason}" if reason else ""), {})
    resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    where = f"in the namespace {quote(asked.namespace)}" if asked.namespace else "at the cluster scope"
    why = f"User {quote(user)} cannot {asked.verb} resource {quote(resource)} in API group {quote(asked.group)} {where}"
    return refused(asked.resource, asked.group, asked.name, why + (f": {reason}" if reason else ""))


def refused(resource: str, group: str, name: str, why: str) -> ApiError:
    """403 about one object or a whole resource."""
    qualified = f"{resource}.{group}" if group else resource
    details: Object = {"name": name, "group": group, "kind": resource}
    message = f"{qualified} {quote(name)} is forbidden: {why}" if name else f"{qualified} is forbidden: {why}"
    return ApiError(403, "Forbidden", message, {key: value for key, value in details.items() if value})


def quote(text: str) -> str:
    """As Go's %q."""
    return json.dumps(text, ensure_ascii=False)

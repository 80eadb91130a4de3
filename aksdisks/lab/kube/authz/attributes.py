"""What a request wants to do, in the terms of access control: verb and resource, or verb and path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aksdisks.lab.client.interface import ApiError, Object

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_NAMESPACE_SUBRESOURCES = ("status", "finalize")
_FALSE = ("", "0", "false")
"""How a query says no, in lower case."""


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


def of_request(method: str, path: str, query: Mapping[str, str]) -> Attributes:
    """Read off the URL alone, whether or not such a resource is served (apiserver: pkg/endpoints/request)."""
    path = path.encode(errors="replace").decode()  # what is not UTF-8 has no name here, and no place in an answer
    parts = [part for part in path.split("/") if part]
    head, least = (2, 3) if parts[:1] == ["api"] else (3, 4)
    if parts[:1] not in (["api"], ["apis"]) or len(parts) < least:
        return Attributes(method.lower(), path=path)
    group = parts[1] if head == 3 else ""
    parts = parts[head:]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
            parts = parts[2:]
    resource, name, subresource = (*parts, "", "", "")[:3]
    asked = Attributes(_VERBS.get(method, ""), resource, group, namespace, name, subresource)
    if name or asked.verb not in ("get", "delete"):
        return asked
    if asked.verb == "delete":
        return replace(asked, verb="deletecollection")
    verb = "list" if query.get("watch", "").lower() in _FALSE else "watch"
    return replace(asked, verb=verb, name=_selected_name(query.get("fieldSelector", "")))


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


def _selected_name(selector: str) -> str:
    """The one name that a field selector leaves, so that resourceNames can allow a list of one."""
    for term in selector.split(","):
        key, equals, value = term.partition("=")
        if key.strip() == "metadata.name" and equals:
            return value.removeprefix("=").strip()
    return ""

"""RequestInfo: what the method, path and query of a request say, read once (apiserver: endpoints/request)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aksdisks.lab.kube.authz.attributes import Attributes

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_BELOW_ITSELF = ("status", "finalize", "namespaces")
"""What follows `namespaces/NAME` and is not about an object in the namespace; the last of them is not served."""

_FALSE = ("", "0", "false")
"""The values of a query's parameter that are false, in lower case."""


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Read off the URL alone, whether or not such a resource is served.

    `resource` is empty for all paths but those of resources (discovery, health); their verb is the method in lower
    case. `segments` are those of the whole path, `parts` those from the resource's name on: upstream's third one is the
    subresource, and no path that is served has a fourth.
    """

    verb: str
    path: str
    segments: tuple[str, ...]
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    parts: tuple[str, ...] = ()

    @property
    def attributes(self) -> Attributes:
        """What access control is asked about the request."""
        if not self.resource:
            return Attributes(self.verb, path=self.path)
        return Attributes(self.verb, self.resource, self.group, self.namespace, self.name, self.subresource)


def parse(method: str, path: str, query: Mapping[str, str]) -> RequestInfo:
    """The request's RequestInfo."""
    path = path.encode(errors="replace").decode()  # no answer could show what is not UTF-8
    segments = tuple(part for part in path.split("/") if part)
    head = {"api": 2, "apis": 3}.get(segments[0] if segments else "", len(segments))
    parts = segments[head:]
    if not parts:
        return RequestInfo(method.lower(), path, segments)
    group, version = segments[1] if head == 3 else "", segments[head - 1]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _BELOW_ITSELF:
            parts = parts[2:]
    resource, name, subresource = (*parts, "", "")[:3]
    verb = _VERBS.get(method, "")
    if not name and verb == "delete":
        verb = "deletecollection"
    elif not name and verb == "get":
        verb = "list" if query.get("watch", "").lower() in _FALSE else "watch"
        name = _selected_name(query.get("fieldSelector", ""))
    return RequestInfo(verb, path, segments, group, version, resource, subresource, namespace, name, parts)


def _selected_name(selector: str) -> str:
    """The one name that a field selector leaves, so that resourceNames can allow a list of one."""
    for term in selector.split(","):
        key, equals, value = term.partition("=")
        if key.strip() == "metadata.name" and equals:
            return value.removeprefix("=").strip()
    return ""

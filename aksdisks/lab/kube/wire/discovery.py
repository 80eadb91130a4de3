"""What the API server says it serves: versions, groups and resources, in the legacy and the aggregated form."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.registry import RESOURCES, Resource

AGGREGATED_KIND = "APIGroupDiscoveryList"
AggregatedVersion = Literal["v2", "v2beta1"]

_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"

REVIEWS: tuple[Resource, ...] = tuple(
    Resource(f"{kind.lower()}s", kind.lower(), kind, group, namespaced=kind.startswith("Local"), verbs=("create",))
    for group, kinds in (
        (_AUTHENTICATION, ("SelfSubjectReview", "TokenReview")),
        (
            _AUTHORIZATION,
            ("LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"),
        ),
    )
    for kind in kinds
)
"""Questions about who may do what: answered, never stored."""

_GROUP_ORDER = (
    "", "apiregistration.k8s.io", "apps", "events.k8s.io", _AUTHENTICATION, _AUTHORIZATION, "autoscaling", "batch",
    "certificates.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io",
    "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io", "coordination.k8s.io", "node.k8s.io",
    "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
)  # fmt: skip
"""The order in which upstream's groups come (golden: discovery-1)."""

_OBJECT_VERBS = ("get", "patch", "update")
_STREAMS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("attach", "exec", "portforward"), ("create", "get")),
    "log": ("get",),
    "proxy": ("create", "delete", "get", "patch", "update"),
}
_SUBRESOURCE_VERBS: dict[str, tuple[str, ...]] = {
    "finalize": ("update",),
    "binding": ("create",),
    "eviction": ("create",),
    "token": ("create",),
    **_STREAMS,
}
_SUBRESOURCE_KINDS = {
    "scale": ("autoscaling", "v1", "Scale"),
    "binding": ("", "v1", "Binding"),
    "eviction": ("policy", "v1", "Eviction"),
    "attach": ("", "v1", "PodAttachOptions"),
    "exec": ("", "v1", "PodExecOptions"),
    "portforward": ("", "v1", "PodPortForwardOptions"),
    "proxy": ("", "v1", "PodProxyOptions"),
    "token": (_AUTHENTICATION, "v1", "TokenRequest"),
}


def groups() -> tuple[str, ...]:
    """The groups served, the core group "" first."""
    present = {resource.group for resource in _all_resources()}
    return tuple(sorted(present, key=lambda group: (*_position(group), group)))


@cache
def versions(group: str) -> tuple[str, ...]:
    """The versions of a group, the preferred one first; none for a group that is not served."""
    return tuple(dict.fromkeys(resource.version for resource in _all_resources() if resource.group == group))


def paths() -> list[str]:
    """The paths of discovery itself."""
    named = [name for name in groups() if name]
    below = [path for name in named for path in (f"/apis/{name}", *(f"/apis/{name}/{of}" for of in versions(name)))]
    return ["/api", "/api/v1", "/apis", *below]


def api_versions(server_address: str) -> Object:
    """`/api`; `server_address` is host:port."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}],
    }


def api_group_list() -> Object:
    """`/apis`."""
    entries = [_group(name) for name in groups() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": entries}


def api_group(name: str) -> Object | None:
    """`/apis/<group>`; None for a group that is not served."""
    if not name or name not in groups():
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}


@cache
def resource_list(group: str, version: str) -> Object | None:
    """`/api/v1` or `/apis/<group>/<version>`; None when it is not served."""
    resources = _resources(group, version)
    if not resources:
        return None
    answer: Object = {"kind": "APIResourceList"}
    if group:
        answer["apiVersion"] = "v1"
    answer["groupVersion"] = f"{group}/{version}" if group else version
    answer["resources"] = [entry for resource in resources for entry in _entries(resource)]
    return answer


@cache
def aggregated(core: bool, version: AggregatedVersion) -> Object:
    """All resources in one answer, of `/api` (core) or `/apis`."""
    names = [name for name in groups() if core == (not name)]
    return {
        "kind": AGGREGATED_KIND,
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [_aggregated_group(name) for name in names],
    }


def _position(group: str) -> tuple[int]:
    return (_GROUP_ORDER.index(group) if group in _GROUP_ORDER else len(_GROUP_ORDER),)


def _all_resources() -> Iterator[Resource]:
    yield from RESOURCES.values()
    yield from REVIEWS


def _resources(group: str, version: str) -> list[Resource]:
    found = (entry for entry in _all_resources() if (entry.group, entry.version) == (group, version))
    return sorted(found, key=lambda entry: entry.plural)


def _group(name: str) -> Object:
    named = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions(name)]
    return {"name": name, "versions": named, "preferredVersion": named[0]}


def _entries(resource: Resource) -> Iterator[Object]:
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.storage_hash:
        entry["storageVersionHash"] = resource.storage_hash
    yield entry
    for name in sorted(resource.subresources):
        below: Object = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced}
        group, version, kind = _subresource_kind(resource, name)
        if group != resource.group:
            below |= {"group": group, "version": version}
        yield below | {"kind": kind, "verbs": list(_SUBRESOURCE_VERBS.get(name, _OBJECT_VERBS))}


def _subresource_kind(resource: Resource, name: str) -> tuple[str, str, str]:
    return _SUBRESOURCE_KINDS.get(name, (resource.group, resource.version, resource.kind))


def _aggregated_group(name: str) -> Object:
    served = [
        {
            "version": version,
            "resources": [_aggregated_resource(resource) for resource in _resources(name, version)],
            "freshness": "Current",
        }
        for version in versions(name)
    ]
    return {"metadata": {"name": name} if name else {}, "versions": served}


def _aggregated_resource(resource: Resource) -> Object:
    entry: Object = {
        "resource": resource.plural,
        "responseKind": _response_kind(resource.group, resource.version, resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": name,
                "responseKind": _response_kind(*_subresource_kind(resource, name)),
                "verbs": list(_SUBRESOURCE_VERBS.get(name, _OBJECT_VERBS)),
            }
            for name in sorted(resource.subresources)
        ]
    return entry


def _response_kind(group: str, version: str, kind: str) -> Object:
    return {"group": group, "version": version, "kind": kind}

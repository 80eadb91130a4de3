"""What the API server says it serves: versions, groups and resources, in the legacy and the aggregated form."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.unstored import AUTHENTICATION, AUTHORIZATION, REVIEWS, SUBRESOURCE_KINDS

Served = tuple[Resource, ...]
"""The kinds that are served, in the order in which their versions are listed; the same tuple while they stay."""

_REMEMBERED = 64
"""Answers that are kept, over all sets of kinds."""

AGGREGATED_KIND = "APIGroupDiscoveryList"
AggregatedVersion = Literal["v2", "v2beta1"]

_GROUP_ORDER = (
    "", "apiregistration.k8s.io", "apps", "events.k8s.io", AUTHENTICATION, AUTHORIZATION, "autoscaling", "batch",
    "certificates.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io",
    "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io", "coordination.k8s.io", "node.k8s.io",
    "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
)  # fmt: skip
"""The order in which upstream's groups come (golden: discovery-1)."""

_OBJECT_VERBS = ("get", "patch", "update")
_SUBRESOURCE_VERBS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("attach", "exec", "portforward"), ("create", "get")),
    **dict.fromkeys(("binding", "eviction", "token"), ("create",)),
    "finalize": ("update",),
    "log": ("get",),
    "proxy": ("create", "delete", "get", "patch", "update"),
}


def groups(served: Served) -> tuple[str, ...]:
    """The groups served, the core group "" first."""
    present = {resource.group for resource in _all_resources(served)}
    return tuple(sorted(present, key=lambda group: (_position(group), group)))


@lru_cache(_REMEMBERED)
def versions(served: Served, group: str) -> tuple[str, ...]:
    """The versions of a group, the preferred one first; none for a group that is not served."""
    return tuple(dict.fromkeys(resource.version for resource in _all_resources(served) if resource.group == group))


def paths(served: Served) -> list[str]:
    """The paths of discovery itself."""
    named = [name for name in groups(served) if name]
    below = [
        path for name in named for path in (f"/apis/{name}", *(f"/apis/{name}/{of}" for of in versions(served, name)))
    ]
    return ["/api", "/api/v1", "/apis", *below]


def api_versions(server_address: str) -> Object:
    """`/api`; `server_address` is host:port."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}],
    }


def api_group_list(served: Served) -> Object:
    """`/apis`."""
    entries = [_group(served, name) for name in groups(served) if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": entries}


def api_group(served: Served, name: str) -> Object | None:
    """`/apis/<group>`; None for a group that is not served."""
    if not name or name not in groups(served):
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(served, name)}


@lru_cache(_REMEMBERED)
def resource_list(served: Served, group: str, version: str) -> Object | None:
    """`/api/v1` or `/apis/<group>/<version>`; None when it is not served."""
    resources = _resources(served, group, version)
    if not resources:
        return None
    answer: Object = {"kind": "APIResourceList"}
    if group:
        answer["apiVersion"] = "v1"
    answer["groupVersion"] = f"{group}/{version}" if group else version
    answer["resources"] = [entry for resource in resources for entry in _entries(resource)]
    return answer


@lru_cache(_REMEMBERED)
def aggregated(served: Served, core: bool, version: AggregatedVersion) -> Object:
    """All resources in one answer, of `/api` (core) or `/apis`."""
    names = [name for name in groups(served) if core == (not name)]
    return {
        "kind": AGGREGATED_KIND,
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [_aggregated_group(served, name) for name in names],
    }


def _position(group: str) -> int:
    return _GROUP_ORDER.index(group) if group in _GROUP_ORDER else len(_GROUP_ORDER)


def _all_resources(served: Served) -> Iterator[Resource]:
    yield from served
    yield from REVIEWS


def _resources(served: Served, group: str, version: str) -> list[Resource]:
    found = (entry for entry in _all_resources(served) if (entry.group, entry.version) == (group, version))
    return sorted(found, key=lambda entry: entry.plural)


def _subresources(resource: Resource) -> Iterator[tuple[str, Resource, list[str]]]:
    """Of each its name, the kind that it is written with, and its verbs."""
    for name in sorted(resource.subresources):
        yield name, SUBRESOURCE_KINDS.get(name, resource), list(_SUBRESOURCE_VERBS.get(name, _OBJECT_VERBS))


def _names(resource: Resource) -> Object:
    names = {"shortNames": list(resource.short_names), "categories": list(resource.categories)}
    return {key: value for key, value in names.items() if value}


def _group(served: Served, name: str) -> Object:
    named = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions(served, name)]
    return {"name": name, "versions": named, "preferredVersion": named[0]}


def _entries(resource: Resource) -> Iterator[Object]:
    yield {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
        **_names(resource),
        **({"storageVersionHash": resource.storage_hash} if resource.storage_hash else {}),
    }
    for name, kind, verbs in _subresources(resource):
        below: Object = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced}
        if kind.group != resource.group:
            below |= {"group": kind.group, "version": kind.version}
        yield below | {"kind": kind.kind, "verbs": verbs}


def _aggregated_group(served: Served, name: str) -> Object:
    shown = [
        {
            "version": version,
            "resources": [_aggregated_resource(resource) for resource in _resources(served, name, version)],
            "freshness": "Current",
        }
        for version in versions(served, name)
    ]
    return {"metadata": {"name": name} if name else {}, "versions": shown}


def _aggregated_resource(resource: Resource) -> Object:
    below = [
        {"subresource": name, "responseKind": _response_kind(kind), "verbs": verbs}
        for name, kind, verbs in _subresources(resource)
    ]
    return {
        "resource": resource.plural,
        "responseKind": _response_kind(resource),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
        **_names(resource),
        **({"subresources": below} if below else {}),
    }


def _response_kind(kind: Resource) -> Object:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}

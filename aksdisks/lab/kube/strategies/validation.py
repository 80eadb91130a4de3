"""Validation of objects, new and changed, with upstream's texts (pkg/apis/*/validation)."""

from __future__ import annotations

from collections.abc import Callable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.registry import EVENTS_V1
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators import (
    batch,
    claims,
    core,
    discovery,
    events,
    meta,
    nodes,
    podspecs,
    podupdates,
    policy,
    services,
    storage,
    volumes,
    workloads,
)

_ON_CREATE: dict[str, Callable[[Object], list[Cause]]] = {
    "clusterrolebindings": policy.cluster_role_binding,
    "clusterroles": policy.cluster_role,
    "configmaps": core.config_map,
    "controllerrevisions": core.revision,
    "cronjobs": batch.cron_job,
    "csidrivers": storage.csi_driver,
    "csinodes": storage.csi_node,
    "csistoragecapacities": storage.capacity,
    "deployments": workloads.deployment,
    "endpointslices": discovery.endpoint_slice,
    "events": events.event,
    EVENTS_V1: events.event_v1,
    "jobs": batch.job,
    "leases": core.lease,
    "namespaces": core.namespace,
    "nodes": nodes.node,
    "persistentvolumeclaims": claims.claim,
    "persistentvolumes": volumes.volume,
    "poddisruptionbudgets": policy.disruption_budget,
    "pods": podspecs.pod,
    "podtemplates": podspecs.pod_template,
    "priorityclasses": policy.priority_class,
    "replicasets": workloads.replica_set,
    "rolebindings": policy.role_binding,
    "roles": policy.role,
    "secrets": core.secret,
    "services": services.service,
    "statefulsets": workloads.stateful_set,
    "storageclasses": storage.storage_class,
    "volumeattachments": storage.attachment,
}
_ON_UPDATE: dict[str, Callable[[Object, Object], list[Cause]]] = {
    "clusterrolebindings": policy.binding_update,
    "configmaps": core.immutable_update,
    "controllerrevisions": core.revision_update,
    "cronjobs": batch.cron_job_update,
    "csidrivers": storage.csi_driver_update,
    "csinodes": storage.csi_node_update,
    "csistoragecapacities": storage.capacity_update,
    "deployments": workloads.deployment_update,
    "endpointslices": discovery.endpoint_slice_update,
    "events": events.event_update,
    EVENTS_V1: events.event_v1_update,
    "jobs": batch.job_update,
    "leases": core.lease_update,
    "nodes": nodes.node_update,
    "persistentvolumeclaims": claims.claim_update,
    "persistentvolumes": volumes.volume_update,
    "pods": podupdates.pod_update,
    "podtemplates": podspecs.pod_template_update,
    "priorityclasses": policy.priority_class_update,
    "replicasets": workloads.replica_set_update,
    "rolebindings": policy.binding_update,
    "secrets": core.immutable_update,
    "services": services.service_update,
    "statefulsets": workloads.stateful_set_update,
    "storageclasses": storage.storage_class_update,
    "volumeattachments": storage.attachment_update,
}
_ON_STATUS: dict[str, Callable[[Object, Object], list[Cause]]] = {
    "deployments": workloads.status_update,
    "namespaces": core.namespace_status_update,
    "nodes": nodes.node_update,
    "persistentvolumeclaims": claims.claim_status_update,
    "poddisruptionbudgets": policy.budget_status_update,
    "pods": podupdates.pod_status_update,
    "replicasets": workloads.status_update,
    "services": services.service_status_update,
    "statefulsets": workloads.status_update,
    "volumeattachments": storage.attachment_update,
}
_WHOLE = frozenset(
    (
        "configmaps", "csinodes", "namespaces", "persistentvolumeclaims", "pods", "secrets", "serviceaccounts",
        "services", "storageclasses", "volumeattachments",
    )
)  # fmt: skip
"""Kinds whose rules for an update look at metadata as those for a new object do, and as those for a change do."""
_METADATA_LAST = frozenset(("csidrivers", "events", EVENTS_V1, "poddisruptionbudgets"))
"""Kinds whose own rules say nothing of metadata: the generic check of every kind comes after them."""


def on_create(resource: str, obj: Object) -> list[Cause]:
    """What is wrong with a new object; empty when nothing is."""
    check = _ON_CREATE.get(resource)
    own = check(obj) if check else []
    general = meta.metadata(resource, obj["metadata"])
    return (own or general) if resource in _METADATA_LAST else general + own


def on_update(resource: str, new: Object, old: Object, subresource: str | None) -> list[Cause]:
    """What is wrong with a change of an object or of its status."""
    whole = subresource is None and resource in _WHOLE
    causes = meta.metadata_update(resource, new["metadata"], old["metadata"], whole=whole)
    if (resource, subresource) == ("namespaces", "finalize"):
        return causes + core.namespace_finalize(new, old)
    check = {None: _ON_UPDATE, "status": _ON_STATUS}.get(subresource, {}).get(resource)
    # Some kinds' rules for an update are those for a new object.
    if check is None and subresource is None and resource in ("poddisruptionbudgets", "roles", "clusterroles"):
        return causes + _ON_CREATE[resource](new)
    return causes + (check(new, old) if check is not None else [])

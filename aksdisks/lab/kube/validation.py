"""Validation of objects, new and changed, with upstream's texts (pkg/apis/*/validation)."""

from __future__ import annotations

from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators import claims, meta, podspecs, storage, workloads

_ON_CREATE = {
    "pods": podspecs.pod,
    "persistentvolumeclaims": claims.claim,
    "persistentvolumes": claims.volume,
    "deployments": workloads.deployment,
    "replicasets": workloads.replica_set,
    "statefulsets": workloads.stateful_set,
    "storageclasses": storage.storage_class,
    "volumeattachments": storage.attachment,
}
_ON_UPDATE = {
    "pods": podspecs.pod_update,
    "persistentvolumeclaims": claims.claim_update,
    "persistentvolumes": claims.volume_update,
    "deployments": workloads.deployment_update,
    "replicasets": workloads.replica_set_update,
    "statefulsets": workloads.stateful_set_update,
    "storageclasses": storage.storage_class_update,
    "volumeattachments": storage.attachment_update,
    "configmaps": storage.immutable_update,
    "secrets": storage.immutable_update,
}


def on_create(resource: str, obj: Object) -> list[Cause]:
    """What is wrong with a new object; empty when nothing is."""
    check = _ON_CREATE.get(resource)
    return meta.metadata(resource, obj["metadata"]) + (check(obj) if check else [])


def on_update(resource: str, new: Object, old: Object, subresource: str | None) -> list[Cause]:
    """What is wrong with a change; a write of a subresource is checked for its metadata only."""
    causes = meta.metadata_update(new["metadata"], old["metadata"])
    check = _ON_UPDATE.get(resource)
    if subresource is None and check is not None:
        causes += check(new, old)
    return causes

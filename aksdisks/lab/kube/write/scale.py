"""The scale subresource: autoscaling/v1 Scale out of a workload and back into it."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.selectors import from_label_selector
from aksdisks.lab.kube.schema.status import conflict, invalid
from aksdisks.lab.kube.storage.store import Version
from aksdisks.lab.kube.strategies import causes
from aksdisks.lab.kube.strategies.catalog import RESOURCES


def view(version: Version) -> Version:
    """The Scale of a workload; zero replicas are left out of its spec as upstream does."""
    obj = version.object
    metadata = obj["metadata"]
    shown = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    replicas = obj["spec"].get("replicas", 1)
    selector = ",".join(str(requirement) for requirement in from_label_selector(obj["spec"].get("selector")))
    scale: Object = {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in shown if key in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {"replicas": obj.get("status", {}).get("replicas", 0), "selector": selector},
    }
    return Version(scale, version.resource_version)


def scaled(resource: str, version: Version, scale: Object) -> Object:
    """The workload with the replicas that a Scale asks for; 409 for an old resourceVersion, 422 below zero."""
    obj = version.object
    name = obj["metadata"]["name"]
    wanted = scale.get("metadata", {}).get("resourceVersion")
    if wanted and wanted != obj["metadata"]["resourceVersion"]:
        raise conflict(RESOURCES[resource], name)
    replicas = scale.get("spec", {}).get("replicas", 0)
    if replicas < 0:
        raise invalid(RESOURCES[resource], name, causes.not_negative("spec.replicas", replicas))
    return {**obj, "spec": {**obj["spec"], "replicas": replicas}}

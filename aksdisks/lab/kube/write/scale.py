"""The scale subresource: autoscaling/v1 Scale out of a workload and back into it."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object, own_copy
from aksdisks.lab.kube.schema.resource import find
from aksdisks.lab.kube.schema.selectors import from_label_selector
from aksdisks.lab.kube.schema.status import conflict, internal, invalid
from aksdisks.lab.kube.storage.store import Version
from aksdisks.lab.kube.strategies import causes
from aksdisks.lab.kube.strategies.strategy import Strategy


def view(strategy: Strategy, version: Version) -> Version:
    """The Scale of a workload; 500 for a custom resource that lacks its replicas.

    Zero replicas are left out of its spec as upstream does.
    """
    obj = version.object
    metadata = obj["metadata"]
    shown = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    paths, is_custom = strategy.scale, strategy.resource.custom is not None
    replicas = find(obj, paths.replicas, None if is_custom else 1)
    if replicas is None:
        raise internal(f'the spec replicas field ".{paths.replicas}" does not exist')
    if is_custom:
        selector = find(obj, paths.selector) if paths.selector else ""
    else:
        selector = ",".join(str(requirement) for requirement in from_label_selector(obj["spec"].get("selector")))
    scale: Object = {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in shown if key in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {"replicas": find(obj, paths.current, 0)},
    }
    if selector or not is_custom:
        scale["status"]["selector"] = selector
    return Version(scale, version.resource_version)


def scaled(strategy: Strategy, version: Version, scale: Object) -> Object:
    """The workload with the replicas that a Scale asks for; 409 for an old resourceVersion, 422 below zero."""
    obj, kind = version.object, strategy.resource
    name = obj["metadata"]["name"]
    wanted = scale.get("metadata", {}).get("resourceVersion")
    if wanted and wanted != obj["metadata"]["resourceVersion"]:
        raise conflict(kind, name)
    replicas = scale.get("spec", {}).get("replicas", 0)
    if replicas < 0:
        raise invalid(kind, name, causes.not_negative("spec.replicas", replicas))
    *above, last = strategy.scale.replicas.split(".")
    changed: Object = own_copy(obj)
    place = changed
    for step in above:
        place = place.setdefault(step, {})
    place[last] = replicas
    return changed

"""Nodes (pkg/registry/core/node, pkg/apis/core/validation ValidateNode)."""

from __future__ import annotations

from collections.abc import Callable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.resource import Field, Resource, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns, resources, scheduling
from aksdisks.lab.kube.strategies.causes import forbidden
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.strategy import Strategy


def _new(at: str, obj: Object) -> list[Cause]:
    del at
    # The taints' errors stand under metadata upstream too.
    return scheduling.taints("metadata.taints", obj.get("spec", {}).get("taints", ())) + _amounts(obj)


def _amounts(obj: Object) -> list[Cause]:
    causes: list[Cause] = []
    for kind in ("capacity", "allocatable"):
        for name, value in obj.get("status", {}).get(kind, {}).items():
            causes += resources.quantity(f"status.{kind}.{name}", name, value)
    return causes


def _changes(new: Object, old: Object) -> list[Cause]:
    """What the cloud calls a node is set once."""
    causes = _amounts(new)
    before, after = old.get("spec", {}), new.get("spec", {})
    if before.get("providerID") and before["providerID"] != after.get("providerID"):
        why = 'node updates may not change providerID except from "" to valid'
        causes.append(forbidden("spec.providerID", why))
    return causes + scheduling.taints("metadata.taints", after.get("taints", ()))


def _state(item: Object) -> str:
    conditions = {entry["type"]: entry.get("status", "") for entry in find(item, "status.conditions", ())}
    state = {"True": "Ready", "": "Unknown"}.get(conditions.get("Ready", ""), "NotReady")
    return f"{state},SchedulingDisabled" if find(item, "spec.unschedulable", False) else state


def _roles(item: Object) -> str:
    labels, prefix = find(item, "metadata.labels", {}), "node-role.kubernetes.io/"
    roles = {key.removeprefix(prefix) for key in labels if key.startswith(prefix) and key != prefix}
    if labels.get("kubernetes.io/role"):
        roles.add(labels["kubernetes.io/role"])
    return ",".join(sorted(roles)) or columns.NONE


def _address(kind: str) -> Callable[[Object], str]:
    def cell(item: Object) -> str:
        addresses = find(item, "status.addresses", ())
        return next((str(entry["address"]) for entry in addresses if entry["type"] == kind), columns.NONE)

    return cell


def _kernel(item: Object) -> str:
    info = find(item, "status.nodeInfo", {})
    kernel = info.get("kernelVersion") or columns.UNKNOWN
    return f"{kernel} ({info['architecture']})" if info.get("architecture") else kernel


_NODES_COLUMNS = (
    columns.NAME,
    column("Status", _state),
    column("Roles", _roles),
    columns.AGE,
    column("Version", "status.nodeInfo.kubeletVersion"),
    column("Internal-IP*", _address("InternalIP")),
    column("External-IP*", _address("ExternalIP")),
    column("OS-Image*", lambda item: find(item, "status.nodeInfo.osImage") or columns.UNKNOWN),
    column("Kernel-Version*", _kernel),
    column("Container-Runtime*", lambda item: find(item, "status.nodeInfo.containerRuntimeVersion") or columns.UNKNOWN),
)
STRATEGIES = (
    Strategy(
        Resource(
            "nodes",
            "Node",
            namespaced=False,
            short_names=("no",),
            subresources=("status",),
            selectable=(Field("spec.unschedulable", zero="false"),),
        ),
        columns=_NODES_COLUMNS,
        known_finalizers=True,
        # What can be given out is what there is, unless the node says otherwise.
        defaults=(default("status", allocatable=lambda status: status.get("capacity") or None),),
        rules=(_new,),
        rules_on_update=(),
        changes=(_changes,),
        status_changes=(_changes,),
    ),
)

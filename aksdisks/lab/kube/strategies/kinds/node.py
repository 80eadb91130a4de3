"""Nodes (pkg/registry/core/node, pkg/apis/core/validation ValidateNode)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns, resources, scheduling
from aksdisks.lab.kube.strategies.causes import Struct, duplicate, forbidden, invalid
from aksdisks.lab.kube.strategies.columns import column, find
from aksdisks.lab.kube.strategies.strategy import Strategy

_RANGE = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def _defaults(obj: Object) -> None:
    """What can be given out is what there is, unless the node says otherwise."""
    status = obj.get("status", {})
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])


def _new(at: str, obj: Object) -> list[Cause]:
    del at
    ranges = obj.get("spec", {}).get("podCIDRs", [])
    # The taints' errors stand under metadata upstream too.
    causes = scheduling.taints("metadata.taints", obj.get("spec", {}).get("taints", ())) + _amounts(obj)
    problems = [cause for index, value in enumerate(ranges) for cause in _range(f"spec.podCIDRs[{index}]", value)]
    if len(ranges) > 1 and not problems:
        families = {ipaddress.ip_network(value, strict=False).version for value in ranges}
        if len(families) < 2 or len(ranges) > 2:
            causes.append(invalid("spec.podCIDRs", ranges, "may specify no more than one CIDR for each IP family"))
    return causes + problems


def _range(field: str, value: str) -> list[Cause]:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return [invalid(field, value, _RANGE)]
    return [] if "/" in value else [invalid(field, value, _RANGE)]


def _amounts(obj: Object) -> list[Cause]:
    causes: list[Cause] = []
    for kind in ("capacity", "allocatable"):
        for name, value in obj.get("status", {}).get(kind, {}).items():
            causes += resources.quantity(f"status.{kind}.{name}", name, value)
    return causes


def _changes(new: Object, old: Object) -> list[Cause]:
    """What the cloud calls a node and its pods' addresses are set once."""
    causes = _amounts(new)
    seen: list[Object] = []
    for index, entry in enumerate(new.get("status", {}).get("addresses", ())):
        if entry in seen:
            shown = Struct(Type=entry.get("type", ""), Address=entry.get("address", ""))
            causes.append(duplicate(f"status.addresses[{index}]", shown))
        seen.append(entry)
    before, after = old.get("spec", {}), new.get("spec", {})
    was, now = before.get("podCIDRs", []), after.get("podCIDRs", [])
    if was:
        changed = 1 if len(was) != len(now) else sum(one != other for one, other in zip(was, now, strict=True))
        why = 'node updates may not change podCIDR except from "" to valid'
        causes += [forbidden("spec.podCIDRs", why)] * changed
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
STRATEGIES = {
    "nodes": Strategy(
        columns=_NODES_COLUMNS,
        known_finalizers=True,
        defaults=_defaults,
        rules=(_new,),
        rules_on_update=(),
        changes=(_changes,),
        status_changes=(_changes,),
    )
}

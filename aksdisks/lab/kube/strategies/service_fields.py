"""What the registry of services fills in and gives out: addresses, node ports (pkg/registry/core/service)."""

from __future__ import annotations

import ipaddress

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.schema.registry import RESOURCES
from aksdisks.lab.kube.schema.status import Cause, invalid
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.validators import causes

_NETWORK = ipaddress.ip_network("10.0.0.0/16")
"""AKS's default service CIDR."""
_NODE_PORTS = range(30000, 32768)
_TYPES = ("ClusterIP", "LoadBalancer", "NodePort")


def prepare(spec: Object, old: Object | None) -> None:
    """Before validation: both forms of the address agree, and what a write leaves out stays; changes `spec`."""
    if old is None:
        if spec.get("clusterIP") and not spec.get("clusterIPs"):
            spec["clusterIPs"] = [spec["clusterIP"]]
        _give_family(spec)
        return
    _drop_what_the_type_has_not(spec, old)
    if spec.get("clusterIP", "") != old.get("clusterIP", "") and spec.get("clusterIPs") == old.get("clusterIPs"):
        spec.pop("clusterIPs", None)
    if spec.get("type") in _TYPES and old.get("type") in _TYPES:
        if not spec.get("clusterIP") and not spec.get("clusterIPs"):
            spec["clusterIP"] = old.get("clusterIP", "")
        if not spec.get("clusterIPs") and spec.get("clusterIP") == old.get("clusterIP"):
            spec["clusterIPs"] = list(old.get("clusterIPs", []))
        for key in ("ipFamilies", "ipFamilyPolicy"):
            if key not in spec and key in old:
                spec[key] = old[key]
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    _give_family(spec)
    _keep_node_ports(spec, old)


def _give_family(spec: Object) -> None:
    if spec.get("type") in _TYPES:
        spec["ipFamilies"] = spec.get("ipFamilies") or ["IPv4"]
        spec["ipFamilyPolicy"] = spec.get("ipFamilyPolicy") or "SingleStack"


def _drop_what_the_type_has_not(spec: Object, old: Object) -> None:
    """A changed type takes along what only the old one had, unless the write changes that as well."""
    kind = spec.get("type")
    if kind == "ExternalName" and old.get("type") != "ExternalName":
        for key in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if spec.get(key) == old.get(key):
                spec.pop(key, None)
    if kind not in ("LoadBalancer", "NodePort") and old.get("type") in ("LoadBalancer", "NodePort"):
        taken = {port.get("nodePort") for port in old.get("ports", ())}
        for port in spec.get("ports", ()):
            if port.get("nodePort") in taken:
                port.pop("nodePort", None)
        if not spec.get("externalIPs") and spec.get("externalTrafficPolicy") == old.get("externalTrafficPolicy"):
            spec.pop("externalTrafficPolicy", None)
    if kind != "LoadBalancer" and old.get("type") == "LoadBalancer":
        for key in ("allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"):
            if spec.get(key) == old.get(key):
                spec.pop(key, None)


def _keep_node_ports(spec: Object, old: Object) -> None:
    if not _on_nodes(spec) or not _on_nodes(old):
        return
    used = {port.get("nodePort") for port in spec.get("ports", ())}
    before = {(was.get("protocol"), was.get("port")): was.get("nodePort") for was in old.get("ports", ())}
    for port in spec.get("ports", ()):
        number = before.get((port.get("protocol"), port.get("port")))
        if number and number not in used and not port.get("nodePort"):
            port["nodePort"] = number
            used.add(number)


def _on_nodes(spec: Object) -> bool:
    kind = spec.get("type")
    return kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False)


def allocate(store: Store, ids: Ids, obj: Object) -> None:
    """After validation: an address and ports on the nodes that no other service has; changes `obj`.

    422 for what is taken; 500, as upstream, when no port is left.
    """
    spec, name = obj["spec"], obj["metadata"]["name"]
    key = (obj["metadata"].get("namespace", ""), name)
    others = [version.object["spec"] for at, version in store.list("services") if at != key]
    problems = _unknown_families(spec)
    if spec.get("type") in _TYPES and not problems:
        problems = _address(ids, spec, {ip for other in others for ip in other.get("clusterIPs", ())})
    if not problems:
        taken = {(port.get("protocol"), port.get("nodePort")) for other in others for port in other.get("ports", ())}
        problems = _ports(ids, spec, taken)
    if problems:
        raise invalid(RESOURCES["services"], name, problems)


def _unknown_families(spec: Object) -> list[Cause]:
    """The lab's network has one family."""
    found = [
        causes.invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")
        for index, family in enumerate(spec.get("ipFamilies", ()))
        if family != "IPv4"
    ]
    if spec.get("ipFamilyPolicy") == "RequireDualStack":
        why = "this cluster is not configured for dual-stack services"
        found.append(causes.invalid("spec.ipFamilyPolicy", "RequireDualStack", why))
    return found


def _address(ids: Ids, spec: Object, taken: set[str]) -> list[Cause]:
    given = spec.get("clusterIP")
    if given == "None":
        return []
    if given:
        why = ""
        if ipaddress.ip_address(given) not in _NETWORK:
            why = f"the provided IP ({given}) is not in the valid range. The range of valid IPs is {_NETWORK}"
        elif given in taken:
            why = "provided IP is already allocated"
        shown = spec.get("clusterIPs")
        return [causes.invalid("spec.clusterIPs", shown, f"failed to allocate IP {given}: {why}")] if why else []
    while not spec.get("clusterIP") or spec["clusterIP"] in taken:
        spec["clusterIP"] = f"10.0.{ids.number(256)}.{1 + ids.number(254)}"
    spec["clusterIPs"] = [spec["clusterIP"]]
    return []


def _ports(ids: Ids, spec: Object, taken: set[tuple[str, int]]) -> list[Cause]:
    problems: list[Cause] = []
    numbers = {number for _, number in taken} | {port.get("nodePort") for port in spec.get("ports", ())}
    free = [number for number in _NODE_PORTS if number not in numbers] if _on_nodes(spec) else []
    for index, port in enumerate(spec.get("ports", ())):
        wanted, field = port.get("nodePort"), f"spec.ports[{index}].nodePort"
        if wanted and wanted not in _NODE_PORTS:
            valid = f"{_NODE_PORTS[0]}-{_NODE_PORTS[-1]}"
            why = f"provided port is not in the valid range. The range of valid ports is {valid}"
            problems.append(causes.invalid(field, wanted, why))
        elif wanted and (port.get("protocol"), wanted) in taken:
            problems.append(causes.invalid(field, wanted, "provided port is already allocated"))
        elif not wanted and _on_nodes(spec):
            if not free:
                why = "failed to allocate a nodePort: range is full"
                raise ApiError(500, "InternalError", f"Internal error occurred: {why}", {"causes": [{"message": why}]})
            port["nodePort"] = free.pop(ids.number(len(free)))
    return problems

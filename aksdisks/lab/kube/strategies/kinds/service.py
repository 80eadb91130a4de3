"""Services: addresses, ports on the nodes, types (pkg/registry/core/service, pkg/apis/core/validation).

The lab has no network: what a service is given is remembered and shown, and nothing answers there.
"""

from __future__ import annotations

import ipaddress

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.resource import Resource, fields, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.schema.status import invalid as refused
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import duplicate, formed, invalid, required
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.ports import PROTOCOL, port_errors, port_or_name
from aksdisks.lab.kube.strategies.rules import Rule, check, enumeration, form, nested
from aksdisks.lab.kube.strategies.strategy import Strategy

_NETWORK = ipaddress.ip_network("10.0.0.0/16")
"""AKS's default service CIDR."""
_AFFINITY_SECONDS = 10800
_NODE_PORTS = range(30000, 32768)
_TYPES = ("ClusterIP", "LoadBalancer", "NodePort")
_ALLOTTED = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")


def _on_nodes(spec: Object) -> bool:
    kind = spec.get("type")
    return kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False)


def _is_external(spec: Object) -> bool:
    return spec["type"] in ("LoadBalancer", "NodePort") or bool(spec["type"] == "ClusterIP" and spec.get("externalIPs"))


_DEFAULTS = (
    default("", spec={}),
    default("spec", type="ClusterIP", sessionAffinity="None"),
    default(
        "spec",
        sessionAffinityConfig=lambda spec: {"clientIP": {}} if spec["sessionAffinity"] == "ClientIP" else None,
        internalTrafficPolicy=lambda spec: "Cluster" if spec["type"] in _TYPES else None,
        externalTrafficPolicy=lambda spec: "Cluster" if _is_external(spec) else None,
        allocateLoadBalancerNodePorts=lambda spec: True if spec["type"] == "LoadBalancer" else None,
    ),
    default("spec.sessionAffinityConfig.clientIP", timeoutSeconds=_AFFINITY_SECONDS),
    default("spec.ports[]", protocol="TCP"),
    default("spec.ports[]", targetPort=lambda port: port.get("port")),
    default("status.loadBalancer.ingress[]", ipMode=lambda ingress: "VIP" if ingress.get("ip") else None),
)


def _prepare(new: Object, before: Object | None) -> None:
    """Both forms of the address agree, what a write leaves out stays, and what its type has not is dropped."""
    spec, old = new["spec"], before["spec"] if before else {}
    kept = _ALLOTTED if spec.get("type") in _TYPES and old.get("type") in _TYPES else ()
    if spec.get("clusterIP", old.get("clusterIP")) != old.get("clusterIP"):
        kept = ()
        if spec.get("clusterIPs") == old.get("clusterIPs"):
            spec.pop("clusterIPs", None)
    for key in kept:
        if not spec.get(key) and key in old:
            spec[key] = old[key]
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    if spec.get("type") in _TYPES:
        spec["ipFamilies"] = spec.get("ipFamilies") or ["IPv4"]
        spec["ipFamilyPolicy"] = spec.get("ipFamilyPolicy") or "SingleStack"
    else:
        for key in _ALLOTTED:
            spec.pop(key, None)
    numbers = {(port.get("protocol"), port.get("port")): port.get("nodePort") for port in old.get("ports", ())}
    for port in spec.get("ports", ()):
        if not _on_nodes(spec):
            port.pop("nodePort", None)
        elif number := port.get("nodePort") or numbers.get((port.get("protocol"), port.get("port"))):
            port["nodePort"] = number
    if spec.get("type") != "LoadBalancer":
        spec.pop("allocateLoadBalancerNodePorts", None)
    if not _is_external(spec):
        spec.pop("externalTrafficPolicy", None)


def _allocate(store: Store, ids: Ids, obj: Object) -> None:
    """After validation: an address and ports on the nodes that no other service has; changes `obj`.

    422 for what is taken; 500, as upstream, when no port is left.
    """
    spec, metadata = obj["spec"], obj["metadata"]
    key = (metadata.get("namespace", ""), metadata["name"])
    others = [version.object["spec"] for at, version in store.list("services") if at != key]
    problems: list[Cause] = []
    if spec.get("type") in _TYPES and spec.get("clusterIP") != "None":
        problems = _address(ids, spec, {ip for other in others for ip in other.get("clusterIPs", ())})
    taken = {port.get("nodePort") for other in others for port in other.get("ports", ())}
    if _on_nodes(spec) and not problems:
        problems = _ports(ids, spec, taken)
    if problems:
        raise refused(_SERVICES, metadata["name"], problems)


def _address(ids: Ids, spec: Object, taken: set[str]) -> list[Cause]:
    if given := spec.get("clusterIP"):
        why = "provided IP is already allocated" if given in taken else ""
        if ipaddress.ip_address(given) not in _NETWORK:
            why = f"the provided IP ({given}) is not in the valid range. The range of valid IPs is {_NETWORK}"
        return [invalid("spec.clusterIPs", [given], f"failed to allocate IP {given}: {why}")] if why else []
    while not spec.get("clusterIP") or spec["clusterIP"] in taken:
        spec["clusterIP"] = f"10.0.{ids.number(256)}.{1 + ids.number(254)}"
    spec["clusterIPs"] = [spec["clusterIP"]]
    return []


def _ports(ids: Ids, spec: Object, taken: set[int]) -> list[Cause]:
    problems: list[Cause] = []
    wanted = {port.get("nodePort") for port in spec.get("ports", ())}
    free = [number for number in _NODE_PORTS if number not in taken | wanted]
    for index, port in enumerate(spec.get("ports", ())):
        number, field = port.get("nodePort"), f"spec.ports[{index}].nodePort"
        if number and number not in _NODE_PORTS:
            valid = f"{_NODE_PORTS[0]}-{_NODE_PORTS[-1]}"
            why = f"provided port is not in the valid range. The range of valid ports is {valid}"
            problems.append(invalid(field, number, why))
        elif number in taken:
            problems.append(invalid(field, number, "provided port is already allocated"))
        elif not number:
            if not free:
                why = "failed to allocate a nodePort: range is full"
                raise ApiError(500, "InternalError", f"Internal error occurred: {why}", {"causes": [{"message": why}]})
            port["nodePort"] = free.pop(ids.number(len(free)))
    return problems


def _by_type(at: str, spec: Object) -> list[Cause]:
    kind, headless = spec.get("type", ""), spec.get("clusterIP") == "None"
    if kind == "ExternalName":
        return check((form("externalName", names.subdomain_errors, must=True),), spec, at)
    if headless and kind != "ClusterIP":
        return [invalid(f"{at}.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")]
    return [] if spec.get("ports") or headless else [required(f"{at}.ports")]


def _port_list(at: str, spec: Object) -> list[Cause]:
    ports = spec.get("ports", [])
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        field, name, number = f"{at}.ports[{index}]", port.get("name", ""), port.get("port", 0)
        if name:
            causes += formed(f"{field}.name", name, names.label_errors)
            causes += [duplicate(f"{field}.name", name)] if name in seen else []
            seen.add(name)
        elif len(ports) > 1:
            causes.append(required(f"{field}.name"))
        causes += [invalid(f"{field}.port", number, problem) for problem in port_errors(number)]
        causes += check((PROTOCOL,), port, field)
        causes += port_or_name(f"{field}.targetPort", port.get("targetPort", number))
    return causes


def _address_errors(field: str, value: str) -> list[Cause]:
    try:
        ipaddress.ip_address("10.0.0.0" if value == "None" else value)
    except ValueError:
        return [invalid(field, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    return []


_SPEC = (
    _by_type,
    _port_list,
    enumeration("sessionAffinity", "ClientIP", "None", must=True),
    Rule("clusterIPs[]", _address_errors),
    Rule("externalIPs[]", _address_errors),
    enumeration("type", "ClusterIP", "ExternalName", "LoadBalancer", "NodePort", must=True),
    enumeration("externalTrafficPolicy", "Cluster", "Local"),
    enumeration("internalTrafficPolicy", "Cluster", "Local"),
)


def _changes(new: Object, old: Object) -> list[Cause]:
    """A service's address stays, unless it has none on one of the two sides."""
    after, before = (one["spec"].get("clusterIPs", []) for one in (new, old))
    if not after or not before or after[0] == before[0]:
        return []
    return [invalid("spec.clusterIPs[0]", after, "may not change once set")]


def _ports_text(item: Object) -> str:
    shown = (
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', '')}"
        for port in item["spec"].get("ports", ())
    )
    return ",".join(shown) or columns.NONE


def _external(item: Object) -> str:
    spec = item["spec"]
    kind, given = spec.get("type"), spec.get("externalIPs") or []
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    if kind == "LoadBalancer":
        ingress = find(item, "status.loadBalancer.ingress", ())
        found = {entry.get("ip") or entry.get("hostname") or "" for entry in ingress} - {""}
        return ",".join([*sorted(found), *given]) or "<pending>"
    return ",".join(given) or columns.NONE


def _cluster_ip(item: Object) -> str:
    return str((item["spec"].get("clusterIPs") or [item["spec"].get("clusterIP") or columns.NONE])[0])


_SERVICES = Resource(
    "services",
    "Service",
    short_names=("svc",),
    categories=("all",),
    subresources=("status",),
    selectable=fields("spec.clusterIP", "spec.type"),
)
_SERVICES_COLUMNS = (
    columns.NAME,
    column("Type", "spec.type"),
    column("Cluster-IP", _cluster_ip),
    column("External-IP", _external),
    column("Port(s)", _ports_text),
    columns.AGE,
    column("Selector*", lambda item: columns.pairs(item["spec"].get("selector"))),
)
STRATEGIES = (
    Strategy(
        _SERVICES,
        columns=_SERVICES_COLUMNS,
        returns_deleted=True,
        name_errors=names.label_1035_errors,
        known_finalizers=True,
        created_by_update=True,
        metadata_checks="whole",
        defaults=_DEFAULTS,
        status={"loadBalancer": {}},
        prepare=_prepare,
        allocate=_allocate,
        rules=(nested("spec", _SPEC),),
        changes=(_changes,),
    ),
)

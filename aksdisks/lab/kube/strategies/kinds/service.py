"""Services: addresses, ports on the nodes, types (pkg/registry/core/service, pkg/apis/core/validation)."""

from __future__ import annotations

import ipaddress

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.objects import fill
from aksdisks.lab.kube.schema.registry import RESOURCES
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.schema.status import invalid as refused
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies import causes, columns
from aksdisks.lab.kube.strategies.causes import Struct, duplicate, forbidden, formed, invalid, required
from aksdisks.lab.kube.strategies.columns import column, find
from aksdisks.lab.kube.strategies.ports import PROTOCOL, port_errors, port_or_name
from aksdisks.lab.kube.strategies.rules import Rule, check, enumeration, form, nested
from aksdisks.lab.kube.strategies.strategy import Strategy

_NETWORK = ipaddress.ip_network("10.0.0.0/16")
"""AKS's default service CIDR."""
_AFFINITY_SECONDS = 10800
_NODE_PORTS = range(30000, 32768)
_TYPES = ("ClusterIP", "LoadBalancer", "NodePort")


def _defaults(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    fill(spec, type="ClusterIP", sessionAffinity="None")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        client.setdefault("timeoutSeconds", _AFFINITY_SECONDS)
    kind = spec["type"]
    if kind in _TYPES:
        fill(spec, internalTrafficPolicy="Cluster")
    if kind in ("LoadBalancer", "NodePort") or (kind == "ClusterIP" and spec.get("externalIPs")):
        fill(spec, externalTrafficPolicy="Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    for port in spec.get("ports", ()):
        fill(port, protocol="TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port")
    for ingress in obj.get("status", {}).get("loadBalancer", {}).get("ingress", ()):
        if ingress.get("ip"):
            fill(ingress, ipMode="VIP")


def _initial(obj: Object, now: str) -> None:
    del now
    obj["status"] = {"loadBalancer": {}}


def _prepare(new: Object, before: Object | None) -> None:
    """Before validation: both forms of the address agree, and what a write leaves out stays."""
    spec, old = new["spec"], before["spec"] if before else None
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


def _allocate(store: Store, ids: Ids, obj: Object) -> None:
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
        raise refused(RESOURCES["services"], name, problems)


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


def _is_headless(spec: Object) -> bool:
    return bool(spec.get("clusterIPs") == ["None"])


def _by_type(at: str, spec: Object) -> list[Cause]:
    kind = spec.get("type", "")
    causes: list[Cause] = []
    if not spec.get("ports") and not _is_headless(spec) and kind != "ExternalName":
        causes.append(required(f"{at}.ports"))
    if kind in ("LoadBalancer", "NodePort") and _is_headless(spec):
        causes.append(invalid(f"{at}.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services"))
    if kind == "ExternalName":
        why = "may not be set for ExternalName services"
        keys = ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
        causes += [forbidden(f"{at}.{key}", why) for key in keys if spec.get(key)]
        causes += check((form("externalName", names.subdomain_errors, must=True),), spec, at)
    return causes


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


def _cluster_ips(at: str, spec: Object) -> list[Cause]:
    if spec.get("type") == "ExternalName":
        return []
    first, given, field = spec.get("clusterIP", ""), spec.get("clusterIPs", []), f"{at}.clusterIPs"
    causes: list[Cause] = []
    if first and given[:1] != [first]:
        causes.append(invalid(field, given, "first value must match `clusterIP`") if given else required(field))
    elif given and not first:
        causes.append(invalid(field, given, "must be empty when `clusterIP` is not specified"))
    for index, ip in enumerate(given):
        causes += [] if ip == "None" and not index else _address_errors(f"{field}[{index}]", ip)
    if len(given) > 1:
        causes.append(invalid(field, given, "may specify no more than one IP for each IP family"))
    return causes


def _address_errors(field: str, value: str) -> list[Cause]:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return [invalid(field, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    return []


def _ports_differ(at: str, spec: Object) -> list[Cause]:
    causes: list[Cause] = []
    taken: set[tuple[str, int]] = set()
    on_nodes: set[tuple[str, int]] = set()
    for index, port in enumerate(spec.get("ports", ())):
        field, protocol, number = f"{at}.ports[{index}]", port.get("protocol", ""), port.get("nodePort", 0)
        if number and spec.get("type") == "ClusterIP":
            causes.append(forbidden(f"{field}.nodePort", "may not be used when `type` is 'ClusterIP'"))
        if number and (protocol, number) in on_nodes:
            causes.append(duplicate(f"{field}.nodePort", number))
        on_nodes.add((protocol, number))
        pair = protocol, port.get("port", 0)
        if pair in taken:
            shown = Struct(Name="", Protocol=pair[0], AppProtocol=None, Port=pair[1], TargetPort=0, NodePort=0)
            causes.append(duplicate(field, shown))
        taken.add(pair)
    return causes


_SPEC = (
    _by_type,
    _port_list,
    enumeration("sessionAffinity", "ClientIP", "None", must=True),
    _cluster_ips,
    enumeration("ipFamilies[]", "IPv4", "IPv6"),
    enumeration("ipFamilyPolicy", "PreferDualStack", "RequireDualStack", "SingleStack"),
    Rule("externalIPs[]", _address_errors),
    enumeration("type", "ClusterIP", "ExternalName", "LoadBalancer", "NodePort", must=True),
    _ports_differ,
    enumeration("externalTrafficPolicy", "Cluster", "Local"),
    enumeration("internalTrafficPolicy", "Cluster", "Local"),
)


def _changes(new: Object, old: Object) -> list[Cause]:
    """A service's address stays, unless it has none on one of the two sides."""
    after, before = new["spec"], old["spec"]
    if "ExternalName" in (after.get("type"), before.get("type")) or (_is_headless(after) and _is_headless(before)):
        return []
    if after.get("clusterIPs", [])[:1] == before.get("clusterIPs", [])[:1]:
        return []
    return [invalid("spec.clusterIPs[0]", after.get("clusterIPs"), "may not change once set")]


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
    return (",".join(given) or columns.NONE) if kind in ("ClusterIP", "NodePort") else columns.UNKNOWN


def _cluster_ip(item: Object) -> str:
    return str((item["spec"].get("clusterIPs") or [item["spec"].get("clusterIP") or columns.NONE])[0])


_SERVICES_COLUMNS = (
    columns.NAME,
    column("Type", "spec.type"),
    column("Cluster-IP", _cluster_ip),
    column("External-IP", _external),
    column("Port(s)", _ports_text),
    columns.AGE,
    column("Selector*", lambda item: columns.pairs(item["spec"].get("selector"))),
)
STRATEGIES = {
    "services": Strategy(
        columns=_SERVICES_COLUMNS,
        name_errors=names.label_1035_errors,
        known_finalizers=True,
        created_by_update=True,
        metadata_checks="whole",
        defaults=_defaults,
        initial=_initial,
        prepare=_prepare,
        allocate=_allocate,
        rules=(nested("spec", _SPEC),),
        changes=(_changes,),
    )
}

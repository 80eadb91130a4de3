"""Validation of services (pkg/apis/core/validation ValidateService)."""

from __future__ import annotations

import ipaddress

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import (
    NULL,
    Struct,
    duplicate,
    forbidden,
    formed,
    invalid,
    one_of,
    required,
    unsupported,
)
from aksdisks.lab.kube.validators.meta import labels
from aksdisks.lab.kube.validators.nodes import address_range
from aksdisks.lab.kube.validators.podspecs import address
from aksdisks.lab.kube.validators.ports import PROTOCOLS, port_errors, port_or_name

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_FAMILIES, _POLICIES = ("IPv4", "IPv6"), ("PreferDualStack", "RequireDualStack", "SingleStack")
_DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
_TRAFFIC = ("Cluster", "Local")
_LONGEST_AFFINITY = 86400
_BALANCED = "may only be used when `type` is 'LoadBalancer'"


def is_headless(spec: Object) -> bool:
    """Whether the service has no address of its own."""
    return bool(spec.get("clusterIPs") == ["None"])


def service(obj: Object) -> list[Cause]:
    """A new service."""
    spec = obj.get("spec", {})
    kind, ports = spec.get("type", ""), spec.get("ports", [])
    causes: list[Cause] = []
    if not ports and not is_headless(spec) and kind != "ExternalName":
        causes.append(required("spec.ports"))
    if kind in ("LoadBalancer", "NodePort") and is_headless(spec):
        causes.append(invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services"))
    if kind == "ExternalName":
        causes += _external_name(spec)
    seen: set[str] = set()
    for index, port in enumerate(ports):
        causes += _port(f"spec.ports[{index}]", port, seen, needs_name=len(ports) > 1)
    causes += labels("spec.selector", spec.get("selector", {}))
    causes += one_of("spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None"))
    causes += _affinity(spec)
    causes += _addresses(spec) if kind != "ExternalName" else []
    for index, ip in enumerate(spec.get("externalIPs", ())):
        field = f"spec.externalIPs[{index}]"
        causes += address(field, ip) or ordinary(field, ip)
    causes += one_of("spec.type", kind, _TYPES)
    return causes + _ports_differ(kind, ports) + _balancer(obj, spec, kind) + _traffic(spec, kind)


def _external_name(spec: Object) -> list[Cause]:
    why = "may not be set for ExternalName services"
    keys = ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
    causes = [forbidden(f"spec.{key}", why) for key in keys if spec.get(key)]
    name = spec.get("externalName", "").removesuffix(".")
    return causes + (
        formed("spec.externalName", name, names.subdomain_errors) if name else [required("spec.externalName")]
    )


def _port(at: str, port: Object, seen: set[str], *, needs_name: bool) -> list[Cause]:
    name, number = port.get("name", ""), port.get("port", 0)
    causes: list[Cause] = []
    if name:
        causes += formed(f"{at}.name", name, names.label_errors)
        causes += [duplicate(f"{at}.name", name)] if name in seen else []
        seen.add(name)
    elif needs_name:
        causes.append(required(f"{at}.name"))
    causes += [invalid(f"{at}.port", number, problem) for problem in port_errors(number)]
    causes += one_of(f"{at}.protocol", port.get("protocol"), PROTOCOLS)
    causes += port_or_name(f"{at}.targetPort", port.get("targetPort", number))
    if "appProtocol" in port:
        causes += formed(f"{at}.appProtocol", port["appProtocol"], names.qualified_name_errors)
    return causes


def _affinity(spec: Object) -> list[Cause]:
    at, config = "spec.sessionAffinityConfig", spec.get("sessionAffinityConfig")
    if spec.get("sessionAffinity") == "None":
        why = "must not be set when session affinity is None"
        return [] if config is None else [forbidden(at, why)]
    if spec.get("sessionAffinity") != "ClientIP":
        return []
    why = "when session affinity type is ClientIP"
    if config is None:
        return [required(at, why)]
    if "clientIP" not in config:
        return [required(f"{at}.clientIP", why)]
    seconds = config["clientIP"].get("timeoutSeconds")
    if seconds is None:
        return [required(f"{at}.clientIP.timeoutSeconds", why)]
    if 0 < seconds <= _LONGEST_AFFINITY:
        return []
    limits = f"must be greater than 0 and less than {_LONGEST_AFFINITY}"
    return [invalid(f"{at}.clientIP.timeoutSeconds", seconds, limits)]


def _addresses(spec: Object) -> list[Cause]:
    first, given = spec.get("clusterIP", ""), spec.get("clusterIPs", [])
    at = "spec.clusterIPs"
    causes: list[Cause] = []
    if first and not given:
        causes.append(required(at))
    elif first and given[0] != first:
        causes.append(invalid(at, given, "first value must match `clusterIP`"))
    elif given and not first:
        causes.append(invalid(at, given, "must be empty when `clusterIP` is not specified"))
    families = spec.get("ipFamilies", [])
    seen: set[str] = set()
    for index, family in enumerate(families):
        field = f"spec.ipFamilies[{index}]"
        causes += [] if family in _FAMILIES else [unsupported(field, family, _FAMILIES)]
        causes += [duplicate(field, family)] if family in seen else []
        seen.add(family)
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in _POLICIES:
        causes.append(unsupported("spec.ipFamilyPolicy", policy, _POLICIES))
    wrong = [
        cause for index, ip in enumerate(given) if index or ip != "None" for cause in address(f"{at}[{index}]", ip)
    ]
    if given[:1] == ["None"] and len(given) > 1:
        wrong.insert(0, invalid(at, given, "'None' must be the first and only value"))
    causes += wrong
    if len(given) > 2:
        causes.append(invalid(at, given, "may only hold up to 2 values"))
    return causes if wrong or given == ["None"] else causes + _of_families(at, given, families)


def _of_families(at: str, given: list[str], families: list[str]) -> list[Cause]:
    versions = [f"IPv{ipaddress.ip_address(ip).version}" for ip in given]
    causes: list[Cause] = []
    if len(given) > 1 and len(set(versions)) < 2:
        causes.append(invalid(at, given, "may specify no more than one IP for each IP family"))
    for index, (ip, version, family) in enumerate(zip(given, versions, families, strict=False)):
        if family in _FAMILIES and family != version:
            why = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
            causes.append(invalid(f"{at}[{index}]", ip, why))
    return causes


def ordinary(field: str, ip: str) -> list[Cause]:
    """An address that stands for one host, and not for the reader's own."""
    found = ipaddress.ip_address(ip)
    local = ipaddress.ip_network("224.0.0.0/24" if found.version == 4 else "ff02::/16")
    if found.is_unspecified:
        return [invalid(field, ip, f"may not be unspecified ({ip})")]
    if found.is_loopback:
        return [invalid(field, ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)")]
    if found.is_link_local:
        return [invalid(field, ip, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")]
    if found in local:
        return [invalid(field, ip, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")]
    return []


def _ports_differ(kind: str, ports: list[Object]) -> list[Cause]:
    why = "may not be used when `type` is 'ClusterIP'"
    used = [index for index, port in enumerate(ports) if port.get("nodePort")]
    causes = [forbidden(f"spec.ports[{index}].nodePort", why) for index in used if kind == "ClusterIP"]
    taken: set[tuple[str, int]] = set()
    for index in used:
        pair = ports[index].get("protocol", ""), ports[index]["nodePort"]
        causes += [duplicate(f"spec.ports[{index}].nodePort", pair[1])] if pair in taken else []
        taken.add(pair)
    taken.clear()
    for index, port in enumerate(ports):
        pair = port.get("protocol", ""), port.get("port", 0)
        if pair in taken:
            shown = Struct(Name="", Protocol=pair[0], AppProtocol=None, Port=pair[1], TargetPort=0, NodePort=0)
            causes.append(duplicate(f"spec.ports[{index}]", shown))
        taken.add(pair)
    return causes


def _balancer(obj: Object, spec: Object, kind: str) -> list[Cause]:
    causes: list[Cause] = []
    ranges, balanced = spec.get("loadBalancerSourceRanges", ()), kind == "LoadBalancer"
    annotation = "service.beta.kubernetes.io/load-balancer-source-ranges"
    noted = obj["metadata"].get("annotations", {}).get(annotation)
    if ranges:
        at = "spec.LoadBalancerSourceRanges"
        causes += [] if balanced else [forbidden(at, _BALANCED)]
        for index, value in enumerate(ranges):
            causes += address_range(f"{at}[{index}]", value.strip())
    elif noted is not None:
        at = f"metadata.annotations[{annotation}]"
        causes += [] if balanced else [forbidden(at, _BALANCED)]
        for value in noted.strip().split(",") if noted.strip() else ():
            causes += address_range(at, value.strip())
    if "allocateLoadBalancerNodePorts" in spec and not balanced:
        causes.append(forbidden("spec.allocateLoadBalancerNodePorts", _BALANCED))
    if "loadBalancerClass" in spec:
        at, name = "spec.loadBalancerClass", spec["loadBalancerClass"]
        causes += formed(at, name, names.qualified_name_errors) if balanced else [forbidden(at, _BALANCED)]
    return causes


def reaches_out(spec: Object) -> bool:
    """Whether the service can be reached from outside of the cluster."""
    return spec.get("type") in ("LoadBalancer", "NodePort") or bool(
        spec.get("type") == "ClusterIP" and spec.get("externalIPs")
    )


def _traffic(spec: Object, kind: str) -> list[Cause]:
    causes: list[Cause] = []
    external, internal = spec.get("externalTrafficPolicy", ""), spec.get("internalTrafficPolicy")
    if reaches_out(spec):
        causes += one_of("spec.externalTrafficPolicy", external, _TRAFFIC)
    elif external:
        why = "may only be set for externally-accessible services"
        causes.append(invalid("spec.externalTrafficPolicy", external, why))
    port, at = spec.get("healthCheckNodePort", 0), "spec.healthCheckNodePort"
    if kind == "LoadBalancer" and external == "Local":
        causes += [invalid(at, port, problem) for problem in port_errors(port)] if port else []
    elif port:
        why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        causes.append(invalid(at, port, why))
    if internal is not None and internal not in _TRAFFIC:
        causes.append(unsupported("spec.internalTrafficPolicy", internal, _TRAFFIC))
    wish = spec.get("trafficDistribution")
    if wish is not None and wish not in _DISTRIBUTIONS:
        causes.append(unsupported("spec.trafficDistribution", wish, _DISTRIBUTIONS))
    return causes


def service_update(new: Object, old: Object) -> list[Cause]:
    """A changed service: its address, family and kind of balancer stay."""
    after, before = new["spec"], old["spec"]
    causes: list[Cause] = []
    if "ExternalName" not in (after.get("type"), before.get("type")):
        if not (is_headless(after) and is_headless(before)):
            causes += _kept("clusterIPs", "clusterIP", after, before)
        if not is_headless(after) and not is_headless(before):
            causes += _kept("ipFamilies", "ipFamily", after, before)
    both = after.get("type") == before.get("type") == "LoadBalancer"
    if both and after.get("loadBalancerClass") != before.get("loadBalancerClass"):
        shown = after.get("loadBalancerClass", NULL)
        causes.append(invalid("spec.loadBalancerClass", shown, "may not change once set"))
    ports = [spec.get("healthCheckNodePort", 0) for spec in (after, before)]
    checked = [spec.get("externalTrafficPolicy") == "Local" for spec in (after, before)]
    if both and all(checked) and ports[0] != ports[1]:
        causes.append(forbidden("spec.healthCheckNodePort", "field is immutable"))
    return causes + service(new)


def _kept(key: str, one: str, after: Object, before: Object) -> list[Cause]:
    """The first stays; a second one may come, and go with a policy of one family."""
    new, old = after.get(key, []), before.get(key, [])
    changed = invalid(f"spec.{key}[0]", new or None, "may not change once set")
    if len(new) == len(old):
        return [
            invalid(f"spec.{key}[{index if key == 'clusterIPs' else 0}]", new, "may not change once set")
            for index, (was, now) in enumerate(zip(old, new, strict=True))
            if was != now
        ]
    causes: list[Cause] = []
    if len(old) > len(new) and not after.get("clusterIPs"):
        causes.append(invalid(f"spec.{key}[0]", new or None, f"primary {one} can not be unset"))
    if old and new and new[0] != old[0]:
        causes.append(changed)
    if len(old) > len(new) == 1 and after.get("ipFamilyPolicy") != "SingleStack":
        why = f"must be set to 'SingleStack' when releasing the secondary {one}"
        causes.append(invalid("spec.ipFamilyPolicy", after.get("ipFamilyPolicy", NULL), why))
    return causes


def service_status_update(new: Object, old: Object) -> list[Cause]:  # noqa: ARG001 - the shape that all updates share
    """The addresses of a balancer, which only a service of that type has."""
    at, found = "status.loadBalancer.ingress", new.get("status", {}).get("loadBalancer", {}).get("ingress", ())
    if found and new["spec"].get("type") != "LoadBalancer":
        return [forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'")]
    causes: list[Cause] = []
    for index, entry in enumerate(found):
        field, ip, mode, host = f"{at}[{index}]", entry.get("ip"), entry.get("ipMode"), entry.get("hostname")
        causes += address(f"{field}.ip", ip) if ip else []
        if mode is not None and not ip:
            causes.append(forbidden(f"{field}.ipMode", "may not be specified when `ip` is not set"))
        elif mode is not None and mode not in ("Proxy", "VIP"):
            causes.append(unsupported(f"{field}.ipMode", mode, ("Proxy", "VIP")))
        if host:
            causes += formed(f"{field}.hostname", host, names.subdomain_errors)
            if not address("", host):
                causes.append(invalid(f"{field}.hostname", host, "must be a DNS name, not an IP address"))
    return causes

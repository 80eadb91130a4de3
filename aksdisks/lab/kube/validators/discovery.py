"""Validation of endpoint slices (pkg/apis/discovery/validation)."""

from __future__ import annotations

import ipaddress

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import duplicate, formed, immutable, invalid, one_of, required
from aksdisks.lab.kube.validators.ports import PROTOCOLS
from aksdisks.lab.kube.validators.services import ordinary

_MAX_ENDPOINTS, _MAX_ADDRESSES, _MAX_PORTS, _MAX_ZONES = 1000, 100, 20000, 8
_TYPES = ("FQDN", "IPv4", "IPv6")


def endpoint_slice(obj: Object) -> list[Cause]:
    """Addresses of one family, and ports."""
    kind = obj.get("addressType", "")
    causes = one_of("addressType", kind, _TYPES)
    found = obj.get("endpoints") or []
    if len(found) > _MAX_ENDPOINTS:
        causes.append(_too_many("endpoints", len(found), _MAX_ENDPOINTS))
    else:
        for index, endpoint in enumerate(found):
            causes += _endpoint(f"endpoints[{index}]", endpoint, kind)
    return causes + _ports("ports", obj.get("ports") or [])


def _too_many(field: str, count: int, limit: int) -> Cause:
    return Cause(field, "FieldValueTooMany", f"Too many: {count}: must have at most {limit} items")


def _endpoint(at: str, endpoint: Object, kind: str) -> list[Cause]:
    addresses = endpoint.get("addresses") or []
    causes: list[Cause] = []
    if not addresses:
        causes.append(required(f"{at}.addresses", "must contain at least 1 address"))
    elif len(addresses) > _MAX_ADDRESSES:
        causes.append(_too_many(f"{at}.addresses", len(addresses), _MAX_ADDRESSES))
    for index, address in enumerate(addresses):
        causes += _address(f"{at}.addresses[{index}]", address, kind)
    if "nodeName" in endpoint:
        causes += formed(f"{at}.nodeName", endpoint["nodeName"], names.subdomain_errors)
    if "hostname" in endpoint:
        causes += formed(f"{at}.hostname", endpoint["hostname"], names.label_errors)
    zones = endpoint.get("hints", {}).get("forZones", [])
    if len(zones) > _MAX_ZONES:
        return [*causes, _too_many(f"{at}.hints.forZones", len(zones), _MAX_ZONES)]
    seen: set[str] = set()
    for index, zone in enumerate(zones):
        field, name = f"{at}.hints.forZones[{index}].name", zone.get("name", "")
        causes += [duplicate(field, name)] if name in seen else []
        causes += formed(field, name, names.label_value_errors)
        seen.add(name)
    return causes


def _address(field: str, address: str, kind: str) -> list[Cause]:
    if kind not in ("IPv4", "IPv6"):
        return []
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return [
            invalid(field, address, f"must be a valid {kind} address"),
            invalid(field, address, "must be a valid IP address"),
        ]
    causes = [] if kind == f"IPv{version}" else [invalid(field, address, f"must be a valid {kind} address")]
    return causes + ordinary(field, address)


def _ports(at: str, ports: list[Object]) -> list[Cause]:
    if len(ports) > _MAX_PORTS:
        return [_too_many(at, len(ports), _MAX_PORTS)]
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        field, name = f"{at}[{index}]", port.get("name", "")
        causes += formed(f"{field}.name", name, names.label_errors) if name else []
        causes += [duplicate(f"{field}.name", name)] if name in seen else []
        seen.add(name)
        causes += one_of(f"{field}.protocol", port.get("protocol", "TCP"), PROTOCOLS)
        if "appProtocol" in port:
            causes += formed(f"{field}.appProtocol", port["appProtocol"], names.qualified_name_errors)
    return causes


def endpoint_slice_update(new: Object, old: Object) -> list[Cause]:
    """A changed slice: the family of its addresses stays."""
    return endpoint_slice(new) + immutable("addressType", new.get("addressType"), old.get("addressType"))

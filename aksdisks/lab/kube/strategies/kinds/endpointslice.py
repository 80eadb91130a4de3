"""Endpoint slices (pkg/apis/discovery/validation)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import duplicate
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.ports import PROTOCOL
from aksdisks.lab.kube.strategies.rules import Fixed, Rule, enumeration, form, nested, required
from aksdisks.lab.kube.strategies.strategy import Strategy


def _port_names(field: str, ports: list[Object] | None) -> list[Cause]:
    found = [port.get("name", "") for port in ports or ()]
    return [duplicate(f"{field}[{index}].name", name) for index, name in enumerate(found) if name in found[:index]]


def _raises_generation(new: Object, old: Object) -> bool:
    rest = [{key: value for key, value in obj.items() if key != "metadata"} for obj in (new, old)]
    return rest[0] != rest[1] or new["metadata"].get("labels") != old["metadata"].get("labels")


_SHOWN = 3
"""How many ports or addresses a row names before it counts the rest."""


def _some(values: list[str]) -> str:
    shown = ",".join(values[:_SHOWN]) or columns.UNSET
    return f"{shown} + {len(values) - _SHOWN} more..." if len(values) > _SHOWN else shown


def _shown_ports(item: Object) -> str:
    return _some([str(port.get("port", port.get("name", "*"))) for port in item.get("ports") or ()])


def _shown_addresses(item: Object) -> str:
    endpoints = item.get("endpoints") or ()
    return _some([address for endpoint in endpoints for address in endpoint.get("addresses") or ()])


_ENDPOINTSLICES_COLUMNS = (
    columns.NAME,
    column("AddressType", "addressType"),
    column("Ports", _shown_ports),
    column("Endpoints", _shown_addresses),
    columns.AGE,
)
STRATEGIES = (
    Strategy(
        Resource(
            "endpointslices",
            "EndpointSlice",
            "discovery.k8s.io",
            stored="discovery.k8s.io/v1beta1/EndpointSlice",
            generation=True,
            null_lists=("endpoints", "ports"),
        ),
        columns=_ENDPOINTSLICES_COLUMNS,
        known_finalizers=True,
        defaults=(default("ports[]", name="", protocol="TCP"),),
        rules=(
            enumeration("addressType", "FQDN", "IPv4", "IPv6", must=True),
            required("endpoints[].addresses", "must contain at least 1 address"),
            form("endpoints[].nodeName", names.subdomain_errors),
            Rule("ports", _port_names),
            nested("ports[]", (PROTOCOL,)),
        ),
        changes=(Fixed("addressType"),),
        raises_generation=_raises_generation,
    ),
)
